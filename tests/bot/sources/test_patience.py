"""Waiting and asking again, for whatever is asked."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from bot.sources.errors import SourceBusy, SourceDown
from bot.sources.patience import LONGEST_WAIT, MOST_WAITS, Limited, Stumbled, patiently, seconds_until
from tests.bot.sources.conftest import Ear, unheard


class Site:
    """Answers with these, one after another, then with "done"."""

    def __init__(self, *answers: Exception) -> None:
        self.answers = list(answers)

    async def __call__(self) -> str:
        if self.answers:
            raise self.answers.pop(0)
        return "done"


async def test_limits_and_stumbles_are_outlasted(told: Ear) -> None:
    site = Site(Stumbled(), Limited(0.01), Stumbled(), Limited(0.01))
    assert await patiently(site, "X", told, (0, 0)) == "done"
    assert len(told.heard) == 2


async def test_one_stumble_too_many_ends_it() -> None:
    site = Site(Stumbled(), Stumbled(), Stumbled())
    with pytest.raises(SourceDown):
        await patiently(site, "X", unheard, (0, 0))
    assert site.answers == []


async def test_a_limit_that_comes_again_and_again_ends_it() -> None:
    site = Site(*[Limited(0)] * (MOST_WAITS + 1))
    with pytest.raises(SourceBusy):
        await patiently(site, "X", unheard, ())
    assert site.answers == []


async def test_a_limit_that_lasts_too_long_ends_it_at_once() -> None:
    with pytest.raises(SourceBusy, match="minutes"):
        await patiently(Site(Limited(LONGEST_WAIT + 1)), "X", unheard, ())


def test_a_reset_is_read_in_both_spellings() -> None:
    assert 3590 < seconds_until(str(int(time.time()) + 3600)) <= 3600
    assert 3590 < seconds_until((datetime.now(UTC) + timedelta(hours=1)).isoformat()) <= 3600


@pytest.mark.parametrize("reset", ["0", "2001-01-01T00:00:00Z"])
def test_a_reset_in_the_past_is_still_a_pause(reset: str) -> None:
    assert seconds_until(reset) == 1.0


@pytest.mark.parametrize("reset", [None, "", "soon", "²"])
def test_a_reset_that_says_nothing_is_a_minute(reset: str | None) -> None:
    assert seconds_until(reset) == 60.0
