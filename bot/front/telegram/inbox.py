"""Updates, kept in the store before the library tells Telegram that they arrived: a crash loses none."""

import asyncio
import json

from telegram import Bot, Update
from telegram.error import TelegramError

from bot.errors import StoreBroken
from bot.store import Store

PLATFORM = "telegram"


class Inbox(asyncio.Queue[object]):
    """The queue into which the library's updater puts updates; it confirms them only after ``put`` has returned."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        self._store = store

    async def restore(self, bot: Bot) -> None:
        """Take up what an earlier process left unanswered."""
        for content in await self._store.unanswered(PLATFORM):
            if update := Update.de_json(json.loads(content), bot):
                await super().put(update)

    def end(self) -> None:
        """No update comes any more: after those that wait, ``get`` gives None."""
        self.put_nowait(None)

    async def put(self, item: object) -> None:
        """Raises TelegramError, the one kind of error after which the library asks for the same updates again."""
        try:
            new = await self._is_new(item)
        except StoreBroken as error:
            raise TelegramError(error.sentence) from error
        if new:
            await super().put(item)

    async def _is_new(self, item: object) -> bool:
        if not isinstance(item, Update) or item.inline_query:  # nobody waits for an inline answer of yesterday
            return True
        return await self._store.receive(PLATFORM, str(item.update_id), item.to_json())

    async def done(self, update: Update) -> None:
        await self._store.set_answered(PLATFORM, str(update.update_id))
