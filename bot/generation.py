"""The generator child as the commands see it: ask for tweets, get tweets or one clear error."""

import asyncio
import itertools
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bot.errors import ChildFailed, GeneratorDied
from bot.worker import Worker
from trainer.protocol import Done, Failed, GenerateResult, GenerateTask, Request

log = logging.getLogger(__name__)

ATTEMPTS = 2
"""A request is asked again in a new child once: the first may have died of its neighbours in the batch."""

FREE_DEATHS = 2
"""Deaths without an answer in between that cost no pause: as many as one deadly request can cause."""

PATIENCE = 300.0
"""Seconds for an answer; a child that needs longer hangs, and is ended."""

LONGEST_PAUSE = 60.0
"""Seconds. The pause before the next start doubles from one second up to this while nothing is answered."""


class Generation:
    """The generator child, started on first use and again after its death.

    Requests in flight when it dies are asked once more in a new child, which they share, then fail with GeneratorDied.
    While a child that keeps dying is given a pause, requests fail at once.
    """

    def __init__(
        self, start: Callable[[], Worker], clock: Callable[[], float] = time.monotonic, patience: float = PATIENCE
    ) -> None:
        """``start`` makes the child, not started yet; ``clock`` gives seconds, as ``patience`` is."""
        self._make, self._clock, self._patience = start, clock, patience
        self._ids = itertools.count(1)
        self._starting = asyncio.Lock()
        self._worker: Worker | None = None
        self._deaths = 0
        self._not_before = clock()
        self._closed = False

    async def sample(self, task: GenerateTask) -> GenerateResult:
        """Raises GeneratorDied, and ChildFailed with what the child says is wrong."""
        return GenerateResult.read(await self._ask("generate", task.values()))

    async def warm(self, directory: Path) -> None:
        """Load a version, so that its next tweet comes at once. Raises as ``sample``."""
        await self._ask("load", {"model": str(directory)})

    async def unload(self, directory: Path) -> None:
        """Let go of a version's files. Raises ChildFailed; a child that is not there holds nothing."""
        if self._worker and self._worker.alive:
            await self._answer(self._worker, "unload", {"model": str(directory)})

    async def close(self) -> None:
        """End the child for good; what is in flight fails."""
        self._closed = True
        async with self._starting:
            if self._worker:
                await self._worker.close()

    async def _ask(self, verb: str, task: dict[str, Any]) -> dict[str, Any]:
        for _ in range(ATTEMPTS):
            answer = await self._answer(await self._living(), verb, task)
            if answer is not None:
                return answer
        raise GeneratorDied

    async def _answer(self, worker: Worker, verb: str, task: dict[str, Any]) -> dict[str, Any] | None:
        """None when the child died or hung over it. Raises ChildFailed."""
        request = Request(str(next(self._ids)), verb, task)
        try:
            async with asyncio.timeout(self._patience):
                last = [event async for event in worker.ask(request)][-1]
        except TimeoutError:
            log.error("the generator hangs over request %s", request.id)
            await self._bury(worker)
            return None
        match last:
            case Done(_, result):
                self._deaths = 0
                return result
            case Failed(kind="WorkerDied"):
                await self._bury(worker)
                return None
            case Failed(_, kind, sentence, details):
                self._deaths = 0
                raise ChildFailed(kind, sentence, details)
        raise AssertionError("a request ends with done or failed")

    async def _living(self) -> Worker:
        """The child, started if need be. Raises GeneratorDied during a pause and after the end."""
        async with self._starting:
            if self._worker and not self._worker.alive:
                await self._bury(self._worker)
            if self._worker is None:
                self._worker = await self._start()
            return self._worker

    async def _start(self) -> Worker:
        if self._closed or self._clock() < self._not_before:
            raise GeneratorDied
        worker = self._make()
        try:
            await worker.start()
        except OSError as error:
            log.exception("the generator does not start")
            self._count_death()
            raise GeneratorDied from error
        return worker

    async def _bury(self, worker: Worker) -> None:
        """Of all requests that notice the death, one counts it; each returns when nothing of the child is left."""
        if self._worker is worker:
            self._worker = None
            self._count_death()
        await worker.close()

    def _count_death(self) -> None:
        self._deaths += 1
        if self._deaths > FREE_DEATHS:
            pause = min(2.0 ** (self._deaths - FREE_DEATHS - 1), LONGEST_PAUSE)
            self._not_before = self._clock() + pause
            log.error("the generator died %d times without an answer; next start in %.0f s", self._deaths, pause)
