"""The children at work on jobs: asked one thing each, watched, and stopped when a job is cancelled.

A trainer takes seconds to import its libraries. So one is started as soon as the tweets of a training are being read,
and waits, a spare, for the training that comes next.
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

NEXT = {"ingest": "finetune"}
"""What is asked for after a verb, and slow to start."""

IDLE = 120.0
"""Seconds that a spare waits, some 400 MB, before it is let go: what was read may have been refused."""

log = logging.getLogger(__name__)


class Children:
    def __init__(self, start: Start, board: Board) -> None:
        self._start, self._board = start, board
        self._running: dict[str, Worker] = {}
        self._spare: Worker | None = None
        self._waiting: asyncio.Task[None] | None = None
        """Of the spare, until it is taken or let go."""

    async def ask(self, job: str, verb: str, task: dict[str, Any], wanted: Wanted | None = None) -> dict[str, Any]:
        """What a child answers; its progress goes to the board. Raises ChildFailed.

        ``wanted`` is asked once the child can be stopped: a job cancelled before that had no child to tell.
        """
        worker = self._running[job] = self._take(verb) or self._start(verb)
        try:
            if not worker.alive:
                await worker.start()
            if (following := NEXT.get(verb)) and not (self._spare and self._spare.alive):
                await self._keep(following)
            if wanted and not await wanted():
                raise ChildFailed("Cancelled", "Cancelled.")
            return await self._last_word(job, worker.ask(Request(job, verb, task)))
        finally:
            self._running.pop(job, None)
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
        if self._waiting:
            self._waiting.cancel()
            await asyncio.wait({self._waiting})
        for worker in list(self._running.values()):
            await worker.close()

    async def _keep(self, verb: str) -> None:
        """Start a spare. Nothing fails without one."""
        spare = self._spare = self._start(verb)
        try:
            await spare.start()
        except OSError:
            log.exception("no spare child starts")
            self._spare = None
        else:
            self._waiting = asyncio.create_task(self._let_go_later(spare), name=f"spare {verb} {spare.pid}")

    def _take(self, verb: str) -> Worker | None:
        """The spare, if it is of use."""
        spare = self._spare
        if not spare or spare.name != verb or not spare.alive:
            return None
        self._spare = None
        if self._waiting:
            self._waiting.cancel()
        return spare

    async def _let_go_later(self, spare: Worker) -> None:
        try:
            await asyncio.sleep(IDLE)
        finally:
            if self._spare is spare:
                self._spare = None
                await spare.close()

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
