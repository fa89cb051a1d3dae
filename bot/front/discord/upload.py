"""Files sent along with a command: checked by the size Discord states, then streamed to the disk."""

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from bot.errors import UploadLost
from bot.upload import check_size

BLOCK = 1 << 18
"""Bytes written at a time."""


@dataclass(frozen=True)
class AttachedFile:
    name: str
    size: int
    url: str

    async def check(self, limit: int) -> None:
        check_size(self.size, limit)

    async def save(self, target: Path, limit: int) -> None:
        """Raises FileTooBig, UploadLost."""
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            async with aiohttp.ClientSession(raise_for_status=True) as session, session.get(self.url) as response:
                await self._write(response, target, limit)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise UploadLost(self.name) from error

    async def _write(self, response: aiohttp.ClientResponse, target: Path, limit: int) -> None:
        with target.open("wb") as file:
            async for block in response.content.iter_chunked(BLOCK):
                check_size(file.tell() + len(block), limit)
                await asyncio.to_thread(file.write, block)
            file.flush()
            await asyncio.to_thread(os.fsync, file.fileno())
