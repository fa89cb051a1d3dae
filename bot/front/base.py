"""What front ends share: they translate between a platform and Request/Reply, and decide nothing."""

from typing import Protocol

from bot.commands.table import Services
from bot.domain import Notice
from bot.reply import Reply


class Front(Protocol):
    """A platform. Its name is the ``Origin.platform`` of every request it makes."""

    platform: str

    async def deliver(self, notice: Notice, reply: Reply) -> None:
        """Show a final notice. Returns once it cannot be lost any more; may be called again with the same notice."""


async def deliver_notices(front: Front, services: Services) -> None:
    """Hand every notice of the outbox to its front end, the ones an earlier process left first."""
    seen = 0
    while True:
        seen = await services.jobs.news(seen)
        await deliver_waiting(front, services)


async def deliver_waiting(front: Front, services: Services) -> None:
    for notice in await services.store.notices(front.platform):
        await front.deliver(notice, Reply.read(notice.content))
        await services.store.delivered(notice.id)
