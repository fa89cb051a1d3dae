"""The children at work on jobs: asked one thing each, watched, and stopped when a job is cancelled.

A trainer takes seconds to import its libraries, so one waits, a spare, with that done.
"""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from bot.errors import Broken, ChildFailed
from bot.progress import Board
from bot.worker import Worker
from trainer.protocol import Done, Event, Failed, Progress, Request

Start = Callable[[str], Worker]
"""Makes the child for a verb; it is started by whoever gets it."""

Wanted = Callable[[], Awaitable[bool]]

SPARED = "finetune"
"""The verb that a spare waits for."""
QUIET = 3.0
"""Seconds without a job's child at work before a spare is started: it must not hold up what somebody waits for."""

log = logging.getLogger(__name__)


class Children:
    def __init__(self, start: Start, board: Board, quiet: float = QUIET) -> None:
        self._start, self._board, self._quiet = start, board, quiet
        self._running: dict[str, Worker] = {}
        self._changed = asyncio.Event()
        """Set when a child is asked, and when it is done."""
        self._spare: Worker | None = None

    async def ask(self, job: str, verb: str, task: dict[str, Any], wanted: Wanted | None = None) -> dict[str, Any]:
        """What a child answers; its progress goes to the board. Raises ChildFailed.

        ``wanted`` is asked once the child can be stopped: a job cancelled before that had no child to tell.
        """
        worker = self._running[job] = self._take(verb)
        self._changed.set()
        try:
            if worker.pid is None:
                await worker.start()
            if wanted and not await wanted():
                raise ChildFailed("Cancelled", "Cancelled.")
            return await self._last_word(job, worker.ask(Request(job, verb, task)))
        finally:
            self._running.pop(job, None)
            self._changed.set()
            await worker.close()

    async def errand(self, verb: str, task: dict[str, Any]) -> dict[str, Any]:
        """What a child answers to a command that is no job: nobody is shown how far it is. Raises ChildFailed."""
        id = secrets.token_hex(3)
        try:
            return await self.ask(id, verb, task)
        finally:
            self._board.forget(id)

    async def stop(self, job: str) -> None:
        """Cancel what is being done for a job: the child leaves nothing behind."""
        if worker := self._running.get(job):
            await worker.cancel()

    async def close(self) -> None:
        """End all, their checkpoints kept."""
        for worker in list(self._running.values()):
            await worker.close()
        if self._spare:  # it may not listen yet, and has nothing to keep
            await self._spare.cancel()

    async def keep_spare(self) -> None:
        """Have a spare whenever no child is at work; until cancelled."""
        while True:
            self._changed.clear()
            if self._running or (self._spare and self._spare.alive):
                await self._changed.wait()
            elif not await self._changes_soon():
                await self._start_spare()

    async def _changes_soon(self) -> bool:
        try:
            async with asyncio.timeout(self._quiet):
                return await self._changed.wait()
        except TimeoutError:
            return False

    async def _start_spare(self) -> None:
        """Nothing fails without one."""
        self._spare = self._start(SPARED)
        try:
            await self._spare.start()
        except OSError:
            log.exception("no spare trainer starts")
            await self._changed.wait()

    def _take(self, verb: str) -> Worker:
        """The spare, if it is of use; otherwise a child that is not started yet."""
        spare = self._spare
        if verb != SPARED or not spare or not spare.alive:
            return self._start(verb)
        self._spare = None
        return spare

    async def _last_word(self, job: str, events: AsyncIterator[Event]) -> dict[str, Any]:
        async for event in events:
            match event:
                case Progress():
                    self._board.post(job, self._board[job].after(event))
                case Done():
                    return event.result
                case Failed():
                    raise ChildFailed(event.kind, event.sentence, event.details)
        raise Broken
