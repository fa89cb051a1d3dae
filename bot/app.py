"""The composition root: opens the folder and the store, starts the loops, and takes all of it down in order."""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Protocol

from bot import clock, text
from bot.children import Children
from bot.commands.table import Services
from bot.config import Config
from bot.errors import NoPlatform
from bot.folder import Folder
from bot.generation import Generation
from bot.jobs import Jobs
from bot.progress import Board
from bot.sources.gather import Sources
from bot.store import Store
from bot.worker import Worker, trainer

log = logging.getLogger(__name__)

REMEMBERED = timedelta(days=90)
"""How long a reply to a tweet goes on in its voice, and an update is known to have come before."""


@asynccontextmanager
async def services(config: Config, lasting: bool = False) -> AsyncIterator[Services]:
    """Everything handlers need, working, for as long as the block lasts. Raises FolderInUse.

    ``lasting``: for more than one command, so that a spare trainer pays.
    """
    folder = Folder(config.storage.data)
    with folder.held():
        async with Store.open(folder.root) as store, asyncio.TaskGroup() as loops:
            board = Board()
            generation = Generation(lambda: _generator(config))
            children = Children(trainer, board)
            sources = Sources(config, store, folder.fetched)
            jobs = Jobs(config, folder, store, board, children, sources, generation.warm)
            await jobs.tidy()
            working = [loops.create_task(jobs.run()), loops.create_task(_forget_daily(store))]
            if lasting and config.training.spare:
                working.append(loops.create_task(children.keep_spare()))
            try:
                yield Services(config, folder, store, jobs, board, generation, children, sources)
            finally:
                for loop in working:
                    loop.cancel()
                await generation.close()
                await sources.close()


async def _forget_daily(store: Store) -> None:
    while True:
        await store.forget_before(clock.now() - REMEMBERED)
        await asyncio.sleep(timedelta(days=1).total_seconds())


async def say_terms_once(services: Services) -> None:
    """Into the log, where X is configured for the first time."""
    if services.config.x.secret and not await services.store.setting("bot", "x_terms"):
        log.warning(text.X_TERMS)
        await services.store.set_setting("bot", "x_terms", "said", "bot:0")


async def serve(services: Services) -> None:
    """Be on every platform that is configured, until none is left. Raises NoPlatform."""
    fronts = list(_fronts(services))
    if not fronts:
        raise NoPlatform
    async with asyncio.TaskGroup() as platforms:
        for front in fronts:
            platforms.create_task(_guarded(front))


class Platform(Protocol):
    platform: str

    async def run(self) -> None:
        """Returns when there is no use in trying any longer."""


def _fronts(services: Services) -> Iterator[Platform]:
    """Those with a token; a library is imported only for its platform, because it takes long."""
    if services.config.discord.secret:
        from bot.front.discord.client import Discord

        yield Discord(services)
    if services.config.telegram.secret:
        from bot.front.telegram.client import Telegram

        yield Telegram(services)


async def _guarded(front: Platform) -> None:
    """No platform takes another one down."""
    try:
        await front.run()
    except Exception:
        log.exception("%s ended", front.platform)


def _generator(config: Config) -> Worker:
    settings = config.generation
    return trainer("generate", "--device", settings.device, "--memory-mb", str(settings.memory_mb))


def run(main: Coroutine[Any, Any, int]) -> int:
    """Run to the end, or until SIGTERM or Ctrl-C, which let everything close in order."""
    try:
        return asyncio.run(_until_told(main))
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except asyncio.CancelledError:
        return 128 + signal.SIGTERM


async def _until_told(main: Coroutine[Any, Any, int]) -> int:
    task = asyncio.ensure_future(main)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await task
