"""/like, and what the card tells of it."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from bot import app, config
from bot.commands import line
from bot.commands.table import Request, Services, run
from bot.domain import Origin, Version
from bot.reply import Reply
from bot.store import Store
from tests.bot.test_store import train

ANN = Origin("discord", "7", "1", community="discord:9")
BOB = replace(ANN, user="2")
META = {"people": [], "metrics": {}, "adopted": {"source": "hub"}, "base": "gpt2"}


async def published(root: Path) -> str:
    """The id of a tweet of @nasa, whom a bot finds when it starts."""
    async with Store.open(root) as store:
        job = await train(store, "aaa")
        version = Version("nasa", 1, root / "models/nasa/1", job.id, datetime.now(UTC), META)
        await store.publish(job, version, "NASA", {"text": "ready"})
        return await store.keep_tweet("nasa", "liftoff")


async def say(services: Services, typed: str, origin: Origin = ANN) -> Reply:
    command, given = line.parse(typed)
    return await run(command, Request(origin, services), given)


async def test_votes_are_acknowledged_in_passing_and_shown_on_the_card(tmp_path: Path) -> None:
    tweet = await published(tmp_path)
    async with app.services(config.load(storage={"data": tmp_path})) as services:
        bare = await say(services, "/persona @nasa")

        given = await say(services, f"/like {tweet}")
        assert (given.text, given.private, given.passing) == ("You like it: 👍 1.", True, True)
        assert (await say(services, f"/like {tweet.upper()}", BOB)).text == "You like it: 👍 2."
        card = await say(services, "/persona @nasa")
        for _ in range(2):  # the second time it comes again after a crash
            assert (await say(services, f"/like {tweet}", replace(ANN, update="5"))).text == "Taken back: 👍 1."
        unknown = await say(services, "/like abc")

    assert (bare.tweets, bare.foot) == ((), "")
    assert card.text == f"{bare.text}\nBest liked:"
    assert (card.tweets, card.foot) == (("liftoff  👍 2",), "🤖 AI-generated")
    assert (unknown.text, unknown.error) == ("I no longer know that tweet: /tweet makes a new one to like.", True)
