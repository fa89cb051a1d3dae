"""Documents sent to the bot: checked by the size Telegram states, then streamed to the disk."""

from dataclasses import dataclass, field
from pathlib import Path

import httpx
from telegram import Bot
from telegram.error import BadRequest, TelegramError

from bot.errors import NoFile, TooBigForTelegram, UploadLost
from bot.upload import LocalFile, check_size, stream

HOSTED_LIMIT = 20_000_000
"""Bytes. Telegram's own server hands no larger file to a bot (core.telegram.org/bots/api#getfile)."""


@dataclass(frozen=True)
class SentFile:
    name: str
    size: int
    file_id: str
    hosted: bool
    bot: Bot = field(repr=False, compare=False)

    async def check(self, limit: int) -> None:
        """Raises TooBigForTelegram, FileTooBig."""
        if self.hosted and self.size > HOSTED_LIMIT:
            raise TooBigForTelegram
        check_size(self.size, limit)

    async def save(self, target: Path, limit: int) -> None:
        """Raises TooBigForTelegram, FileTooBig, UploadLost."""
        try:
            found = await self.bot.get_file(self.file_id)
            if Path(found.file_path or "").is_absolute():  # a Bot API server with --local has it on this machine
                await LocalFile(Path(found.file_path or "")).save(target, limit)
            else:
                await self._download(found.file_path or "", target, limit)
        except BadRequest as error:  # a server of one's own without --local has the limit too
            raise (TooBigForTelegram if "too big" in error.message else UploadLost(self.name)) from error
        except (TelegramError, httpx.HTTPError, OSError, NoFile) as error:
            raise UploadLost(self.name) from error

    async def _download(self, address: str, target: Path, limit: int) -> None:
        async with httpx.AsyncClient() as client, client.stream("GET", address) as response:
            response.raise_for_status()
            await stream(response.aiter_bytes(), target, limit)
