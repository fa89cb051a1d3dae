"""Fetching one person from a source into the journal: what it would cost, then page by page."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from enum import StrEnum

from bot.sources.base import MOST_POSTS, Profile, Source, Told
from bot.sources.journal import Journal, Leaf, Place


class Want(StrEnum):
    ANY = "any"
    """What is in the cache will do; an unfinished reading is finished."""
    NEWER = "newer"
    """What is in the cache, and what was posted since."""
    ALL = "all"
    """Everything anew, so that deleted posts leave the cache."""


@dataclass(frozen=True)
class Estimate:
    """What fetching would take. ``profile`` can be handed to ``fetch``, which then need not pay for it again."""

    profile: Profile
    kept: int
    """Posts in the cache."""
    posts: int
    """Still to be read: at most, but for NEWER, where deleted posts hide as many new ones."""
    dollars: float
    """For those posts."""
    spent: float
    """Dollars that this estimate has cost, for the look-up."""


async def estimate(
    source: Source,
    handle: str,
    journal: Journal,
    want: Want,
    told: Told,
    most: int = MOST_POSTS,
    profile: Profile | None = None,
) -> Estimate:
    """Asks nothing of the network where nothing is to be fetched, or where the person was looked up already.

    Raises what ``Source.profile`` raises.
    """
    place, last, kept = _start(journal, want), journal.last, len(journal.posts())
    if place is None and last:
        return Estimate(last.profile, kept, 0, 0.0, 0.0)
    known = (place.profile if place else None) or profile
    found = known or await source.profile(handle, told)
    posts = min(most, _unread(journal, place or Place(1), found))
    return Estimate(found, kept, posts, posts * source.prices.post, 0.0 if known else source.prices.person)


async def fetch(
    source: Source,
    handle: str,
    journal: Journal,
    want: Want,
    told: Told,
    profile: Profile | None = None,
    most: int = MOST_POSTS,
) -> AsyncIterator[Leaf]:
    """Each page once it is durable; stop anywhere, and the next call goes on from there. One call a journal at a time.

    The first is the last page of an earlier call, if there was one: whoever books what was paid may have died before
    booking it, and knows by its receipt whether that is so. Raises what the source raises; what was fetched stays.
    """
    await asyncio.to_thread(journal.sweep)
    if last := journal.last:
        yield last
    place = _start(journal, want)
    resumed, read = place is not None and place.page > 1, journal.read(place.turn) if place else 0
    while place is not None:
        profile = place.profile or profile or await source.profile(handle, told)
        page = await source.page(profile, place.cursor, place.since, told)
        read += len(page.posts)
        if read >= most:
            page = replace(page, next="")
        leaf = await asyncio.to_thread(journal.add, place, profile, page)
        yield leaf
        place = leaf.following
        if place is None and resumed and want is Want.NEWER:  # it ended at what was the newest post when it was begun
            place, resumed, read = _next(journal, want), False, 0


def _start(journal: Journal, want: Want) -> Place | None:
    """An unfinished pass comes first, unless it reads too little."""
    last = journal.last
    if last and last.following and (last.place.full or want is not Want.ALL):
        return last.following
    return _next(journal, want)


def _next(journal: Journal, want: Want) -> Place | None:
    """The first page of another pass; None where the cache has all that is wanted."""
    turn = last.place.turn + 1 if (last := journal.last) else 1
    if want is Want.ALL or not journal.complete:
        return Place(turn)
    if want is Want.NEWER:
        return Place(turn, full=False, since=journal.newest())
    return None


def _unread(journal: Journal, place: Place, profile: Profile) -> int:
    """By the profile's count, now and, where only newer posts are wanted, at the end of the pass before."""
    before = [leaf.profile.posts for leaf in journal.leaves() if leaf.place.turn < place.turn]
    known = 0 if place.full else next(reversed(before), 0)
    return max(0, profile.posts - known - journal.read(place.turn))
