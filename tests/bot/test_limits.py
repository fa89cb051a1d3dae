"""How much a member and a community may ask for, on a real store."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot import app, clock, config, limits
from bot.commands.table import Services
from bot.domain import Origin, Person, Training
from bot.errors import CommunityQuotaSpent, QuotaSpent, TooFast, WrongChannel

ANN = Origin("discord", "7", "1", community="discord:9")
BOB = replace(ANN, user="2")
ELSEWHERE = replace(ANN, channel="8", community="discord:10")
PRIVATE = replace(ANN, community="")
ADMIN = replace(ANN, admin=True)


@pytest.fixture
async def services(tmp_path: Path) -> AsyncIterator[Services]:
    async with app.services(config.load(storage={"data": tmp_path})) as opened:
        yield opened


async def trained(services: Services, origin: Origin, number: int = 0) -> None:
    """One training that counts against its asker and community."""
    training = Training("nasa", (Person("nasa", "digest"),), seed=number)
    id = f"job{number}"
    await services.store.submit(id, training, replace(origin, update=id))


async def choose(services: Services, origin: Origin, name: str, value: str) -> None:
    await services.store.set_setting(limits.scope(origin), name, value, "discord:1")


async def test_a_community_has_the_configured_limits_until_its_admins_choose_others(services: Services) -> None:
    assert await limits.limit(services, ANN, "trainings") == services.config.training.per_user_a_day
    await choose(services, ANN, "trainings", "2")
    assert await limits.limit(services, ANN, "trainings") == 2
    assert await limits.limit(services, ELSEWHERE, "trainings") == services.config.training.per_user_a_day
    assert await limits.limit(services, PRIVATE, "trainings") == services.config.training.per_user_a_day


async def test_a_spent_quota_says_when_the_next_training_is_free(services: Services) -> None:
    await choose(services, ANN, "trainings", "1")
    await limits.check_trainings(services, ANN)
    await trained(services, ANN)
    with pytest.raises(QuotaSpent, match=r"next is free in (1 day|24 hours)") as refused:
        await limits.check_trainings(services, ANN)
    assert refused.value.again <= clock.now() + limits.DAY
    await limits.check_trainings(services, BOB)
    await limits.check_trainings(services, ADMIN)


async def test_a_community_spends_its_quota_together(services: Services) -> None:
    await choose(services, ANN, "all_trainings", "2")
    await trained(services, ANN)
    await limits.check_trainings(services, BOB)
    await trained(services, BOB, 1)
    with pytest.raises(CommunityQuotaSpent, match="All 2 trainings of today"):
        await limits.check_trainings(services, replace(ANN, user="3"))
    await limits.check_trainings(services, ELSEWHERE)
    await limits.check_trainings(services, PRIVATE)


async def test_nothing_is_counted_where_there_is_no_limit(services: Services) -> None:
    for name in ("trainings", "all_trainings", "tweets"):
        await choose(services, ANN, name, "0")
    for number in range(8):
        await trained(services, ANN, number)
        await limits.check_trainings(services, ANN)
        await limits.count_tweets(services, ANN)


async def test_tweets_are_limited_a_minute_and_a_member(services: Services) -> None:
    await choose(services, ANN, "tweets", "2")
    await limits.count_tweets(services, ANN)
    await limits.count_tweets(services, ANN)
    with pytest.raises(TooFast, match="try again in") as refused:
        await limits.count_tweets(services, ANN)
    assert clock.now() < refused.value.again <= clock.now() + limits.MINUTE
    await limits.count_tweets(services, BOB)
    await limits.count_tweets(services, ADMIN)


async def test_members_are_heard_in_the_chosen_channels_only(services: Services) -> None:
    await limits.check_channel(services, ANN)
    await choose(services, ANN, limits.CHANNELS, "6 8")
    with pytest.raises(WrongChannel):
        await limits.check_channel(services, ANN)
    for welcome in (replace(ANN, channel="8"), ADMIN, ELSEWHERE, PRIVATE):
        await limits.check_channel(services, welcome)
    assert not await limits.speaks_in(services, ADMIN)
