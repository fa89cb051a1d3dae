"""The whole bot on the local Telegram: the process with its children, and steps that scenarios share."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.e2e.running import RunningService
from tests.servers.telegram import Message, Telegram

AIOHTTP_WARNS = pytest.mark.filterwarnings("ignore:unread_data:DeprecationWarning")
"""Of itself, when the local Telegram reads a form with a picture in it."""

NO_LIMITS = {
    "training__per_user_a_day": "0",
    "training__per_community_a_day": "0",
    "generation__per_user_a_minute": "0",
}


class BotOnTelegram(RunningService):
    def __init__(self, telegram: Telegram, data: Path, base: Path, **settings: str) -> None:
        addresses = {"telegram__api_url": telegram.api_url, "telegram__file_url": telegram.file_url}
        super().__init__(data, base, 1, **{"telegram__token": telegram.token} | addresses | NO_LIMITS | settings)
        self.telegram = telegram

    async def ask(self, line: str, user: str | None = None, chat: str = "group", thread: int | None = None) -> Message:
        """The first answer to a line."""
        return await self.telegram.reply(await self.telegram.message(line, user, chat, thread=thread))

    async def train(self, handle: str, timeline: Path, chat: str = "group", thread: int | None = None) -> Message:
        """The acknowledgement of a training of a file."""
        asked = await self.telegram.document(
            timeline.name, timeline.read_bytes(), f"/train @{handle}", chat=chat, thread=thread
        )
        return await self.telegram.reply(asked)

    async def notice(self, handle: str, chat: str = "group") -> Message:
        """The message that tells that a persona is ready."""
        return await self.telegram.find_sent(lambda each: each in self.notices(handle, chat))

    def notices(self, handle: str, chat: str = "group") -> list[Message]:
        """Those ever sent, as messages of their own."""
        return [each for each in self.telegram.said(chat) if each.caption.startswith(f"@{handle} is ready")]


@asynccontextmanager
async def on_telegram(telegram: Telegram, data: Path, base: Path, **settings: str) -> AsyncIterator[BotOnTelegram]:
    """Started, and listening; it leaves no child behind, and made no mistake."""
    bot = BotOnTelegram(telegram, data, base, **settings)
    await bot.start()
    try:
        await telegram.polled()
        yield bot
    finally:
        await bot.stop()
    assert bot.children() == []
    assert telegram.violations == []
