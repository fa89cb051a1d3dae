"""Messages and buttons of Telegram, as requests."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from time import monotonic

from telegram import CallbackQuery, Document, Message, User
from telegram import Chat as Room
from telegram.error import TelegramError
from telegram.ext import ExtBot

from bot import clock, text
from bot.commands.table import Services
from bot.domain import Origin
from bot.errors import MockingbirdError
from bot.front.chat import Chat
from bot.front.telegram import words
from bot.front.telegram.messages import Messenger, place
from bot.front.telegram.press import Press
from bot.front.telegram.upload import SentFile
from bot.limits import speaks_in
from bot.reply import Reply

log = logging.getLogger(__name__)

ADMINS_KEPT = 300.0
"""Seconds for which a group's list of administrators is believed."""

TYPING_EVERY = 4.5
"""Seconds. Telegram shows a chat action for five."""


class Listener:
    def __init__(self, services: Services, bot: ExtBot[str], messenger: Messenger, chat: Chat) -> None:
        self._services, self._bot, self._messenger, self._chat = services, bot, messenger, chat
        self._admins: dict[int, tuple[float, frozenset[int]]] = {}

    async def message(self, update: int, message: Message) -> None:
        if message.migrate_to_chat_id:
            new = str(message.migrate_to_chat_id)
            await self._services.store.move_channel("telegram", str(message.chat.id), new)
            return
        user = message.from_user
        if user is None or (user.is_bot and not _anonymous(message)):
            return
        line = words.command_line(message, self._bot.username)
        if line is None:
            await self._talk(update, message, user)
            return
        origin = await self._origin(update, message.chat, message, user, asks=True)

        async def show(reply: Reply) -> str:
            return await self._messenger.post(origin, reply, "", answers=message.message_id)

        age = clock.now() - message.date
        if age > timedelta(minutes=self._services.config.telegram.oldest_minutes):
            await show(Reply(text.too_old(line.partition(" ")[0])))
            return
        async with self._typing(origin, line.startswith("/tweet")):
            await self._chat.answer_line(origin, line, show, self._file(message))

    async def _talk(self, update: int, message: Message, user: User) -> None:
        """A mention, a reply to a tweet of ours, or a private word."""
        origin = await self._origin(update, message.chat, message, user)
        answered = message.reply_to_message
        replied_to = str(answered.message_id) if answered else ""
        ours = bool(replied_to and await self._services.store.said(origin, replied_to))
        private = message.chat.type == Room.PRIVATE and bool(message.text)
        called = private or ours or words.mentions(message, self._bot.username)
        old = clock.now() - message.date > timedelta(minutes=self._services.config.telegram.oldest_minutes)
        if not called or old or not await speaks_in(self._services, origin):
            return

        async def show(reply: Reply) -> str:
            return await self._messenger.post(origin, reply, "", answers=message.message_id)

        async with self._typing(origin, True):
            said = words.words(message, self._bot.username)
            await self._chat.talk(origin, said, show, replied_to if ours else "")

    async def pressed(self, update: int, query: CallbackQuery) -> None:
        message = query.message
        if message is None or not query.data:
            return
        shown_with = message if isinstance(message, Message) else None
        origin = await self._origin(update, message.chat, shown_with, query.from_user, asks=True)
        press = Press(query, message.message_id, origin, self._messenger)
        try:
            line = await self._chat.line(query.data)
        except MockingbirdError as error:
            await press.release(error.sentence)
            return
        tweets = line.startswith("/tweet")
        async with press.in_time(at_once=tweets), self._typing(origin, tweets):
            await self._chat.answer_line(origin, line, press.show)

    async def _origin(self, update: int, room: Room, message: Message | None, user: User, asks: bool = False) -> Origin:
        """``asks``: for a command, which may be an admin's."""
        topic = message.message_thread_id if message and message.is_topic_message else None
        group = room.type != Room.PRIVATE
        owner = f"telegram:{user.id}" in self._services.config.admin.users
        admin = owner
        if asks and group and not admin:
            admin = (message is not None and _anonymous(message)) or user.id in await self._administrators(room.id)
        return Origin(
            "telegram", f"{room.id}/{topic}" if topic else str(room.id), str(user.id), name=user.full_name,
            admin=admin, owner=owner, update=str(update), community=f"telegram:{room.id}" if group else "",
        )  # fmt: skip

    async def _administrators(self, chat: int) -> frozenset[int]:
        asked, known = self._admins.get(chat, (0.0, frozenset()))
        if known and monotonic() - asked < ADMINS_KEPT:
            return known
        try:
            members = await self._bot.get_chat_administrators(chat)
        except TelegramError as error:
            log.warning("the administrators of %d are not known: %s", chat, error)
            return known
        found = frozenset(member.user.id for member in members)
        self._admins[chat] = monotonic(), found
        return found

    def _file(self, message: Message) -> SentFile | None:
        """Sent with the command, or in the message that it replies to."""
        answered = message.reply_to_message
        document: Document | None = message.document or (answered.document if answered else None)
        if document is None:
            return None
        hosted = self._services.config.telegram.hosted
        return SentFile(document.file_name or "file", document.file_size or 0, document.file_id, hosted, self._bot)

    @asynccontextmanager
    async def _typing(self, origin: Origin, shown: bool) -> AsyncIterator[None]:
        chat, thread = place(origin)

        async def keep_on() -> None:
            while True:
                try:
                    await self._bot.send_chat_action(chat, "typing", message_thread_id=thread)
                except TelegramError:
                    return
                await asyncio.sleep(TYPING_EVERY)

        typing = asyncio.create_task(keep_on()) if shown else None
        try:
            yield
        finally:
            if typing:
                typing.cancel()


def _anonymous(message: Message) -> bool:
    """Sent by an administrator in the name of the group."""
    return message.sender_chat is not None and message.sender_chat.id == message.chat.id
