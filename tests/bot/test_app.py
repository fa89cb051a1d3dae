"""What the composition root starts beside the commands."""

import asyncio
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from bot import app, clock, config
from bot.domain import Origin, Said
from bot.store import Store
from tests.bot.test_store import publish, train


async def test_tweets_that_were_said_long_ago_are_forgotten_and_others_are_not(tmp_path: Path) -> None:
    origin = Origin("discord", "7", "1")
    settings = config.load(storage={"data": tmp_path})
    async with Store.open(tmp_path) as kept:
        await publish(kept, tmp_path, await train(kept, "first"))
        for message in ("old", "new"):
            await kept.say(origin, message, Said("nasa", "liftoff"))
    with closing(sqlite3.connect(tmp_path / "mockingbird.db")) as store, store:
        long_ago = (clock.now() - app.REMEMBERED - timedelta(hours=1)).isoformat()
        store.execute("UPDATE said SET at = ? WHERE message = 'old'", (long_ago,))

    async with app.services(settings) as services, asyncio.timeout(60):
        while await services.store.said(origin, "old"):  # noqa: ASYNC110  # no event tells of it
            await asyncio.sleep(0)
        assert await services.store.said(origin, "new")
