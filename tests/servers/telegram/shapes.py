"""What chats are made of, and how the Bot API shows it."""

from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Generic, Literal, TypeVar

from tests.servers.telegram.words import Json, marked

A = TypeVar("A")

GONE = {"left", "kicked"}

RIGHTS = (
    "can_be_edited is_anonymous can_manage_chat can_delete_messages can_manage_video_chats can_restrict_members "
    "can_promote_members can_change_info can_invite_users can_post_stories can_edit_stories can_delete_stories"
).split()
"""Which https://core.telegram.org/bots/api#chatmemberadministrator always has."""


@dataclass(frozen=True)
class User:
    id: int
    name: str
    """Also the username."""
    is_bot: bool = False

    def json(self) -> Json:
        names = {"first_name": self.name.capitalize(), "username": self.name}
        return {"id": self.id, "is_bot": self.is_bot, **names, "language_code": "en"}


@dataclass(eq=False)
class Chat:
    """A group that became a supergroup is two chats of one name."""

    id: int
    name: str
    kind: Literal["private", "group", "supergroup"]
    owner: User | None = None
    """Whose private chat with the bot it is."""
    is_forum: bool = False
    topics: "dict[int, Message]" = field(default_factory=dict)
    """By thread: the message that began it."""
    statuses: dict[User, str] = field(default_factory=dict)
    """creator, administrator, member, left or kicked; a bot that its user blocked counts as kicked."""
    upgraded: "Chat | None" = None
    """The supergroup that replaced it."""

    def json(self) -> Json:
        if self.owner:
            return {"id": self.id, "type": self.kind, "first_name": self.name.capitalize(), "username": self.name}
        forum = {"is_forum": True} if self.is_forum else {}
        return {"id": self.id, "type": self.kind, "title": self.name.capitalize(), **forum}

    def member(self, user: User) -> Json:
        """A ChatMember."""
        status = self.statuses.get(user, "left")
        extra: dict[str, Json] = {
            "creator": {"is_anonymous": False},
            "administrator": {right: right == "can_delete_messages" for right in RIGHTS},
            "kicked": {"until_date": 0},
        }
        return {"user": user.json(), "status": status} | extra.get(status, {})


@dataclass(frozen=True)
class File:
    id: str
    kind: Literal["photo", "document"]
    name: str
    content: bytes
    width: int = 0
    height: int = 0
    """In pixels, of a photo."""

    @property
    def path(self) -> str:
        """Where it is downloaded from, below the file address."""
        return f"{self.kind}s/{self.id}{PurePath(self.name).suffix}"

    def json(self) -> Json:
        """What getFile answers, but for the path."""
        return {"file_id": self.id, "file_unique_id": f"unique-{self.id}", "file_size": len(self.content)}

    def shown(self) -> Json:
        """The field of a message that carries it."""
        if self.kind == "photo":
            return {"photo": [{**self.json(), "width": self.width, "height": self.height}]}
        return {"document": {**self.json(), "file_name": self.name, "mime_type": "application/octet-stream"}}


@dataclass(frozen=True)
class Content:
    """All of a message that an edit may change."""

    text: str = ""
    """Or the caption, where there is a file."""
    entities: tuple[Json, ...] = ()
    keyboard: tuple[tuple[Json, ...], ...] = ()


@dataclass(frozen=True)
class Edit:
    at: float
    """On the server's clock, in seconds."""
    content: Content


@dataclass(eq=False)
class Message:
    id: int
    chat: Chat
    author: User
    at: float
    """On the server's clock, in seconds."""
    date: int
    content: Content
    file: File | None = None
    reply_to: "Message | None" = None
    thread: int | None = None
    service: Json = field(default_factory=dict)
    """Of a message that nobody wrote: its one field."""
    edits: list[Edit] = field(default_factory=list)
    deleted_by: User | None = None

    @property
    def text(self) -> str:
        return "" if self.file else self.content.text

    @property
    def caption(self) -> str:
        return self.content.text if self.file else ""

    @property
    def photo(self) -> bytes | None:
        return self.file.content if self.file and self.file.kind == "photo" else None

    @property
    def buttons(self) -> dict[str, str]:
        """By label: the callback data, or the address that it opens."""
        return {
            button["text"]: button.get("callback_data") or button.get("url", "")
            for row in self.content.keyboard
            for button in row
        }

    @property
    def command(self) -> str:
        """What it begins with, as in ``/train@somebot``; empty where it is not a command."""
        first = next((each for each in self.content.entities if each["offset"] == 0), None)
        return marked(self.content.text, first) if first and first["type"] == "bot_command" else ""

    def json(self, with_reply: bool = True) -> Json:
        told: Json = {"message_id": self.id, "date": self.date, "chat": self.chat.json(), "from": self.author.json()}
        words, marks = ("caption", "caption_entities") if self.file else ("text", "entities")
        optional: Json = {
            words: self.content.text,
            marks: list(self.content.entities),
            "reply_markup": {"inline_keyboard": self.content.keyboard} if self.content.keyboard else None,
            "message_thread_id": self.thread,
            "is_topic_message": self.thread in self.chat.topics,
            "reply_to_message": self.reply_to.json(with_reply=False) if self.reply_to and with_reply else None,
            "edit_date": self.date + int(self.edits[-1].at - self.at) if self.edits else None,
        }
        file = self.file.shown() if self.file else {}
        return told | {name: value for name, value in optional.items() if value} | file | self.service


@dataclass(frozen=True)
class Action:
    """As in "mockingbird_bot is typing"."""

    at: float
    chat: Chat
    thread: int | None
    kind: str


@dataclass(frozen=True)
class CallbackAnswer:
    text: str
    alert: bool


@dataclass(frozen=True)
class InlineAnswer:
    results: list[Json]
    cache_seconds: int
    personal: bool


@dataclass
class Question(Generic[A]):
    """A pressed button or an inline query: somebody looks at a spinner until it is answered."""

    id: str
    at: float
    answer: A | None = None
