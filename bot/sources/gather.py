"""The sources that are configured, what they cost, and the cache of what they gave."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from bot import clock
from bot.config import Config
from bot.errors import ChildFailed, NoTweets
from bot.progress import Standing
from bot.sources.base import Budget, Prices, Source
from bot.sources.bluesky import Bluesky
from bot.sources.errors import Declined, Protected, Suspended
from bot.sources.fetch import Estimate, Want, estimate, fetch
from bot.sources.journal import Cache
from bot.sources.mastodon import Mastodon
from bot.store import Store

log = logging.getLogger(__name__)

Show = Callable[[Standing], None]
Wanted = Callable[[], Awaitable[bool]]


@dataclass(frozen=True)
class Price:
    """What a reading would cost, and whether that is to be asked about first. ``posts`` at most."""

    posts: int
    dollars: float
    asks: bool


class Sources:
    def __init__(self, config: Config, store: Store, root: Path) -> None:
        self._config, self._store = config.x, store
        self.cache = Cache(root)
        self._all: list[Source] = [Bluesky(config.bluesky.api_url), Mastodon(config.mastodon.api_url)]
        if token := config.x.secret:
            self._all.append(_x(config, token))

    def claiming(self, handle: str, name: str = "") -> Source | None:
        """The source of a handle of this form; only ``name`` where one is wanted."""
        return next((each for each in self._all if name in ("", each.name) and each.claims(handle)), None)

    async def price(self, source: Source, handle: str, refresh: bool) -> Price:
        """Raises BudgetSpent, and what the source raises for somebody who cannot be read."""
        budget = await self._budget()
        if source.prices.post:
            budget.check(source.prices.person)
        found = await self._estimate(source, handle, refresh)
        if found.dollars:
            budget.check(found.dollars)
        return Price(found.posts, found.dollars, found.dollars > self._config.confirm_above)

    async def description(self, handle: str) -> str:
        """Of the profile, as it is now. Raises NoTweets where no source knows such handles."""
        source = self.claiming(handle)
        if source is None:
            raise NoTweets(handle)
        profile = await source.profile(handle, _say_nothing)
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
            show(Standing("wait", eta=seconds))

        try:
            found = await self._estimate(source, handle, refresh)
            most = await self._affordable(source.prices)
            read = 0
            async for leaf in fetch(source, handle, journal, _want(source, refresh), told, found.profile, most):
                await self._pay(leaf.receipt, leaf.page.paid * source.prices.post)
                read += len(leaf.page.posts)
                steps = max(read, min(found.posts, most))
                if not await wanted():
                    raise ChildFailed("Cancelled", "Cancelled.")
                show(Standing("fetch", fraction=read / steps if steps else 1.0, step=read, steps=steps))
        except (Declined, Protected, Suspended):  # what was theirs to give is theirs to take back
            self.cache.forget(handle)
            raise
        journal.write(target)

    async def close(self) -> None:
        for source in self._all:
            await source.close()

    async def _estimate(self, source: Source, handle: str, refresh: bool) -> Estimate:
        journal = self.cache.journal(source.name, handle)
        found = await estimate(source, handle, journal, _want(source, refresh), _say_nothing, self._config.posts)
        await self._pay(uuid4().hex, found.spent)
        return found

    async def _affordable(self, prices: Prices) -> int:
        """Posts: as many as the month's budget still pays."""
        if not prices.post:
            return self._config.posts
        budget = await self._budget()
        budget.check(prices.post)
        return min(self._config.posts, int(budget.left / prices.post))

    async def _budget(self) -> Budget:
        month = clock.now().replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        return Budget(self._config.month_limit, await self._store.paid_since(month))

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


async def _say_nothing(seconds: float) -> None: ...
