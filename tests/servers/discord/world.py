"""The state of this Discord, and the few ways in which it changes."""

import asyncio
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from tests.servers.discord import rules, wire
from tests.servers.discord.things import (
    MANAGE_GUILD,
    MEMBER,
    SEND,
    VIEW,
    Attachment,
    Channel,
    Edit,
    File,
    Guild,
    Impossible,
    Interaction,
    Json,
    Message,
    User,
)

T = TypeVar("T")

GUILDS, GUILD_MESSAGES, DIRECT_MESSAGES, MESSAGE_CONTENT = (1 << bit for bit in (0, 9, 12, 15))
"""Gateway intents."""
USERS = ("bot", "admin", "member", "member2", "otherbot")
CHANNELS = {"general": 0, "random": 0, "readonly": SEND, "private": VIEW | SEND}
"""The channels of a guild, and what the bot may not do there."""


@dataclass(eq=False)
class Session:
    """What the gateway owes one bot: every event, kept for a resume, sent on while a connection is there."""

    id: str
    intents: int
    sent: list[Json] = field(default_factory=list)
    line: "asyncio.Queue[Json] | None" = None

    def push(self, event: str, data: object) -> None:
        self.sent.append({"op": 0, "s": len(self.sent) + 1, "t": event, "d": data})
        if self.line:
            self.line.put_nowait(self.sent[-1])


class World:
    """Users ``USERS``; ``CHANNELS`` in each guild, with "-2" behind their names in the second; a "dm:NAME" each."""

    def __init__(self, guilds: int, deadline: float, patience: float) -> None:
        self.clock = 0.0
        """Seconds that this Discord's clock is ahead of ours; interactions' tokens age by it."""
        self.violations: list[str] = []
        """What the bot did that Discord forbids."""
        self.typing: list[Channel] = []
        self.commands: list[Json] = []
        """As the bot registered them last."""
        self.syncs = 0
        self.sessions: dict[str, Session] = {}
        self.interactions: dict[str, Interaction] = {}
        """By token."""
        self.files: dict[int, Attachment] = {}
        self.address = ""
        self._deadline, self._patience = deadline, patience
        self._last_id = 0
        self._news = asyncio.Event()
        self._messages: dict[int, Message] = {}
        self.users = {name: User(10**17 + n, name, "bot" in name) for n, name in enumerate(USERS)}
        self.bot = self.users["bot"]
        self.guilds = [Guild((2 + n) * 10**17, f"guild-{n + 1}") for n in range(guilds)]
        self.channels: dict[str, Channel] = {}
        for number, guild in enumerate(self.guilds, 1):
            self._open_channels(guild, f"-{number}" if number > 1 else "")

    def _open_channels(self, guild: Guild, mark: str) -> None:
        for place, (name, denied) in enumerate(CHANNELS.items(), 10):
            self.channels[name + mark] = Channel(guild.id + place, name + mark, guild, denied=denied)

    # What is known.

    def now(self) -> float:
        return time.time() + self.clock

    def messages(self, channel: str = "general") -> list[Message]:
        """All that were ever written there, oldest first; deleted ones too."""
        return [each for each in self._messages.values() if each.channel.name == channel]

    def written(self, id: int) -> Message | None:
        return self._messages.get(id)

    def channel_by_id(self, id: int) -> Channel | None:
        return next((each for each in self.channels.values() if each.id == id and not each.deleted), None)

    def direct(self, user: User) -> Channel:
        """The bot's conversation with a user."""
        name = f"dm:{user.name}"
        return self.channels.setdefault(name, Channel(user.id + 100, name, recipient=user))

    def permissions(self, user: User, channel: Channel) -> int:
        if channel.guild is None:
            return MEMBER
        if user is self.bot:
            return 0 if channel.guild.kicked else MEMBER & ~channel.denied
        return MEMBER | MANAGE_GUILD * (user.name == "admin")

    async def until(self, wanted: Callable[[], T | None]) -> T:
        """What ``wanted`` returns once it is true; it is asked again at every change."""
        try:
            async with asyncio.timeout(self._patience):
                while not (found := wanted()):
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"what was awaited did not happen\n{self.transcript()}") from None
        return found

    def transcript(self) -> str:
        """For a person who wonders why a test failed."""
        lines = [f"#{each.channel.name} {each.author.name}: {each.content!r}" for each in self._messages.values()]
        return "\n".join([*lines, *(f"violation: {each}" for each in self.violations)])

    # What happens.

    def changed(self) -> None:
        self._news.set()
        self._news.clear()

    def violate(self, what: str) -> None:
        self.violations.append(what)
        self.changed()

    def new_id(self) -> int:
        self._last_id = max(self._last_id + 1, (int(self.now() * 1000) - wire.EPOCH) << 22)
        return self._last_id

    def attach(self, file: File) -> Attachment:
        name, content = file
        id = self.new_id()
        self.files[id] = Attachment(id, name, content, f"http://{self.address}/attachments/{id}/{name}")
        return self.files[id]

    def dispatch(self, event: str, data: Json | Callable[[Session], Json], intent: int = 0) -> None:
        """``data`` may depend on who is told; an ``intent`` of 0 is for everybody."""
        for session in self.sessions.values():
            if not intent or session.intents & intent:
                session.push(event, data(session) if callable(data) else data)
        self.changed()

    def post(self, message: Message, body: Json, files: list[File]) -> Message:
        self._messages[message.id] = message
        self._fill(message, body, files)
        self._tell("MESSAGE_CREATE", message)
        return message

    def edit(self, message: Message, body: Json, files: list[File]) -> Message:
        if "attachments" in body:
            kept = {str(each["id"]) for each in body["attachments"]}
            message.attachments = [each for each in message.attachments if str(each.id) in kept]
        self._fill(message, body, files)
        message.loading = False
        message.edits.append(Edit(time.monotonic(), message.content, message.embeds, list(message.buttons)))
        self._tell("MESSAGE_UPDATE", message)
        return message

    def delete(self, message: Message) -> None:
        message.deleted = True
        place = {"guild_id": str(message.channel.guild.id)} if message.channel.guild else {}
        told = {"id": str(message.id), "channel_id": str(message.channel.id)} | place
        self.dispatch("MESSAGE_DELETE", told, _intent(message.channel))

    def interact(self, interaction: Interaction) -> Interaction:
        if not self.sessions:
            raise Impossible("the bot is not connected")
        if interaction.channel.guild and interaction.channel.guild.kicked:
            raise Impossible("the bot is no member of this guild")
        self.interactions[interaction.token] = interaction
        may = (self.permissions(user, interaction.channel) for user in (interaction.user, self.bot))
        self.dispatch("INTERACTION_CREATE", wire.interaction(interaction, self.bot, *may))
        told = list(self.sessions.values())
        asyncio.get_running_loop().call_later(self._deadline, self._expire, interaction, told)
        return interaction

    def new_interaction(self, kind: int, name: str, user: str, channel: Channel, **more: Any) -> Interaction:
        id, token = self.new_id(), secrets.token_urlsafe(48)
        return Interaction(id, kind, name, token, self.users[user], channel, born=self.now(), **more)

    def _expire(self, interaction: Interaction, told: list[Session]) -> None:
        """A bot that has gone away meanwhile is not to blame."""
        if interaction.response is not None:
            return
        interaction.expired = True
        if any(session.line for session in told):
            self.violate(f"no response to {interaction.name} within {self._deadline:g} s")
        self.changed()

    def _fill(self, message: Message, body: Json, files: list[File]) -> None:
        message.content = (body.get("content", message.content) or "").strip()
        message.embeds = body.get("embeds", message.embeds) or []
        message.components = [_shown(row) for row in body.get("components", message.components) or []]
        message.attachments = [*message.attachments, *map(self.attach, files)]
        if message.interaction and message not in message.interaction.answers:
            message.interaction.answers.append(message)
        if message.author is self.bot:
            replied = message.reply_to is not None and "content" in body
            for who in rules.pings(body, replied):
                self.violate(f"the message {message.content[:60]!r} pings {who}")

    def _tell(self, event: str, message: Message) -> None:
        channel, author = message.channel, message.author
        if not self.permissions(self.bot, channel) & VIEW:
            return
        extra: Json = {"channel_type": 0 if channel.guild else 1}
        if channel.guild:
            extra |= {"guild_id": str(channel.guild.id), "member": wire.member(author, channel.guild)}

        def told(session: Session) -> Json:
            return wire.message(message, partial(self._readable, session)) | extra

        self.dispatch(event, told, _intent(channel))

    def _readable(self, session: Session, message: Message) -> bool:
        """Without the privileged intent: its own messages, those that mention it, and those said to it alone."""
        private = message.channel.guild is None
        own = message.author is self.bot or self.bot in message.mentions
        return private or own or bool(session.intents & MESSAGE_CONTENT)


def _intent(channel: Channel) -> int:
    return GUILD_MESSAGES if channel.guild else DIRECT_MESSAGES


def _shown(row: Json) -> Json:
    """A row as Discord gives it back: every button says whether it is disabled."""
    return row | {"components": [item | {"disabled": bool(item.get("disabled"))} for item in row["components"]]}
