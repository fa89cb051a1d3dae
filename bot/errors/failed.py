"""Our side could not."""

from dataclasses import dataclass, field
from typing import Any

from bot.errors.base import Failed


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
class DiskFull(Failed):
    """While a file sent along was copied."""

    @property
    def sentence(self) -> str:
        return "The disk is full: free some space, or ask the admin to, then send it again."


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
