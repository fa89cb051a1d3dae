"""The console on a terminal: what is typed, what is shown, and the real program in a terminal of its own."""

import asyncio
import os
import pty
import re
import sys
import termios
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from io import FileIO, StringIO
from pathlib import Path

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.data_structures import Size
from prompt_toolkit.document import Document
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output.vt100 import Vt100_Output
from rich.console import Console as Rich

from bot import app, config
from bot.domain import Person, Training
from bot.front.console import Event
from bot.front.terminal import Bar, Completions, Terminal, show
from bot.progress import Standing
from bot.reply import Button
from bot.store import Store
from tests.bot.front.test_console import silent
from tests.bot.test_store import ALICE, publish, train

HALF = Standing("train", fraction=0.5, loss=3.25, losses=(4.0, 3.25), eta=120.0)
WAITING = Event(1, "progress", "@nasa: waiting", final=False, standing=Standing("queue", place=1, eta=120.0))
WORKING = Event(1, "progress", "@nasa: training", final=False, standing=HALF)
READY = Event(1, "reply", "@nasa is ready.")
END = "\x04"
"""Ctrl-D."""
SHOW_CURSOR, HIDE_CURSOR, ERASE_LINE = "\x1b[?25h", "\x1b[?25l", "\x1b[2K"


@pytest.fixture
def keys() -> Iterator[PipeInput]:
    with create_pipe_input() as keys:
        yield keys


class Screen(Vt100_Output):
    """Tells at once how much room there is, for which another terminal is asked by an escape code."""

    def get_rows_below_cursor_position(self) -> int:
        return 20


@asynccontextmanager
async def terminal(data: Path, keys: PipeInput, drawn: StringIO) -> AsyncIterator[Terminal]:
    """One whose keyboard is ``keys`` and which draws its prompt into ``drawn``."""
    output = Screen(drawn, lambda: Size(rows=30, columns=100), term="xterm", enable_cpr=False)
    async with app.services(config.load(storage={"data": data})) as services:
        with create_app_session(input=keys, output=output):
            yield Terminal(data / "history", services)


@pytest.mark.parametrize("leave", ["/quit\r", " /exit \r", "\x03", END])
async def test_lines_are_read_until_one_of_the_ways_to_leave(leave: str, tmp_path: Path, keys: PipeInput) -> None:
    keys.send_text(f"/help\rgood morning\r{leave}/never\r")
    async with terminal(tmp_path, keys, StringIO()) as screen:
        assert [line async for line in screen.typed()] == ["/help", "good morning"]
    assert "+good morning\n" in (tmp_path / "history").read_text()


async def test_below_the_prompt_stands_how_far_a_training_is_until_it_is_over(tmp_path: Path, keys: PipeInput) -> None:
    drawn, seen = StringIO(), []
    keys.send_text("one\r")
    async with terminal(tmp_path, keys, drawn) as screen:
        screen.show(WORKING)
        async for _ in screen.typed():
            seen.append(drawn.getvalue())
            screen.show(READY if len(seen) == 1 else WAITING)
            keys.send_text("again\r" if len(seen) < 3 else END)
    assert "████████" in seen[0]
    assert "training" in seen[0]
    assert "3.25" in seen[0]
    assert "2 minutes left" in seen[0]
    assert "training" not in seen[1].removeprefix(seen[0])
    assert "begins in about 2 minutes" in seen[2].removeprefix(seen[1])


async def test_commands_and_personas_complete(tmp_path: Path) -> None:
    async with Store.open(tmp_path) as store:
        await publish(store, tmp_path, await train(store, "aaa"))
    async with app.services(config.load(storage={"data": tmp_path})) as services:

        async def completed(typed: str) -> list[str]:
            found = Completions(services).get_completions_async(Document(typed), CompleteEvent())
            return [typed[: len(typed) + each.start_position] + each.text async for each in found]

        assert await completed("/tw") == ["/tweet"]
        assert await completed("/tweet @NA") == ["/tweet @nasa"]
        assert await completed("/tweet @esa") == []
        assert await completed("good morning") == []


def test_a_reply_is_shown_as_it_is_said_with_its_buttons_and_picture(tmp_path: Path) -> None:
    rich = Rich(file=StringIO(), width=100)
    button = Button("[b]Another", "/tweet @nasa [/b]")
    show(rich, Event(1, "reply", "@nasa [red]says:\n[bold]liftoff[/]", (button,), "a.png"))
    assert isinstance(rich.file, StringIO)
    assert rich.file.getvalue().splitlines() == [
        "@nasa [red]says:",
        "[bold]liftoff[/]",
        "  [b]Another: /tweet @nasa [/b]",
        "  picture: a.png",
    ]


@pytest.mark.parametrize(("kind", "style"), [("error", "\x1b[31m"), ("reply", "")])
def test_errors_stand_out(kind: str, style: str) -> None:
    rich = Rich(file=StringIO(), force_terminal=True, color_system="standard", highlight=False)
    show(rich, Event(1, "error" if kind == "error" else "reply", "no such persona"))
    assert isinstance(rich.file, StringIO)
    assert rich.file.getvalue().startswith(f"{style}no such persona")


@pytest.fixture
def colours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has rich take the captured output for a terminal."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")


@pytest.mark.usefixtures("colours")
def test_one_command_shows_a_bar_while_it_works_and_then_the_answer(capsys: pytest.CaptureFixture[str]) -> None:
    with Bar() as bar:
        bar.show(Event(1, "reply", "Training @nasa now.", final=False))
        bar.show(WORKING)
        bar.show(READY)
    asked, _, rest = capsys.readouterr().out.partition("\n")
    assert asked == "Training @nasa now."
    working, answered = rest.rsplit("@nasa is ready.", 1)
    assert "training" in working
    assert "loss 3.25" in working
    assert ERASE_LINE in working.rpartition("━")[2]
    assert answered.strip() == ""


@pytest.mark.usefixtures("colours")
def test_one_command_that_is_interrupted_gives_the_cursor_back(capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted() -> None:
        with Bar() as bar:
            bar.show(WORKING)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    drawn = capsys.readouterr().out
    assert -1 < drawn.rfind(HIDE_CURSOR) < drawn.rfind(SHOW_CURSOR)


async def test_the_program_in_a_terminal_greets_answers_and_leaves_though_a_job_goes_on(tmp_path: Path) -> None:
    async with Store.open(tmp_path) as store:
        await store.submit("aaa", Training("ann.example", (Person("ann.example", "", source="bluesky"),)), ALICE)
    async with await asyncio.start_server(silent, "127.0.0.1") as server:
        process, terminal = await chat(tmp_path, "http://{}:{}".format(*server.sockets[0].getsockname()))
        with terminal:
            await drawn_on(terminal, "Ctrl-D leaves.*›")
            terminal.write(b"/help\r")
            await drawn_on(terminal, "I learn to tweet like somebody.*›")
            terminal.write(END.encode())
            await drawn_on(terminal, "Still training @ann.example")
            assert await process.wait() == 0


async def chat(data: Path, source: str) -> tuple[Process, FileIO]:
    """The program, and the terminal it runs in."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (30, 100))
    settings = {"TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1", "MOCKINGBIRD_BLUESKY__API_URL": source}
    settings["MOCKINGBIRD_TRAINING__SPARE"] = "false"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "chat", "--data", str(data),
        stdin=theirs, stdout=theirs, stderr=theirs, env=os.environ | settings, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    return process, FileIO(ours, "r+b")


async def drawn_on(terminal: FileIO, pattern: str) -> None:
    """Until it was drawn since the last time."""
    drawn = b""
    while not re.search(pattern, drawn.decode(errors="ignore"), re.DOTALL):
        drawn += await asyncio.to_thread(terminal.read, 1 << 16) or b""
