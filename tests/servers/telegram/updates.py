"""The bot's incoming updates: kept in order until it confirms them, by polling or by its webhook's 200."""

import asyncio
from dataclasses import dataclass

import aiohttp

from tests.servers.telegram.clock import Bell
from tests.servers.telegram.rules import Refusal
from tests.servers.telegram.words import Json

FIRST_ID = 1000
RETRY_SECONDS = 0.05
"""After a webhook refused an update. Telegram's own pause is longer and not documented."""
SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"


@dataclass
class Update:
    id: int
    kind: str
    body: Json
    fetched: int = 0
    """How often the bot was given it."""
    confirmed: bool = False

    def json(self) -> Json:
        return {"update_id": self.id, self.kind: self.body}


class Mailbox:
    def __init__(self, bell: Bell) -> None:
        self.updates: list[Update] = []
        """All there ever were."""
        self.url = ""
        """Of the webhook."""
        self.last_error = ""
        """Why the webhook did not get an update."""
        self.allowed: list[str] = []
        """The kinds that the bot asked for; empty for all."""
        self._bell = bell
        self._poll: object | None = None
        self._delivering: asyncio.Task[None] | None = None

    @property
    def unconfirmed(self) -> list[Update]:
        return [each for each in self.updates if not each.confirmed]

    @property
    def idle(self) -> bool:
        """The bot has confirmed everything, and would get the next update at once."""
        return bool(self._poll or self.url) and not self.unconfirmed

    def put(self, kind: str, body: Json) -> None:
        if not self.allowed or kind in self.allowed:
            self.updates.append(Update(FIRST_ID + len(self.updates), kind, body))
            self._bell.ring()

    def confirm(self, below: int) -> None:
        for update in self.updates:
            update.confirmed = update.confirmed or update.id < below
        self._bell.ring()

    def confirm_all(self) -> None:
        self.confirm(FIRST_ID + len(self.updates))

    async def poll(self, offset: int, limit: int, seconds: float) -> list[Json]:
        """The updates from ``offset`` on, or none after ``seconds``. Confirms those before it.

        Raises Refusal when a webhook is set, and when another poll begins meanwhile.
        """
        if self.url:
            raise Refusal(409, "can't use getUpdates method while webhook is active; use deleteWebhook first", False)
        self._poll = mine = object()
        self.confirm(offset)
        try:
            await self._bell.until(lambda: self.unconfirmed or self._poll is not mine, seconds)
        except TimeoutError:
            return []
        finally:
            overtaken = self._poll is not mine
            self._poll = None if not overtaken else self._poll
        if overtaken:
            words = "terminated by other getUpdates request; make sure that only one bot instance is running"
            raise Refusal(409, words, False)
        return [_given(update) for update in self.unconfirmed[:limit]]

    async def set_webhook(self, url: str, secret: str) -> None:
        """Sends all updates there from now on; an empty address ends that."""
        await self.close()
        self.url, self.last_error = url, ""
        if url:
            self._delivering = asyncio.create_task(self._deliver(url, {SECRET_HEADER: secret} if secret else {}))

    async def close(self) -> None:
        """Delivers no more."""
        if self._delivering:
            self._delivering.cancel()
            await asyncio.wait([self._delivering])

    async def _deliver(self, url: str, headers: dict[str, str]) -> None:
        async with aiohttp.ClientSession(headers=headers) as session:
            while True:
                update = (await self._bell.until(lambda: self.unconfirmed))[0]
                self.last_error = await _post(session, url, update)
                if self.last_error:
                    await asyncio.sleep(RETRY_SECONDS)
                else:
                    self.confirm(update.id + 1)


def _given(update: Update) -> Json:
    update.fetched += 1
    return update.json()


async def _post(session: aiohttp.ClientSession, url: str, update: Update) -> str:
    """What went wrong; nothing where the webhook took it."""
    try:
        async with session.post(url, json=_given(update)) as answer:
            return "" if answer.ok else f"Wrong response from the webhook: {answer.status} {answer.reason}"
    except aiohttp.ClientError as error:
        return str(error)
