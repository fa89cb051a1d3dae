"""How much a member, or all of a community, may ask for: set in the configuration, and by admins for their community.

What was used is counted in the store, so that a restart forgives nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from bot import clock
from bot.config import Config
from bot.domain import Origin
from bot.errors import CommunityQuotaSpent, QuotaSpent, TooFast, WrongChannel

if TYPE_CHECKING:
    from bot.commands.table import Services

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)

CHANNELS = "channels"
"""The setting that holds the channels in which a community wants the bot; empty is everywhere."""


@dataclass(frozen=True)
class Limit:
    what: str
    default: Callable[[Config], int]


LIMITS = {
    "trainings": Limit("trainings a member may ask for in a day", lambda config: config.training.per_user_a_day),
    "all_trainings": Limit(
        "trainings all members together may ask for in a day", lambda config: config.training.per_community_a_day
    ),
    "tweets": Limit("times a minute a member may ask for tweets", lambda config: config.generation.per_user_a_minute),
}
"""By the name that /limits takes; 0 is no limit."""


def scope(origin: Origin) -> str:
    """Of the settings of a community, or of a private chat."""
    return f"community:{origin.community}" if origin.community else f"channel:{origin.platform}:{origin.channel}"


async def limit(services: "Services", origin: Origin, name: str) -> int:
    chosen = await services.store.setting(scope(origin), name) if origin.community else None
    return LIMITS[name].default(services.config) if chosen is None else int(chosen)


async def check_trainings(services: "Services", origin: Origin) -> None:
    """Raises QuotaSpent, CommunityQuotaSpent. Admins have no limits."""
    if origin.admin:
        return
    since = clock.now() - DAY
    if most := await limit(services, origin, "trainings"):
        used = await services.store.trainings_since(since, asker=origin.who)
        if len(used) >= most:
            raise QuotaSpent(most, used[-most] + DAY)
    if origin.community and (most := await limit(services, origin, "all_trainings")):
        used = await services.store.trainings_since(since, community=origin.community)
        if len(used) >= most:
            raise CommunityQuotaSpent(most, used[-most] + DAY)


async def count_tweets(services: "Services", origin: Origin) -> None:
    """Count one request for tweets. Raises TooFast."""
    if origin.admin or not (most := await limit(services, origin, "tweets")):
        return
    if oldest := await services.store.use(origin.who, clock.now() - MINUTE, most):
        raise TooFast(most, oldest + MINUTE)


async def check_channel(services: "Services", origin: Origin) -> None:
    """Raises WrongChannel where the community does not want the bot; admins may go anywhere, to change that."""
    if not origin.admin and not await speaks_in(services, origin):
        raise WrongChannel


async def speaks_in(services: "Services", origin: Origin) -> bool:
    if not origin.community:
        return True
    channels = await services.store.setting(scope(origin), CHANNELS)
    return not channels or origin.channel in channels.split()
