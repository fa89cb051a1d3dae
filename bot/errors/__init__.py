"""What can go wrong, as the person who asked should hear it.

MockingbirdError
├── BadInput          what you gave cannot be used    UnknownCommand, UnknownPersona, UnknownJob, NoTweets, ...
├── Refused           not you, or not now             NotAdmin, QuotaSpent, Blocked, WrongChannel, ...
└── Failed            our side could not              GeneratorDied, ChildFailed, FolderInUse
"""

from bot.errors.bad_input import (
    BadHandle,
    BadOption,
    FileTooBig,
    JobOver,
    MissingOption,
    NoEarlierVersion,
    NoFile,
    NoPersonaChosen,
    NoPlatform,
    NotBlocked,
    NoTweets,
    OldButton,
    Pinned,
    SameTweets,
    SameUnderWay,
    TooBigForTelegram,
    TooManyPeople,
    UnknownCommand,
    UnknownJob,
    UnknownPersona,
    UnknownVersion,
    UploadLost,
)
from bot.errors.base import BadInput, Failed, MockingbirdError, Refused, shown
from bot.errors.failed import Broken, ChildFailed, FolderInUse, GeneratorDied, StoreBroken
from bot.errors.refused import (
    BaseNotAllowed,
    Blocked,
    CommunityQuotaSpent,
    NotAdmin,
    NotYours,
    QuotaSpent,
    TooFast,
    WrongChannel,
)

__all__ = [
    "BadHandle",
    "BadInput",
    "BadOption",
    "BaseNotAllowed",
    "Blocked",
    "Broken",
    "ChildFailed",
    "CommunityQuotaSpent",
    "Failed",
    "FileTooBig",
    "FolderInUse",
    "GeneratorDied",
    "JobOver",
    "MissingOption",
    "MockingbirdError",
    "NoEarlierVersion",
    "NoFile",
    "NoPersonaChosen",
    "NoPlatform",
    "NoTweets",
    "NotAdmin",
    "NotBlocked",
    "NotYours",
    "OldButton",
    "Pinned",
    "QuotaSpent",
    "Refused",
    "SameTweets",
    "SameUnderWay",
    "StoreBroken",
    "TooBigForTelegram",
    "TooFast",
    "TooManyPeople",
    "UnknownCommand",
    "UnknownJob",
    "UnknownPersona",
    "UnknownVersion",
    "UploadLost",
    "WrongChannel",
    "shown",
]
