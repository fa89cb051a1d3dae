"""The Telegram side of the bot: one listener, and what comes in."""

import asyncio
import hashlib
import json
import logging
import os
import secrets
from collections.abc import Callable
from typing import Any, NoReturn
from urllib.parse import urlsplit

from telegram import (
    BotCommand,
    BotCommandScopeAllChatAdministrators,
    BotCommandScopeAllPrivateChats,
    BotCommandScopeDefault,
    Update,
)
from telegram.error import Conflict, InvalidToken, TelegramError
from telegram.ext import ExtBot, Updater
from telegram.request import HTTPXRequest

from bot.backoff import Backoff
from bot.commands.table import Command, Services, listed
from bot.front.chat import Chat
from bot.front.telegram import inline
from bot.front.telegram.flood import Flood
from bot.front.telegram.inbox import Inbox
from bot.front.telegram.listener import Listener
from bot.front.telegram.messages import Messenger
from bot.text import platforms

log = logging.getLogger(__name__)

WANTED = ["message", "callback_query", "inline_query"]

CONNECTIONS = 64

EVERYWHERE = "0.0.0.0"  # noqa: S104  # a webhook is called from outside


class Poller(ExtBot[str]):
    """Passes on that the token was revoked, which the library tells its log alone, and then polls no more."""

    def __init__(self, revoked: Callable[[], None], *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._revoked = revoked

    async def get_updates(self, *arguments: Any, **options: Any) -> tuple[Update, ...]:
        try:
            return await super().get_updates(*arguments, **options)
        except InvalidToken:
            self._revoked()
            raise


class Telegram:
    """Reconnects for ever; ends only when there is no use in trying."""

    platform = "telegram"

    def __init__(self, services: Services) -> None:
        self._services, self._config = services, services.config.telegram
        os.environ["PTB_TIMEDELTA"] = "1"  # the library's own way to be told that its new type is understood

    async def run(self) -> None:
        backoff = Backoff(first=5.0, longest=300.0)
        while True:
            try:
                await self._connection()
            except InvalidToken:
                self._say(platforms.TELEGRAM_TOKEN)
                return
            except (TelegramError, OSError) as error:
                self._say(platforms.not_connected(error, backoff.next))
            await backoff.wait()

    async def _connection(self) -> None:
        inbox = Inbox(self._services.store)
        bot = Poller(
            inbox.end, self._config.secret, self._config.api_url, self._config.file_url,
            request=HTTPXRequest(CONNECTIONS), rate_limiter=Flood(),
        )  # fmt: skip
        async with bot, Updater(bot, inbox) as updater:
            messenger = Messenger(bot, self._data, self._moved)
            await self._introduce(bot)
            async with Chat(self._services, messenger) as self._chat:
                listener = Listener(self._services, bot, messenger, self._chat)
                await inbox.restore(bot)
                await self._listen(updater)
                try:
                    await self._work(inbox, listener)
                finally:
                    await updater.stop()

    async def _listen(self, updater: Updater) -> None:
        if not self._config.webhook_url:
            await updater.start_polling(
                bootstrap_retries=-1, drop_pending_updates=False, allowed_updates=WANTED, error_callback=self._trouble
            )
            return
        await updater.start_webhook(
            listen=EVERYWHERE, port=self._config.webhook_port, url_path=urlsplit(self._config.webhook_url).path[1:],
            webhook_url=self._config.webhook_url, secret_token=secrets.token_urlsafe(32), bootstrap_retries=-1,
            drop_pending_updates=False, allowed_updates=WANTED,
        )  # fmt: skip  # a webhook is called from outside

    async def _work(self, inbox: Inbox, listener: Listener) -> NoReturn:
        """Raises InvalidToken once the token was revoked."""
        async with asyncio.TaskGroup() as answers:
            while isinstance(update := await inbox.get(), Update):
                self._services.fronts[self.platform] = self._connected  # whatever was wrong before
                answers.create_task(self._answer(update, inbox, listener))
        raise InvalidToken

    async def _answer(self, update: Update, inbox: Inbox, listener: Listener) -> None:
        """One update. What breaks is logged, and does not come again."""
        try:
            if update.inline_query:
                await inline.answer(update.inline_query, self._services)
                return
            if update.message:
                await listener.message(update.update_id, update.message)
            elif update.callback_query:
                await listener.pressed(update.update_id, update.callback_query)
        except Exception:
            log.exception("update %d broke", update.update_id)
        await inbox.done(update)

    async def _introduce(self, bot: ExtBot[str]) -> None:
        """Tell Telegram the commands, where they changed, and the log what the bot can see."""
        everyone = [_menu(command) for command in listed() if not command.admin]
        all_of_them = [_menu(command) for command in listed()]
        menus = (
            (BotCommandScopeDefault(), everyone),
            (BotCommandScopeAllPrivateChats(), everyone),
            (BotCommandScopeAllChatAdministrators(), all_of_them),
        )
        content = json.dumps([[each.to_dict() for each in menu] for _, menu in menus])
        digest = f"{bot.id} {hashlib.sha256(content.encode()).hexdigest()}"
        if await self._services.store.setting(self.platform, "commands") != digest:
            for scope, menu in menus:
                await bot.set_my_commands(menu, scope)
            await self._services.store.set_setting(self.platform, "commands", digest, f"{self.platform}:0")
        self._connected = platforms.on_telegram(bot.username, bool(bot.bot.can_read_all_group_messages))
        self._say(self._connected)

    async def _data(self, line: str) -> str:
        return await self._chat.data(line)

    async def _moved(self, old: int, new: int) -> None:
        await self._services.store.move_channel(self.platform, str(old), str(new))

    def _trouble(self, error: TelegramError) -> None:
        if isinstance(error, Conflict):
            self._say(platforms.TELEGRAM_CONFLICT)
        log.warning("telegram: %s", error)

    def _say(self, how: str) -> None:
        log.info("telegram: %s", how)
        self._services.fronts[self.platform] = how


def _menu(command: Command) -> BotCommand:
    return BotCommand(command.name.replace(" ", "_"), command.summary)
