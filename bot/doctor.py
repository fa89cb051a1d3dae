"""``mockingbird doctor``: what is needed, whether it is there, and what to do where it is not."""

import argparse
import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass

from bot.config import Config
from bot.worker import trainer
from trainer.protocol import Done, Failed, Request

ROOM = 5_000_000_000
"""Bytes that a training with GPT-2 may need: its checkpoint, twice while that is replaced, and the result."""


@dataclass(frozen=True)
class Finding:
    what: str
    good: bool
    words: str


def main(settings: Config, arguments: argparse.Namespace) -> int:
    """0 when all is well, 1 otherwise."""
    return asyncio.run(_examine(settings))


async def _examine(settings: Config) -> int:
    healthy = True
    async for finding in findings(settings):
        healthy &= finding.good
        print(f"{'ok ' if finding.good else 'NOT'} {finding.what}: {finding.words}", flush=True)
    return 0 if healthy else 1


async def findings(settings: Config) -> AsyncIterator[Finding]:
    yield Finding("Python", True, sys.version.split()[0])
    yield _folder(settings)
    async for finding in _trainer(settings):
        yield finding


def _folder(settings: Config) -> Finding:
    folder = settings.storage.data
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    if not os.access(there, os.W_OK):
        return Finding("data folder", False, f"{there} is not writable: choose another with [storage] data or --data.")
    free = shutil.disk_usage(there).free
    words = f"{folder}, {free / 1e9:.0f} GB free"
    return Finding("data folder", free > ROOM, words if free > ROOM else f"{words}: make room, 5 GB at the least.")


async def _trainer(settings: Config) -> AsyncIterator[Finding]:
    """The child looks at what the bot never imports: torch, the device and the base model."""
    worker = trainer("examine")
    await worker.start()
    task = {"base": settings.training.base, "device": settings.training.device}
    async for event in worker.ask(Request("doctor", "examine", task)):
        match event:
            case Done():
                for finding in event.result["findings"]:
                    yield Finding(**finding)
            case Failed():
                yield Finding("trainer", False, event.sentence)
    await worker.close()
