"""The bot's end of a child process: questions, answers, rubbish and the log, with real children."""

import asyncio
import json
import logging
import sys
from collections.abc import Iterator

import pytest

from bot.worker import LAST_LINES, LOGGED, Worker
from tests.bot.children import ENVIRONMENT, HERE, asking, child
from tests.bot.children.asking import begun, last, to, told
from trainer.protocol import LONGEST_LINE, Done, Progress, Request

nothing_forgotten = asking.nothing_forgotten


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
