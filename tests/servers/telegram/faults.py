"""What a test lets go wrong between the bot and Telegram."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus


@dataclass
class Fault:
    method: str
    """A regular expression that a method's whole name matches; ``file`` is a download."""
    times: int = 1
    """How many calls it is still to meet."""
    status: int = 0
    """What to answer instead; 0 answers truly."""
    body: str | None = None
    """Instead of Telegram's own words for the status."""
    retry_after: int = 0
    """Seconds that a 429 asks the bot to wait."""
    delay: float = 0.0
    """Seconds."""
    cut: bool = False
    """The connection ends without an answer."""
    after: bool = False
    """The call takes effect first; its answer is what the fault meets."""

    @property
    def words(self) -> str:
        waiting = f": retry after {self.retry_after}" if self.retry_after else ""
        return HTTPStatus(self.status).phrase + waiting


class Faults:
    def __init__(self) -> None:
        self._waiting: list[Fault] = []
        self._held: dict[str, asyncio.Event] = {}

    def add(self, fault: Fault) -> None:
        self._waiting.append(fault)

    def next(self, method: str) -> Fault | None:
        """The oldest that is meant for this method, and counts it."""
        for fault in self._waiting:
            if fault.times > 0 and re.fullmatch(fault.method, method):
                fault.times -= 1
                return fault
        return None

    @contextmanager
    def held(self, method: str) -> Iterator[None]:
        """Calls of methods that match wait, without effect, for the end of the block."""
        self._held[method] = asyncio.Event()
        try:
            yield
        finally:
            self._held.pop(method).set()

    async def wait(self, method: str) -> None:
        for pattern, released in list(self._held.items()):
            if re.fullmatch(pattern, method):
                await released.wait()
