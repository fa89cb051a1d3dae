"""Trying again, later and later."""

import asyncio


class Backoff:
    """Pauses that double from ``first`` to ``longest`` seconds."""

    def __init__(self, first: float, longest: float) -> None:
        self.next, self._longest = first, longest

    async def wait(self) -> None:
        pause, self.next = self.next, min(2 * self.next, self._longest)
        await asyncio.sleep(pause)
