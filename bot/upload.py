"""A file of tweets on its way in, wherever it comes from: saved only once the request is found to be allowed."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bot import folder
from bot.config import MEGABYTE
from bot.errors import DiskFull, FileTooBig, NoFile
from trainer.disk import is_full


class Upload(Protocol):
    @property
    def name(self) -> str:
        """As the sender calls it."""

    async def check(self, limit: int) -> None:
        """Raises FileTooBig, NoFile, as far as can be told before it is read. ``limit`` is in bytes."""

    async def save(self, target: Path, limit: int) -> None:
        """Write it to ``target``, synced, without holding it in memory. Raises FileTooBig, NoFile, DiskFull."""


@dataclass(frozen=True)
class LocalFile:
    """A file of this machine: from the console, where whoever types may read it, or bundled."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    async def check(self, limit: int) -> None:
        size = await asyncio.to_thread(self._size)
        check_size(size, limit)

    async def save(self, target: Path, limit: int) -> None:
        try:
            with _full_disk_told():
                await asyncio.to_thread(folder.keep, self.path, target, limit)
        except OSError:
            raise NoFile(str(self.path)) from None

    def _size(self) -> int:
        try:
            size = self.path.stat().st_size
            readable = self.path.is_file() and os.access(self.path, os.R_OK)
        except (OSError, ValueError):
            raise NoFile(str(self.path)) from None
        if not readable:
            raise NoFile(str(self.path))
        return size


async def stream(blocks: AsyncIterator[bytes], target: Path, limit: int) -> None:
    """Write to ``target`` what comes over the network, block by block, synced.

    Raises FileTooBig, DiskFull, OSError.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with _full_disk_told(), target.open("wb") as file:
        async for block in blocks:
            check_size(file.tell() + len(block), limit)
            await asyncio.to_thread(file.write, block)
        file.flush()
        await asyncio.to_thread(os.fsync, file.fileno())


@contextmanager
def _full_disk_told() -> Iterator[None]:
    """Raises DiskFull: no fault of the file's, nor of the network's."""
    try:
        yield
    except OSError as error:
        if is_full(error):
            raise DiskFull from error
        raise


def check_size(size: int, limit: int) -> None:
    """Raises FileTooBig."""
    if size > limit:
        raise FileTooBig(size // MEGABYTE, limit // MEGABYTE)
