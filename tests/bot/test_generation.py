"""The generator child through its deaths, with real children."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.errors import ChildFailed, GeneratorDied
from bot.generation import Generation
from bot.worker import Worker, trainer
from tests.bot.children import ENVIRONMENT, child
from tests.trainer import conftest
from trainer.protocol import GenerateTask

tiny_base = conftest.tiny_base


class Book:
    """One line for each life of the generator."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def pids(self) -> list[int]:
        return [int(line) for line in self.path.read_text().splitlines()] if self.path.exists() else []


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return Book(tmp_path / "book")


@pytest.fixture
async def generation(book: Book) -> AsyncIterator[Generation]:
    generation = Generation(lambda: child("generator", str(book.path)))
    yield generation
    await generation.close()


async def tweet(generation: Generation, prompt: str, model: str = "models/keeper/1") -> str:
    result = await generation.sample(GenerateTask(model, prompt))
    return str(result.samples[0]["text"])


async def test_a_task_gets_its_samples(generation: Generation) -> None:
    assert await tweet(generation, "good morning") == "good morning from disk"


async def test_one_child_started_on_first_use_answers_all(generation: Generation, book: Book) -> None:
    assert book.pids == []

    tweets = await asyncio.gather(*(tweet(generation, f"number {number}") for number in range(10)))

    assert tweets == [f"number {number} from disk" for number in range(10)]
    assert len(book.pids) == 1


async def test_what_the_child_says_is_wrong_reaches_the_asker(generation: Generation) -> None:
    with pytest.raises(ChildFailed) as caught:
        await tweet(generation, "refuse")

    assert caught.value.kind == "UnusableBase"
    assert caught.value.sentence == "That model is damaged: train it again."
    assert caught.value.details == {"model": "models/keeper/1"}


async def test_requests_in_flight_at_a_death_are_answered_by_one_new_child(generation: Generation, book: Book) -> None:
    prompts = ["answer in the second life"] * 5 + ["die in the first life"]

    tweets = await asyncio.gather(*(tweet(generation, prompt) for prompt in prompts))

    assert tweets == [f"{prompt} from disk" for prompt in prompts]
    assert len(book.pids) == 2


async def test_a_generator_that_hangs_is_ended_and_its_requests_answered_by_a_new_one(book: Book) -> None:
    generation = Generation(lambda: child("generator", str(book.path)), patience=3.0)

    assert await tweet(generation, "answer in the second life") == "answer in the second life from disk"
    assert len(book.pids) == 2
    await generation.close()


async def test_a_request_that_dies_twice_is_answered_with_a_sentence_and_the_next_one_served(
    generation: Generation, book: Book
) -> None:
    answers = await asyncio.gather(
        *(tweet(generation, prompt) for prompt in ("never answer", "die")), return_exceptions=True
    )

    assert [type(answer) for answer in answers] == [GeneratorDied, GeneratorDied]
    assert await tweet(generation, "good morning") == "good morning from disk"
    assert len(book.pids) == 3


@pytest.mark.parametrize("death", [signal.SIGKILL, signal.SIGTERM])
async def test_a_child_that_dies_while_idle_is_replaced(generation: Generation, book: Book, death: int) -> None:
    await tweet(generation, "good morning")

    os.kill(book.pids[0], death)

    assert await tweet(generation, "good evening") == "good evening from disk"
    assert len(book.pids) == 2


async def test_a_death_before_the_request_is_none_of_its_two_attempts(book: Book) -> None:
    children = [child("generator", str(book.path)) for _ in range(3)]
    waiting = iter(children)
    generation = Generation(lambda: next(waiting))
    await tweet(generation, "good morning")
    await children[0].cancel()

    assert await tweet(generation, "die in the second life") == "die in the second life from disk"
    await generation.close()


async def test_a_child_that_keeps_dying_is_given_longer_and_longer_pauses(book: Book) -> None:
    now = 0.0
    generation = Generation(lambda: child("generator", str(book.path), "stillborn"), lambda: now)

    async def starts_at(moment: float) -> int:
        nonlocal now
        now, before = moment, len(book.pids)
        with pytest.raises(GeneratorDied):
            await tweet(generation, "good morning")
        return len(book.pids) - before

    assert [await starts_at(moment) for moment in (0, 0, 0, 0.9, 1, 1, 2.9, 3, 6.9, 7)] == [
        2,
        1,
        0,
        0,
        1,
        0,
        0,
        1,
        0,
        1,
    ]
    await generation.close()


async def test_an_answer_ends_the_counting_of_deaths(generation: Generation, book: Book) -> None:
    for _ in range(3):
        with pytest.raises(GeneratorDied):
            await tweet(generation, "die")
        await tweet(generation, "good morning")

    assert len(book.pids) == 7


async def test_a_generator_that_cannot_be_started_is_answered_with_a_sentence() -> None:
    generation = Generation(lambda: Worker("generate", ["/nowhere/at/all"]))

    with pytest.raises(GeneratorDied):
        await tweet(generation, "good morning")


async def test_an_asker_that_is_cancelled_leaves_the_child_at_work(generation: Generation, book: Book) -> None:
    waiting = asyncio.create_task(tweet(generation, "never answer"))
    await tweet(generation, "good morning")

    waiting.cancel()

    assert await tweet(generation, "good evening") == "good evening from disk"
    assert len(book.pids) == 1


async def test_an_asker_cancelled_while_the_child_starts_harms_nobody(generation: Generation) -> None:
    first = asyncio.create_task(tweet(generation, "good morning"))
    second = asyncio.create_task(tweet(generation, "good evening"))
    asyncio.get_running_loop().call_soon(first.cancel)

    assert await second == "good evening from disk"


async def test_a_version_is_warmed_and_let_go(generation: Generation) -> None:
    await generation.warm(Path("models/keeper/1"))
    assert await tweet(generation, "good morning") == "good morning from memory"

    await generation.unload(Path("models/keeper/1"))
    assert await tweet(generation, "good morning") == "good morning from disk"


async def test_letting_go_starts_no_child(generation: Generation, book: Book) -> None:
    await generation.unload(Path("models/keeper/1"))

    assert book.pids == []


async def test_after_the_end_nothing_is_in_flight_and_nothing_starts(generation: Generation, book: Book) -> None:
    waiting = asyncio.create_task(tweet(generation, "never answer"))
    await tweet(generation, "good morning")

    await generation.close()

    for asker in (waiting, tweet(generation, "good evening")):
        with pytest.raises(GeneratorDied):
            await asker
    assert len(book.pids) == 1
    with pytest.raises(ProcessLookupError):
        os.kill(book.pids[0], 0)


async def test_requests_in_flight_when_the_real_generator_is_killed_are_all_answered(tiny_base: Path) -> None:
    children: list[Worker] = []

    def start() -> Worker:
        children.append(trainer("generate", "--device", "cpu", env=ENVIRONMENT))
        return children[-1]

    generation = Generation(start)
    tasks = [GenerateTask(str(tiny_base), seed=seed) for seed in range(8)]
    answers = asyncio.gather(*(generation.sample(task) for task in tasks))
    with pytest.raises(ChildFailed):  # refused at once, and after the child has accepted the others
        await generation.sample(GenerateTask(str(tiny_base), count=-1))
    pid = children[0].pid
    assert pid

    os.kill(pid, signal.SIGKILL)

    assert all(result.samples for result in await answers)
    assert len(children) == 2
    await generation.close()
