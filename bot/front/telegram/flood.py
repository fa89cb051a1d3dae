"""Telegram's flood limits, kept by waiting: core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this

The library's own limiter lets a group have forty messages in its first minute, and goes on sending what was in line
when Telegram had asked for a pause.
"""

import asyncio
from collections.abc import Callable, Coroutine
from time import monotonic
from typing import Any

from telegram.error import RetryAfter
from telegram.ext import BaseRateLimiter

PRIVATE, GROUP, OVERALL = (3, 3.0), (20, 60.0), (30, 1.0)
"""Messages and edits, and the seconds in which there may be no more of them."""

MARGIN = 0.2
"""Seconds added to a pause that Telegram asks for, which it gives in whole ones."""

LONGEST_WAIT = 300.0
"""Seconds of a pause that a message waits for; 240 have been seen."""

SKIP = "skip"
"""As ``rate_limit_args``: the call is worth nothing after a pause."""

Callback = Callable[..., Coroutine[Any, Any, Any]]


class Window:
    """At most ``calls`` in any ``seconds`` of Telegram's time: a place is free again so long after its call's end."""

    def __init__(self, calls: int, seconds: float) -> None:
        self._places, self._seconds = asyncio.Semaphore(calls), seconds

    async def __aenter__(self) -> None:
        await self._places.acquire()

    async def __aexit__(self, *_: object) -> None:
        asyncio.get_running_loop().call_later(self._seconds, self._places.release)


class Flood(BaseRateLimiter[str]):
    """The library passes every call through it. Messages to a chat go out in the order in which they were asked for.

    A call that Telegram wants later than ``LONGEST_WAIT``, or that may be skipped, fails with RetryAfter unsent.
    """

    def __init__(self) -> None:
        self._overall = Window(*OVERALL)
        self._chats: dict[int, Window] = {}
        self._paused: dict[int, float] = {}
        """Until when Telegram wants nothing for a chat, by ``monotonic``."""

    async def initialize(self) -> None: ...

    async def shutdown(self) -> None: ...

    async def process_request(
        self,
        callback: Callback,
        args: Any,
        kwargs: dict[str, Any],
        endpoint: str,
        data: dict[str, Any],
        rate_limit_args: str | None,
    ) -> Any:
        if not endpoint.startswith(("send", "edit")) or endpoint == "sendChatAction":
            return await callback(*args, **kwargs)
        chat = int(data["chat_id"])
        async with self._chats.setdefault(chat, Window(*(GROUP if chat < 0 else PRIVATE))), self._overall:
            await self._wait(chat, rate_limit_args == SKIP)
            try:
                return await callback(*args, **kwargs)
            except RetryAfter as error:
                self._paused[chat] = monotonic() + seconds(error) + MARGIN
                raise

    async def _wait(self, chat: int, skip: bool) -> None:
        """Until the chat's pause is over, also where it is prolonged meanwhile."""
        while (left := self._paused.get(chat, 0.0) - monotonic()) > 0:
            if skip or left > LONGEST_WAIT:
                raise RetryAfter(int(left) + 1)
            await asyncio.sleep(left)


def seconds(error: RetryAfter) -> float:
    wait = error.retry_after
    return float(wait) if isinstance(wait, int | float) else wait.total_seconds()
