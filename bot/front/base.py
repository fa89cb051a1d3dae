"""What front ends share: they translate between a platform and Request/Reply, and decide nothing."""

import asyncio
import logging
from typing import Protocol

from bot.commands.table import Services
from bot.domain import Notice
from bot.reply import Reply

log = logging.getLogger(__name__)

AGAIN = 15.0
"""Seconds until notices that could not be delivered are tried again."""


class Unreachable(Exception):
    """The platform did not take it now; it may take it later."""


class Front(Protocol):
    """A platform. Its name is the ``Origin.platform`` of every request it makes."""

    platform: str

    async def deliver(self, notice: Notice, reply: Reply) -> None:
        """Show a final notice. Returns once it cannot be lost any more; may be called again with the same notice.

        Raises Unreachable.
        """


async def deliver_notices(front: Front, services: Services) -> None:
    """Hand every notice of the outbox to its front end, the ones an earlier process left first."""
    seen, all_delivered = 0, True
    while True:
        try:
            async with asyncio.timeout(None if all_delivered else AGAIN):
                seen = await services.jobs.news(seen)
        except TimeoutError:
            pass
        all_delivered = await deliver_waiting(front, services)


async def deliver_waiting(front: Front, services: Services) -> bool:
    """Whether all of them were delivered. They do not wait for each other: one channel may be slow."""
    notices = await services.store.notices(front.platform)
    return all(await asyncio.gather(*(_deliver(front, services, notice) for notice in notices)))


async def _deliver(front: Front, services: Services, notice: Notice) -> bool:
    try:
        await front.deliver(notice, Reply.read(notice.content))
    except Unreachable as error:
        log.warning("notice %d of job %s is not delivered yet: %s", notice.id, notice.watcher.job, error)
        return False
    await services.store.delivered(notice.id)
    return True
