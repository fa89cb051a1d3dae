"""What can go wrong in a child, as the person who asked should hear it.

TrainerError
├── Unreadable          the file cannot be used     NotATimeline, TooBig, SeveralAuthors, Unsafe
├── TooLittleText       and whether ``force`` helps
├── UnusableBase        the base model cannot be loaded
├── UnusableModel       a model from elsewhere cannot be adopted
├── NotShared           the hub does not take a model
└── Failed              our side could not          NotFinite, NoMemory, NoSpace
"""

from typing import Any


class TrainerError(Exception):
    """Carries one clear sentence that says what to do next."""

    def __init__(self, sentence: str, **details: Any) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.details = details

    @property
    def kind(self) -> str:
        return type(self).__name__


class Unreadable(TrainerError):
    """The uploaded file cannot be used."""


class NotATimeline(Unreadable):
    """Empty, binary, a header only, or a file of another kind."""


class TooBig(Unreadable):
    """More bytes, files or tweets than the limits allow; a zip bomb too."""


class Unsafe(Unreadable):
    """An archive that plays tricks with paths or links."""


class SeveralAuthors(Unreadable):
    """Details: ``authors``, a mapping of handle to number of tweets."""


class TooLittleText(TrainerError):
    """Details: ``tweets``, ``characters`` and ``force``, whether asking again with force would train."""


class UnusableBase(TrainerError):
    """No such model, no network to fetch it, or damaged weights."""


class UnusableModel(TrainerError):
    """Not there, not to be had, too large, no language model, or damaged."""


class NotShared(TrainerError):
    """No token, no rights, or no hub to be reached."""


class Failed(TrainerError):
    """Our side could not."""


class NotFinite(Failed):
    """The loss became infinite or undefined."""


class NoMemory(Failed):
    """Not even a batch of one fits."""


class NoSpace(Failed):
    """The disk is full."""


class Cancelled(BaseException):
    """SIGTERM arrived: leave nothing behind. Not an Exception, so that no handler of those swallows it."""
