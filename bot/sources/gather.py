"""The sources that are configured, what they cost, and the cache of what they gave."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from bot import clock
from bot.config import Config
from bot.errors import ChildFailed, NoTweets
from bot.progress import Standing
from bot.sources.base import Budget, Prices, Profile, Source, Told
from bot.sources.bluesky import Bluesky
from bot.sources.errors import Declined, Protected, SourceBusy, Suspended
from bot.sources.fetch import Estimate, Want, estimate, fetch
from bot.sources.journal import Cache
from bot.sources.mastodon import Mastodon
from bot.store import Store

log = logging.getLogger(__name__)

Show = Callable[[Standing], None]
Wanted = Callable[[], Awaitable[bool]]


_PAGE = 100
"""Posts that a source charges for at once, at most."""


@dataclass(frozen=True)
class Price:
    """What a reading would cost, at most."""

    posts: int
    dollars: float


class Sources:
    def __init__(self, config: Config, store: Store, root: Path) -> None:
        self._config, self._store = config.x, store
        self.cache = Cache(root)
        self._looked_up: dict[tuple[str, str], Profile] = {}
        """By source and handle: who was looked up for a price, which pays for the reading's own look-up too."""
        self._all: list[Source] = [Bluesky(config.bluesky.api_url), Mastodon(config.mastodon.api_url)]
        if token := config.x.secret:
            self._all.append(_x(config, token))

    def claiming(self, handle: str, name: str = "") -> Source | None:
        """The source of a handle of this form; only ``name`` where one is wanted."""
        return next((each for each in self._all if name in ("", each.name) and each.claims(handle)), None)

    async def price(self, source: Source, handle: str, refresh: bool) -> Price:
        """Raises BudgetSpent, SourceBusy instead of a wait, and what the source raises for who cannot be read."""
        await self.check_budget(source.prices.person)
        found = await self._estimate(source, handle, refresh, _unwilling_to_wait(source))
        self._looked_up[source.name, handle] = found.profile
        return Price(found.posts, found.dollars)

    async def check_budget(self, dollars: float) -> None:
        """Raises BudgetSpent where the month has less than this left."""
        if dollars:
            month = clock.now().replace(day=1, hour=0, minute=0, second=0, microsecond=0)
            Budget(self._config.month_limit, await self._store.paid_since(month)).check(dollars)

    async def description(self, handle: str) -> str:
        """Of the profile, as it is now. Raises as ``price``, and NoTweets where no source knows such handles."""
        source = self.claiming(handle)
        if source is None:
            raise NoTweets(handle)
        await self.check_budget(source.prices.person)
        profile = await source.profile(handle, _unwilling_to_wait(source))
        await self._pay(uuid4().hex, source.prices.person)
        return profile.description

    async def write(self, handle: str, name: str, refresh: bool, target: Path, show: Show, wanted: Wanted) -> None:
        """Fetch what is missing and write all of it to ``target``. Raises what the source raises.

        Stops where it is not ``wanted`` any more: what was fetched is kept, nothing more is paid.
        """
        source = self.claiming(handle, name)
        if source is None:
            raise NoTweets(handle)
        journal = self.cache.journal(name, handle)

        async def told(seconds: float) -> None:
            await go_on()
            show(Standing("wait", eta=seconds))

        async def go_on() -> None:
            if not await wanted():
                raise ChildFailed("Cancelled", "Cancelled.")

        try:
            found = await self._estimate(source, handle, refresh, told)
            await self.check_budget(found.dollars)
            before, read = journal.last, 0
            reading = fetch(
                source, handle, journal, _want(source, refresh), told, found.profile, self._config.posts
            )  # fmt: skip
            async for leaf in reading:
                await self._pay(leaf.receipt, leaf.page.paid * source.prices.post)
                await go_on()
                if before and leaf.receipt == before.receipt:
                    continue
                read += len(leaf.page.posts)
                steps = max(read, found.posts)
                show(Standing("fetch", fraction=read / steps if steps else 1.0, step=read, steps=steps))
                if leaf.following:  # another reading may have spent what was left
                    await self.check_budget(min(_PAGE, steps - read) * source.prices.post)
        except (Declined, Protected, Suspended):  # what was theirs to give is theirs to take back
            self.cache.forget(handle)
            raise
        await asyncio.to_thread(journal.write, target)

    async def close(self) -> None:
        for source in self._all:
            await source.close()

    async def _estimate(self, source: Source, handle: str, refresh: bool, told: Told) -> Estimate:
        journal, known = self.cache.journal(source.name, handle), self._looked_up.pop((source.name, handle), None)
        want, most = _want(source, refresh), self._config.posts
        found = await estimate(source, handle, journal, want, told, most, known)
        await self._pay(uuid4().hex, found.spent)
        return found

    async def _pay(self, receipt: str, dollars: float) -> None:
        if dollars:
            await self._store.pay(receipt, dollars)


def _x(config: Config, token: str) -> Source:
    from bot.sources.x import X  # tweepy takes long to import, and few have a paid key

    prices = Prices(config.x.dollars_per_post, config.x.dollars_per_person)
    return X(token, config.x.api_url, prices, config.x.retweets)


def _want(source: Source, refresh: bool) -> Want:
    """Deleted posts leave the cache only where all is read anew, which is done where it is free."""
    if not refresh:
        return Want.ANY
    return Want.NEWER if source.prices.post else Want.ALL


def _unwilling_to_wait(source: Source) -> Told:
    """For whoever is in the middle of a conversation."""

    async def told(seconds: float) -> None:
        raise SourceBusy(source.name.capitalize(), seconds)

    return told
