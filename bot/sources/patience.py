"""Waiting for rate limits, and asking again when the other side stumbles."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TypeVar

from bot.sources.base import Told
from bot.sources.errors import OddAnswer, SourceBusy, SourceDown

PAUSES = (1.0, 5.0, 20.0)
"""Seconds before each further attempt after a 503 or a lost connection."""
LONGEST_WAIT = 20 * 60.0
"""Seconds; X's windows last 15 minutes. A server that asks for more is not waited for."""
MOST_WAITS = 3
"""For one page: a limit that is reached again at once is somebody else's to sort out."""
TELL_EVERY = 5.0
"""Seconds between two words about the time left, and until one who is not wanted any more hears of it."""

_UNTOLD_WAIT = 60.0
"""Seconds, where a 429 does not say for how long."""

T = TypeVar("T")


class Limited(Exception):
    """A rate limit, over in ``seconds``."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"{seconds:.0f} s")
        self.seconds = seconds


class Stumbled(Exception):
    """A 5xx or a lost connection: worth another attempt."""


async def patiently(ask: Callable[[], Awaitable[T]], site: str, told: Told, pauses: Sequence[float] = PAUSES) -> T:
    """What ``ask`` returns, in spite of Limited and Stumbled. Raises SourceBusy or SourceDown when patience ends."""
    left, waits = iter(pauses), 0
    while True:
        try:
            return await ask()
        except Limited as limit:
            waits += 1
            if waits > MOST_WAITS or limit.seconds > LONGEST_WAIT:
                raise SourceBusy(site, limit.seconds) from limit
            await _wait(limit.seconds, told)
        except Stumbled as error:
            if (pause := next(left, None)) is None:
                raise SourceDown(site) from error
            await asyncio.sleep(pause)


async def _wait(seconds: float, told: Told) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        await told(left)
        await asyncio.sleep(min(left, TELL_EVERY))


def seconds_until(reset: str | None) -> float:
    """From a header's point in time, in seconds since 1970 (X, Bluesky) or ISO 8601 (Mastodon); 1 at least.

    A clock here that is ahead of theirs must not turn into a storm of requests.
    """
    try:
        moment = float(reset or "") if (reset or "").isdigit() else datetime.fromisoformat(reset or "").timestamp()
    except ValueError:
        return _UNTOLD_WAIT
    return max(1.0, moment - time.time())


@contextmanager
def understood(site: str) -> Iterator[None]:
    """Raises OddAnswer for an answer that lacks what is read from it."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise OddAnswer(site, f"{type(error).__name__}: {error}") from error
