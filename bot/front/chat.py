"""What chat platforms share: answering, one live message a watcher, final notices, buttons. Knows no platform."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from time import monotonic
from typing import Protocol

from bot import text
from bot.commands import line as lines
from bot.commands.lookup import named_persona
from bot.commands.table import COMMANDS, Command, Given, Request, Services, run
from bot.domain import Notice, Origin, Said, Watcher
from bot.errors import MockingbirdError, OldButton
from bot.front.base import Unreachable, deliver_notices
from bot.reply import Reply
from bot.upload import Upload

log = logging.getLogger(__name__)

LONGEST_DATA = 64
"""Bytes a button carries on every platform (Telegram's limit; Discord takes 100)."""


class MessageGone(Exception):
    """The message was deleted, or is no longer ours to change."""


class ChannelClosed(Exception):
    """The channel is gone or takes nothing from us: there is no use in trying again."""


class Unsure(Unreachable):
    """It was sent, and perhaps it arrived."""


class Messenger(Protocol):
    """The two things a platform must be able to do, and its manners."""

    platform: str
    notice_replaces_progress: bool
    """A final notice takes the place of the progress; otherwise it is a message of its own, which notifies."""

    async def post(self, origin: Origin, reply: Reply, key: str) -> str:
        """Send to the origin's channel and return the message's id. Where the platform can, the same key posts once.

        Raises ChannelClosed, Unreachable, Unsure.
        """

    async def edit(self, origin: Origin, reply: Reply) -> None:
        """Change the message ``origin.message``. Raises MessageGone, ChannelClosed, Unreachable."""

    def pace(self, origin: Origin, age: float) -> float:
        """Seconds from one edit of a message to the next; ``age`` of the message in seconds."""


Show = Callable[[Reply], Awaitable[str]]
"""Shows an answer and gives the id of its message, empty when there is none to come back to."""


class Chat:
    """Use as ``async with Chat(...) as chat``: from then on notices are delivered and progress is shown."""

    def __init__(self, services: Services, messenger: Messenger) -> None:
        self._services, self._messenger = services, messenger
        self.platform = messenger.platform
        self._followers: dict[int, tuple[Watcher, asyncio.Task[None]]] = {}
        self._turns: dict[str, asyncio.Lock] = {}

    async def __aenter__(self) -> "Chat":
        for watcher in await self._services.store.watchers(self.platform):
            self._follow(watcher)
        self._delivering = asyncio.create_task(deliver_notices(self, self._services))
        return self

    async def __aexit__(self, *_: object) -> None:
        tasks = [self._delivering, *(task for _, task in self._followers.values())]
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)

    async def answer(
        self,
        origin: Origin,
        command: Command,
        given: Given,
        show: Show,
        reply_to: Said | None = None,
        spoken: bool = False,
    ) -> None:
        """Run a command, show its answer, and from then on its progress in the same message."""

        async def say(words: str) -> None:
            await self._attempt(self._messenger.post(origin, Reply(words), f"{origin.update} say"), origin)

        async with self._turn(origin.update):
            reply = await run(command, Request(origin, self._services, say, reply_to, spoken), given)
            if await self._shown_before(origin, reply):
                return
            await self._remember(origin, reply, await self._attempt(show(reply), origin))

    async def answer_line(self, origin: Origin, line: str, show: Show, file: Upload | None = None) -> None:
        """Answer what was typed, perhaps with a file, or what a button stands for."""
        try:
            command, given = lines.parse(line)
        except MockingbirdError as error:
            await self._attempt(show(Reply(error.sentence, error=True, private=True)), origin)
            return
        await self.answer(origin, command, {**given, "file": file} if file else given, show)

    async def talk(self, origin: Origin, words: str, show: Show, replied_to: str = "") -> None:
        """Answer words that are no command in the voice of the persona they begin with, reply to, or find here."""
        store = self._services.store
        said = await store.said(origin, replied_to) if replied_to else None
        given = {"prompt": words}
        word, _, rest = words.partition(" ")
        if word.startswith("@") and (name := await named_persona(store, word)):
            given = {"persona": name, "prompt": rest}
        await self.answer(origin, COMMANDS["tweet"], given, show, said, spoken=True)

    async def deliver(self, notice: Notice, reply: Reply) -> None:
        async with self._turn(notice.origin.update):  # a job may be over before its acknowledgement is sent
            watcher = await self._services.store.watcher(notice.watcher.job, notice.origin) or notice.watcher
        if follower := self._followers.pop(watcher.id, None):
            follower[1].cancel()
            await asyncio.wait([follower[1]])  # no frame may come after the end
        try:
            message = await self._conclude(notice, watcher.origin, reply)
        except ChannelClosed as error:
            log.info("nobody is told of job %s: %s", watcher.job, error)
            return
        if reply.said and message:
            await self._services.store.say(watcher.origin, message, reply.said)

    async def data(self, line: str) -> str:
        """What a button carries that stands for a command line."""
        return line if len(line.encode()) <= LONGEST_DATA else f"#{await self._services.store.keep_line(line)}"

    async def line(self, data: str) -> str:
        """The command line a button stands for. Raises OldButton."""
        found = await self._services.store.line(data[1:]) if data.startswith("#") else data
        if found is None:
            raise OldButton
        return found

    async def _conclude(self, notice: Notice, origin: Origin, reply: Reply) -> str:
        """Show the last word of a job, once, and give the id of its message."""
        key = f"notice {notice.id}"
        if self._messenger.notice_replaces_progress:
            return await self._edit_or_post(origin, reply, key)
        if notice.tried:  # it may have arrived: the message of the progress can say it again without disturbing anybody
            return await self._edit_or_post(origin, reply, key)
        await self._services.store.tried(notice.id, tried=True)
        try:
            message = await self._messenger.post(origin, reply, key)
        except Unsure:
            raise
        except Unreachable:
            await self._services.store.tried(notice.id, tried=False)
            raise
        await self._attempt(self._edit_or_post(origin, Reply(reply.text), key, post=False), origin)
        return message

    async def _edit_or_post(self, origin: Origin, reply: Reply, key: str, post: bool = True) -> str:
        if origin.message:
            try:
                await self._messenger.edit(origin, reply)
            except MessageGone:
                log.info("%s message %s is gone", self.platform, origin.message)
            else:
                return origin.message
        return await self._messenger.post(origin, reply, key) if post else ""

    async def _attempt(self, sending: Awaitable[str], origin: Origin) -> str:
        """The message's id; nothing where it did not get through, which is no reason to do it all again."""
        try:
            return await sending
        except (ChannelClosed, Unreachable) as error:
            log.warning("what %s was to see is lost: %s", origin.who, error)
            return ""

    async def _shown_before(self, origin: Origin, reply: Reply) -> bool:
        """Whether the bot died between showing this answer and noting that the update is answered."""
        watcher = await self._services.store.watcher(reply.job, origin) if reply.job else None
        return bool(watcher and watcher.origin.message)

    async def _remember(self, origin: Origin, reply: Reply, message: str) -> None:
        store = self._services.store
        if reply.said and message:
            await store.say(origin, message, reply.said)
        if reply.job and (watcher := await store.watcher(reply.job, origin)):
            if message:
                await store.set_message(watcher.id, message)
            job = await store.job(reply.job)
            if job and job.state.active:
                self._follow(replace(watcher, origin=replace(watcher.origin, message=message)))

    def _follow(self, watcher: Watcher) -> None:
        """In place of who followed it without a message, where an acknowledgement is sent again after a restart."""
        if before := self._followers.get(watcher.id):
            before[1].cancel()
        self._followers[watcher.id] = watcher, asyncio.create_task(self._show_progress(watcher))

    async def _show_progress(self, watcher: Watcher) -> None:
        """Keep one message in step with a job until it is over, or until nobody can see it."""
        began = monotonic()
        frames = self._services.board.follow(watcher.job)
        shown = ""
        try:
            while True:
                await asyncio.sleep(self._pace(watcher.origin, monotonic() - began))
                words = text.standing(watcher.persona, await anext(frames))
                if words != shown:
                    watcher, shown = await self._frame(watcher, words), words
        except StopAsyncIteration:
            pass
        except ChannelClosed as error:
            log.info("progress of job %s is not shown any more: %s", watcher.job, error)
        except Exception:
            log.exception("progress of job %s is not shown any more", watcher.job)

    def _pace(self, origin: Origin, age: float) -> float:
        """Messages of one channel share what the platform allows there."""
        there = sum(watcher.origin.channel == origin.channel for watcher, _ in self._followers.values())
        return self._messenger.pace(origin, age) * max(1, there)

    async def _frame(self, watcher: Watcher, words: str) -> Watcher:
        reply = Reply(words, buttons=(text.cancel_button(watcher.job),), job=watcher.job)
        try:
            key = f"frame {watcher.id} {watcher.origin.message}"
            message = await self._edit_or_post(watcher.origin, reply, key)
        except Unreachable:  # the next frame will do, perhaps elsewhere: a group may have got another id
            known = await self._services.store.watchers(self.platform)
            return next((each for each in known if each.id == watcher.id), watcher)
        if message == watcher.origin.message:
            return watcher
        await self._services.store.set_message(watcher.id, message)
        return replace(watcher, origin=replace(watcher.origin, message=message))

    @asynccontextmanager
    async def _turn(self, update: str) -> AsyncIterator[None]:
        lock = self._turns.setdefault(update, asyncio.Lock())
        async with lock:
            yield
        if not lock.locked():
            self._turns.pop(update, None)
