"""Why a person's tweets could not be fetched, as the one who asked should hear it.

BadInput   UnknownPerson, NotMastodon, NoPosts
Refused    Protected, Suspended, Declined, ServerClosed, BudgetSpent
Failed     BadToken, NoAccess, NoCredit, UsageCapped, SourceBusy, SourceDown, OddAnswer
"""

from dataclasses import dataclass

from bot import clock
from bot.errors import BadInput, Failed, Refused, shown


@dataclass(eq=False)
class UnknownPerson(BadInput):
    site: str
    handle: str

    @property
    def sentence(self) -> str:
        return f"{self.site} knows no @{shown(self.handle)}: check the spelling."


@dataclass(eq=False)
class NotMastodon(BadInput):
    server: str

    @property
    def sentence(self) -> str:
        return f"{shown(self.server)} does not answer as Mastodon servers do: check the part after the second @."


@dataclass(eq=False)
class NoPosts(BadInput):
    handle: str

    @property
    def sentence(self) -> str:
        return (
            f"@{self.handle} has no public posts of their own: give me a file of their tweets, for example "
            f"/train @{self.handle} file:tweets.csv."
        )


@dataclass(eq=False)
class Protected(Refused):
    site: str
    handle: str

    @property
    def sentence(self) -> str:
        return f"@{self.handle} is protected on {self.site}: only they can send their tweets, as an archive (file:)."


@dataclass(eq=False)
class Suspended(Refused):
    site: str
    handle: str

    @property
    def sentence(self) -> str:
        return f"@{self.handle} is suspended or closed on {self.site}, so nothing of it can be read: choose another."


@dataclass(eq=False)
class Declined(Refused):
    """``how`` is the label, setting or hashtag by which they said so."""

    site: str
    handle: str
    how: str

    @property
    def sentence(self) -> str:
        return (
            f"@{self.handle} does not want to be collected ({self.how} on {self.site}): only they can change that, "
            "or send their own posts as a file."
        )


@dataclass(eq=False)
class ServerClosed(Refused):
    server: str

    @property
    def sentence(self) -> str:
        return f"{self.server} shows posts to its members only: ask the person for a file of their posts."


@dataclass(eq=False)
class BudgetSpent(Refused):
    dollars: float
    left: float
    limit: float

    @property
    def sentence(self) -> str:
        return (
            f"That would cost ${self.dollars:.2f}, and ${self.left:.2f} of this month's ${self.limit:.2f} are left: "
            "send a file, wait for next month, or ask the admin."
        )


@dataclass(eq=False)
class BadToken(Failed):
    @property
    def sentence(self) -> str:
        return "X does not accept the bot's token: the admin has to set [x] bearer_token anew."


@dataclass(eq=False)
class NoAccess(Failed):
    @property
    def sentence(self) -> str:
        return (
            "X does not let the bot's app read timelines: the admin has to give it access in X's developer console; "
            "a file works without."
        )


@dataclass(eq=False)
class NoCredit(Failed):
    @property
    def sentence(self) -> str:
        return "The bot's credit at X is used up: the admin can buy more, and a file works without."


@dataclass(eq=False)
class UsageCapped(Failed):
    @property
    def sentence(self) -> str:
        return "The bot has read as much from X as it may this month: send a file, or try again next month."


@dataclass(eq=False)
class SourceBusy(Failed):
    site: str
    seconds: float

    @property
    def sentence(self) -> str:
        return f"{self.site} lets nobody in for another {clock.duration(self.seconds)}: ask again then."


@dataclass(eq=False)
class SourceDown(Failed):
    site: str

    @property
    def sentence(self) -> str:
        return f"{self.site} does not answer: ask again later; what was fetched so far is kept."


@dataclass(eq=False)
class OddAnswer(Failed):
    """An answer outside what the site documents; ``what`` is for the log and the admin."""

    site: str
    what: str

    @property
    def sentence(self) -> str:
        return f"{self.site} gave an answer I do not understand ({shown(self.what)}): ask again later."
