"""What a source of tweets offers, and what it hands over."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, TypedDict

from bot.sources.errors import BudgetSpent, Declined

Told = Callable[[float], Awaitable[None]]
"""Hears the seconds left while a source waits for a rate limit: at once, and again from time to time."""

MOST_POSTS = 3200
"""Read of one person, newest first: as far back as X goes, and as many as huggingtweets reads."""

_DECLINES = re.compile(r"#no(?:ai|archive|bot|bots|index|search)\b", re.IGNORECASE)
"""Hashtags by which people of the open networks refuse to be collected."""

_CENT = 0.01


class Post(TypedDict):
    """One post as its page keeps it. Of a repost nothing is kept but that it was one: the words are another's."""

    id: str
    created_at: str
    """ISO 8601."""
    text: str
    """Entities as in HTML: "&amp;" is an ampersand."""
    lang: str
    """A language code, or empty where the source does not tell."""
    is_retweet: bool


@dataclass(frozen=True)
class Profile:
    source: str
    id: str
    """The source's own, which outlives a change of handle."""
    handle: str
    """As the source spells it, without a leading @."""
    name: str
    description: str
    """Plain text: where a code proves whose handle it is."""
    posts: int
    """As the profile counts them, reposts too."""


@dataclass(frozen=True)
class Page:
    """Posts newest first. A page may be empty before the end: only an empty ``next`` is the end."""

    posts: list[Post]
    next: str
    """Cursor of the page after this one."""
    newest: str
    """Marks the newest post of the page, for a later ``since``; empty where there is none."""
    paid: int = 0
    """Posts that the source charges for."""


@dataclass(frozen=True)
class Prices:
    """Dollars for each thing read."""

    post: float = 0.0
    person: float = 0.0


class Source(Protocol):
    name: str
    """In the cache: "x", "bluesky", "mastodon"."""
    prices: Prices

    def claims(self, handle: str) -> bool:
        """Whether a handle, lower-case and without its leading @, has this source's form."""
        ...

    async def profile(self, handle: str, told: Told) -> Profile:
        """Look a person up. Raises a sentence of ``bot.sources.errors`` for one who cannot or must not be read."""
        ...

    async def page(self, profile: Profile, cursor: str, since: str, told: Told) -> Page:
        """The page at ``cursor``, "" for the first, without posts as old as the mark ``since``. Raises likewise."""
        ...

    async def close(self) -> None: ...


@dataclass(frozen=True)
class Budget:
    """Dollars a month."""

    limit: float
    spent: float = 0.0

    @property
    def left(self) -> float:
        return max(0.0, self.limit - self.spent)

    def check(self, dollars: float) -> None:
        """Raises BudgetSpent where there is less than this left."""
        if dollars > self.left + _CENT / 1000:  # sums of $0.005 are not exact
            raise BudgetSpent(dollars, self.left, self.limit)


def respect(site: str, handle: str, description: str) -> None:
    """Raises Declined for somebody whose profile says "#nobot", "#noai" or the like."""
    if found := _DECLINES.search(description):
        raise Declined(site, handle, found.group())
