"""Answers to interactions: the first within three seconds, errors for the asker alone."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import discord

from bot.domain import Origin
from bot.front.base import Unreachable
from bot.front.chat import ChannelClosed, MessageGone
from bot.front.discord.markdown import pages
from bot.front.discord.messages import SILENT, Messenger, insist, picture
from bot.reply import Reply

log = logging.getLogger(__name__)

ALREADY_ANSWERED = 40060

SOON = 1.2
"""Seconds after which an answer that is not there yet is promised: Discord waits three for the first response."""


class Answer:
    """The answer to one interaction.

    Discord takes one first response, and no nonce beside those that follow. So what failed on the way is sent again
    only if the gateway has not shown that it arrived: ``arrived`` counts the interaction's messages seen there.
    """

    def __init__(
        self, interaction: discord.Interaction[Any], messenger: Messenger, origin: Origin, arrived: Callable[[], int]
    ) -> None:
        self._interaction, self._messenger, self._origin = interaction, messenger, origin
        self._arrived = arrived
        self._sent = 0
        self._promised_alone = False
        """Whether what was promised is for the asker alone."""
        self._responding = asyncio.Lock()

    @asynccontextmanager
    async def in_time(self, at_once: bool, alone: bool = False) -> AsyncIterator[None]:
        """Within the block Discord's three seconds are kept; ``alone``: the answer is for the asker alone."""
        self._promised_alone = alone
        if at_once:
            await self._promise()
        promising = asyncio.create_task(self._promise_later())
        try:
            yield
        finally:
            promising.cancel()

    async def show(self, reply: Reply) -> str:
        """Raises ChannelClosed, Unreachable."""
        async with self._responding:
            try:
                return await self._show(reply)
            except (MessageGone, ChannelClosed, Unreachable):  # too late, or its token is too old
                if reply.private:
                    raise
        return await self._messenger.post(self._origin, reply, f"answer {self._interaction.id}")

    async def _show(self, reply: Reply) -> str:
        first, *more = pages(reply)
        view = await self._messenger.view(reply)
        if self._sent and reply.private and not self._promised_alone:
            # A follow-up fills a promise that is still open, even a deleted one.
            await insist(lambda: self._replace("…", Reply("…"), None))
            await insist(self._interaction.delete_original_response)
            await self._follow_up(first, reply, view)
            message = ""
        elif self._sent:
            message = await insist(lambda: self._replace(first, reply, view))
        else:
            message = await insist(lambda: self._respond(first, reply, view))
            self._sent = 1
        for page in more:
            await self._follow_up(page, reply, None)
        return message

    async def _respond(self, page: str, reply: Reply, view: discord.ui.View | None) -> str:
        if self._arrived():
            return await self._replace(page, reply, view)
        parts: dict[str, Any] = {"view": view} if view else {}
        try:
            sent = await self._interaction.response.send_message(
                page, files=picture(reply), ephemeral=reply.private, allowed_mentions=SILENT, suppress_embeds=True,
                **parts,
            )  # fmt: skip
        except discord.HTTPException as error:
            if error.code != ALREADY_ANSWERED:
                raise
            return await self._replace(page, reply, view)
        return str(sent.message_id)

    async def _replace(self, page: str, reply: Reply, view: discord.ui.View | None) -> str:
        edited = await self._interaction.edit_original_response(
            content=page, attachments=picture(reply), view=view, allowed_mentions=SILENT
        )
        return str(edited.id)

    async def _follow_up(self, page: str, reply: Reply, view: discord.ui.View | None) -> None:
        parts: dict[str, Any] = {"view": view} if view else {}

        async def send() -> None:
            if self._arrived() <= self._sent:
                await self._interaction.followup.send(
                    page, ephemeral=reply.private, allowed_mentions=SILENT, suppress_embeds=True, **parts
                )

        await insist(send)
        self._sent += 1

    async def _promise_later(self) -> None:
        await asyncio.sleep(SOON)
        await self._promise()

    async def _promise(self) -> None:
        async with self._responding:
            if self._sent:
                return
            try:
                await insist(self._defer)
            except (MessageGone, ChannelClosed, Unreachable) as error:  # the answer may get through
                log.warning("interaction %d is not acknowledged: %s", self._interaction.id, error)
            else:
                self._sent = 1

    async def _defer(self) -> None:
        if self._arrived():
            return
        try:
            await self._interaction.response.defer(thinking=True, ephemeral=self._promised_alone)
        except discord.HTTPException as error:
            if error.code != ALREADY_ANSWERED:
                raise
