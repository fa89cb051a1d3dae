"""The console: lines in, replies out, and a durable transcript of every final notice.

Lines come from a terminal, a pipe or a file; ``screen`` decides how an event looks.
"""

import asyncio
import json
import os
import secrets
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, TextIO

from bot import text
from bot.commands import line as lines
from bot.commands.table import COMMANDS, Command, Given, Request, Services, run
from bot.domain import Job, Notice, Origin
from bot.errors import MockingbirdError
from bot.front.base import deliver_notices, deliver_waiting
from bot.progress import Standing
from bot.reply import Button, Reply
from bot.upload import LocalFile

Kind = Literal["reply", "progress", "error"]

FRAME = 0.5
"""Seconds between two frames of one job's progress."""
DROPPED = {"tweet", "evaluate", "models warm"}
"""Commands that change nothing, whose answers need not be awaited by who leaves."""


@dataclass(frozen=True)
class Event:
    """One thing shown. ``line`` is the number of the line it answers, 0 for a line of an earlier session."""

    line: int
    kind: Kind
    text: str
    buttons: tuple[Button, ...] = ()
    picture: str = ""
    final: bool = True
    standing: Standing | None = None
    """The numbers behind a frame of progress."""

    def values(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if name != "standing"}


class Screen(Protocol):
    def show(self, event: Event) -> None: ...


class Console:
    """One session of one person. Front end and session are the same thing here."""

    platform = "console"

    def __init__(self, services: Services, screen: Screen, user: str, admin: bool) -> None:
        self._services, self._screen = services, screen
        self._user, self._admin = user, admin
        self._session = secrets.token_hex(4)
        self._transcript = Transcript(services.folder.transcript)
        self._followers: dict[int, asyncio.Task[None]] = {}
        self._answers: set[asyncio.Task[Reply]] = set()
        self.failed = False
        """Whether a line of this session was answered with an error."""

    async def converse(self, typed: AsyncIterator[str], stay: bool = True) -> None:
        """Answer every line. At their end ``stay`` until all work is done, or leave it for the next session."""
        async with self._delivering():
            number = 0
            async for line in typed:
                number += 1
                if line.strip():
                    await self._line(line.strip(), number)
            if stay:
                await asyncio.gather(*self._answers)
                await self._services.jobs.idle()
            else:
                await self._leave()

    async def use(self, command: Command, given: dict[str, str]) -> None:
        """Answer one command, and return when what it began is over; what others began goes on another time."""
        async with self._delivering():
            if job := (await self._answer(command, given, 1)).job:
                await self._services.jobs.finished(job)

    async def deliver(self, notice: Notice, reply: Reply) -> None:
        session, _, number = notice.origin.message.partition(":")
        event = self._event(int(number) if session == self._session else 0, reply)
        if event.line and (follower := self._followers.pop(event.line, None)):
            follower.cancel()
        if self._transcript.add(f"{notice.watcher.job}-{notice.id}", event):
            self._show(event)

    @asynccontextmanager
    async def _delivering(self) -> AsyncIterator[None]:
        """Notices are shown as they come, and on leaving every last one."""
        with closing(self._transcript):
            async with asyncio.TaskGroup() as self._background:
                delivering = self._background.create_task(deliver_notices(self, self._services))
                yield
                delivering.cancel()
                await asyncio.wait([delivering])
                await deliver_waiting(self, self._services)
                for follower in self._followers.values():
                    follower.cancel()

    async def _leave(self) -> None:
        """Drop answers but of what changes something, and tell of the trainings: they are durable."""
        for follower in self._followers.values():
            follower.cancel()
        for answer in self._answers:
            if answer.get_name() in DROPPED:
                answer.cancel()
        if left := await self._services.store.active_jobs():
            self._show(Event(0, "reply", text.goes_on(left)))

    async def _line(self, line: str, number: int) -> None:
        spoken = not line.startswith("/") and line not in COMMANDS
        try:
            command, given = lines.parse(f"/tweet {line}" if spoken else line)
        except MockingbirdError as error:
            self._show(Event(number, "error", error.sentence))
            return
        answering = self._answer(command, given, number, spoken)
        if command.slow:  # later lines need not wait for it
            task = self._background.create_task(answering, name=command.name)
            self._answers.add(task)
            task.add_done_callback(self._answers.discard)
        else:
            await answering

    async def _answer(self, command: Command, given: dict[str, str], number: int, spoken: bool = False) -> Reply:
        async def say(words: str) -> None:
            self._show(Event(number, "progress", words, final=False))

        origin = Origin(
            self.platform, "console", self._user, f"{self._session}:{number}", self._user,
            admin=self._admin, owner=self._admin,
        )  # fmt: skip
        reply = await run(command, Request(origin, self._services, say, spoken=spoken), _with_files(given))
        job = await self._services.store.job(reply.job) if reply.job else None
        self._show(self._event(number, reply, final=job is None))
        if job and job.state.active:
            self._followers[number] = self._background.create_task(self._follow(job, number))
        return reply

    async def _follow(self, job: Job, number: int) -> None:
        """Show the newest standing, not more often than every ``FRAME`` seconds."""
        async for standing in self._services.board.follow(job.id):
            words = text.standing(job.persona, standing)
            self._show(Event(number, "progress", words, final=False, standing=standing))
            await asyncio.sleep(FRAME)

    def _event(self, number: int, reply: Reply, final: bool = True) -> Event:
        kind: Kind = "error" if reply.error else "reply"
        return Event(number, kind, reply.words, reply.buttons, reply.picture, final)

    def _show(self, event: Event) -> None:
        self.failed |= event.kind == "error" and event.line > 0
        self._screen.show(event)


class Transcript:
    """Every final notice ever shown, one JSON object a line, each once however often it is delivered.

    A bot killed while it wrote leaves a torn last line: it is ended there, and its notice is written anew.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("a+b")
        self._file.seek(0)
        lines = self._file.readlines()
        self._seen = {notice for notice in map(_notice, lines) if notice}
        if lines and not lines[-1].endswith(b"\n"):
            self._file.write(b"\n")

    def add(self, notice: str, event: Event) -> bool:
        """False when it is there already; otherwise it is on the disk on return."""
        if notice in self._seen:
            return False
        self._file.write(json.dumps({"notice": notice, **event.values()}, ensure_ascii=False).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self._seen.add(notice)
        return True

    def close(self) -> None:
        self._file.close()


def _with_files(given: dict[str, str]) -> Given:
    """Here, and only here, a path names a file of this machine: who types may read it anyway."""
    if "file" not in given:
        return given
    path = given["file"]
    return {**given, "file": LocalFile(Path(os.path.expanduser(path)))}  # noqa: PTH111  # leaves ~nobody as it is


def _notice(line: bytes) -> str:
    try:
        return str(json.loads(line)["notice"])
    except (ValueError, KeyError, TypeError):
        return ""


async def piped(stream: TextIO) -> AsyncIterator[str]:
    """Lines of a pipe or file, read in a thread because not every file can be waited for."""
    queue: asyncio.Queue[str | None] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def read() -> None:
        try:
            for line in stream:
                loop.call_soon_threadsafe(queue.put_nowait, line)
        finally:
            loop.call_soon_threadsafe(queue.put_nowait, None)

    threading.Thread(target=read, daemon=True).start()
    while (line := await queue.get()) is not None:
        yield line


class JsonLines:
    """A screen for programs: one JSON object an event."""

    def show(self, event: Event) -> None:
        print(json.dumps(event.values(), ensure_ascii=False), flush=True)


class Plain:
    """A screen for pipes: words only, and of the progress each stage once."""

    def __init__(self) -> None:
        self._stages: dict[int, str] = {}

    def show(self, event: Event) -> None:
        if event.standing:
            if self._stages.get(event.line) == event.standing.stage:
                return
            self._stages[event.line] = event.standing.stage
        print(event.text, flush=True)
