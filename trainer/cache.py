"""Loaded personas within a memory budget, least recently used out first."""

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar


class Sized(Protocol):
    @property
    def blocks(self) -> dict[int, int]:
        """Bytes of what it holds in memory, by identity: what several hold counts once."""


Loaded = TypeVar("Loaded", bound=Sized)


class Cache(Generic[Loaded]):
    """By name, in order of use. Not safe for threads: its owner locks."""

    def __init__(self, memory: int) -> None:
        self._memory = memory
        self._held: dict[str, Loaded] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._held

    @property
    def full(self) -> bool:
        """Whether something has to go."""
        blocks: dict[int, int] = {}
        for each in self._held.values():
            blocks |= each.blocks
        return sum(blocks.values()) > self._memory

    def get(self, name: str) -> Loaded:
        """Marks it as used. Raises KeyError."""
        held = self._held.pop(name)
        self._held[name] = held
        return held

    def put(self, name: str, loaded: Loaded) -> None:
        self._held[name] = loaded

    def drop(self, name: str) -> None:
        self._held.pop(name, None)

    def shrink(self, may_go: Callable[[str], bool]) -> list[str]:
        """Drop what may go until the rest fits, or nothing more may go; gives the dropped names."""
        dropped = []
        for name in list(self._held):
            if self.full and may_go(name):
                self.drop(name)
                dropped.append(name)
        return dropped
