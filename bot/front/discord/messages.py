"""Messages on Discord: what a reply looks like, and how it gets there although things fail on the way."""

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import discord

from bot.domain import Origin
from bot.front.base import Unreachable
from bot.front.chat import ChannelClosed, MessageGone
from bot.front.discord.markdown import pages
from bot.reply import Reply

log = logging.getLogger(__name__)

T = TypeVar("T")

PAUSES = (0.5, 2.0)
"""Seconds before what failed on the way is tried again. discord.py repeats neither a 503 nor a cut connection."""

UNKNOWN_MESSAGE = 10008
TOO_MANY_OLD_EDITS = 30046
"""Discord's limit on edits of messages older than an hour."""

EDIT_EVERY, EDIT_OLD_EVERY, OLD = 5.0, 10.0, 50 * 60.0
"""Seconds: a channel takes 5 edits in 5 s; a message older than an hour takes fewer."""

REMEMBERED = 1000
"""Messages and updates known again when they are met a second time."""

SILENT = discord.AllowedMentions.none()

Items = Callable[[Reply], Awaitable[list["discord.ui.Item[Any]"]]]
"""Makes a reply's buttons."""


async def insist(call: Callable[[], Awaitable[T]]) -> T:
    """Do it, again where it failed on the way. Raises MessageGone, ChannelClosed, Unreachable."""
    for pause in (*PAUSES, None):
        try:
            return await call()
        except discord.NotFound as error:
            raise (MessageGone if error.code == UNKNOWN_MESSAGE else ChannelClosed)(str(error)) from error
        except discord.HTTPException as error:
            if error.status < 500 and error.status != 429 and error.code != TOO_MANY_OLD_EDITS:
                raise ChannelClosed(str(error)) from error
            trouble: Exception = error
        except (discord.RateLimited, aiohttp.ClientError, OSError, TimeoutError) as error:
            trouble = error
        if pause is None:
            raise Unreachable(str(trouble)) from trouble
        await asyncio.sleep(pause)
    raise AssertionError("the last pause is None")


@asynccontextmanager
async def typing(channel: discord.abc.Messageable) -> AsyncIterator[None]:
    """Shown as typing within the block. Whether that works matters to nobody."""
    showing = asyncio.create_task(_type(channel))
    try:
        yield
    finally:
        showing.cancel()


async def _type(channel: discord.abc.Messageable) -> None:
    try:
        async with channel.typing():
            await asyncio.Event().wait()
    except (discord.DiscordException, aiohttp.ClientError, OSError, TimeoutError) as error:
        log.info("not shown as typing: %s", error)


def picture(reply: Reply) -> list[discord.File]:
    """A new file each time: a sending that failed has read the old one."""
    return [discord.File(reply.picture)] if reply.picture and Path(reply.picture).exists() else []


class Messenger:
    """Posts and edits by the bot's own token: an interaction's ends after 15 minutes."""

    platform = "discord"
    notice_replaces_progress = True

    def __init__(self, client: discord.Client, items: Items) -> None:
        self._client, self._items = client, items
        self._arrived: dict[str, int] = {}

    def arrived(self, nonce: str, message: int) -> None:
        """The gateway has shown one of ours: it is not to be sent again, although its sending may seem to fail."""
        self._arrived[nonce] = message
        if len(self._arrived) > REMEMBERED:
            del self._arrived[next(iter(self._arrived))]

    async def view(self, reply: Reply) -> discord.ui.View | None:
        if not reply.buttons:
            return None
        view = discord.ui.View(timeout=None)
        for item in await self._items(reply):
            view.add_item(item)
        return view

    async def post(self, origin: Origin, reply: Reply, key: str, answers: int = 0) -> str:
        """``answers``: the message it is shown as a reply to."""
        channel = self._client.get_partial_messageable(int(origin.channel))
        reference = None
        if answers:
            reference = discord.MessageReference(
                message_id=answers, channel_id=int(origin.channel), fail_if_not_exists=False
            )
        *before, last = pages(reply)
        for number, page in enumerate(before):
            await self._send(channel, f"{key} {number}", {"content": page})
        parts: dict[str, Any] = {"content": last}
        if view := await self.view(reply):
            parts["view"] = view
        if reference:
            parts |= {"reference": reference, "mention_author": False}
        return str(await self._send(channel, key, parts, reply))

    async def _send(
        self, channel: discord.PartialMessageable, key: str, parts: dict[str, Any], reply: Reply | None = None
    ) -> int:
        """The message's id. Discord itself knows a nonce again, but only for some minutes."""
        nonce = hashlib.sha256(f"{channel.id} {key}".encode()).hexdigest()[:25]  # Discord takes 25 characters

        async def send() -> int:
            if arrived := self._arrived.get(nonce):
                return arrived
            files = picture(reply) if reply else []
            sent = await channel.send(
                **parts, files=files, nonce=nonce, allowed_mentions=SILENT, suppress_embeds=True
            )  # fmt: skip
            return sent.id

        return await insist(send)

    async def edit(self, origin: Origin, reply: Reply) -> None:
        channel = self._client.get_partial_messageable(int(origin.channel))
        message = channel.get_partial_message(int(origin.message))
        first, *more = pages(reply)
        view = await self.view(reply)

        async def change() -> discord.Message:
            return await message.edit(content=first, view=view, attachments=picture(reply), allowed_mentions=SILENT)

        try:
            await insist(change)
        except ChannelClosed as error:  # perhaps only this message is closed to us: posting will tell
            raise MessageGone(str(error)) from error
        for number, page in enumerate(more):
            await self._send(channel, f"{origin.message} {number}", {"content": page})

    def pace(self, origin: Origin, age: float) -> float:
        return EDIT_EVERY if age < OLD else EDIT_OLD_EVERY
