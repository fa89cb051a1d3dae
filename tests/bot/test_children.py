"""Real children: asked something outside any job, and one to spare."""

import asyncio
import sys
from collections.abc import AsyncIterator

import pytest

from bot.children import Children
from bot.errors import ChildFailed
from bot.progress import Board
from bot.worker import Worker
from tests.e2e.running import eventually


def obedient(verb: str) -> Worker:
    return Worker(verb, [sys.executable, "-m", "tests.bot.children.obedient"])


async def test_an_errand_is_answered_and_leaves_nothing_on_the_board() -> None:
    board = Board()
    asked = Children(obedient, board)
    assert await asked.errand("judge", {"do": "say", "text": "ahoy"}) == {"text": "ahoy"}
    await asked.errand("judge", {"do": "count", "steps": 3})
    with pytest.raises(ChildFailed):
        await asked.errand("judge", {"do": "exit", "code": 3})
    assert board._standings == {}


class Started:
    """The children, in the order in which they were made."""

    def __init__(self) -> None:
        self.workers: list[Worker] = []

    def __call__(self, verb: str) -> Worker:
        self.workers.append(obedient(verb))
        return self.workers[-1]


@pytest.fixture
async def kept() -> AsyncIterator[tuple[Children, Started]]:
    """Children that keep a spare as soon as all is quiet."""
    started = Started()
    children = Children(started, Board(), quiet=0)
    keeping = asyncio.create_task(children.keep_spare())
    yield children, started
    keeping.cancel()
    await children.close()
    assert not any(worker.alive for worker in started.workers)


async def test_a_training_is_done_by_the_spare_and_another_waits_once_it_is_over(
    kept: tuple[Children, Started],
) -> None:
    children, started = kept
    await eventually(lambda: [worker.alive for worker in started.workers] == [True])
    assert await children.ask("job", "finetune", {"do": "say", "text": "ahoy"}) == {"text": "ahoy"}
    assert not started.workers[0].alive
    await eventually(lambda: [worker.alive for worker in started.workers] == [False, True])


async def test_the_spare_does_trainings_only(kept: tuple[Children, Started]) -> None:
    children, started = kept
    await eventually(lambda: [worker.alive for worker in started.workers] == [True])
    await children.ask("job", "ingest", {"do": "say", "text": "ahoy"})
    assert [worker.name for worker in started.workers] == ["finetune", "ingest"]
    assert started.workers[0].alive


async def test_a_dead_spare_is_neither_asked_nor_kept(kept: tuple[Children, Started]) -> None:
    children, started = kept
    await eventually(lambda: [worker.alive for worker in started.workers] == [True])
    await started.workers[0].cancel()
    assert await children.ask("job", "finetune", {"do": "say", "text": "ahoy"}) == {"text": "ahoy"}
    await eventually(lambda: [worker.alive for worker in started.workers] == [False, False, True])


async def test_a_spare_that_was_taken_is_nobody_elses_and_no_other_is_started_beside_it(
    kept: tuple[Children, Started],
) -> None:
    children, started = kept
    await eventually(lambda: [worker.alive for worker in started.workers] == [True])
    working = asyncio.create_task(children.ask("job", "finetune", {"do": "wait"}))
    await eventually(lambda: children._board["job"].stage == "train")
    assert len(started.workers) == 1
    async with asyncio.timeout(60):
        assert await children.ask("another", "finetune", {"do": "say", "text": "ahoy"}) == {"text": "ahoy"}
    await children.stop("job")
    with pytest.raises(ChildFailed):
        await working
