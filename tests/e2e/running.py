"""A whole bot for tests: the real program in its own process, its children, its files."""

import asyncio
import json
import os
import signal
import sqlite3
import sys
from abc import ABC, abstractmethod
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

Event = dict[str, Any]
Wanted = Callable[[Event], bool]


class Running(ABC):
    """The bot's process: its environment, its children, its files, its log, its end."""

    def __init__(self, data: Path, base: Path, threads: int | None = 1, **settings: str) -> None:
        """``threads`` of the trainers; None leaves them as a person would have them."""
        self.data = data
        self._env = os.environ | {
            "MOCKINGBIRD_TRAINING__BASE": str(base),
            "MOCKINGBIRD_TRAINING__DEVICE": "cpu",
            "MOCKINGBIRD_TRAINING__SPARE": "false",  # it would take a core for seconds in each test
            "MOCKINGBIRD_LOGGING__LEVEL": "DEBUG",
            "MOCKINGBIRD_TEST": str(data),
        }
        self._env |= {f"MOCKINGBIRD_{name.upper()}": value for name, value in settings.items()}
        if threads:
            self._env["OMP_NUM_THREADS"] = str(threads)
        self._process: Process | None = None

    @property
    def pid(self) -> int:
        assert self._process
        return self._process.pid

    async def kill(self) -> None:
        """``kill -9`` of the bot, of the bot alone."""
        assert self._process
        self._process.send_signal(signal.SIGKILL)
        await self.gone()

    async def stop(self) -> int:
        assert self._process
        if self._process.returncode is None:
            self._process.terminate()
        return await self.gone()

    async def gone(self) -> int:
        assert self._process
        return await self._process.wait()

    @abstractmethod
    async def start(self) -> None:
        """A new process on the same data."""

    @abstractmethod
    def log(self) -> str: ...

    async def logged(self, words: str) -> None:
        """Until the log has said it, which cannot be awaited, only read: the sign of what nobody is shown."""
        await eventually(lambda: words in self.log())

    def stored(self, query: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(f"file:{self.data}/mockingbird.db?mode=ro", uri=True)) as store:
            return store.execute(query).fetchall()

    async def appears(self, pattern: str) -> None:
        """Until there is such a file, of which nobody is told either."""
        await eventually(lambda: self.files(pattern))

    async def killed_at(self, *phases: str) -> None:
        """``kill -9`` as soon as the log has the words, and a restart, for each of them in turn."""
        for words in phases:
            await self.logged(words)
            await self.kill()
            await self.start()

    def children(self, verb: str = "") -> list[int]:
        """Process ids of the trainers that work on this data folder or for this bot, orphans too."""
        return [pid for pid, command in processes() if f"-m trainer {verb}".strip() in command and self._owns(pid)]

    def files(self, pattern: str) -> list[Path]:
        return sorted(self.data.rglob(pattern))

    def _owns(self, pid: int) -> bool:
        """Told apart by the environment, which a child keeps when its parent is gone."""
        try:
            environment = Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:
            return False
        return f"MOCKINGBIRD_TEST={self.data}".encode() in environment


class RunningService(Running):
    """``mockingbird run``, on the platforms whose settings it is given: ``discord__token="..."``."""

    async def start(self) -> None:
        self.data.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as log:
            command = [sys.executable, "-m", "bot", "run", "--data", str(self.data)]
            self._process = await asyncio.create_subprocess_exec(*command, stdin=DEVNULL, stderr=log, env=self._env)

    def log(self) -> str:
        return self._log.read_text()

    @property
    def _log(self) -> Path:
        return self.data.with_suffix(".log")


class RunningBot(Running):
    """``mockingbird chat --json`` over pipes. Lines are said, events are awaited, nothing is slept for."""

    def __init__(self, data: Path, base: Path, threads: int | None = 1, **settings: str) -> None:
        super().__init__(data, base, threads, **settings)
        self.events: list[Event] = []
        self._news = asyncio.Condition()
        self._lines = 0
        self._reading: asyncio.Task[None] | None = None

    async def start(self, *options: str) -> None:
        """A new process on the same data; events of earlier ones are forgotten."""
        self.events, self._lines = [], 0
        command = [sys.executable, "-m", "bot", "chat", "--json", "--data", str(self.data), *options]
        self._process = await asyncio.create_subprocess_exec(
            *command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env=self._env, limit=1 << 24
        )
        self._reading = asyncio.create_task(self._read(self._process))

    async def say(self, line: str) -> int:
        """The number that the answers will carry."""
        assert self._process
        assert self._process.stdin
        self._process.stdin.write(f"{line}\n".encode())
        await self._process.stdin.drain()
        self._lines += 1
        return self._lines

    async def until(self, wanted: Wanted) -> Event:
        """The first event, past or to come, that is wanted."""
        async with self._news:
            while not (found := next(filter(wanted, self.events), None)):
                assert self._reading
                assert not self._reading.done(), f"the bot ended; it said {self.events}"
                await self._news.wait()
        return found

    async def answer(self, line: int) -> Event:
        """The first thing said to a line."""
        return await self.until(lambda event: event["line"] == line)

    async def final(self, line: int) -> Event:
        return await self.until(lambda event: event["line"] == line and event["final"])

    async def ask(self, line: str) -> Event:
        return await self.final(await self.say(line))

    async def stage(self, line: int, words: str) -> Event:
        """The first frame of progress that tells of a stage."""
        return await self.until(
            lambda event: event["line"] == line and event["kind"] == "progress" and words in event["text"]
        )

    async def end(self) -> int:
        """End of input: wait until all work is done, and give the exit code."""
        assert self._process
        assert self._process.stdin
        self._process.stdin.close()
        return await self.gone()

    def transcript(self) -> list[Event]:
        return [json.loads(line) for line in (self.data / "console.jsonl").read_text().splitlines()]

    def log(self) -> str:
        return (self.data / "mockingbird.log").read_text()

    async def _read(self, process: Process) -> None:
        assert process.stdout
        async for line in process.stdout:
            async with self._news:
                self.events.append(json.loads(line))
                self._news.notify_all()
        async with self._news:
            self._news.notify_all()

    async def gone(self) -> int:
        assert self._reading
        code = await super().gone()
        await self._reading
        return code


async def eventually(condition: Callable[[], object]) -> None:
    """Wait for what only the machine can tell: processes and files."""
    async with asyncio.timeout(200):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


def processes() -> Iterator[tuple[int, str]]:
    """Every running process and its command line."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                yield int(entry.name), (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue  # gone meanwhile
