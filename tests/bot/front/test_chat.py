"""What all chat platforms share, on a platform of one list of messages."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot import app, config
from bot.commands.table import Services
from bot.domain import Job, Origin, Person, Said, Training
from bot.errors import OldButton
from bot.front.base import Unreachable, deliver_waiting
from bot.front.chat import LONGEST_DATA, ChannelClosed, Chat, MessageGone, Unsure
from bot.reply import Reply
from tests.bot.test_store import publish, train

ANN = Origin("wall", "7", "1", name="ann", update="u1")


class Wall:
    """A platform: messages by id; a sending fails with what ``failing`` holds, after it took effect if Unsure."""

    platform = "wall"

    def __init__(self, notice_replaces_progress: bool) -> None:
        self.notice_replaces_progress = notice_replaces_progress
        self.messages: dict[str, str] = {}
        self.failing: list[Exception] = []

    async def post(self, origin: Origin, reply: Reply, key: str) -> str:
        failure = self.failing.pop(0) if self.failing else None
        if failure is None or isinstance(failure, Unsure):
            self.messages[f"m{len(self.messages)}"] = reply.text
        if failure:
            raise failure
        return list(self.messages)[-1]

    async def edit(self, origin: Origin, reply: Reply) -> None:
        if origin.message not in self.messages:
            raise MessageGone
        self.messages[origin.message] = reply.text

    def pace(self, origin: Origin, age: float) -> float:
        return 0.0


@pytest.fixture
async def services(tmp_path: Path) -> AsyncIterator[Services]:
    async with app.services(config.load(storage={"data": tmp_path})) as opened:
        yield opened


def chat(services: Services, replaces: bool = True) -> tuple[Wall, Chat]:
    """Not opened: nothing happens but what a test does."""
    wall = Wall(replaces)
    return wall, Chat(services, wall)


async def over(services: Services, origin: Origin = ANN) -> Job:
    """A job that has failed, because nobody knows that person's tweets."""
    training = Training("nobody", (Person("nobody", "digest"),))
    job = await services.jobs.submit(training, {}, origin)
    return await services.jobs.finished(job.id)


# Buttons.


@pytest.mark.parametrize("line", ["/tweet @nasa", "/tweet @nasa " + "é" * 30, "/tweet #1"])
async def test_a_button_carries_its_line_or_stands_for_it(services: Services, line: str) -> None:
    _, talk = chat(services)
    data = await talk.data(line)
    assert len(data.encode()) <= LONGEST_DATA
    assert await talk.line(data) == line


async def test_a_button_of_a_database_that_is_gone_says_so(services: Services) -> None:
    _, talk = chat(services)
    with pytest.raises(OldButton):
        await talk.line("#0123456789abcdef")


# Answers.


async def test_a_line_that_is_no_command_is_answered_with_a_sentence(services: Services) -> None:
    wall, talk = chat(services)
    await talk.answer_line(ANN, "/trian @nasa", lambda reply: wall.post(ANN, reply, "1"))
    assert wall.messages == {"m0": "I do not know the command /trian. Did you mean /train?"}


async def test_an_answer_that_was_shown_before_a_restart_is_not_shown_again(services: Services) -> None:
    await over(services)
    [notice] = await services.store.notices("wall")
    await services.store.set_message(notice.watcher.id, "m0")
    wall, talk = chat(services)
    await talk.answer_line(ANN, "/train @mara_bakes", lambda reply: wall.post(ANN, reply, "1"))
    assert wall.messages == {}
    assert [job.persona for job in await services.store.recent_jobs(9)] == ["nobody"]


@pytest.mark.parametrize("lost", [ChannelClosed("gone"), Unreachable("later")])
async def test_an_answer_that_cannot_be_shown_loses_nothing_else(services: Services, lost: Exception) -> None:
    wall, talk = chat(services)
    wall.failing = [lost]
    await talk.answer_line(ANN, "/help", lambda reply: wall.post(ANN, reply, "1"))
    await talk.answer_line(replace(ANN, update="u2"), "/queue", lambda reply: wall.post(ANN, reply, "2"))
    assert wall.messages == {"m0": "Nothing is being trained."}


async def test_words_that_name_nobody_go_to_who_they_answer_or_to_who_speaks_here(services: Services) -> None:
    _, talk = chat(services)
    shown: list[str] = []

    async def show(reply: Reply) -> str:
        shown.append(reply.text)
        return ""

    await talk.talk(ANN, "@nobody hello", show)
    assert shown == ["Which persona? Name one, for example /tweet @nasa; /personas lists them."]
    await publish(services.store, services.folder.root, await train(services.store, "first"))
    await services.store.say(ANN, "m9", Said("nasa", "words"))
    await services.store.delete("nasa", [1], "ann")
    await talk.talk(ANN, "hello", show, replied_to="m9")
    assert shown[1:] == ["I have no persona @nasa: make one with /train @nasa."]


# Final notices.


async def test_a_notice_takes_the_place_of_the_progress(services: Services) -> None:
    wall, talk = chat(services)
    await over(services)
    wall.messages["m0"] = "progress"
    [notice] = await services.store.notices("wall")
    await services.store.set_message(notice.watcher.id, "m0")
    assert await deliver_waiting(talk, services)
    assert list(wall.messages) == ["m0"]
    assert "@nobody" in wall.messages["m0"]
    assert await services.store.notices("wall") == []


async def test_a_notice_waits_for_the_acknowledgement_of_its_job(services: Services) -> None:
    wall, talk = chat(services)
    showing, shown = asyncio.Event(), asyncio.Event()

    async def show(reply: Reply) -> str:
        showing.set()
        await shown.wait()
        return await wall.post(ANN, reply, "1")

    asking = asyncio.create_task(talk.answer_line(ANN, "/train @mara_bakes", show))
    await showing.wait()
    [job] = await services.store.active_jobs()
    await services.jobs.cancel(job)
    delivering = asyncio.create_task(deliver_waiting(talk, services))
    shown.set()
    assert await delivering
    await asking
    assert wall.messages == {"m0": "@mara_bakes: cancelled; nothing was published."}


@pytest.mark.parametrize("replaces", [True, False])
async def test_a_notice_that_was_not_sent_is_sent_later(services: Services, replaces: bool) -> None:
    wall, talk = chat(services, replaces)
    await over(services)
    [notice] = await services.store.notices("wall")
    if not replaces:
        wall.messages["m0"] = "progress"
        await services.store.set_message(notice.watcher.id, "m0")
    wall.failing = [Unreachable("later")]
    assert not await deliver_waiting(talk, services)
    assert await deliver_waiting(talk, services)
    assert list(wall.messages) == (["m0"] if replaces else ["m0", "m1"])


async def test_a_notice_that_may_have_arrived_is_not_sent_a_second_time(services: Services) -> None:
    wall, talk = chat(services, replaces=False)
    await over(services)
    wall.messages["m0"] = "progress"
    [notice] = await services.store.notices("wall")
    await services.store.set_message(notice.watcher.id, "m0")
    wall.failing = [Unsure("perhaps")]
    assert not await deliver_waiting(talk, services)
    assert await deliver_waiting(talk, services)
    assert list(wall.messages) == ["m0", "m1"]


async def test_nobody_is_told_in_a_channel_that_is_gone(services: Services) -> None:
    wall, talk = chat(services)
    await over(services)
    wall.failing = [ChannelClosed("gone")]
    assert await deliver_waiting(talk, services)
    assert await services.store.notices("wall") == []
