"""Tweets fetched by the whole bot from servers on this machine: what is asked, paid, kept and said."""

import gzip
import sqlite3
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.running import Event, RunningBot
from tests.servers import bluesky, mastodon, x
from tests.servers.local import Fault, Local
from tests.trainer.conftest import invented_tweets

TOKEN = "AAAAsecretBearer"
TIMELINE = "/tweets"
LONG = "the keeper of the lighthouse writes a long note " * 8 + "and ends it here"


def timeline(count: int = 250, seed: int = 1, first: int = 1) -> list[x.Tweet]:
    """Newest first; every 25th is a retweet."""
    texts = invented_tweets(count, seed)
    tweets = [x.retweet(first + at) if at % 25 == 0 else x.tweet(first + at, texts[at]) for at in range(count)]
    return tweets[::-1]


@asynccontextmanager
async def talking(data: Path, base: Path, server: Local, **settings: str) -> AsyncIterator[RunningBot]:
    """A bot that has one server for everything."""
    addresses = {f"{name}__api_url": server.url for name in ("x", "bluesky", "mastodon")}
    bot = RunningBot(data, base, 1, **{"x__bearer_token": TOKEN, **addresses, **settings})
    await bot.start("--as", "ann", "--admin")
    try:
        yield bot
    finally:
        await bot.stop()
    assert bot.children() == []


def paid(bot: RunningBot) -> float:
    with closing(sqlite3.connect(bot.data / "mockingbird.db")) as store:
        [[dollars]] = store.execute("SELECT coalesce(sum(dollars), 0) FROM payments")
    return round(float(dollars), 6)


def kept(bot: RunningBot) -> str:
    """All that the bot has stored of posts."""
    return "".join(gzip.decompress(path.read_bytes()).decode() for path in bot.files("*.gz"))


def busy(seconds: float, after: int) -> Fault:
    """X's rate limit, once it has given so many pages."""
    return Fault(TIMELINE, 429, {}, {"x-rate-limit-reset": str(int(time.time() + seconds))}, after)


async def pressed(bot: RunningBot, event: Event, label: str) -> int:
    [command] = [button["command"] for button in event["buttons"] if button["label"].startswith(label)]
    return await bot.say(command)


async def test_a_bot_killed_while_it_fetches_asks_and_pays_for_nothing_twice(tmp_path: Path, tiny_base: Path) -> None:
    tweets = timeline(249)
    note = x.tweet(9_000, LONG[:270] + "…", note_tweet={"text": LONG})
    account = x.Account("7", "Mara_K", "Mara", tweets=[note, *tweets])
    async with x.X(account, bearer=TOKEN) as server:
        server.faults.append(busy(600, after=2))
        async with talking(tmp_path / "data", tiny_base, server, x__confirm_above="2") as bot:
            line = await bot.say("/train @mara_k")
            await bot.stage(line, "waiting until the source lets me read on, 10 minutes left")
            assert paid(bot) == 0.01 + 200 * 0.005

            await bot.kill()
            said = bot.events
            await bot.start("--as", "ann")
            assert await bot.end() == 0

            assert sorted(server.served, key=int) == sorted((tweet["id"] for tweet in account.tweets), key=int)
            assert sum("/by/username/" in path for path in server.paths()) == 1
            assert paid(bot) == 0.01 + 250 * 0.005
            assert "@mara_k is ready (version 1)" in bot.transcript()[-1]["text"]
            assert LONG in kept(bot)
            assert "not theirs" not in kept(bot)
            meta = next(iter(bot.files("models/mara_k/1/meta.json"))).read_text()
            assert '"downloaded": 250' in meta
            assert '"retweets": 10' in meta
            assert TOKEN not in str(said) + str(bot.events)
            assert [path for path in bot.files("*") if path.is_file() and TOKEN.encode() in path.read_bytes()] == []


async def test_what_was_read_once_is_kept_and_refreshed_by_what_is_new(tmp_path: Path, tiny_base: Path) -> None:
    account = x.Account("7", "mara", "Mara", tweets=timeline(240))
    async with (
        x.X(account, bearer=TOKEN) as server,
        talking(tmp_path / "data", tiny_base, server, x__confirm_above="2") as bot,
    ):
        line = await bot.say("/train @mara")
        await bot.stage(line, "240 tweets − 10 retweets")
        assert "is ready (version 1)" in (await bot.final(line))["text"]
        asked, spent = len(server.requests), paid(bot)

        again = await bot.ask("/train @mara")

        assert "already here" in again["text"]
        assert [button["label"] for button in again["buttons"]] == ["Tweet", "Refresh"]
        assert (len(server.requests), paid(bot)) == (asked, spent)

        new = [x.tweet(5_000 + at, text) for at, text in enumerate(invented_tweets(80, seed=3))][::-1]
        account.tweets = new + account.tweets
        refreshed = await bot.final(await pressed(bot, again, "Refresh"))

        assert "is ready (version 2)" in refreshed["text"]
        assert server.served[240:] == [tweet["id"] for tweet in new]
        assert paid(bot) == round(spent + 0.01 + 80 * 0.005, 6)
        assert "rained on from version 1" in refreshed["text"], "both ways were compared"
        assert '"downloaded": 320' in next(iter(bot.files("models/mara/2/meta.json"))).read_text()


async def test_a_rate_limit_holds_up_nobody_else_and_a_cancelled_reading_pays_no_more(
    tmp_path: Path, tiny_base: Path
) -> None:
    account = x.Account("7", "mara", "Mara", tweets=timeline(240))
    async with (
        x.X(account, bearer=TOKEN) as server,
        talking(tmp_path / "data", tiny_base, server, x__confirm_above="2") as bot,
    ):
        server.faults.append(busy(120, after=1))
        waiting = await bot.say("/train @mara")
        await bot.stage(waiting, "waiting until the source lets me read on, 2 minutes left")

        other = await bot.ask("/train @mara_bakes")
        assert "is ready" in other["text"]
        assert not any(event["line"] == waiting and event["final"] for event in bot.events)

        await pressed(bot, await bot.answer(waiting), "Cancel")
        assert "nothing was published" in (await bot.final(waiting))["text"]
        assert await bot.end() == 0
        assert len(server.served) == 100
        assert paid(bot) == 0.01 + 100 * 0.005


async def test_a_price_is_asked_about_once_above_the_amount_that_is_set(tmp_path: Path, tiny_base: Path) -> None:
    people = [x.Account("7", "mara", tweets=timeline(150)), x.Account("8", "noor", tweets=timeline(150, seed=2))]
    async with x.X(*people, bearer=TOKEN) as server, talking(tmp_path / "data", tiny_base, server) as bot:
        question = await bot.ask("/train @mara @noor seed:3")
        assert "Reading up to 300 posts of @mara @noor costs $1.50 at most" in question["text"]
        assert server.served == []
        assert await bot.ask("/queue")

        server.faults.append(busy(600, after=2))
        line = await pressed(bot, question, "Pay up to $1.50")
        await bot.stage(line, "waiting")

        assert paid(bot) == 0.02 + 150 * 0.005
        assert sum("/by/username/" in path for path in server.paths()) == 2


async def test_the_months_limit_refuses_before_anything_is_read(tmp_path: Path, tiny_base: Path) -> None:
    account = x.Account("7", "mara", tweets=timeline(150))
    async with (
        x.X(account, bearer=TOKEN) as server,
        talking(tmp_path / "data", tiny_base, server, x__month_limit="0.5") as bot,
    ):
        for line in ("/train @mara", "/train @mara sure:true"):
            refused = await bot.ask(line)
            assert "That would cost $0.75, and $0.49 of this month's $0.50 are left" in refused["text"]
            assert refused["kind"] == "error"
        assert server.served == []


@pytest.mark.parametrize("sure", ["", " sure:true"], ids=["asked", "sure"])
async def test_whoever_cannot_be_read_is_told_why(tmp_path: Path, tiny_base: Path, sure: str) -> None:
    people = [x.Account("6", "noor"), x.Account("7", "mara")]
    people += [x.Account("8", "shy", protected=True), x.Account("9", "gone", suspended=True)]
    async with x.X(*people, bearer=TOKEN) as server, talking(tmp_path / "data", tiny_base, server) as bot:
        told = {
            "shy": "@shy is protected on X: only they can send their tweets",
            "gone": "@gone is suspended or closed on X",
            "nobody": "X knows no @nobody: check the spelling.",
            "mara": "@mara has no public posts of their own",
        }
        for handle, words in told.items():
            assert words in (await bot.ask(f"/train @{handle}{sure}"))["text"]
        server.faults.append(Fault("/2/users", 402, {"title": "CreditsDepleted"}))
        assert "credit at X is used up" in (await bot.ask(f"/train @noor{sure}"))["text"]
        server.faults.append(Fault("/2/users", 401))
        assert "[x] bearer_token" in (await bot.ask(f"/train @noor{sure}"))["text"]


class Both(Local):
    """A Bluesky and a Mastodon at one address."""

    def __init__(self, sky: bluesky.Bluesky, elephant: mastodon.Mastodon) -> None:
        super().__init__()
        self.sky, self.elephant = sky, elephant

    def answer(self, path: str, query: Mapping[str, str], headers: Mapping[str, str]) -> tuple[int, Any]:
        return (self.sky if path.startswith("/xrpc") else self.elephant).answer(path, query, headers)


async def test_people_of_bluesky_and_mastodon_are_read_by_their_handles_and_deleted_posts_leave(
    tmp_path: Path, tiny_base: Path
) -> None:
    posts = [bluesky.post(at, text) for at, text in enumerate(invented_tweets(230))]
    sky = bluesky.Bluesky(*[bluesky.repost(900), *posts[::-1]], handle="my-mara.example")
    texts = enumerate(invented_tweets(230, seed=2), start=10)
    statuses = [mastodon.status(at, f"<p>{text} <b>&amp;</b></p>") for at, text in texts]
    elephant = mastodon.Mastodon(*statuses[::-1], acct="mara-k.x")
    async with Both(sky, elephant) as server, talking(tmp_path / "data", tiny_base, server) as bot:
        line = await bot.say("/train @my-mara.example @mara-k.x@my-social.example")
        await bot.stage(line, "@my-mara.example: 231 tweets − 1 retweets")
        await bot.stage(line, "@mara-k.x@my-social.example: 230 tweets − 0 retweets")
        assert "is ready (version 1)" in (await bot.final(line))["text"]
        assert "<p>" not in kept(bot)
        tweet = await bot.ask("/tweet @my-mara.example+mara-k.x@my-social.example as:@my-mara.example")
        assert "(@mara-k.x@my-social.example+my-mara.example)" in tweet["text"]

        deleted = [posts[40]["post"]["record"]["text"], invented_tweets(230, seed=2)[50]]
        assert all(text in kept(bot) for text in deleted)
        sky.feed = [item for item in sky.feed if item is not posts[40]]
        elephant.statuses = [status for status in elephant.statuses if deleted[1] not in status["content"]]
        again = await bot.ask("/train @mara-k.x@my-social.example @my-mara.example")
        refreshed = await bot.final(await pressed(bot, again, "Refresh"))

        assert "is ready (version 2)" in refreshed["text"]
        assert not any(text in kept(bot) for text in deleted)
        assert paid(bot) == 0


async def test_the_terms_of_x_are_told_once_where_it_is_set_up(tmp_path: Path, tiny_base: Path) -> None:
    async with x.X(bearer=TOKEN) as server:
        for settings in ({"x__bearer_token": ""}, {}, {}):
            async with talking(tmp_path / "data", tiny_base, server, **settings) as bot:
                await bot.ask("/queue")
            assert bot.log().count("terms forbid") == bool(not settings)
