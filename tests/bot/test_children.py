"""Children of jobs, real ones: what is started, when, and that nothing of it stays."""

import os
import signal
import sys
from collections.abc import AsyncIterator

import pytest

from bot import children
from bot.children import Children
from bot.errors import ChildFailed
from bot.progress import Board
from bot.worker import Worker

SAY = {"do": "say", "text": "ahoy"}


class Nursery:
    """Makes children that obey, and remembers them."""

    def __init__(self) -> None:
        self.made: list[Worker] = []

    def __call__(self, verb: str) -> Worker:
        self.made.append(Worker(verb, [sys.executable, "-m", "tests.bot.children.obedient"]))
        return self.made[-1]

    def alive(self) -> list[str]:
        return [worker.name for worker in self.made if worker.alive]


@pytest.fixture
async def nursery() -> AsyncIterator[Nursery]:
    made = Nursery()
    yield made
    for worker in made.made:
        await worker.close()


async def test_a_trainer_waits_ready_while_tweets_are_read_and_is_the_one_that_trains(nursery: Nursery) -> None:
    asked = Children(nursery, Board())
    await asked.ask("1", "ingest", SAY)
    assert nursery.alive() == ["finetune"]
    await asked.ask("1", "finetune", SAY)
    assert sorted(worker.name for worker in nursery.made) == ["finetune", "ingest"]
    assert nursery.alive() == []
    await asked.close()


async def test_one_spare_waits_however_many_files_are_read(nursery: Nursery) -> None:
    asked = Children(nursery, Board())
    for job in "123":
        await asked.ask(job, "ingest", SAY)
    assert nursery.alive() == ["finetune"]
    await asked.close()


async def test_a_spare_that_died_is_replaced_and_no_training_fails_of_it(nursery: Nursery) -> None:
    asked = Children(nursery, Board())
    await asked.ask("1", "ingest", SAY)
    [spare] = [worker for worker in nursery.made if worker.alive]
    assert spare.pid
    os.kill(spare.pid, signal.SIGKILL)
    await spare.close()
    assert await asked.ask("1", "finetune", SAY) == {"text": "ahoy"}
    await asked.close()


async def test_a_spare_nobody_wants_goes_after_a_while(nursery: Nursery, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "IDLE", 0.0)
    asked = Children(nursery, Board())
    await asked.ask("1", "ingest", SAY)
    assert asked._waiting
    await asked._waiting
    assert nursery.alive() == []
    await asked.close()


async def test_the_end_of_the_bot_is_the_end_of_the_spare(nursery: Nursery) -> None:
    asked = Children(nursery, Board())
    await asked.ask("1", "ingest", SAY)
    await asked.close()
    assert nursery.alive() == []


async def test_a_spare_that_cannot_start_costs_nothing_but_its_help(nursery: Nursery) -> None:
    def make(verb: str) -> Worker:
        return Worker(verb, ["/no/such/program"]) if verb == "finetune" else nursery(verb)

    asked = Children(make, Board())
    assert await asked.ask("1", "ingest", SAY) == {"text": "ahoy"}
    await asked.close()


async def test_an_errand_leaves_nothing_on_the_board(nursery: Nursery) -> None:
    board = Board()
    asked = Children(nursery, board)
    await asked.errand("judge", {"do": "count", "steps": 3})
    with pytest.raises(ChildFailed):
        await asked.errand("judge", {"do": "exit", "code": 3})
    assert board._standings == {}
    await asked.close()
