"""Time that a test can move, and waiting without polling."""

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Clock:
    """Seconds since the server began, plus what a test added."""

    def __init__(self) -> None:
        self._began, self._date = time.monotonic(), time.time()
        self._stopped: float | None = None
        self.ahead = 0.0

    def stop(self) -> None:
        """From now on only ``ahead`` moves it."""
        self._stopped = time.monotonic()

    def now(self) -> float:
        return (self._stopped or time.monotonic()) - self._began + self.ahead

    def date(self) -> int:
        """Unix time, as messages carry it."""
        return int(self._date + self.now())


class Bell:
    """Rung on every change; wakes all who wait for something to become true."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        self._rung.set()
        self._rung = asyncio.Event()

    async def until(self, seen: Callable[[], T | None], seconds: float | None = None) -> T:
        """The first true answer of ``seen``. Raises TimeoutError after ``seconds``."""
        async with asyncio.timeout(seconds):
            while not (found := seen()):
                await self._rung.wait()
        return found
