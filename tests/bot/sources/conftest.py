"""A cache on disk, and somebody who hears of waits."""

from pathlib import Path

import pytest

from bot.sources.base import Profile, Source
from bot.sources.fetch import Want, fetch
from bot.sources.journal import Cache, Journal, Leaf

AT_ONCE = (0.0, 0.0)
"""Pauses before two further attempts."""


class Ear:
    """What a chat is told while a source waits."""

    def __init__(self) -> None:
        self.heard: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.heard.append(seconds)


@pytest.fixture
def told() -> Ear:
    return Ear()


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "fetched")


async def unheard(seconds: float) -> None:
    pytest.fail(f"waits {seconds} s where no limit was reached")


async def read(
    source: Source, journal: Journal, want: Want = Want.ANY, handle: str = "mara", profile: Profile | None = None
) -> list[Leaf]:
    """The pages that this call has added."""
    before = journal.last.receipt if journal.last else ""
    leaves = [leaf async for leaf in fetch(source, handle, journal, want, unheard, profile)]
    return [leaf for leaf in leaves if leaf.receipt != before]


def ids(journal: Journal) -> list[str]:
    return [post["id"] for post in journal.posts()]
