"""A bot that fetches from X and is killed after so many pages: python -m ... ADDRESS FOLDER PAGES."""

import asyncio
import os
import signal
import sys
from pathlib import Path

from bot.sources.fetch import Want, fetch
from bot.sources.journal import Cache
from bot.sources.x import X


async def silent(seconds: float) -> None:
    pass


async def main(address: str, folder: str, pages: str) -> None:
    journal = Cache(Path(folder)).journal("x", "mara")
    count = 0
    async for _ in fetch(X("token", address), "mara", journal, Want.ANY, silent):
        count += 1
        if count == int(pages):
            os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
