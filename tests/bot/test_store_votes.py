"""Votes for tweets, on real SQLite files."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot import clock
from bot.domain import Liked, Vote
from bot.errors import UnknownTweet
from bot.store import Store
from tests.bot.test_store import NASA, publish, train

ANN, BOB = "discord:1", "telegram:1"


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """It has @nasa and @esa."""
    async with Store.open(tmp_path) as opened:
        for number, name in enumerate(("nasa", "esa")):
            await publish(opened, tmp_path, await train(opened, name, replace(NASA, persona=name, seed=number)))
        yield opened


async def test_a_vote_counts_once_a_person_and_is_taken_back_by_the_next(store: Store) -> None:
    tweet = await store.keep_tweet("nasa", "liftoff")
    assert await store.vote(tweet, ANN) == Vote(given=True, votes=1)
    assert await store.vote(tweet, BOB) == Vote(given=True, votes=2)
    assert await store.vote(tweet, ANN) == Vote(given=False, votes=1)
    assert await store.best_liked("nasa", 3) == [Liked("liftoff", 1)]
    assert await store.vote(tweet, ANN) == Vote(given=True, votes=2)


async def test_an_update_that_comes_again_after_a_crash_changes_nothing(store: Store) -> None:
    tweet = await store.keep_tweet("nasa", "liftoff")
    for _ in range(2):
        assert await store.vote(tweet, ANN, "31") == Vote(given=True, votes=1)
    for _ in range(2):
        assert await store.vote(tweet, ANN, "32") == Vote(given=False, votes=0)
    assert await store.best_liked("nasa", 3) == []


async def test_a_tweet_made_again_keeps_its_id_and_votes_and_another_persona_has_its_own(store: Store) -> None:
    tweet = await store.keep_tweet("nasa", "liftoff")
    await store.vote(tweet, ANN)
    assert await store.keep_tweet("nasa", "liftoff") == tweet
    assert await store.keep_tweet("esa", "liftoff") != tweet
    assert await store.best_liked("nasa", 3) == [Liked("liftoff", 1)]
    assert await store.best_liked("esa", 3) == []


async def test_the_best_liked_come_first_and_of_equal_ones_the_newest(store: Store) -> None:
    for words, voters in (("old", 1), ("best", 3), ("second", 2), ("new", 1), ("unloved", 0)):
        tweet = await store.keep_tweet("nasa", words)
        for voter in range(voters):
            await store.vote(tweet, f"discord:{voter}")
    assert await store.best_liked("nasa", 3) == [Liked("best", 3), Liked("second", 2), Liked("new", 1)]


async def test_a_tweet_is_forgotten_in_time_unless_somebody_likes_it(store: Store) -> None:
    liked, other = await store.keep_tweet("nasa", "liftoff"), await store.keep_tweet("nasa", "hold")
    await store.vote(liked, ANN)
    await store.forget_before(clock.now() - timedelta(days=1))
    await store.vote(other, ANN)
    await store.vote(other, ANN)  # back again
    await store.forget_before(clock.now())
    assert await store.vote(liked, BOB) == Vote(given=True, votes=2)
    with pytest.raises(UnknownTweet):
        await store.vote(other, BOB)


async def test_a_persona_takes_its_votes_along_when_its_last_version_is_deleted(store: Store, tmp_path: Path) -> None:
    await publish(store, tmp_path, await train(store, "again", replace(NASA, seed=9)))
    tweet = await store.keep_tweet("nasa", "liftoff")
    await store.vote(tweet, ANN)
    await store.delete("nasa", [1], "admin")
    assert await store.best_liked("nasa", 3) == [Liked("liftoff", 1)]
    await store.delete("nasa", [2], "admin")
    assert await store.keep_tweet("nasa", "liftoff") == tweet  # one that was being made meanwhile
    with pytest.raises(UnknownTweet):
        await store.vote(tweet, ANN)


async def test_what_names_somebody_is_forgotten_with_them_whoever_said_it(store: Store) -> None:
    naming, other = await store.keep_tweet("esa", "ask @Mara first"), await store.keep_tweet("esa", "marathon")
    for tweet in (naming, other):
        await store.vote(tweet, ANN)
    await store.scrub("mara", [], [])
    assert await store.best_liked("esa", 3) == [Liked("marathon", 1)]
