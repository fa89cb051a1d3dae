"""A bot of one worker: starts a child that keeps the FIFO LIFE open as long as it lives, tells so, and waits."""

import asyncio
import sys

from tests.bot.children import child
from trainer.protocol import Request


async def main(life: str) -> None:
    async with child("obedient") as worker:
        async for _ in worker.ask(Request("1", "train", {"do": "hold", "life": life})):
            print("the child holds it", flush=True)  # noqa: T201


asyncio.run(main(sys.argv[1]))
