"""The real python-telegram-bot, at the local Telegram."""

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from PIL import Image
from telegram import (
    Bot,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InlineQueryResultArticle,
    InputTextMessageContent,
)
from telegram.ext import Application, BaseHandler
from telegram.request import HTTPXRequest

from tests.servers.telegram import Telegram


def client(telegram: Telegram) -> Bot:
    """Calls methods, polls nothing.

    It does without the certificates that plain HTTP needs none of: to load them would take most of a test's time.
    """
    requests = [HTTPXRequest(httpx_kwargs={"verify": False}) for _ in range(2)]
    return Bot(telegram.token, telegram.api_url, telegram.file_url, requests[0], requests[1])


@asynccontextmanager
async def running(telegram: Telegram, *handlers: BaseHandler[Any, Any, Any]) -> AsyncIterator[None]:
    """A whole bot that polls."""
    app = Application.builder().bot(client(telegram)).build()
    app.add_handlers(list(handlers))
    async with app:
        await app.start()
        assert app.updater
        await app.updater.start_polling()
        yield
        await app.updater.stop()
        await app.stop()


def keyboard(label: str, data: str | None) -> InlineKeyboardMarkup:
    """One button; without data it does nothing, which Telegram does not allow."""
    return InlineKeyboardMarkup.from_button(InlineKeyboardButton(label, callback_data=data))


def article(number: str) -> InlineQueryResultArticle:
    return InlineQueryResultArticle(number, "A tweet", InputTextMessageContent("the sea is out"))


def picture() -> bytes:
    """A small PNG."""
    written = io.BytesIO()
    Image.new("RGB", (4, 3)).save(written, "PNG")
    return written.getvalue()
