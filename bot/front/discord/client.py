"""The Discord side of the bot: one connection, and what comes in over it."""

import hashlib
import json
import logging
import re
from collections import deque
from collections.abc import Mapping
from typing import Any

import aiohttp
import discord
import yarl
from discord import app_commands

from bot import text
from bot.backoff import Backoff
from bot.commands.lookup import suggest
from bot.commands.table import Command, Services
from bot.domain import Origin
from bot.errors import MockingbirdError
from bot.front.chat import Chat
from bot.front.discord.answers import Answer
from bot.front.discord.messages import REMEMBERED, Messenger, typing
from bot.front.discord.slash import slash_commands
from bot.front.discord.upload import AttachedFile
from bot.limits import speaks_in
from bot.reply import Button, Reply
from bot.text import platforms

log = logging.getLogger(__name__)

INTENTS = discord.Intents(guilds=True, guild_messages=True, dm_messages=True)
"""None of them privileged: a message that mentions the bot, or is sent to it alone, has its content anyway."""


class CommandButton(discord.ui.DynamicItem[discord.ui.Button[Any]], template=r"(?s)(?P<data>[/#].+)"):
    """A button that carries what it stands for, so that it works after a restart too."""

    DANGEROUS = ("Delete", "Block", "Cancel")

    def __init__(self, label: str, data: str) -> None:
        style = discord.ButtonStyle.danger if label in self.DANGEROUS else discord.ButtonStyle.secondary
        super().__init__(discord.ui.Button(label=label[:80], style=style, custom_id=data))

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> "CommandButton":
        return cls("", match["data"])

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        await interaction.client.front.pressed(interaction, self.custom_id)


class Bird(discord.Client):
    """Hands everything on to its front."""

    def __init__(self, front: "Discord", **options: Any) -> None:
        super().__init__(
            intents=INTENTS, max_messages=None, member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False, allowed_mentions=discord.AllowedMentions.none(), **options,
        )  # fmt: skip
        self.front = front
        self.tree = app_commands.CommandTree(self)

    async def setup_hook(self) -> None:
        await self.front.set_up(self)

    async def on_ready(self) -> None:
        self.front.ready(self)

    async def on_message(self, message: discord.Message) -> None:
        await self.front.heard(message)


class Flock(Bird, discord.AutoShardedClient):
    """For more servers than one connection takes."""


class Discord:
    """Reconnects for ever; ends only when there is no use in trying."""

    platform = "discord"

    def __init__(self, services: Services) -> None:
        self._services, self._config = services, services.config.discord
        self._seen: deque[int] = deque(maxlen=REMEMBERED)
        self._answered: deque[int] = deque(maxlen=REMEMBERED)
        discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False  # it never speaks
        discord.http.Route.BASE = self._config.api_url
        discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(self._config.gateway_url)

    async def run(self) -> None:
        backoff = Backoff(first=5.0, longest=900.0)  # a token takes 1,000 new connections a day
        while True:
            try:
                await self._connection()
            except discord.LoginFailure:
                self._say(platforms.DISCORD_TOKEN)
                return
            except discord.PrivilegedIntentsRequired:
                self._say(platforms.DISCORD_INTENTS)
                return
            except (discord.DiscordException, aiohttp.ClientError, OSError, TimeoutError) as error:
                self._say(platforms.not_connected(error, backoff.next))
                log.info("the connection to Discord failed", exc_info=True)
            await backoff.wait()

    async def _connection(self) -> None:
        kind = Flock if self._config.sharded else Bird
        async with kind(self) as client:
            await client.login(self._config.secret)
            async with Chat(self._services, self._messenger) as self._chat:
                await client.connect()

    async def set_up(self, client: Bird) -> None:
        """Logged in, not yet connected."""
        self._messenger = Messenger(client, self._items)
        self._me = client.user.id if client.user else 0
        client.add_dynamic_items(CommandButton)
        for command in slash_commands(self._called, self._complete):
            client.tree.add_command(command)
        payload = json.dumps([command.to_dict(client.tree) for command in client.tree.get_commands()], sort_keys=True)
        digest = f"{client.application_id} {hashlib.sha256(payload.encode()).hexdigest()}"
        if await self._services.store.setting("discord", "commands") != digest:
            await client.tree.sync()
            await self._services.store.set_setting("discord", "commands", digest, "discord:0")

    def ready(self, client: Bird) -> None:
        self._say(platforms.on_discord(str(client.user), len(client.guilds)))

    async def heard(self, message: discord.Message) -> None:
        """A mention, a reply to one of our messages, or a private word."""
        if message.author.id == self._me:
            self._note(message)
        if message.author.bot or message.webhook_id or self._again(message.id):
            return
        answered = message.reference.message_id if message.reference else None
        replied_to = str(answered) if answered else ""
        mentioned = bool(re.search(rf"<@!?{self._me}>", message.content))
        origin = self._origin(message.id, message.channel.id, message.author, message.guild)
        ours = bool(replied_to and await self._services.store.said(origin, replied_to))
        private = message.guild is None and self._config.direct_messages
        if not (mentioned or ours or private) or not await speaks_in(self._services, origin):
            return

        async def show(reply: Reply) -> str:
            return await self._messenger.post(origin, reply, f"answer {message.id}", answers=message.id)

        async with typing(message.channel):
            await self._chat.talk(origin, _words(message, self._me), show, replied_to if ours else "")

    def _note(self, ours: discord.Message) -> None:
        if ours.interaction_metadata:
            self._answered.append(ours.interaction_metadata.id)
        if ours.nonce:
            self._messenger.arrived(str(ours.nonce), ours.id)

    async def pressed(self, interaction: discord.Interaction[Any], data: str) -> None:
        if self._again(interaction.id):
            return
        origin, answer = self._answer(interaction)
        if await self._turned_away(interaction, answer):
            return
        try:
            line = await self._chat.line(data)
        except MockingbirdError as error:
            await answer.show(Reply(error.sentence, error=True, private=True))
            return
        async with answer.in_time(at_once=line.startswith("/tweet"), alone=line.startswith("/like")):
            await self._chat.answer_line(origin, line, answer.show)

    async def _called(self, interaction: discord.Interaction[Any], command: Command, given: Mapping[str, Any]) -> None:
        if self._again(interaction.id):
            return
        origin, answer = self._answer(interaction)
        if await self._turned_away(interaction, answer):
            return
        async with answer.in_time(at_once=command.slow):
            await self._chat.answer(origin, command, {name: _read(value) for name, value in given.items()}, answer.show)

    async def _turned_away(self, interaction: discord.Interaction[Any], answer: Answer) -> bool:
        """Whether it came in private where that is turned off; then that was said."""
        private = interaction.guild_id is None and not self._config.direct_messages
        if private:
            await answer.show(text.servers_only())
        return private

    async def _complete(self, typed: str) -> list[str]:
        return suggest(await self._services.store.names(), typed)

    async def _items(self, reply: Reply) -> list[discord.ui.Item[Any]]:
        return [await self._item(button) for button in reply.buttons]

    async def _item(self, button: Button) -> discord.ui.Item[Any]:
        return CommandButton(button.label, await self._chat.data(button.command))

    def _again(self, update: int) -> bool:
        """Whether it came before: a resumed connection may repeat what was sent."""
        if update in self._seen:
            return True
        self._seen.append(update)
        return False

    def _answer(self, interaction: discord.Interaction[Any]) -> tuple[Origin, Answer]:
        """Whom an interaction comes from, and the way to answer it."""
        may, id = interaction.permissions, interaction.id
        manages = interaction.guild_id is not None and (may.manage_guild or may.administrator)
        origin = self._origin(id, interaction.channel_id or 0, interaction.user, interaction.guild, manages)
        return origin, Answer(interaction, self._messenger, origin, lambda: self._answered.count(id))

    def _origin(
        self, update: int, channel: int, user: discord.abc.User, guild: discord.Guild | None, manages: bool = False
    ) -> Origin:
        who = f"{self.platform}:{user.id}"
        return Origin(
            self.platform, str(channel), str(user.id), name=user.display_name, update=str(update),
            admin=manages or who in self._services.config.admin.users,
            owner=who in self._services.config.admin.users,
            community=f"{self.platform}:{guild.id}" if guild else "",
        )  # fmt: skip

    def _say(self, how: str) -> None:
        log.info("discord: %s", how)
        self._services.fronts[self.platform] = how


def _read(value: Any) -> Any:
    """An option as the table reads it: a file, or text."""
    if isinstance(value, discord.Attachment):
        return AttachedFile(value.filename, value.size, value.url)
    return str(value)


def _words(message: discord.Message, me: int) -> str:
    """What was said, without our name, and with the names of others for their mentions."""
    words = re.sub(rf"<@!?{me}>", "", message.content)
    for user in message.mentions:
        words = re.sub(rf"<@!?{user.id}>", f"@{user.name}", words)
    return " ".join(words.split())
