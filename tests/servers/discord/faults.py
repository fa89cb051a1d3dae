"""What goes wrong between a bot and Discord, when a scenario says so."""

import asyncio
import re
from dataclasses import dataclass, field

from tests.servers.discord.things import Json


@dataclass(eq=False)
class Fault:
    """Meets the next ``times`` requests whose "METHOD /path" matches ``pattern``; the path stands without /api/v10.

    Clients may repeat a GET, PUT, PATCH or DELETE by themselves after a cut connection: only two cuts are felt.
    """

    pattern: str
    times: int = 1
    status: int | None = None
    """The answer instead, with ``body``; 429 asks to come again after ``retry_after`` seconds."""
    body: Json = field(default_factory=lambda: {"code": 0, "message": "a fault"})
    retry_after: float = 0.5
    cut: bool = False
    """Whether the connection ends without an answer."""
    after: bool = False
    """Whether the request takes effect nevertheless."""
    delay: float = 0.0
    """Seconds before anything happens."""
    hold: asyncio.Event | None = None
    """What to wait for before anything happens."""
    met: int = 0
    """How many requests it met so far."""

    def meets(self, line: str) -> bool:
        return self.met < self.times and re.search(self.pattern, line) is not None

    async def wait(self) -> None:
        await asyncio.sleep(self.delay)
        if self.hold:
            await self.hold.wait()
