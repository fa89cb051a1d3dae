"""Asking a child in a test, and what must hold after it."""

import asyncio
import gc
from collections.abc import Iterator
from typing import Any

import pytest

from bot.worker import Worker
from trainer.protocol import Event, Request


def to(do: str, id: str = "1", **values: Any) -> Request:
    """What ``obedient`` understands."""
    return Request(id, "train", {"do": do, **values})


async def told(worker: Worker, request: Request) -> list[Event]:
    return [event async for event in worker.ask(request)]


async def last(worker: Worker, request: Request) -> Event:
    return (await told(worker, request))[-1]


async def begun(worker: Worker, request: Request) -> "asyncio.Task[Event]":
    """The answer to come, once the child has reported that it works on the request."""
    started = asyncio.Event()

    async def follow() -> Event:
        events = []
        async for event in worker.ask(request):
            events.append(event)
            started.set()
        return events[-1]

    answer = asyncio.create_task(follow())
    await started.wait()
    return answer


@pytest.fixture(autouse=True)
def nothing_forgotten(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """asyncio complains of tasks that were destroyed, and of errors nobody fetched, when it collects them."""
    yield
    gc.collect()
    assert [record.getMessage() for record in caplog.get_records("call") if record.name == "asyncio"] == []
    assert [record.getMessage() for record in caplog.get_records("teardown") if record.name == "asyncio"] == []
