"""One press of a button: released in time, with a short answer that only who pressed sees, or a message."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from telegram import CallbackQuery
from telegram.error import BadRequest, RetryAfter, TelegramError

from bot.domain import Origin
from bot.front.telegram.flood import seconds
from bot.front.telegram.messages import Messenger
from bot.reply import Reply

log = logging.getLogger(__name__)

SOON = 5.0
"""Seconds after which the button is released, answer or not; Telegram waits some ten."""

PAUSES = 0.5, 2.0
"""Seconds before the button's release is tried again."""

LONGEST_ALERT = 200
"""Characters."""


class Press:
    def __init__(self, query: CallbackQuery, message: int, origin: Origin, messenger: Messenger) -> None:
        self._query, self._message, self._origin, self._messenger = query, message, origin, messenger
        self._released = False

    @asynccontextmanager
    async def in_time(self, at_once: bool) -> AsyncIterator[None]:
        """Within the block the button is released before Telegram gives up on it."""
        later = asyncio.create_task(self._release_later(0.0 if at_once else SOON))
        try:
            yield
        finally:
            later.cancel()

    async def show(self, reply: Reply) -> str:
        """Raises ChannelClosed, Unreachable, Unsure."""
        short = not reply.buttons and len(reply.words) <= LONGEST_ALERT
        if (reply.private or reply.error) and short and not self._released:
            await self.release(reply.words, alert=not reply.passing)
            return ""
        await self.release()
        return await self._messenger.post(self._origin, reply, "", answers=self._message)

    async def release(self, words: str = "", alert: bool = True) -> None:
        """``alert``: the words stay until they are confirmed."""
        if self._released:
            return
        self._released = True
        for pause in (*PAUSES, None):
            try:
                await self._query.answer(words or None, show_alert=bool(words) and alert)
            except TelegramError as error:
                log.info("button not released: %s", error)
                if pause is None or isinstance(error, BadRequest):  # too late
                    return
                await asyncio.sleep(seconds(error) if isinstance(error, RetryAfter) else pause)
            else:
                return

    async def _release_later(self, pause: float) -> None:
        await asyncio.sleep(pause)
        await self.release()
