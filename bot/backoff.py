"""Trying again, later and later."""

import asyncio
from time import monotonic


class Backoff:
    """Pauses that double from ``first`` to ``longest`` seconds, and begin anew after a longer time without one."""

    def __init__(self, first: float, longest: float) -> None:
        self._first, self._longest = first, longest
        self._pause, self._last = first, monotonic()

    @property
    def next(self) -> float:
        """Seconds the next pause will take."""
        return self._first if monotonic() - self._last > 2 * self._longest else self._pause

    async def wait(self) -> None:
        pause = self.next
        self._pause, self._last = min(2 * pause, self._longest), monotonic() + pause
        await asyncio.sleep(pause)
