"""A small bot on the real discord.py, to try the local Discord with."""

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import discord
import pytest
import yarl
from discord import app_commands

from tests.servers.discord import Discord

FRUIT = ["apple", "apricot", "banana"]
Asked = discord.Interaction[Any]


class Again(discord.ui.View):
    def __init__(self) -> None:
        super().__init__(timeout=None)

    @discord.ui.button(label="Again", custom_id="again")
    async def again(self, asked: Asked, _: discord.ui.Button["Again"]) -> None:
        await asked.response.edit_message(content=f"again, {asked.user.name}")


class Bot(discord.AutoShardedClient):
    """Puts what went wrong into ``errors``; what it waits for before it goes on is ``go``."""

    def __init__(self, intents: discord.Intents) -> None:
        quiet = discord.AllowedMentions.none()
        super().__init__(intents=intents, allowed_mentions=quiet, guild_ready_timeout=0.1, shard_count=1)
        self.go = asyncio.Event()
        self.errors: asyncio.Queue[Exception] = asyncio.Queue()
        self.heard: list[discord.Message] = []
        self.tree = app_commands.CommandTree(self)
        self.tree.error(self._fail)
        commands: list[app_commands.Command[Any, ..., Any]] = [hello, slow, more, fruit, buttons, weigh, twice]
        for command in commands:
            self.tree.add_command(command)
        self.tree.add_command(Models(name="models", description="Everything about models"))

    async def setup_hook(self) -> None:
        self.add_view(Again())
        await self.tree.sync()

    async def on_message(self, message: discord.Message) -> None:
        if not message.author.bot:
            self.heard.append(message)
            await message.reply(f"you said: {message.content}", mention_author=False)

    async def _fail(self, _: Asked, error: app_commands.AppCommandError) -> None:
        self.errors.put_nowait(getattr(error, "original", error))

    async def say(self, server: Discord, words: str, **more: Any) -> discord.Message:
        return await self.place(server).send(words, **more)

    def place(self, server: Discord, channel: str = "general") -> discord.PartialMessageable:
        return self.get_partial_messageable(server.channels[channel].id)


def bot_of(asked: Asked) -> Bot:
    assert isinstance(asked.client, Bot)
    return asked.client


@app_commands.command(description="Greets")
@app_commands.describe(times="how often")
async def hello(asked: Asked, name: str, times: app_commands.Range[int, 1, 3] = 1) -> None:
    await asked.response.send_message(" ".join([f"hello {name}"] * times), ephemeral=True)


@app_commands.command(description="Answers when told to")
async def slow(asked: Asked, defer: bool) -> None:
    if defer:
        await asked.response.defer()
    await bot_of(asked).go.wait()
    if defer:
        await asked.edit_original_response(content="done")
    else:
        await asked.response.send_message("done")


@app_commands.command(description="Answers in two messages")
async def more(asked: Asked) -> None:
    await asked.response.send_message("one")
    await asked.followup.send("two")


@app_commands.command(description="Responds twice")
async def twice(asked: Asked) -> None:
    await asked.response.send_message("one")
    asked.response._response_type = None  # as if another process had answered before
    await asked.response.send_message("one more")


@app_commands.command(description="Picks a fruit")
async def fruit(asked: Asked, name: str) -> None:
    await asked.response.send_message(name)


@fruit.autocomplete("name")
async def offer(asked: Asked, typed: str) -> list[app_commands.Choice[str]]:
    return [app_commands.Choice(name=each.title(), value=each) for each in FRUIT if each.startswith(typed)]


@app_commands.command(description="Shows a button")
async def buttons(asked: Asked) -> None:
    await asked.response.send_message("press", view=Again())


@app_commands.command(description="Reads a file and gives it back")
async def weigh(asked: Asked, file: discord.Attachment) -> None:
    content = await file.read()
    await asked.response.send_message(f"{len(content)} bytes", file=discord.File(io.BytesIO(content), "back.txt"))


class Models(app_commands.Group):
    @app_commands.command(name="list", description="Lists the models")
    async def list(self, asked: Asked) -> None:
        await asked.response.send_message(f"manager: {asked.permissions.manage_guild}")


def aim(patch: pytest.MonkeyPatch, server: Discord) -> None:
    """Clients made from now on speak to the server."""
    patch.setattr(discord.http.Route, "BASE", server.api_url)
    patch.setattr(discord.gateway.DiscordWebSocket, "DEFAULT_GATEWAY", yarl.URL(server.gateway_url))


@asynccontextmanager
async def running(
    server: Discord, patch: pytest.MonkeyPatch, intents: discord.Intents | None = None
) -> AsyncIterator[Bot]:
    """A bot that is logged in and connected until the block ends."""
    aim(patch, server)
    bot = Bot(intents or discord.Intents.default())
    task = asyncio.create_task(bot.start(server.token))
    try:
        await server.ready()
        yield bot
    finally:
        await bot.close()
        await task


@pytest.fixture
async def server() -> AsyncIterator[Discord]:
    async with Discord(patience=20) as serving:
        yield serving


@pytest.fixture
async def bot(server: Discord, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bot]:
    async with running(server, monkeypatch) as logged_in:
        yield logged_in
