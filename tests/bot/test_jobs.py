"""The line of jobs, with real children and a real store."""

import asyncio
import secrets
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from bot.children import Children
from bot.config import Config, Storage
from bot.domain import Corpus, Job, JobState, Person, Training
from bot.folder import Folder
from bot.jobs import ATTEMPTS, Jobs
from bot.progress import Board, Standing
from bot.reading import Reading
from bot.sources.gather import Sources
from bot.store import Store
from bot.worker import Worker
from tests.bot.test_store import ALICE, NASA, train


def trainer(verb: str) -> Worker:
    return Worker(verb, [sys.executable, "-m", "tests.bot.children.doomed"])


class House:
    """A bot's parts, of which nothing works until ``running``."""

    def __init__(self, root: Path, store: Store) -> None:
        self.store, self.board, self.folder = store, Board(), Folder(root)
        self.config = Config(storage=Storage(data=root))
        self.children = Children(trainer, self.board)
        self.sources = Sources(self.config, store, self.folder.fetched)
        self.jobs = Jobs(self.config, self.folder, store, self.board, self.children, self.sources, self._warm)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        work = asyncio.create_task(self.jobs.run())
        yield
        work.cancel()
        await asyncio.wait([work])

    async def ready(self, persona: str) -> Job:
        """Its tweets are read."""
        training = replace(NASA, persona=persona, people=(Person(persona, "digest"),))
        job = await self.store.submit(secrets.token_hex(3), training, ALICE)
        await self.store.make_ready(job.id)
        return job

    async def _warm(self, directory: Path) -> None: ...


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with Store.open(tmp_path) as store:
        made = House(tmp_path, store)
        yield made
        await made.sources.close()


async def test_a_job_in_line_knows_its_turn_by_what_the_running_one_tells(house: House) -> None:
    first = await train(house.store, "first")
    second = await house.ready("second")
    assert await house.jobs.standing(second) == Standing(place=1)
    house.board.post(first.id, Standing("train", eta=60.0))
    assert (await house.jobs.standing(second)).eta == 60.0


async def test_a_job_whose_tweets_are_read_waits_in_line_again(house: House) -> None:
    job = await house.ready("nasa")
    house.board.post(job.id, Standing("clean", fraction=0.5))
    assert (await house.jobs.standing(job)).stage == "queue"


async def test_who_waits_is_shown_when_the_turn_comes(house: House) -> None:
    await house.ready("first")
    second = await house.ready("second")
    async with house.running():
        async for shown in house.board.follow(second.id):
            if shown.eta:
                break
    assert (shown.stage, shown.place, shown.eta) == ("queue", 1, 60.0)


async def test_a_trainer_that_was_killed_every_time_ends_with_what_to_do(house: House) -> None:
    job = await house.ready("doomed")
    async with house.running():
        over = await house.jobs.finished(job.id)
    advice = "was killed (SIGKILL), most likely for want of memory: choose a smaller base or method lora."
    assert (over.state, over.attempts) == (JobState.FAILED, ATTEMPTS)
    assert over.error == f"The finetune process {advice}"
    [notice] = await house.store.notices(ALICE.platform)
    assert notice.content["text"] == f"@doomed: {over.error}"


async def test_tweets_given_again_are_the_latest_kept(house: House) -> None:
    summary = {
        "handle": "nasa", "name": "NASA", "format": "CSV", "counts": {"kept": 900}, "characters": 90_000,
    }  # fmt: skip
    for digest in ("first", "second"):
        await house.store.add_corpus(Corpus("nasa", digest, summary))
        house.folder.corpus("nasa", digest).touch()
    again = Training("nasa", (Person("nasa", "first", "0.csv"),))
    job = await house.store.submit("job", again, ALICE)
    reading = Reading(house.config, house.folder, house.store, house.board, house.children, house.sources)
    await reading.prepare(job)
    kept = await house.store.corpus("nasa")
    assert kept
    assert kept.digest == "first"
