"""Files sent along with a command: checked by the size Discord states, then streamed to the disk."""

from dataclasses import dataclass
from pathlib import Path

import aiohttp

from bot.errors import UploadLost
from bot.upload import check_size, stream

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
        try:
            async with aiohttp.ClientSession(raise_for_status=True) as session, session.get(self.url) as response:
                await stream(response.content.iter_chunked(BLOCK), target, limit)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise UploadLost(self.name) from error
