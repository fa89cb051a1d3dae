"""How a child process ends: by itself, by the bot, with the bot, and what goes with it; with real children."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from bot.worker import Worker, trainer
from tests.bot.children import ENVIRONMENT, asking, child
from tests.bot.children.asking import begun, last, to, told
from trainer.protocol import Done, Failed, Request

nothing_forgotten = asking.nothing_forgotten


class Life:
    """A FIFO that processes keep open as long as they live."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self.path = path
        self.end = os.open(path, os.O_RDONLY | os.O_NONBLOCK)

    async def over(self) -> None:
        """Wait until the last process that had it open is gone."""
        closed = asyncio.Event()
        asyncio.get_running_loop().add_reader(self.end, closed.set)
        await closed.wait()
        asyncio.get_running_loop().remove_reader(self.end)


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    life = Life(tmp_path / "life")
    yield life
    os.close(life.end)


# By itself.


async def test_when_the_child_dies_every_open_request_fails_with_its_exit_code() -> None:
    async with child("obedient") as worker:
        requests = [to("exit", str(number), code=3) for number in range(3)]
        answers = await asyncio.gather(*(told(worker, request) for request in requests))

    sentence = "The obedient process stopped with exit code 3."
    assert answers == [[Failed(str(number), "WorkerDied", sentence, {"returncode": 3})] for number in range(3)]


async def test_a_killed_child_is_said_to_be_killed() -> None:
    async with child("obedient") as worker:
        answer = await last(worker, to("kill"))

    assert answer == Failed("1", "WorkerDied", "The obedient process was killed (SIGKILL).", {"returncode": -9})


async def test_what_a_child_says_before_it_dies_is_heard() -> None:
    async with child("raw") as worker:
        task = {"lines": ['{"event": "done", "id": "1", "result": {"text": "the last"}}'], "code": 3}
        assert await told(worker, Request("1", "train", task)) == [Done("1", {"text": "the last"})]


async def test_a_dead_child_is_not_alive_and_fails_what_it_is_asked() -> None:
    async with child("obedient") as worker:
        assert worker.alive
        death = await last(worker, to("exit", code=3))

        assert not worker.alive
        assert worker.returncode == 3
        assert await told(worker, to("say", text="hello")) == [death]


async def test_a_child_that_was_never_started_fails_what_it_is_asked_and_can_be_closed() -> None:
    worker = child("obedient")

    await worker.cancel()
    await worker.close()

    assert await told(worker, to("say", text="hello")) == [
        Failed("1", "WorkerDied", "The obedient process is not running.", {"returncode": None})
    ]


async def test_a_program_that_is_not_there_cannot_be_started() -> None:
    worker = Worker("nobody", ["/nowhere/at/all"])
    with pytest.raises(FileNotFoundError):
        await worker.start()

    assert not worker.alive
    await worker.close()


@pytest.mark.parametrize("pipe", [0, 1])
async def test_a_child_that_closes_its_pipes_is_ended(pipe: int) -> None:
    async with child("closing", str(pipe)) as worker:
        answer = await last(worker, to("say", text="hello"))

    assert answer == Failed("1", "WorkerDied", "The closing process was killed (SIGKILL).", {"returncode": -9})


async def test_a_child_that_dies_while_a_long_request_is_written_fails_it() -> None:
    async with Worker("short", [sys.executable, "-c", "import sys; sys.stdin.read(1); sys.exit(4)"]) as worker:
        answer = await last(worker, to("say", text="x" * 10_000_000))

    assert answer == Failed("1", "WorkerDied", "The short process stopped with exit code 4.", {"returncode": 4})


# By the bot.


async def test_cancel_lets_the_child_clean_up_and_say_so() -> None:
    worker = child("obedient")
    await worker.start()
    answer = await begun(worker, to("wait"))

    await worker.cancel()

    assert await answer == Failed("1", "Cancelled", "Cancelled.")
    assert worker.returncode == 128 + signal.SIGTERM


async def test_close_ends_a_child_at_work_by_the_end_of_its_input() -> None:
    worker = child("obedient")
    await worker.start()
    answer = await begun(worker, to("wait"))

    await worker.close()

    assert worker.returncode == 0
    assert await answer == Failed(
        "1", "WorkerDied", "The obedient process stopped with exit code 0.", {"returncode": 0}
    )


Ending = Callable[[Worker, float], Awaitable[None]]


@pytest.mark.parametrize("end", [Worker.cancel, Worker.close])
async def test_a_child_that_does_not_leave_is_killed(end: Ending) -> None:
    worker = child("stubborn")
    await worker.start()
    answer = await begun(worker, to("wait"))

    await end(worker, 0.1)

    assert worker.returncode == -signal.SIGKILL
    assert isinstance(await answer, Failed)


async def test_an_end_that_is_itself_cut_short_kills_at_once() -> None:
    async with child("stubborn") as worker:
        answer = await begun(worker, to("wait"))
        ending = asyncio.create_task(worker.cancel(patience=3600))
        asyncio.get_running_loop().call_soon(ending.cancel)

        assert isinstance(await answer, Failed)
        assert worker.returncode == -signal.SIGKILL


async def test_cancel_and_close_at_once_and_again_are_fine() -> None:
    worker = child("obedient")
    await worker.start()
    await asyncio.gather(worker.close(), worker.cancel(), worker.close())
    await worker.close()

    assert not worker.alive


async def kill(worker: Worker, patience: float) -> None:
    assert worker.pid
    os.kill(worker.pid, signal.SIGKILL)


@pytest.mark.parametrize("end", [Worker.cancel, Worker.close, kill])
async def test_what_the_child_started_goes_with_it(end: Ending, life: Life) -> None:
    worker = child("family", str(life.path))
    await worker.start()
    answer = await begun(worker, to("wait"))

    await end(worker, 5.0)

    assert isinstance(await answer, Failed)
    await life.over()
    await worker.close()


async def test_a_process_that_left_the_group_cannot_keep_a_request_open(life: Life) -> None:
    before = asyncio.all_tasks()
    worker = child("family", str(life.path), "left")
    await worker.start()
    answer = await begun(worker, to("wait"))

    await kill(worker, 0)

    assert isinstance(await answer, Failed)
    await worker.close()
    assert asyncio.all_tasks() == before
    await life.over()


async def test_nothing_runs_on_after_the_end() -> None:
    before = asyncio.all_tasks()
    async with child("obedient") as worker:
        async for _ in worker.ask(to("count", "1", steps=2)):
            break
        await last(worker, to("exit", "2", code=3))

    assert asyncio.all_tasks() == before


async def test_when_the_bot_is_killed_the_child_leaves(life: Life) -> None:
    bot = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bot.children.bot", str(life.path)),
        stdout=asyncio.subprocess.PIPE,
        env=ENVIRONMENT,
    )
    assert bot.stdout
    await bot.stdout.readline()

    bot.kill()

    await life.over()
    assert await bot.wait() == -signal.SIGKILL


async def test_the_trainer_is_a_python_module_with_a_verb() -> None:
    async with trainer("nonsense", env=ENVIRONMENT) as worker:
        answer = await last(worker, to("say", text="hello"))

    assert answer == Failed("1", "WorkerDied", "The nonsense process stopped with exit code 2.", {"returncode": 2})


@pytest.mark.skipif(sys.platform != "linux", reason="tells a process's environment in /proc")
@pytest.mark.parametrize(("own", "told"), [({}, b"1000"), ({"GOMP_SPINCOUNT": "7"}, b"7")])
async def test_the_trainer_is_told_how_to_share_the_machine_unless_the_bot_was(
    own: dict[str, str], told: bytes
) -> None:
    async with trainer("nonsense", env=ENVIRONMENT | own) as worker:
        variables = Path(f"/proc/{worker.pid}/environ").read_bytes().split(b"\0")
        await last(worker, to("say", text="hello"))

    assert b"GOMP_SPINCOUNT=" + told in variables
