"""What a Discord is made of: users, guilds, channels, messages and interactions, as a test sees them."""

import time
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Json = dict[str, Any]
File = tuple[str, bytes]
"""A file's name and content."""

MANAGE_GUILD, VIEW, SEND, EMBED, ATTACH, HISTORY, USE_COMMANDS = (1 << bit for bit in (5, 10, 11, 14, 15, 16, 31))
MEMBER = VIEW | SEND | EMBED | ATTACH | HISTORY | USE_COMMANDS
"""Permission bits: what everybody has."""

COMMAND, COMPONENT, AUTOCOMPLETE = 2, 3, 4
"""Kinds of interaction."""


class Impossible(Exception):
    """No user of Discord could take this step of a scenario."""


@dataclass(frozen=True)
class User:
    id: int
    name: str
    bot: bool = False

    @property
    def mention(self) -> str:
        return f"<@{self.id}>"


@dataclass(eq=False)
class Guild:
    id: int
    name: str
    kicked: bool = False
    """Whether the bot was thrown out."""


@dataclass(eq=False)
class Channel:
    """Of a guild, or of the bot and one user."""

    id: int
    name: str
    guild: Guild | None = None
    recipient: User | None = None
    denied: int = 0
    """Permission bits that the bot lacks here."""
    deleted: bool = False


class Attachment(NamedTuple):
    id: int
    name: str
    content: bytes
    url: str


class Button(NamedTuple):
    label: str
    custom_id: str
    style: int
    disabled: bool


class Edit(NamedTuple):
    """A message as one edit left it."""

    at: float
    """Seconds of the monotonic clock."""
    content: str
    embeds: list[Json]
    labels: list[str]
    """Of its buttons."""


class Choice(NamedTuple):
    """One line that an option offers while it is typed."""

    name: str
    value: str | int | float


@dataclass(eq=False)
class Message:
    id: int
    channel: Channel
    author: User
    content: str = ""
    embeds: list[Json] = field(default_factory=list)
    components: list[Json] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    mentions: list[User] = field(default_factory=list)
    reply_to: "Message | None" = None
    interaction: "Interaction | None" = None
    ephemeral: bool = False
    loading: bool = False
    """Whether it still says "is thinking…"."""
    deleted: bool = False
    nonce: str | None = None
    created: float = field(default_factory=time.monotonic)
    edits: list[Edit] = field(default_factory=list)

    @property
    def buttons(self) -> dict[str, Button]:
        """By label. A button without a label goes by its emoji."""
        items = [item for row in self.components for item in row["components"]]
        found = [Button(_label(item), item.get("custom_id", ""), item["style"], item["disabled"]) for item in items]
        return {button.label: button for button in found}


def _label(item: Json) -> str:
    emoji: Json = item.get("emoji") or {}
    return str(item.get("label") or emoji.get("name", ""))


@dataclass(eq=False)
class Interaction:
    """A user's use of a command, a button, or an option that completes itself."""

    id: int
    kind: int
    name: str
    """As in "/models list" or "the button Another"."""
    token: str = field(repr=False)
    user: User
    channel: Channel
    data: Json = field(repr=False)
    born: float
    """Seconds since 1970 by this Discord's clock, which its token ages by."""
    message: Message | None = field(default=None, repr=False)
    """The one with the button."""
    asked: float = field(default_factory=time.monotonic, repr=False)
    response: int | None = None
    """Type of the first response."""
    latency: float | None = None
    """Seconds until the first response."""
    expired: bool = False
    """Whether the time for a first response passed without one."""
    original: Message | None = field(default=None, repr=False)
    answers: list[Message] = field(default_factory=list, repr=False)
    """The messages that it brought about or changed, in order."""
    choices: list[Choice] = field(default_factory=list, repr=False)
