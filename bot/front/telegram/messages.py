"""Messages on Telegram, within its flood limits, and told apart by whether they may have arrived."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import httpx
from telegram import InlineKeyboardButton, InlineKeyboardMarkup, LinkPreviewOptions, ReplyParameters
from telegram.error import BadRequest, ChatMigrated, Forbidden, NetworkError, RetryAfter, TelegramError
from telegram.ext import ExtBot

from bot.domain import Origin
from bot.front.base import Unreachable
from bot.front.chat import ChannelClosed, MessageGone, Unsure
from bot.front.telegram.flood import SKIP, seconds
from bot.front.telegram.layout import LONGEST_CAPTION, Page, pages
from bot.reply import Button, Reply

log = logging.getLogger(__name__)

T = TypeVar("T")

EDIT_PRIVATE, EDIT_GROUP = 3.0, 6.0
"""Seconds between edits. Telegram takes 1 message a second in a chat and 20 a minute in a group, edits included."""

TRIES, PAUSE = 4, 1.0
"""How often a post is tried, and seconds before the next."""

NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)

NO_PREVIEW = LinkPreviewOptions(is_disabled=True)

Data = Callable[[str], Awaitable[str]]
"""What a button carries for a command line."""
Moved = Callable[[int, int], Awaitable[None]]
"""Told when a group has got another id."""


class Messenger:
    platform = "telegram"
    notice_replaces_progress = False

    def __init__(self, bot: ExtBot[str], data: Data, moved: Moved) -> None:
        self._bot, self._data, self._moved = bot, data, moved

    async def post(self, origin: Origin, reply: Reply, key: str, answers: int = 0) -> str:
        """``answers``: the message it is shown as a reply to."""
        keyboard = await self._keyboard(reply.buttons)
        extra: dict[str, Any] = {"disable_notification": False}
        if answers:
            extra["reply_parameters"] = ReplyParameters(answers, allow_sending_without_reply=True)
        last = {**extra, "reply_markup": keyboard}
        if picture := await asyncio.to_thread(_content, reply.picture):
            captions = pages(reply, LONGEST_CAPTION)
            if len(captions) == 1:
                return await self._photo(origin, picture, captions[0], last)
            await self._photo(origin, picture, Page(""), extra)
        *before, page = pages(reply)
        for each in before:
            await self._text(origin, each, extra)
        return await self._text(origin, page, last)

    async def edit(self, origin: Origin, reply: Reply) -> None:
        """A frame is skipped while Telegram wants a pause: a later one comes."""
        chat, _ = place(origin)
        page = pages(reply)[0]
        keyboard = await self._keyboard(reply.buttons)
        try:
            await self._bot.edit_message_text(
                page.text, chat, int(origin.message), entities=page.entities, reply_markup=keyboard,
                link_preview_options=NO_PREVIEW, rate_limit_args=SKIP,
            )  # fmt: skip
        except TelegramError as error:
            await self._explain_edit(error, chat)

    async def _explain_edit(self, error: TelegramError, chat: int) -> None:
        """Raises MessageGone, ChannelClosed, Unreachable, or nothing where the edit changed nothing."""
        if isinstance(error, BadRequest) and "not modified" in error.message.lower():
            return
        if isinstance(error, BadRequest) and "message" in error.message.lower():
            raise MessageGone(error.message) from error
        await self._explain(error, chat)

    def pace(self, origin: Origin, age: float) -> float:
        return EDIT_GROUP if origin.channel.startswith("-") else EDIT_PRIVATE

    async def _text(self, origin: Origin, page: Page, extra: dict[str, Any]) -> str:
        async def send(chat: int, thread: int | None) -> str:
            sent = await self._bot.send_message(
                chat, page.text, entities=page.entities, message_thread_id=thread, link_preview_options=NO_PREVIEW,
                **extra,
            )  # fmt: skip
            return str(sent.message_id)

        return await self._insist(origin, send)

    async def _photo(self, origin: Origin, picture: bytes, page: Page, extra: dict[str, Any]) -> str:
        async def send(chat: int, thread: int | None) -> str:
            sent = await self._bot.send_photo(
                chat, picture, page.text or None, caption_entities=page.entities, message_thread_id=thread, **extra
            )
            return str(sent.message_id)

        return await self._insist(origin, send)

    async def _insist(self, origin: Origin, send: Callable[[int, int | None], Awaitable[str]]) -> str:
        """Send, and again where it certainly did not arrive."""
        chat, thread = place(origin)
        for left in reversed(range(TRIES)):
            try:
                return await send(chat, thread)
            except ChatMigrated as error:
                await self._moved(chat, error.new_chat_id)
                chat = error.new_chat_id
            except TelegramError as error:
                try:
                    await self._explain(error, chat)
                except Unsure:
                    raise
                except Unreachable:
                    if not left:
                        raise
                    await asyncio.sleep(PAUSE)
        raise Unreachable("the chat moves on and on")

    async def _explain(self, error: TelegramError, chat: int) -> None:
        """Raises ChannelClosed, Unreachable, Unsure."""
        match error:
            case RetryAfter():
                raise Unreachable(f"flood limit, {seconds(error):.0f} s") from error
            case ChatMigrated():
                await self._moved(chat, error.new_chat_id)
                raise Unreachable("the group has moved") from error
            case Forbidden() | BadRequest():
                raise ChannelClosed(error.message) from error
            case NetworkError(__cause__=httpx.HTTPError() as cause) if not isinstance(cause, NOT_SENT):
                raise Unsure(error.message) from error
            case _:
                raise Unreachable(error.message) from error

    async def _keyboard(self, buttons: tuple[Button, ...]) -> InlineKeyboardMarkup | None:
        if not buttons:
            return None
        row = [InlineKeyboardButton(each.label, callback_data=await self._data(each.command)) for each in buttons]
        return InlineKeyboardMarkup([row[start : start + 3] for start in range(0, len(row), 3)])


def _content(picture: str) -> bytes:
    """Nothing where there is no such file any more."""
    path = Path(picture)
    return path.read_bytes() if picture and path.is_file() else b""


def place(origin: Origin) -> tuple[int, int | None]:
    """The chat, and the topic of a forum."""
    chat, _, thread = origin.channel.partition("/")
    return int(chat), int(thread) if thread else None
