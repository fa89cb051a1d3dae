"""What the sources hand over, read by the real ingest child."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from bot.sources.base import Source
from bot.sources.bluesky import Bluesky
from bot.sources.journal import Cache
from bot.sources.mastodon import Mastodon
from bot.sources.x import X
from bot.worker import Worker, trainer
from tests.bot.sources.conftest import read
from tests.servers import bluesky, mastodon, x
from trainer.protocol import Done, IngestResult, IngestTask, Request
from trainer.tweets import Corpus

OWN = ["tea &amp; cake on the pier", "the kettle sings &lt;3 tonight", "never ask a gull for directions"]
AS_TYPED = ["tea & cake on the pier", "the kettle sings <3 tonight", "never ask a gull for directions"]
LONG = "a long story about a lighthouse and a goat " * 20
COUNTS = {"downloaded": 7, "retweets": 2, "short": 1, "dropped": 0, "kept": 4}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ingest() -> AsyncIterator[Worker]:
    async with trainer("ingest") as worker:
        yield worker


async def ingested(ingest: Worker, source: Source, handle: str, folder: Path) -> tuple[IngestResult, Corpus]:
    journal = Cache(folder / "fetched").journal(source.name, handle)
    await read(source, journal, handle=handle)
    await source.close()
    assert journal.write(folder / "posts.jsonl") == 7
    task = IngestTask(str(folder / "posts.jsonl"), str(folder / "corpus"), handle)
    [*_, last] = [event async for event in ingest.ask(Request("1", "ingest", task.values()))]
    assert isinstance(last, Done), last
    return IngestResult.read(last.result), Corpus.load(folder / "corpus")


def check(result: IngestResult, corpus: Corpus, handle: str) -> None:
    assert result.counts == COUNTS
    assert (corpus.handle, corpus.name) == (handle, "Mara 🐐")
    assert corpus.texts == [LONG.strip(), *reversed(AS_TYPED)]
    assert result.languages == {"en": 4}
    assert result.notes == []


@pytest.mark.asyncio(loop_scope="module")
async def test_a_timeline_of_x_is_counted_and_kept(ingest: Worker, tmp_path: Path) -> None:
    tweets = [x.tweet(20 - at, text) for at, text in enumerate(OWN)]
    tweets += [x.retweet(9), x.retweet(8), x.tweet(7, "ha"), x.tweet(6, LONG[:99] + "…", note_tweet={"text": LONG})]
    async with x.X(x.Account("7", "Mara", "Mara 🐐", tweets=tweets)) as server:
        check(*await ingested(ingest, X("token", server.url), "mara", tmp_path), "mara")


@pytest.mark.asyncio(loop_scope="module")
async def test_a_feed_of_bluesky_is_counted_and_kept(ingest: Worker, tmp_path: Path) -> None:
    feed = [bluesky.post(20 - at, text) for at, text in enumerate(AS_TYPED)]
    feed += [bluesky.repost(9), bluesky.repost(8), bluesky.post(7, "ha"), bluesky.post(6, LONG)]
    async with bluesky.Bluesky(*feed, displayName="Mara 🐐") as server:
        check(*await ingested(ingest, Bluesky(server.url), "mara.example", tmp_path), "mara.example")


@pytest.mark.asyncio(loop_scope="module")
async def test_posts_of_mastodon_are_counted_and_kept(ingest: Worker, tmp_path: Path) -> None:
    statuses = [mastodon.status(20 - at, f"<p>{text}</p>") for at, text in enumerate(OWN)]
    statuses += [mastodon.reblog(9), mastodon.reblog(8), mastodon.status(7, "ha"), mastodon.status(6, LONG)]
    async with mastodon.Mastodon(*statuses, display_name="Mara 🐐") as server:
        check(*await ingested(ingest, Mastodon(server.url), "mara@pier.example", tmp_path), "mara@pier.example")
