"""One session of the console, in this process and with the real services."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from pathlib import Path

from bot import app, config, text
from bot.commands import COMMANDS
from bot.domain import JobState, Origin
from bot.errors import NoTweets
from bot.front.console import Console, Event
from bot.store import Store
from tests.bot.test_store import NASA


class Shown:
    """A screen that is read later."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def show(self, event: Event) -> None:
        self.events.append(event)


async def typed(*lines: str) -> AsyncIterator[str]:
    for line in lines:
        yield line


async def silent(reader: StreamReader, writer: StreamWriter) -> None:
    """A server that never answers."""
    await reader.read()
    writer.close()


async def test_who_leaves_is_told_what_goes_on_later_and_does_not_wait_for_it(tmp_path: Path) -> None:
    async with await asyncio.start_server(silent, "127.0.0.1") as server:
        address = "http://{}:{}".format(*server.sockets[0].getsockname())
        settings = config.load(storage={"data": tmp_path}, bluesky={"api_url": address})
        async with app.services(settings) as services, asyncio.timeout(60):
            screen = Shown()
            console = Console(services, screen, "ann", admin=True)
            lines = typed("/train @ann.example", "/tweet @ann.example the moon")
            await console.converse(lines, stay=False)
            [job] = await services.store.active_jobs()
    assert screen.events[0].text == f"Training @ann.example now. (job {job.id})"
    assert screen.events[-1].text == "Still training @ann.example: it goes on when you are back."


async def test_who_leaves_waits_for_what_changes_something(tmp_path: Path) -> None:
    screen = Shown()
    async with app.services(config.load(storage={"data": tmp_path})) as services:
        await Console(services, screen, "ann", admin=True).converse(typed("/optout @ann sure:true"), stay=False)
        assert await services.store.blocked("ann")
    assert "@ann" in screen.events[-1].text


async def test_who_leaves_nothing_behind_is_told_nothing(tmp_path: Path) -> None:
    screen = Shown()
    async with app.services(config.load(storage={"data": tmp_path})) as services:
        await Console(services, screen, "ann", admin=True).converse(typed("/queue"), stay=False)
    assert [event.text for event in screen.events] == ["Nothing is being trained."]


async def test_a_failure_of_an_earlier_session_is_shown_and_is_no_failure_of_this_command(tmp_path: Path) -> None:
    async with Store.open(tmp_path) as store:
        job = await store.submit("aaa", NASA, Origin("console", "console", "ann", "earlier:1"))
        await store.end(job.id, JobState.FAILED, text.failed(job, NoTweets("nasa")).values())
    screen = Shown()
    async with app.services(config.load(storage={"data": tmp_path})) as services:
        console = Console(services, screen, "ann", admin=True)
        await console.use(COMMANDS["personas"], {})
    assert {(event.line, event.kind) for event in screen.events} == {(0, "error"), (1, "reply")}
    assert not console.failed


async def test_a_command_answered_with_an_error_has_failed(tmp_path: Path) -> None:
    async with app.services(config.load(storage={"data": tmp_path})) as services:
        console = Console(services, Shown(), "ann", admin=True)
        await console.use(COMMANDS["tweet"], {"persona": "nobody"})
    assert console.failed
