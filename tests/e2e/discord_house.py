"""A Discord on this machine and the whole bot on it, for scenarios."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.e2e.conftest import write_timeline
from tests.e2e.running import RunningService
from tests.servers.discord import Discord, Interaction, Message
from tests.servers.discord.things import File

LONG = 5_000
"""Tweets that take some seconds to train on, so that something can happen meanwhile."""


class House:
    """The server, the bot, and what people do there in one step."""

    def __init__(self, discord: Discord, bot: RunningService, folder: Path) -> None:
        self.discord, self.bot, self.folder = discord, bot, folder

    async def ask(self, command: str, **options: Any) -> Message:
        """The answer to a slash command."""
        return await self.answer(await self.discord.slash(command, **options))

    async def press(self, message: Message, button: str, user: str = "member") -> Message:
        """The message that pressing a button brings about."""
        return await self.answer(await self.discord.press(message, button, user=user))

    async def answer(self, asked: Interaction) -> Message:
        """The message in which an interaction ends: a promise made to all may be withdrawn for a private answer."""

        def shown() -> Message | None:
            assert not asked.expired, f"{asked.name} was not answered\n{self.discord.transcript()}"
            open_ones = (each for each in asked.answers if not each.loading and not each.deleted)
            return next((each for each in open_ones if each.content != "…"), None)

        return await self.discord.until(shown)

    async def say(self, text: str, channel: str = "general", **how: Any) -> Message:
        """The bot's reply to a message."""
        asked = await self.discord.message(text, channel=channel, **how)
        return await self.discord.until(lambda: next(iter(self.replies(asked)), None))

    def replies(self, asked: Message) -> list[Message]:
        place = self.discord.messages(asked.channel.name)
        return [each for each in place if each.author is self.discord.bot and each.reply_to is asked]

    async def train(self, handle: str, count: int = 250, **options: Any) -> Message:
        """The acknowledgement of a training on so many invented tweets."""
        return await self.ask("train", people=f"@{handle}", file=self.timeline(handle, count), **options)

    async def trained(self, handle: str, count: int = 250, **options: Any) -> Message:
        return await self.shows(await self.train(handle, count, **options), "is ready")

    async def shows(self, message: Message, words: str) -> Message:
        """Wait until a message says something."""
        return await self.discord.until(lambda: message if words in message.content else None)

    def timeline(self, handle: str, count: int) -> File:
        path = write_timeline(self.folder / f"{handle}-{count}.csv", count, seed=len(handle))
        return path.name, path.read_bytes()

    def spoken(self, channel: str = "general") -> list[Message]:
        """The bot's messages in a channel that everybody sees, oldest first."""
        found = self.discord.messages(channel)
        return [each for each in found if each.author is self.discord.bot and not each.ephemeral and not each.deleted]

    async def restart(self) -> None:
        """Start the bot again, however it ended, and wait until it is there."""
        sessions = self.discord.gateway.identified
        await self.bot.start()
        await self.discord.until(lambda: self.discord.gateway.identified > sessions)


@asynccontextmanager
async def open_house(
    folder: Path, base: Path, settings: dict[str, str] | None = None, **server: Any
) -> AsyncIterator[House]:
    """Both until the block ends; then the bot has broken no rule of Discord's and left no child."""
    async with Discord(**{"patience": 200, **server}) as discord:
        bot = service(discord, folder, base, **settings or {})
        house = House(discord, bot, folder)
        await bot.start()
        try:
            await _ready(house)
            yield house
        finally:
            await bot.stop()
        assert discord.violations == [], discord.transcript()
        assert bot.children() == []


async def _ready(house: House) -> None:
    ready, gone = asyncio.ensure_future(house.discord.ready()), asyncio.ensure_future(house.bot.gone())
    await asyncio.wait([ready, gone], return_when=asyncio.FIRST_COMPLETED)
    assert not gone.done(), house.bot.log()
    gone.cancel()
    await ready


def service(discord: Discord, folder: Path, base: Path, **settings: str) -> RunningService:
    """The bot's program, to be started on that Discord."""
    address = {"discord__api_url": discord.api_url, "discord__gateway_url": discord.gateway_url}
    return RunningService(folder / "data", base, 1, **{"discord__token": discord.token, **address, **settings})
