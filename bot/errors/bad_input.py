"""What you gave cannot be used."""

from dataclasses import dataclass

from bot.errors.base import BadInput, shown


@dataclass(eq=False)
class UnknownCommand(BadInput):
    name: str
    near: str = ""

    @property
    def sentence(self) -> str:
        hint = f" Did you mean /{self.near}?" if self.near else " /help lists what I know."
        return f"I do not know the command /{shown(self.name)}.{hint}"


@dataclass(eq=False)
class BadOption(BadInput):
    """``wanted`` says what would do: "a number from 1 to 10"."""

    option: str
    given: str
    wanted: str

    @property
    def sentence(self) -> str:
        return f"{self.option} takes {self.wanted}, not “{shown(self.given)}”."


@dataclass(eq=False)
class MissingOption(BadInput):
    option: str
    usage: str

    @property
    def sentence(self) -> str:
        return f"{self.option} is missing: {self.usage}"


@dataclass(eq=False)
class BadHandle(BadInput):
    given: str

    @property
    def sentence(self) -> str:
        return (
            f"“{shown(self.given)}” is no user name: it looks like @nasa on X, @name.bsky.social on Bluesky,"
            " @name@server on Mastodon."
        )


@dataclass(eq=False)
class TooManyPeople(BadInput):
    limit: int

    @property
    def sentence(self) -> str:
        return f"A cyborg has at most {self.limit} people: leave some out."


@dataclass(eq=False)
class UnknownPersona(BadInput):
    name: str
    near: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        if self.near:
            return f"I have no persona @{self.name}. Did you mean {' or '.join('@' + name for name in self.near)}?"
        return f"I have no persona @{self.name}: make one with /train @{self.name}."


@dataclass(eq=False)
class NoPersonaChosen(BadInput):
    @property
    def sentence(self) -> str:
        return "Which persona? Name one, for example /tweet @nasa; /personas lists them."


@dataclass(eq=False)
class UnknownVersion(BadInput):
    persona: str
    version: int

    @property
    def sentence(self) -> str:
        return f"@{self.persona} has no version {self.version}: /models versions @{self.persona} lists them."


@dataclass(eq=False)
class NoEarlierVersion(BadInput):
    persona: str

    @property
    def sentence(self) -> str:
        return f"@{self.persona} has no version before this one: /models versions @{self.persona} lists them."


@dataclass(eq=False)
class Pinned(BadInput):
    persona: str

    @property
    def sentence(self) -> str:
        return f"@{self.persona} is pinned: /models pin @{self.persona} unpins it, then it can be deleted."


@dataclass(eq=False)
class UnknownTweet(BadInput):
    @property
    def sentence(self) -> str:
        return "I no longer know that tweet: /tweet makes a new one to like."


@dataclass(eq=False)
class UnknownJob(BadInput):
    job: str

    @property
    def sentence(self) -> str:
        return f"There is no job {shown(self.job)}: /queue shows the ones under way, /jobs list the others."


@dataclass(eq=False)
class JobOver(BadInput):
    job: str
    state: str

    @property
    def sentence(self) -> str:
        return f"Job {self.job} is already {self.state}; there is nothing left to do about it."


@dataclass(eq=False)
class SameUnderWay(BadInput):
    persona: str

    @property
    def sentence(self) -> str:
        return f"The same training of @{self.persona} is already under way: /queue shows it."


@dataclass(eq=False)
class NoTweets(BadInput):
    handle: str

    @property
    def sentence(self) -> str:
        return (
            f"I have no tweets of @{self.handle}: give me a file of them, for example "
            f"/train @{self.handle} file:tweets.csv (an X archive, CSV, JSON or plain text)."
        )


@dataclass(eq=False)
class SameTweets(BadInput):
    people: tuple[str, ...]

    @property
    def sentence(self) -> str:
        names = " and ".join(f"@{person}" for person in self.people)
        return f"That file does not tell the tweets of {names} apart: train them one by one, each with a file."


@dataclass(eq=False)
class NoFile(BadInput):
    path: str

    @property
    def sentence(self) -> str:
        return f"There is no readable file {shown(self.path)}: check the path and try again."


@dataclass(eq=False)
class FileTooBig(BadInput):
    megabytes: int
    limit: int

    @property
    def sentence(self) -> str:
        return f"That file has {self.megabytes} MB and I take at most {self.limit}: send only its tweets.js or a CSV."


@dataclass(eq=False)
class TooBigForTelegram(BadInput):
    @property
    def sentence(self) -> str:
        return (
            "Telegram hands bots no file above 20 MB: send only the archive's tweets.js or a CSV of the tweets,"
            " or ask the admin to run a Bot API server of their own."
        )


@dataclass(eq=False)
class UploadLost(BadInput):
    name: str

    @property
    def sentence(self) -> str:
        return f"I could not fetch the file {shown(self.name)}: send it again."


@dataclass(eq=False)
class NotBlocked(BadInput):
    handle: str

    @property
    def sentence(self) -> str:
        return f"@{self.handle} is not blocked; there is nothing to undo."


@dataclass(eq=False)
class OldButton(BadInput):
    @property
    def sentence(self) -> str:
        return "I no longer know what this button stood for: type the command instead."


@dataclass(eq=False)
class NoPlatform(BadInput):
    @property
    def sentence(self) -> str:
        return (
            "No chat platform is set up: put a token in MOCKINGBIRD_DISCORD__TOKEN or MOCKINGBIRD_TELEGRAM__TOKEN,"
            " or talk to it here with `mockingbird chat`."
        )
