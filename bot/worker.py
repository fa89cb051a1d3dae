"""A child process and the line protocol to it. The one place where processes start."""

import asyncio
import logging
import os
import signal
import sys
from asyncio.subprocess import PIPE, SubprocessStreamProtocol
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self

from trainer import protocol
from trainer.protocol import Done, Event, Failed, Request

LAST_LINES = 50
"""Of standard error, repeated in the log when the child dies."""

LOGGED = 2000
"""Characters of one line that the log and the memory take; a progress bar of a library can be one long line."""

GRACE = 1.0
"""Seconds between what should come together: the end of a child's output, its exit, and the end of its pipes."""


class Worker:
    """A child that reads requests and writes events, one JSON object a line.

    Knows nothing of trainings or tweets. A request ends with exactly one Done or Failed; when the child dies, every
    open request fails with its exit code. Whatever the child started dies with it, unless it left the process group.
    """

    def __init__(self, name: str, argv: Sequence[str], env: Mapping[str, str] | None = None) -> None:
        """``env`` is the child's whole environment; None passes the bot's on."""
        self.name = name
        self._argv, self._env = argv, env
        self._log = logging.getLogger(f"mockingbird.{name}")
        self._open: dict[str, asyncio.Queue[Event]] = {}
        self._last: deque[str] = deque(maxlen=LAST_LINES)
        self._leaving = False
        self._transport: asyncio.SubprocessTransport | None = None
        self._stdin: asyncio.StreamWriter | None = None
        self._attending: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """Of the child, and of its process group; None before the start."""
        return self._transport.get_pid() if self._transport else None

    @property
    def returncode(self) -> int | None:
        """As in ``subprocess``, negative for a signal; None before the start and before the end."""
        return self._transport.get_returncode() if self._transport else None

    @property
    def alive(self) -> bool:
        """Whether a request has a chance to be answered."""
        return not self._over and not self._leaving and self.returncode is None

    async def start(self) -> None:
        """Raises OSError where no process can be started."""
        loop = asyncio.get_running_loop()
        self._transport, pipes = await loop.subprocess_exec(
            _Pipes, *self._argv, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=self._env, start_new_session=True
        )
        self._stdin = pipes.stdin
        self._attending = asyncio.create_task(self._attend(self._transport, pipes), name=f"{self.name} {self.pid}")

    async def ask(self, request: Request) -> AsyncIterator[Event]:
        """Yield each Progress, then exactly one Done or Failed. Ids must differ among the open requests.

        Leaving the iteration early is safe: the child works on, and its answer is dropped.
        """
        if request.id in self._open:
            raise ValueError(f"request {request.id} is open already")
        events = self._open[request.id] = asyncio.Queue()
        try:
            await self._write(request)
            while not isinstance(event := await events.get(), Done | Failed):
                yield event
            yield event
        finally:
            self._open.pop(request.id, None)

    async def cancel(self, patience: float = 5.0) -> None:
        """The work is not wanted any more: SIGTERM, and SIGKILL after ``patience`` seconds, to the whole group."""
        self._leaving = True
        self._signal(signal.SIGTERM)
        await self._end(patience)

    async def close(self, patience: float = 5.0) -> None:
        """The bot is going: end of standard input, and SIGKILL to the whole group after ``patience`` seconds."""
        self._leaving = True
        if self._stdin:
            self._stdin.close()
        await self._end(patience)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _write(self, request: Request) -> None:
        if not self._stdin or self._over:
            self._deliver(self._death(request.id))
            return
        line = protocol.write_request(request)
        self._log.debug("> %s", _shown(line))
        with suppress(ConnectionError):  # it is dying: whoever attends to that answers
            self._stdin.write(line)
            await self._stdin.drain()

    def _deliver(self, event: Event) -> None:
        """Events of requests that are over, or whose asker has left, are dropped."""
        if events := self._open.get(event.id):
            events.put_nowait(event)

    async def _attend(self, transport: asyncio.SubprocessTransport, pipes: "_Pipes") -> None:
        """From the start to the very end of the child; then nothing of it is left, and no request is open."""
        reading = asyncio.create_task(self._read(pipes.stdout))
        listening = asyncio.create_task(self._listen(pipes.stderr))
        writing = asyncio.create_task(_closed(pipes.stdin))
        try:
            await asyncio.wait({reading, writing, pipes.exited}, return_when=asyncio.FIRST_COMPLETED)
            # Without its pipes a child is of no use any more; when the bot is leaving, ``_end`` has the patience.
            await asyncio.wait({pipes.exited}, timeout=None if self._leaving else GRACE)
            self._signal(signal.SIGKILL)
            await asyncio.wait({pipes.exited})
            await asyncio.wait({reading, listening, writing}, timeout=GRACE)  # a runaway daemon may hold the pipes
            transport.close()
            await asyncio.wait({reading, listening, writing}, timeout=GRACE)
        finally:
            self._signal(signal.SIGKILL)
            transport.close()
            self._fail()

    async def _read(self, events: asyncio.StreamReader) -> None:
        async for line in self._lines(events):
            try:
                event = protocol.read_event(line)
                # What was written in somebody's voice must not stay in a log that does not name them.
                self._log.debug("< %s", f"done {event.id}" if isinstance(event, Done) else _shown(line))
                self._deliver(event)
            except (ValueError, RecursionError) as error:
                self._log.warning("skipped a line that is no event (%s): %s", error, _shown(line))

    async def _listen(self, words: asyncio.StreamReader) -> None:
        """Standard error goes to the log, at the level that begins the line."""
        levels = logging.getLevelNamesMapping()
        async for line in self._lines(words):
            said = _shown(line)
            self._last.append(said)
            level = levels.get(said.partition(" ")[0], logging.INFO)
            self._log.log(level, "[%s] %s", " ".join(self._open), said)

    async def _lines(self, stream: asyncio.StreamReader) -> AsyncIterator[bytes]:
        while True:
            try:
                line = await stream.readline()
            except ValueError:
                self._log.warning("skipped a line of more than %d bytes", protocol.LONGEST_LINE)
                continue
            if not line:
                return
            yield line

    async def _end(self, patience: float) -> None:
        if self._attending:
            try:
                await asyncio.wait({self._attending}, timeout=patience)
            finally:
                self._signal(signal.SIGKILL)
            await asyncio.wait({self._attending})

    @property
    def _over(self) -> bool:
        return self._attending is None or self._attending.done()

    def _signal(self, number: signal.Signals) -> None:
        if self.pid and not self._over:
            with suppress(ProcessLookupError, PermissionError):  # macOS refuses a group of zombies
                os.killpg(self.pid, number)

    def _fail(self) -> None:
        level = logging.INFO if self._leaving else logging.ERROR
        self._log.log(level, "\n".join([self._death("").sentence, *self._last]))
        for id in self._open:
            self._deliver(self._death(id))

    def _death(self, id: str) -> Failed:
        match self.returncode:
            case None:
                how = "is not running"
            case code if code < 0:
                how = f"was killed ({signal.Signals(-code).name})"
            case code:
                how = f"stopped with exit code {code}"
        return Failed(id, "WorkerDied", f"The {self.name} process {how}.", {"returncode": self.returncode})


ENVIRONMENT = {"GOMP_SPINCOUNT": "1000"}
"""Of children, unless the bot's own has it.

Idle threads sleep soon instead of spinning, so that a trainer and a generator share cores: beside one busy core a
training keeps 3,300 tokens a second instead of 2,100, on two quiet ones it loses about a tenth (libgomp's default).
"""


def trainer(verb: str, *options: str, env: Mapping[str, str] | None = None) -> Worker:
    """``python -m trainer VERB``, not started yet; ``env`` as for ``Worker``."""
    inherited = os.environ if env is None else env
    argv = [sys.executable, "-m", "trainer", verb, *options]
    return Worker(verb, argv, ENVIRONMENT | dict(inherited))


class _Pipes(SubprocessStreamProtocol):
    """Tells of the exit itself: ``Process.wait`` of some Pythons waits for the end of every pipe as well."""

    stdin: asyncio.StreamWriter  # not None, since all three are asked for
    stdout: asyncio.StreamReader
    stderr: asyncio.StreamReader

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(protocol.LONGEST_LINE, loop)
        self.exited: asyncio.Future[None] = loop.create_future()

    def process_exited(self) -> None:
        super().process_exited()
        self.exited.set_result(None)


async def _closed(stdin: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        await stdin.wait_closed()


def _shown(line: bytes) -> str:
    return line[:LOGGED].decode(errors="replace").rstrip()
