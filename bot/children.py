"""The children at work on jobs: asked one thing each, watched, and stopped when a job is cancelled."""

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


class Children:
    def __init__(self, start: Start, board: Board) -> None:
        self._start, self._board = start, board
        self._running: dict[str, Worker] = {}

    async def ask(self, job: str, verb: str, task: dict[str, Any], wanted: Wanted | None = None) -> dict[str, Any]:
        """What a child answers; its progress goes to the board. Raises ChildFailed.

        ``wanted`` is asked once the child can be stopped: a job cancelled before that had no child to tell.
        """
        worker = self._running[job] = self._start(verb)
        try:
            await worker.start()
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
        for worker in list(self._running.values()):
            await worker.close()

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
