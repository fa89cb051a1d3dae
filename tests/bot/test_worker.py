"""The bot's end of a child process, with real children that live, die and misbehave in every way."""

import asyncio
import json
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.worker import LAST_LINES, LOGGED, Worker, trainer
from tests.bot.children import ENVIRONMENT, HERE, child
from trainer.protocol import LONGEST_LINE, Done, Event, Failed, Progress, Request


def to(do: str, id: str = "1", **values: Any) -> Request:
    """What ``obedient`` understands."""
    return Request(id, "train", {"do": do, **values})


async def told(worker: Worker, request: Request) -> list[Event]:
    return [event async for event in worker.ask(request)]


async def last(worker: Worker, request: Request) -> Event:
    return (await told(worker, request))[-1]


async def begun(worker: Worker, request: Request) -> "asyncio.Task[Event]":
    """The answer to come, once the child has reported that it works on the request."""
    started = asyncio.Event()

    async def follow() -> Event:
        events = []
        async for event in worker.ask(request):
            events.append(event)
            started.set()
        return events[-1]

    answer = asyncio.create_task(follow())
    await started.wait()
    return answer


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


class Log(logging.Handler):
    """Records of one logger as they come."""

    def __init__(self) -> None:
        super().__init__()
        self._records: asyncio.Queue[logging.LogRecord] = asyncio.Queue()

    def emit(self, record: logging.LogRecord) -> None:
        self._records.put_nowait(record)

    async def next(self) -> tuple[int, str]:
        record = await self._records.get()
        return record.levelno, record.getMessage()


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[Log]:
    caplog.set_level(logging.INFO, "mockingbird.obedient")
    log = Log()
    logging.getLogger("mockingbird.obedient").addHandler(log)
    yield log
    logging.getLogger("mockingbird.obedient").removeHandler(log)


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    life = Life(tmp_path / "life")
    yield life
    os.close(life.end)


# What is asked is answered.


async def test_a_request_gets_its_progress_and_then_one_done() -> None:
    async with child("obedient") as worker:
        events = await told(worker, to("count", steps=3))

    assert events == [*(Progress("1", "train", step=step) for step in range(3)), Done("1", {"text": "counted"})]


async def test_many_requests_at_once_get_each_their_own_events() -> None:
    requests = [Request(str(number), f"verb {number}", {"number": number}) for number in range(50)]
    async with child("reverser", "50") as worker:
        answers = await asyncio.gather(*(told(worker, request) for request in requests))

    assert answers == [[Progress(each.id, "train", note=each.verb), Done(each.id, each.task)] for each in requests]


async def test_two_open_requests_cannot_have_the_same_id() -> None:
    async with child("obedient") as worker:
        await begun(worker, to("wait"))
        with pytest.raises(ValueError, match="open already"):
            await last(worker, to("say", text="hello"))


async def test_half_an_emoji_travels_in_both_directions() -> None:
    async with child("obedient") as worker:
        assert await last(worker, to("say", text="\ud83d")) == Done("1", {"text": "\ud83d"})


@pytest.mark.parametrize("size", [1_000_000, LONGEST_LINE - 1000])
async def test_long_lines_travel_whole_in_both_directions(size: int) -> None:
    async with child("obedient") as worker:
        assert await last(worker, to("say", text="é" * (size // 2))) == Done("1", {"text": "é" * (size // 2)})


async def test_an_asker_that_leaves_early_does_no_harm() -> None:
    async with child("obedient") as worker:
        async for _ in worker.ask(to("count", "1", steps=1000)):
            break
        assert await last(worker, to("say", "2", text="hello")) == Done("2", {"text": "hello"})


async def test_an_asker_that_is_cancelled_does_no_harm() -> None:
    async with child("obedient") as worker:
        waiting = asyncio.create_task(last(worker, to("count", "1", steps=1000)))
        assert await last(worker, to("say", "2", text="hello")) == Done("2", {"text": "hello"})
        waiting.cancel()
        assert await last(worker, to("say", "3", text="hello")) == Done("3", {"text": "hello"})


async def test_the_environment_given_is_the_whole_environment() -> None:
    script = str(HERE / "obedient.py")
    env = {"PYTHONPATH": ENVIRONMENT["PYTHONPATH"], "COLOUR": "green"}
    async with Worker("obedient", [sys.executable, script], env) as worker:
        assert await last(worker, to("tell", variable="COLOUR")) == Done("1", {"text": "green"})
        assert await last(worker, to("tell", variable="PATH")) == Done("1", {"text": ""})


# What is no event is skipped, and said in the log.


@pytest.mark.parametrize(
    "line",
    [
        "Downloading: 100%",
        "",
        "[1]",
        '{"event": "thought", "id": "1"}',
        '{"event": "done", "result": {}}',
        '{"event": "done", "id": "1", "result": 3}',
        '{"event": "progress", "id": "1"}',
        '{"event": "failed", "id": "1"}',
        "\xff\xfe",
        "[" * 100_000,
        '{"event": "done", "id": ',
    ],
)
async def test_a_line_that_is_no_event_is_skipped_and_logged(line: str, caplog: pytest.LogCaptureFixture) -> None:
    async with child("raw") as worker:
        lines = [line, json.dumps({"event": "done", "id": "1", "result": {}})]
        assert await told(worker, Request("1", "train", {"lines": lines})) == [Done("1", {})]

    assert "skipped a line that is no event" in caplog.text


async def test_events_of_unknown_requests_are_dropped_and_unknown_fields_ignored() -> None:
    lines = [
        '{"event": "progress", "id": "9", "stage": "train"}',
        '{"event": "done", "id": "9", "result": {}}',
        '{"event": "progress", "id": "1", "stage": "train", "mood": "good"}',
        '{"event": "done", "id": 1, "result": {}, "mood": "good"}',
    ]
    async with child("raw") as worker:
        events = await told(worker, Request("1", "train", {"lines": lines}))

    assert events == [Progress("1", "train"), Done("1", {})]


async def test_a_line_over_the_limit_is_skipped_and_the_next_one_read(caplog: pytest.LogCaptureFixture) -> None:
    script = (
        "import sys; sys.stdin.readline(); print('x' * %d);"
        'print(\'{"event": "done", "id": "1", "result": {}}\', flush=True); sys.stdin.read()'
    )
    async with Worker("long", [sys.executable, "-c", script % (2 * LONGEST_LINE + 1)]) as worker:
        assert await told(worker, Request("1", "train", {})) == [Done("1", {})]

    assert f"skipped a line of more than {LONGEST_LINE} bytes" in caplog.text


# Standard error.


async def test_standard_error_goes_to_the_log_at_its_level_with_the_open_requests(log: Log) -> None:
    async with child("obedient") as worker:
        complaints = ["WARNING memory is short", "so it goes \xff"]
        await begun(worker, to("wait", "7", complaints=complaints))

        assert await log.next() == (logging.WARNING, "[7] WARNING memory is short")
        assert await log.next() == (logging.INFO, "[7] so it goes \N{REPLACEMENT CHARACTER}")


async def test_a_line_of_standard_error_without_end_is_logged_in_part(log: Log) -> None:
    async with child("obedient") as worker:
        await begun(worker, to("wait", "7", complaints=["=" * 1_000_000]))

        assert await log.next() == (logging.INFO, "[7] " + "=" * LOGGED)


async def test_the_last_lines_of_a_child_that_dies_stand_in_one_error(caplog: pytest.LogCaptureFixture) -> None:
    async with child("obedient") as worker:
        await last(worker, to("exit", code=3, complaints=[f"line {number:03d}" for number in range(200)]))

    (error,) = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert error.splitlines()[0] == "The obedient process stopped with exit code 3."
    assert error.splitlines()[1:] == [f"line {number:03d}" for number in range(200 - LAST_LINES, 200)]


async def test_a_child_that_is_let_go_is_no_error_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async with child("obedient") as worker:
        await last(worker, to("say", text="hello"))

    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


# Death.


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


# The end.


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
    worker = child("family", str(life.path), "left")
    await worker.start()
    answer = await begun(worker, to("wait"))

    await kill(worker, 0)

    assert isinstance(await answer, Failed)
    await worker.close()
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
