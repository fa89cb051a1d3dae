"""Not you, or not now."""

from dataclasses import dataclass
from datetime import datetime

from bot import clock
from bot.errors.base import Refused, shown


@dataclass(eq=False)
class NotAdmin(Refused):
    command: str

    @property
    def sentence(self) -> str:
        return f"/{self.command} is for admins: ask one of them."


@dataclass(eq=False)
class NotOwner(Refused):
    command: str

    @property
    def sentence(self) -> str:
        return f"/{self.command} is for those whom the configuration names as admins: it uses the bot's own machine."


@dataclass(eq=False)
class CannotProve(Refused):
    person: str

    @property
    def sentence(self) -> str:
        return f"I cannot see whether @{self.person} is yours: ask an admin to use /block @{self.person}."


@dataclass(eq=False)
class NotProven(Refused):
    person: str
    code: str

    @property
    def sentence(self) -> str:
        return f"The profile of @{self.person} does not say {self.code} yet: put it there, then ask again."


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
class CommunityQuotaSpent(Refused):
    limit: int
    again: datetime

    @property
    def sentence(self) -> str:
        return f"All {self.limit} trainings of today are used here. The next is free {clock.relative(self.again)}."


@dataclass(eq=False)
class TooFast(Refused):
    limit: int
    again: datetime

    @property
    def sentence(self) -> str:
        return f"That is more than {self.limit} requests a minute: try again {clock.relative(self.again)}."


@dataclass(eq=False)
class WrongChannel(Refused):
    @property
    def sentence(self) -> str:
        return "I do not speak in this channel: the admins here have chosen others for me."


@dataclass(eq=False)
class Blocked(Refused):
    handle: str

    @property
    def sentence(self) -> str:
        return f"@{self.handle} may not be imitated here: they asked for that, or an admin did."
