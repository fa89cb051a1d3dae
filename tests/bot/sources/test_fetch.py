"""Fetching into the journal: what it costs, what is kept, and what is never fetched twice."""

import asyncio
import gzip
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from bot.sources import errors
from bot.sources.fetch import Want, estimate, fetch
from bot.sources.journal import Cache, Journal
from bot.sources.x import X
from tests.bot.sources.conftest import ids, read, unheard
from tests.servers import x

USER = "/2/users/by/username/mara"


@pytest.fixture
async def server() -> AsyncIterator[x.X]:
    tweets = [x.tweet(number, f"post number {number}") for number in range(1350, 1000, -1)]
    async with x.X(x.Account("7", "mara", "Mara", tweets=tweets)) as server:
        yield server


@pytest.fixture
async def source(server: x.X) -> AsyncIterator[X]:
    source = X("token", server.url, pauses=())
    yield source
    await source.close()


@pytest.fixture
def journal(cache: Cache) -> Journal:
    return cache.journal("x", "mara")


async def part(source: X, journal: Journal, pages: int, want: Want = Want.ANY) -> None:
    """Stop after so many new pages, as a bot does that is told to."""
    leaves = fetch(source, "mara", journal, want, unheard)
    for _ in range(pages + (journal.last is not None)):
        await anext(leaves)


def post(server: x.X, *numbers: int) -> None:
    server.accounts[0].tweets[:0] = [x.tweet(number, f"post number {number}") for number in numbers]


async def test_a_person_already_fetched_asks_nothing_of_the_network(source: X, server: x.X, journal: Journal) -> None:
    await read(source, journal)
    del server.requests[:]
    assert await read(source, journal) == []
    assert (await estimate(source, "mara", journal, Want.ANY, unheard)).posts == 0
    assert server.requests == []


async def test_an_estimate_tells_posts_and_dollars_before_any_post_is_read(
    source: X, server: x.X, journal: Journal
) -> None:
    found = await estimate(source, "mara", journal, Want.ANY, unheard)
    assert (found.posts, found.dollars, found.spent, found.kept) == (350, 1.75, 0.01, 0)
    assert server.served == []
    assert (await estimate(source, "mara", journal, Want.ANY, unheard, most=200)).dollars == 1.0


async def test_an_estimate_pays_for_the_look_up_of_the_fetch(source: X, server: x.X, journal: Journal) -> None:
    found = await estimate(source, "mara", journal, Want.ANY, unheard)
    await read(source, journal, profile=found.profile)
    assert server.paths().count(USER) == 1


async def test_an_estimate_leaves_out_what_was_read_before_a_cut(source: X, journal: Journal) -> None:
    await part(source, journal, 2)
    found = await estimate(source, "mara", journal, Want.ANY, unheard)
    assert (found.posts, found.kept) == (150, 200)


async def test_an_estimate_of_a_refresh_counts_new_posts_alone(source: X, server: x.X, journal: Journal) -> None:
    await read(source, journal)
    post(server, 1352, 1351)
    assert (await estimate(source, "mara", journal, Want.NEWER, unheard)).posts == 2
    assert (await estimate(source, "mara", journal, Want.ALL, unheard)).posts == 352


@pytest.mark.parametrize("pages", [1, 3])
async def test_a_bot_killed_in_the_middle_fetches_and_pays_nothing_twice(
    pages: int, source: X, server: x.X, cache: Cache, journal: Journal
) -> None:
    command = [sys.executable, "-m", "tests.bot.sources.fetching", server.url, str(cache.root), str(pages)]
    process = await asyncio.create_subprocess_exec(*command)
    assert await process.wait() == -signal.SIGKILL
    assert len(server.served) == 100 * pages

    await read(source, journal)

    assert ids(journal) == server.served == [str(number) for number in range(1350, 1000, -1)]
    assert server.paths().count(USER) == 1


async def test_the_last_page_before_a_kill_is_told_again_under_the_same_receipt(source: X, journal: Journal) -> None:
    await part(source, journal, 2)
    assert journal.last
    leaves = [leaf async for leaf in fetch(source, "mara", journal, Want.ANY, unheard)]
    assert leaves[0].receipt == journal.leaves()[1].receipt
    assert len({leaf.receipt for leaf in leaves}) == len(leaves) == 3
    assert sum(leaf.page.paid for leaf in journal.leaves()) == 350


async def test_a_reading_ends_at_the_most_that_is_wanted(source: X, server: x.X, journal: Journal) -> None:
    leaves = [leaf async for leaf in fetch(source, "mara", journal, Want.ANY, unheard, most=200)]
    assert len(leaves) == 2
    assert await read(source, journal) == []
    assert len(server.served) == 200


async def test_a_cut_reading_still_ends_at_the_most_that_is_wanted(source: X, server: x.X, journal: Journal) -> None:
    await part(source, journal, 1)
    assert [leaf async for leaf in fetch(source, "mara", journal, Want.ANY, unheard, most=200)]
    assert len(server.served) == 200


async def test_a_refresh_asks_only_for_what_is_new(source: X, server: x.X, journal: Journal) -> None:
    await read(source, journal)
    post(server, 1352, 1351)
    leaves = await read(source, journal, Want.NEWER)
    assert [leaf.page.paid for leaf in leaves] == [2]
    assert ids(journal)[:3] == ["1352", "1351", "1350"]
    assert await read(source, journal) == []


async def test_a_refresh_that_finds_nothing_forgets_no_mark(source: X, server: x.X, journal: Journal) -> None:
    await read(source, journal)
    for _ in range(2):
        assert [leaf.page.paid for leaf in await read(source, journal, Want.NEWER)] == [0]
    assert len(ids(journal)) == 350


async def test_a_refresh_of_nothing_reads_everything(source: X, journal: Journal) -> None:
    await read(source, journal, Want.NEWER)
    assert len(ids(journal)) == 350


async def test_a_refresh_finishes_what_was_cut_and_then_reads_what_is_new(
    source: X, server: x.X, journal: Journal
) -> None:
    await part(source, journal, 2)
    server.tokens.clear()
    post(server, 1351)
    await read(source, journal, Want.NEWER)
    assert ids(journal) == [str(number) for number in range(1351, 1000, -1)]
    assert len(server.served) == len(set(server.served))


async def test_a_cut_refresh_goes_on(source: X, server: x.X, journal: Journal) -> None:
    await read(source, journal)
    post(server, *range(1500, 1350, -1))
    await part(source, journal, 1, Want.NEWER)
    await read(source, journal)
    assert ids(journal) == [str(number) for number in range(1500, 1000, -1)]
    assert len(server.served) == len(set(server.served))


async def test_deleted_posts_leave_the_cache_when_all_is_read_anew(source: X, server: x.X, journal: Journal) -> None:
    await read(source, journal)
    deleted = server.accounts[0].tweets.pop(3)
    await part(source, journal, 1, Want.ALL)
    assert deleted["id"] in ids(journal)
    await read(source, journal, Want.ALL)
    assert ids(journal) == [tweet["id"] for tweet in server.accounts[0].tweets]
    assert len(list(journal.folder.iterdir())) == 4


async def test_reading_all_anew_takes_up_no_refresh_that_was_cut(source: X, server: x.X, journal: Journal) -> None:
    await read(source, journal)
    post(server, *range(1500, 1350, -1))
    await part(source, journal, 1, Want.NEWER)
    server.accounts[0].tweets.pop()
    await read(source, journal, Want.ALL)
    assert ids(journal) == [tweet["id"] for tweet in server.accounts[0].tweets]


async def test_what_a_kill_left_behind_is_swept(source: X, server: x.X, journal: Journal) -> None:
    await read(source, journal)
    old = {path: path.read_bytes() for path in journal.folder.iterdir()}
    await read(source, journal, Want.ALL)
    for path, content in old.items():
        path.write_bytes(content)
    (journal.folder / "0003-0001.json.gz.tmp").write_bytes(b"half")
    assert await read(source, journal) == []
    assert {path.name[:4] for path in journal.folder.iterdir()} == {"0002"}


DAMAGES: list[Callable[[bytes], bytes]] = [
    lambda content: b"",
    lambda content: b"rubbish",
    lambda content: content[:-20],
    lambda content: content[:40] + b"rubbish" + content[47:],
    lambda content: gzip.compress(b"rubbish"),
    lambda content: gzip.compress(b"[]"),
    lambda content: gzip.compress(b"{}"),
]


@pytest.mark.parametrize("damage", DAMAGES)
async def test_a_damaged_page_counts_as_never_fetched(
    damage: Callable[[bytes], bytes], source: X, journal: Journal
) -> None:
    await read(source, journal)
    page = sorted(journal.folder.iterdir())[-1]
    page.write_bytes(damage(page.read_bytes()))
    assert [leaf.page.paid for leaf in await read(source, journal)] == [50]
    assert len(ids(journal)) == 350


async def test_overlapping_pages_give_each_post_once(source: X, server: x.X, journal: Journal) -> None:
    await part(source, journal, 1)
    server.accounts[0].tweets[:0] = [x.tweet(1351, "in between")]
    await read(source, journal)
    assert sorted(ids(journal)) == sorted(set(ids(journal)))
    assert len(ids(journal)) == 350


async def test_forgetting_somebody_leaves_nothing_of_them(source: X, cache: Cache, tmp_path: Path) -> None:
    await read(source, cache.journal("x", "mara"))
    await read(source, cache.journal("elsewhere", "mara"))
    await read(source, cache.journal("x", "other"))
    assert cache.forget("mara") == 2
    assert not list(tmp_path.rglob("@mara*"))
    assert len(ids(cache.journal("x", "other"))) == 350
    assert cache.forget("mara") == 0


@pytest.mark.parametrize("handle", ["..", "../..", "a/../../b", ""])
def test_no_handle_leads_out_of_the_cache(handle: str, cache: Cache) -> None:
    assert cache.root / "x" in cache.journal("x", handle).folder.resolve().parents


async def test_somebody_without_own_posts_is_refused_with_a_sentence(
    source: X, server: x.X, journal: Journal, tmp_path: Path
) -> None:
    server.accounts[0].tweets = [x.retweet(1)]
    await read(source, journal)
    with pytest.raises(errors.NoPosts, match="@mara"):
        journal.write(tmp_path / "posts.jsonl")
    with pytest.raises(errors.NoPosts, match="@nobody"):
        Journal(tmp_path / "@nobody").write(tmp_path / "posts.jsonl")
