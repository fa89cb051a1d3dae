"""Who and what there is: people, chats, messages, files, and what the bot did wrong."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

from tests.servers.telegram.call import Call
from tests.servers.telegram.clock import Bell, Clock
from tests.servers.telegram.faults import Faults
from tests.servers.telegram.limits import Flood
from tests.servers.telegram.rules import Refusal, bad, picture_size
from tests.servers.telegram.shapes import (
    GONE,
    Action,
    CallbackAnswer,
    Chat,
    Content,
    File,
    InlineAnswer,
    Message,
    Question,
    User,
)
from tests.servers.telegram.updates import Mailbox
from tests.servers.telegram.words import Json

BOT_ID = 123456
FIRST_USER_ID = 5_000_000_001
"""Beyond 32 bits, as the ids of new accounts are."""
FIRST_GROUP_ID = -400_000_001
FIRST_SUPERGROUP_ID = -1_001_000_000_001
PATIENCE = 60.0
"""Seconds that a test waits for the bot."""

T = TypeVar("T")


@dataclass(frozen=True)
class Violation:
    """A call that Telegram refuses."""

    method: str
    code: int
    words: str


class World:
    """Two groups, a forum, and a private chat for each of admin, member and member2, who are in all groups."""

    def __init__(self, privacy: bool = True, pace: float = 1.0) -> None:
        """``privacy``: BotFather's privacy mode. ``pace``: how many times faster than Telegram's limits recover."""
        self.privacy = privacy
        self.clock = Clock()
        self.bell = Bell()
        self.faults = Faults()
        self.flood = Flood(self.clock, pace)
        self.mailbox = Mailbox(self.bell)
        self.bot = User(BOT_ID, "mockingbird_bot", is_bot=True)
        self.started = 0.0
        """When the bot last asked who it is. What an earlier process did is not always known to it."""
        self.users: dict[str, User] = {}
        self.chats: list[Chat] = []
        self.sent: list[Message] = []
        """All messages of all chats, deleted ones too."""
        self.files: list[File] = []
        self.chat_actions: list[Action] = []
        self.presses: dict[str, Question[CallbackAnswer]] = {}
        self.queries: dict[str, Question[InlineAnswer]] = {}
        self.commands: dict[str, dict[str, str]] = {}
        """Descriptions by name, by scope: "default", "all_group_chats", "chat:NAME", "chat_member:NAME:USER"."""
        self.calls: list[Call] = []
        """All that the bot made, but downloads."""
        self.refusals: list[Violation] = []
        """Every call that was refused but for faults; also those that no bot could have known better than to make."""
        self.violations: list[Violation] = []
        """Those of the refusals that are the bot's mistake."""
        for name in ("admin", "member", "member2"):
            self.add_user(name)
        self.add_user("other_bot", is_bot=True)
        self.add_group("group")
        self.add_group("group2")
        self.add_group("forum", forum=True)

    def add_user(self, name: str, is_bot: bool = False) -> User:
        """Somebody new, with a private chat of that name."""
        user = self.users[name] = User(FIRST_USER_ID + len(self.users), name, is_bot)
        self.chats.append(Chat(user.id, name, "private", user, statuses={user: "member", self.bot: "member"}))
        return user

    def add_group(self, name: str, forum: bool = False) -> Chat:
        """Everybody there is becomes a member, and admin the creator; a forum is a supergroup."""
        statuses = dict.fromkeys([self.bot, *self.users.values()], "member")
        statuses[self.users["admin"]] = "creator"
        kind: Literal["group", "supergroup"] = "supergroup" if forum else "group"
        first = FIRST_SUPERGROUP_ID if forum else FIRST_GROUP_ID
        self.chats.append(Chat(first - len(self.chats), name, kind, is_forum=forum, statuses=statuses))
        return self.chats[-1]

    def chat(self, name: str) -> Chat:
        """A private chat has its user's name. Raises StopIteration for one that is not there."""
        return next(chat for chat in self.chats if chat.name == name and not chat.upgraded)

    async def until(self, seen: Callable[[], T | None]) -> T:
        """The first true answer of ``seen``, asked again on every change."""
        try:
            return await self.bell.until(seen, PATIENCE)
        except TimeoutError:
            raise AssertionError(f"waited {PATIENCE:.0f} s in vain. {self.transcript()}") from None

    def transcript(self) -> str:
        """For people who look for what went wrong."""
        said = [f"{each.chat.name}: {each.author.name}: {each.content.text[:200]}" for each in self.sent[-20:]]
        return "\n".join(["The last messages:", *said, f"Refused: {self.refusals[-10:]}"])

    def post(self, chat: Chat, author: User, content: Content, **extra: object) -> Message:
        """A new message; ``extra`` are fields of Message."""
        last = self.sent[-1].id if self.sent else 0
        message = Message(last + 1, chat, author, self.clock.now(), self.clock.date(), content)
        for name, value in extra.items():
            setattr(message, name, value)
        self.sent.append(message)
        self.bell.ring()
        return message

    def store(self, kind: Literal["photo", "document"], name: str, content: bytes) -> File:
        width, height = picture_size(content) if kind == "photo" else (0, 0)
        self.files.append(File(f"file_{len(self.files)}", kind, name, content, width, height))
        return self.files[-1]

    def reached(self, chat_id: str) -> Chat:
        """The chat that a call is about. Raises Refusal where the bot cannot have it."""
        chat = next((chat for chat in self.chats if str(chat.id) == chat_id), None)
        if not chat:
            raise bad("chat not found")
        if chat.upgraded:
            words = "group chat was upgraded to a supergroup chat"
            raise Refusal(400, words, False, migrate_to_chat_id=chat.upgraded.id)
        if chat.statuses[self.bot] in GONE:
            words = "bot was blocked by the user" if chat.owner else f"bot was kicked from the {chat.kind} chat"
            raise Refusal(403, words, False)
        if chat.owner and not any(each.author == chat.owner for each in self.sent if each.chat is chat):
            raise Refusal(403, "bot can't initiate conversation with a user")
        return chat

    def find(self, chat: Chat, number: int, purpose: str) -> Message:
        """A message that is still there. The bot cannot know that somebody else deleted it, and is not blamed."""
        message = next((each for each in self.sent if each.id == number and each.chat.name == chat.name), None)
        if message and message.chat is chat and not message.deleted_by:
            return message
        blamed = message is None or message.deleted_by == self.bot
        raise Refusal(400, f"message to {purpose} not found", blamed)

    def tells_bot(self, message: Message) -> bool:
        """https://core.telegram.org/bots/features#privacy-mode, read strictly: a mention is not delivered."""
        chat, status = message.chat, message.chat.statuses[self.bot]
        if message.author.is_bot or status in GONE:
            return False
        if chat.owner or not self.privacy or status == "administrator" or message.service:
            return True
        if message.reply_to and message.reply_to.author == self.bot:
            return True
        return bool(re.fullmatch(f"/[^@]+(@{self.bot.name})?", message.command, re.IGNORECASE))

    def tell(self, kind: Literal["message", "edited_message"], message: Message) -> None:
        """To the bot, if it is to know."""
        if self.tells_bot(message):
            self.mailbox.put(kind, message.json())

    def status_changes(self, chat: Chat, status: str, by: User) -> None:
        """The bot's own, which it is told."""
        before = chat.member(self.bot)
        chat.statuses[self.bot] = status
        change: Json = {"chat": chat.json(), "from": by.json(), "date": self.clock.date()}
        self.mailbox.put(
            "my_chat_member", change | {"old_chat_member": before, "new_chat_member": chat.member(self.bot)}
        )
