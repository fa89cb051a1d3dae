"""The store, on real SQLite files."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.domain import Corpus, Job, JobState, Origin, Person, Training, Version
from bot.errors import StoreBroken
from bot.store import Store

ALICE = Origin("discord", "general", "1", "m1", "alice")
BOB = Origin("telegram", "42", "2", "m2", "bob")
META = {"metrics": {"seconds": 30.0}}
NASA = Training("nasa", (Person("nasa", "digest"),), base="starter")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with Store.open(tmp_path) as opened:
        yield opened


async def train(store: Store, id: str, training: Training = NASA, origin: Origin = ALICE) -> Job:
    """A job on its way through the trainer."""
    job = await store.submit(id, training, origin)
    await store.make_ready(job.id)
    started = await store.start_training(job.id)
    assert started
    return started


async def publish(store: Store, root: Path, job: Job) -> bool:
    directory = root / "models" / job.persona / str(job.version)
    version = Version(job.persona, job.version, directory, job.id, datetime.now(UTC), META)
    return await store.publish(job, version, "NASA", {"text": "ready"})


async def test_equal_requests_are_one_job_and_all_are_told(store: Store, tmp_path: Path) -> None:
    first = await store.submit("aaa", NASA, ALICE)
    second = await store.submit("bbb", NASA, BOB)
    assert first.id == second.id == "aaa"

    await store.make_ready("aaa")
    job = await store.start_training("aaa")
    assert job
    await publish(store, tmp_path, job)

    assert [notice.origin.user for notice in await store.notices("discord")] == ["1"]
    assert [notice.origin.user for notice in await store.notices("telegram")] == ["2"]


@pytest.mark.parametrize(
    "other", [{"seed": 3}, {"base": "gpt2"}, {"force": True}, {"people": (Person("nasa", "other"),)}]
)
async def test_a_request_that_differs_is_another_job(store: Store, other: dict[str, object]) -> None:
    await store.submit("aaa", NASA, ALICE)
    job = await store.submit("bbb", replace(NASA, **other), ALICE)  # type: ignore[arg-type]
    assert job.id == "bbb"


async def test_an_update_that_arrives_twice_makes_one_job(store: Store, tmp_path: Path) -> None:
    sent = replace(ALICE, update="u7")
    await publish(store, tmp_path, await train(store, "aaa", origin=sent))
    again = await store.submit("bbb", NASA, sent)
    assert (again.id, again.state) == ("aaa", JobState.DONE)
    assert len(await store.recent_jobs(10)) == 1


async def test_a_job_ends_once(store: Store, tmp_path: Path) -> None:
    job = await train(store, "aaa")
    assert await store.end("aaa", JobState.CANCELLED, {"text": "cancelled"})
    assert not await publish(store, tmp_path, job)
    assert not await store.end("aaa", JobState.FAILED, {"text": "failed"})
    assert [notice.content for notice in await store.notices("discord")] == [{"text": "cancelled"}]
    assert await store.personas() == []


async def test_a_notice_is_there_until_it_is_delivered(store: Store, tmp_path: Path) -> None:
    await publish(store, tmp_path, await train(store, "aaa"))
    [notice] = await store.notices("discord")
    await store.delivered(notice.id)
    assert await store.notices("discord") == []


async def test_everything_is_there_after_opening_again_and_the_folder_can_be_moved(tmp_path: Path) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    before.mkdir()
    async with Store.open(before) as store:
        await publish(store, before, await train(store, "aaa"))
        await store.submit("bbb", replace(NASA, seed=1), BOB)
    before.rename(after)
    async with Store.open(after) as store:
        persona = await store.persona("nasa")
        assert persona
        assert persona.current.directory == after / "models/nasa/1"
        assert [job.id for job in await store.active_jobs()] == ["bbb"]


async def test_versions_are_never_numbered_twice(store: Store, tmp_path: Path) -> None:
    await publish(store, tmp_path, await train(store, "aaa"))
    second = await train(store, "bbb", replace(NASA, seed=2))
    await publish(store, tmp_path, second)
    assert second.version == 2
    await store.delete("nasa", [2], "admin")
    third = await train(store, "ccc", replace(NASA, seed=3))
    assert third.version == 3


async def test_a_version_whose_job_was_forgotten_keeps_its_number(store: Store, tmp_path: Path) -> None:
    await publish(store, tmp_path, await train(store, "aaa", replace(NASA, label="tweets of mara.csv")))
    await store.scrub("mara", [], [])
    assert await store.job("aaa") is None
    assert (await train(store, "bbb", replace(NASA, seed=2))).version == 2


async def test_a_resumed_training_keeps_its_version_and_counts_the_attempt(store: Store) -> None:
    await train(store, "aaa")
    again = await store.start_training("aaa")
    assert again
    assert (again.version, again.attempts) == (1, 2)


async def test_deleting_the_current_version_brings_the_newest_left(store: Store, tmp_path: Path) -> None:
    for number, id in enumerate(("aaa", "bbb", "ccc")):
        await publish(store, tmp_path, await train(store, id, replace(NASA, seed=number)))
    await store.delete("nasa", [3], "admin")
    persona = await store.persona("nasa")
    assert persona
    assert (persona.current.number, persona.versions) == (2, 2)
    await store.delete("nasa", [1, 2], "admin")
    assert await store.persona("nasa") is None


async def test_the_line_is_in_order_of_arrival_behind_what_trains(store: Store) -> None:
    for number, id in enumerate(("aaa", "bbb", "ccc")):
        await store.submit(id, replace(NASA, seed=number), ALICE)
    await store.make_ready("bbb")
    await store.start_training("bbb")
    assert [job.id for job in await store.active_jobs()] == ["bbb", "aaa", "ccc"]


async def test_a_failed_job_waits_again_on_retry_unless_an_equal_one_is_under_way(store: Store) -> None:
    await train(store, "aaa")
    await store.end("aaa", JobState.FAILED, {"text": "failed"}, "why")
    assert await store.requeue("aaa", BOB)
    again = await store.job("aaa")
    assert again
    assert (again.state, again.attempts, again.error) == (JobState.WAITING, 0, "")
    await store.end("aaa", JobState.FAILED, {"text": "failed"})
    await store.submit("bbb", NASA, ALICE)
    assert not await store.requeue("aaa", BOB)


async def test_the_latest_tweets_of_a_person_are_found_without_naming_them(store: Store) -> None:
    await store.add_corpus(Corpus("nasa", "old", {"kept": 1}))
    await store.add_corpus(Corpus("nasa", "new", {"kept": 2}))
    latest, old = await store.corpus("nasa"), await store.corpus("nasa", "old")
    assert latest
    assert old
    assert (latest.digest, old.summary) == ("new", {"kept": 1})
    assert await store.corpus("nobody") is None


async def test_failed_trainings_do_not_count_against_the_quota(store: Store) -> None:
    await store.submit("aaa", NASA, ALICE)
    await store.submit("bbb", replace(NASA, seed=1), ALICE)
    await store.end("bbb", JobState.FAILED, {"text": ""})
    await store.submit("ccc", replace(NASA, seed=2), BOB)
    assert len(await store.trainings_since(datetime(2000, 1, 1, tzinfo=UTC), asker=ALICE.who)) == 1


async def test_a_transaction_that_breaks_leaves_nothing(store: Store, tmp_path: Path) -> None:
    job = await train(store, "aaa")
    outside = Version("nasa", 1, Path("/elsewhere"), job.id, datetime.now(UTC), META)
    with pytest.raises(ValueError, match="elsewhere"):
        await store.publish(job, outside, "NASA", {"text": "ready"})
    found = await store.job("aaa")
    assert found
    assert found.state is JobState.TRAINING
    assert await publish(store, tmp_path, job)


@pytest.mark.parametrize("hops", range(6))
async def test_a_transaction_cancelled_at_any_moment_leaves_the_next_one_free(store: Store, hops: int) -> None:
    await store.submit("aaa", NASA, ALICE)
    ending = asyncio.ensure_future(store.end("aaa", JobState.CANCELLED, {"text": "cancelled"}))
    for _ in range(hops):
        await asyncio.sleep(0)
    ending.cancel()
    await asyncio.wait([ending])
    assert (await store.submit("bbb", replace(NASA, seed=1), ALICE)).id == "bbb"


async def test_a_database_that_is_none_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "mockingbird.db").write_bytes(b"no database at all, " * 100)
    with pytest.raises(StoreBroken, match=r"mockingbird\.db cannot be used"):
        async with Store.open(tmp_path):
            pass
