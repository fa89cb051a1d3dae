"""What a test lets people do, as at a Telegram client of their own."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from tests.servers.telegram.faults import Fault
from tests.servers.telegram.rules import TEXT_UNITS
from tests.servers.telegram.shapes import (
    Action,
    CallbackAnswer,
    Chat,
    Content,
    Edit,
    File,
    InlineAnswer,
    Message,
    Question,
    User,
)
from tests.servers.telegram.words import Json, found_entities, units
from tests.servers.telegram.world import World


class People(World):
    """Chats and people go by name; a private chat has the name of its user, who then speaks unless another is named."""

    async def message(
        self,
        text: str,
        user: str | None = None,
        chat: str = "group",
        reply_to: Message | None = None,
        thread: int | None = None,
        ago: float = 0.0,
    ) -> Message:
        """Somebody writes; ``ago`` seconds ago, as the message's date says it."""
        return self._write(text, user, chat, reply_to, thread, ago=ago)

    async def document(
        self,
        filename: str,
        content: bytes,
        caption: str = "",
        user: str | None = None,
        chat: str = "group",
        reply_to: Message | None = None,
        thread: int | None = None,
    ) -> Message:
        file = self.store("document", filename, content)
        return self._write(caption, user, chat, reply_to, thread, file=file)

    async def edit(self, message: Message, text: str) -> None:
        """Its author changes what it says."""
        message.content = Content(text, tuple(found_entities(text)))
        message.edits.append(Edit(self.clock.now(), message.content))
        self.bell.ring()
        self.tell("edited_message", message)

    async def delete(self, message: Message, user: str = "admin") -> None:
        """Nobody tells the bot."""
        message.deleted_by = self.users[user]
        self.bell.ring()

    async def press(self, message: Message, label: str, user: str = "member") -> CallbackAnswer:
        """Presses a button and waits for the bot's answer. Raises KeyError if there is no such button now."""
        pressed: Json = {"message": message.json(), "data": message.buttons[label]}
        press = Question[CallbackAnswer](f"{7_000_000 + len(self.presses)}", self.clock.now())
        self.presses[press.id] = press
        who: Json = {"id": press.id, "from": self.users[user].json(), "chat_instance": str(message.chat.id)}
        self.mailbox.put("callback_query", who | pressed)
        return await self.until(lambda: press.answer)

    async def inline(self, query: str, user: str = "member") -> InlineAnswer:
        """Types ``@bot query`` somewhere and waits for what the bot offers."""
        asked = Question[InlineAnswer](f"{8_000_000 + len(self.queries)}", self.clock.now())
        self.queries[asked.id] = asked
        body: Json = {"id": asked.id, "from": self.users[user].json(), "query": query, "offset": ""}
        self.mailbox.put("inline_query", body)
        return await self.until(lambda: asked.answer)

    async def topic(self, name: str, chat: str = "forum") -> int:
        """A new topic of a forum: its ``message_thread_id``."""
        forum = self.chat(chat)
        service = {"forum_topic_created": {"name": name, "icon_color": 0x6FB9F0}}
        message = self.post(forum, self.users["admin"], Content(), service=service)
        message.thread = message.id
        forum.topics[message.id] = message
        self.tell("message", message)
        return message.id

    async def migrate(self, group: str = "group") -> Chat:
        """The group becomes a supergroup of another id; its name now means that one."""
        old = self.chat(group)
        new = self.add_group(group, forum=True)
        new.is_forum, new.statuses, old.upgraded = False, dict(old.statuses), new
        for chat, service in ((old, {"migrate_to_chat_id": new.id}), (new, {"migrate_from_chat_id": old.id})):
            self.tell("message", self.post(chat, self.users["admin"], Content(), service=service))
        return new

    async def kick(self, chat: str = "group") -> None:
        """The admin removes the bot."""
        self.status_changes(self.chat(chat), "kicked", self.users["admin"])

    async def block(self, user: str = "member") -> None:
        """Somebody blocks the bot in the private chat."""
        self.status_changes(self.chat(user), "kicked", self.users[user])

    async def welcome(self, chat: str, status: str = "member") -> None:
        """The bot is let in again, or becomes an "administrator"."""
        self.status_changes(self.chat(chat), status, self.chat(chat).owner or self.users["admin"])

    async def promote(self, user: str, chat: str = "group", status: str = "administrator") -> None:
        self.chat(chat).statuses[self.users[user]] = status

    def stop_clock(self) -> None:
        """Only ``advance`` moves it then, so that a test of limits does not depend on how fast it runs."""
        self.clock.stop()

    def advance(self, seconds: float) -> None:
        """Moves the server's clock."""
        self.clock.ahead += seconds
        self.bell.ring()

    def fault(self, method: str, **what: Any) -> None:
        """The next calls of methods that match meet a Fault of these fields."""
        self.faults.add(Fault(method, **what))

    def held(self, method: str) -> AbstractContextManager[None]:
        """Calls of methods that match wait, without effect, for the end of the block.

        With getUpdates held the bot has what it fetched, and cannot confirm it.
        """
        return self.faults.held(method)

    async def polled(self) -> None:
        """Until the bot has confirmed all updates and waits for more."""
        await self.until(lambda: self.mailbox.idle)

    async def reply(self, message: Message) -> Message:
        """The bot's first that replies to this one."""
        return await self.find_sent(lambda each: each.author == self.bot and each.reply_to is message)

    async def find_sent(self, wanted: Callable[[Message], bool]) -> Message:
        """The first message, past or to come, that is wanted."""
        return await self.until(lambda: next(filter(wanted, self.sent), None))

    def messages(self, chat: str = "group", author: str | None = None) -> list[Message]:
        """All there ever were, oldest first, also from before a group became a supergroup."""
        return [each for each in self.sent if each.chat.name == chat and author in (None, each.author.name)]

    def said(self, chat: str = "group") -> list[Message]:
        """The bot's own messages."""
        return self.messages(chat, self.bot.name)

    def actions(self, chat: str = "group") -> list[Action]:
        return [each for each in self.chat_actions if each.chat.name == chat]

    @property
    def floods(self) -> int:
        """How many calls were over the limits of Telegram."""
        return self.flood.count

    def _write(
        self,
        text: str,
        user: str | None,
        chat: str,
        reply_to: Message | None,
        thread: int | None,
        file: File | None = None,
        ago: float = 0.0,
    ) -> Message:
        if units(text) > TEXT_UNITS:
            raise ValueError(f"Telegram's clients cut a text of more than {TEXT_UNITS} units into several messages")
        place, content = self.chat(chat), Content(text, tuple(found_entities(text)))
        # In a topic, what replies to nothing comes as a reply to the message that began the topic.
        replied = reply_to or place.topics.get(thread or 0)
        message = self.post(place, self._author(place, user), content, file=file, reply_to=replied, thread=thread)
        message.date -= int(ago)
        self.tell("message", message)
        return message

    def _author(self, chat: Chat, user: str | None) -> User:
        author = self.users[user] if user else chat.owner or self.users["member"]
        if chat.owner not in (None, author):
            raise ValueError(f"{author.name} cannot write in the private chat of {chat.name}")
        chat.statuses.setdefault(author, "member")
        return author
