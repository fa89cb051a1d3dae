"""What can go wrong, as the person who asked should hear it.

MockingbirdError
├── BadInput          what you gave cannot be used    UnknownCommand, UnknownPersona, UnknownJob, NoTweets, ...
├── Refused           not you, or not now             NotAdmin, QuotaSpent
└── Failed            our side could not              GeneratorDied, ChildFailed, FolderInUse
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot import clock

SHOWN = 60
"""Characters of what somebody typed that an error repeats."""


def shown(given: str) -> str:
    """What somebody typed, fit to be repeated: printable, and not longer than it needs to be known again."""
    plain = "".join(each if each.isprintable() else " " for each in given).strip()
    return plain if len(plain) <= SHOWN else f"{plain[:SHOWN]}…"


class MockingbirdError(Exception):
    """Every error that a person may see has one sentence that says what to do next.

    The dataclasses below are not frozen, because raising writes a traceback into them.
    """

    @property
    def sentence(self) -> str:
        raise NotImplementedError

    def __str__(self) -> str:
        return self.sentence


class BadInput(MockingbirdError):
    """What you gave cannot be used."""


class Refused(MockingbirdError):
    """Not you, or not now."""


class Failed(MockingbirdError):
    """Our side could not."""


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
        return f"“{shown(self.given)}” is no user name: letters, digits, _ and . only, for example @nasa."


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
class NotAdmin(Refused):
    command: str

    @property
    def sentence(self) -> str:
        return f"/{self.command} is for admins: ask one of them."


@dataclass(eq=False)
class BaseNotAllowed(Refused):
    base: str

    @property
    def sentence(self) -> str:
        return f"Only admins choose another base than the configured one; leave out base:{shown(self.base)}."


@dataclass(eq=False)
class NotYours(Refused):
    job: str

    @property
    def sentence(self) -> str:
        return f"Only who asked for job {self.job}, or an admin, can cancel it."


@dataclass(eq=False)
class QuotaSpent(Refused):
    limit: int
    again: datetime

    @property
    def sentence(self) -> str:
        trainings = "training" if self.limit == 1 else f"{self.limit} trainings"
        return f"You have used your {trainings} for today. The next is free {clock.relative(self.again)}."


@dataclass(eq=False)
class GeneratorDied(Failed):
    @property
    def sentence(self) -> str:
        return "The process that writes tweets died twice on this; try again, and tell the admin if it goes on."


@dataclass(eq=False)
class ChildFailed(Failed):
    """A ``protocol.Failed`` event: the child has already found the words."""

    kind: str
    words: str
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        return self.words


@dataclass(eq=False)
class FolderInUse(Failed):
    folder: str

    @property
    def sentence(self) -> str:
        return f"Another mockingbird is using {self.folder}: stop it, or choose another folder with --data."


@dataclass(eq=False)
class StoreBroken(Failed):
    path: str
    reason: str

    @property
    def sentence(self) -> str:
        return f"The database {self.path} cannot be used ({self.reason}): make room, or put back a copy of it."


@dataclass(eq=False)
class Broken(Failed):
    """What nobody foresaw."""

    @property
    def sentence(self) -> str:
        return "Something broke on my side; the log has the details."
