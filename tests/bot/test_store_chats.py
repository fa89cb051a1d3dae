"""What the store keeps for chats, on real SQLite files."""

import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot import clock
from bot.domain import JobState, Origin, Person, Said, Training
from bot.store import Store
from bot.store.migrations import STEPS
from tests.bot.test_store import publish, train

ANN = Origin("discord", "7", "1", name="ann", update="u1", community="discord:9")
GROUP = Origin("telegram", "-40", "2", name="bob", update="u2", community="telegram:-40")
NASA = Training("nasa", (Person("nasa", "digest"),), base="starter")
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with Store.open(tmp_path) as opened:
        yield opened


# Watchers and notices.


async def test_a_watcher_is_found_by_its_update_and_keeps_its_message(store: Store) -> None:
    await store.submit("aaa", NASA, ANN)
    watcher = await store.watcher("aaa", ANN)
    assert watcher
    assert watcher.origin.message == ""
    await store.set_message(watcher.id, "m5")
    [again] = await store.watchers("discord")
    assert (again.id, again.persona, again.origin.message, again.origin.name) == (watcher.id, "nasa", "m5", "ann")
    assert await store.watcher("aaa", replace(ANN, update="u9")) is None
    assert await store.watchers("telegram") == []


async def test_nobody_watches_a_job_that_is_over_but_everybody_is_told(store: Store) -> None:
    await store.submit("aaa", NASA, ANN)
    await store.submit("bbb", NASA, replace(ANN, update="u3"))
    await store.end("aaa", JobState.CANCELLED, {"text": "over"})
    assert await store.watchers("discord") == []
    assert [each.origin.update for each in await store.notices("discord")] == ["u1", "u3"]


async def test_a_notice_remembers_that_it_may_have_arrived(store: Store) -> None:
    await store.submit("aaa", NASA, ANN)
    await store.end("aaa", JobState.CANCELLED, {"text": "over"})
    [notice] = await store.notices("discord")
    for tried in (True, False):
        await store.tried(notice.id, tried=tried)
        assert [each.tried for each in await store.notices("discord")] == [tried]


async def test_trainings_are_counted_for_a_community_too(store: Store) -> None:
    await store.submit("aaa", NASA, ANN)
    await store.submit("bbb", replace(NASA, seed=1), replace(ANN, user="5", update="u3"))
    await store.submit("ccc", replace(NASA, seed=2), GROUP)
    assert len(await store.trainings_since(LONG_AGO, community="discord:9")) == 2
    assert len(await store.trainings_since(LONG_AGO, asker="discord:5")) == 1
    assert await store.trainings_since(clock.now(), community="discord:9") == []


# Uses.


async def test_uses_are_counted_up_to_the_limit_and_the_oldest_tells_when_the_next_is_free(store: Store) -> None:
    began = clock.now()
    assert [await store.use("discord:1", LONG_AGO, 2) for _ in range(2)] == [None, None]
    oldest = await store.use("discord:1", LONG_AGO, 2)
    assert oldest
    assert began <= oldest <= clock.now()
    assert await store.use("discord:1", LONG_AGO, 2) == oldest  # a refusal is no use
    assert await store.use("discord:2", LONG_AGO, 2) is None


async def test_uses_are_forgotten_when_they_are_too_old_to_count(store: Store) -> None:
    assert await store.use("discord:1", LONG_AGO, 1) is None
    assert await store.use("discord:1", clock.now(), 1) is None


# Updates.


async def test_an_update_is_received_once_and_left_until_it_is_answered(store: Store) -> None:
    assert await store.receive("telegram", "5", "{five}")
    assert not await store.receive("telegram", "5", "{five}")
    assert await store.receive("discord", "5", "{other}")
    assert await store.receive("telegram", "6", "{six}")
    assert await store.unanswered("telegram") == ["{five}", "{six}"]
    await store.set_answered("telegram", "5")
    assert await store.unanswered("telegram") == ["{six}"]
    assert not await store.receive("telegram", "5", "{five}")


# What stands in chats.


@pytest.fixture
async def nasa(store: Store, tmp_path: Path) -> None:
    """The store has this persona."""
    await publish(store, tmp_path, await train(store, "first"))


@pytest.mark.usefixtures("nasa")
async def test_what_was_said_is_found_by_its_message_and_channel(store: Store) -> None:
    await store.say(ANN, "m1", Said("nasa", "liftoff"))
    assert await store.said(ANN, "m1") == Said("nasa", "liftoff")
    assert await store.said(ANN, "m2") is None
    assert await store.said(replace(ANN, channel="8"), "m1") is None
    await store.say(ANN, "m1", Said("nasa", "landed"))
    assert await store.said(ANN, "m1") == Said("nasa", "landed")


@pytest.mark.usefixtures("nasa")
async def test_what_is_said_of_a_persona_that_is_gone_meanwhile_is_not_kept(store: Store) -> None:
    await store.say(ANN, "m1", Said("nasa", "liftoff"))
    await store.delete("nasa", [1], "ann")
    await store.say(ANN, "m2", Said("nasa", "landed"))
    assert await store.said(ANN, "m1")
    assert await store.said(ANN, "m2") is None


async def test_a_line_is_found_by_its_id_which_is_the_same_for_the_same_line(store: Store) -> None:
    id = await store.keep_line("/tweet @nasa " + "x" * 200)
    assert await store.keep_line("/tweet @nasa " + "x" * 200) == id
    assert await store.line(id) == "/tweet @nasa " + "x" * 200
    assert await store.keep_line("/tweet @nasa") != id
    assert await store.line("nothing") is None


@pytest.mark.usefixtures("nasa")
async def test_updates_and_tweets_are_forgotten_in_time(store: Store) -> None:
    await store.receive("telegram", "5", "{five}")
    await store.say(ANN, "m1", Said("nasa", "liftoff"))
    await store.forget_before(clock.now() - timedelta(days=1))
    assert await store.said(ANN, "m1")
    await store.forget_before(clock.now())
    assert await store.said(ANN, "m1") is None
    assert await store.unanswered("telegram") == []


@pytest.mark.usefixtures("nasa")
async def test_a_group_that_gets_another_id_takes_everything_along(store: Store) -> None:
    topic = replace(GROUP, channel="-40/3", update="u4")
    other = replace(GROUP, channel="-401", update="u5")
    for number, origin in enumerate((GROUP, topic, other)):
        await store.submit(f"job{number}", replace(NASA, seed=number), origin)
        await store.say(origin, "m1", Said("nasa", origin.channel))
    await store.set_setting("channel:telegram:-40/3", "persona", "nasa", "telegram:2")
    await store.set_setting("community:telegram:-40", "tweets", "3", "telegram:2")

    await store.move_channel("telegram", "-40", "-100")

    assert [each.origin.channel for each in await store.watchers("telegram")] == ["-100", "-100/3", "-401"]
    assert await store.said(replace(GROUP, channel="-100/3"), "m1") == Said("nasa", "-40/3")
    assert await store.said(other, "m1") == Said("nasa", "-401")
    assert await store.setting("channel:telegram:-100/3", "persona") == "nasa"
    assert await store.setting("community:telegram:-100", "tweets") == "3"
    assert await store.setting("community:telegram:-40", "tweets") is None
    assert len(await store.trainings_since(LONG_AGO, community="telegram:-100")) == 3


# People nobody may be made of.


async def test_a_person_is_blocked_until_unblocked(store: Store) -> None:
    assert not await store.blocked("nasa")
    await store.block("nasa", "discord:1")
    await store.block("nasa", "discord:2")
    assert await store.blocked("nasa")
    assert await store.unblock("nasa", "discord:1")
    assert not await store.unblock("nasa", "discord:1")
    assert not await store.blocked("nasa")


# A database of the first version.


async def test_watchers_and_notices_of_the_first_version_are_kept(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "mockingbird.db") as old:
        old.executescript(f"{STEPS[0]} PRAGMA user_version = 1;")
        training = '{"persona": "nasa", "people": [{"handle": "nasa", "digest": "d"}], "base": "starter"}'
        for id, state in (("aaa", "ready"), ("bbb", "done")):
            old.execute(
                "INSERT INTO jobs (id, likeness, persona, training, state, asker, created)"
                " VALUES (?, ?, 'nasa', ?, ?, 'console:ann', '2024-01-01T00:00:00+00:00')",
                (id, id, training, state),
            )
            old.execute("INSERT INTO watchers VALUES (?, 'console', 'ann', 'ann', '7', 'Ann')", (id,))
        for id, delivered in (("bbb", None), ("aaa", "2024-01-01")):
            old.execute(
                "INSERT INTO outbox (job, platform, channel, user, message, content, created, delivered)"
                " VALUES (?, 'console', 'ann', 'ann', '7', '{\"text\": \"ready\"}', '2024-01-01', ?)",
                (id, delivered),
            )
    old.close()

    async with Store.open(tmp_path) as store:
        [watcher] = await store.watchers("console")
        assert (watcher.job, watcher.origin.message, watcher.origin.name) == ("aaa", "7", "Ann")
        [notice] = await store.notices("console")
        assert (notice.watcher.job, notice.content, notice.origin.message) == ("bbb", {"text": "ready"}, "7")
        await store.delivered(notice.id)
        assert await store.notices("console") == []
        assert [job.persona for job in await store.active_jobs()] == ["nasa"]
