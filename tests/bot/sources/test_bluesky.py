"""Bluesky over real HTTP, against a server of our own."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.sources import errors
from bot.sources.bluesky import Bluesky
from bot.sources.fetch import Want
from bot.sources.journal import Cache
from bot.sources.web import MOST_BYTES
from tests.bot.sources.conftest import AT_ONCE, Ear, ids, read, unheard
from tests.servers import bluesky
from tests.servers.local import Fault, soon

HANDLE = "mara.example"


@pytest.fixture
async def server() -> AsyncIterator[bluesky.Bluesky]:
    feed = [bluesky.post(number, f"post number {number}") for number in range(250, 0, -1)]
    async with bluesky.Bluesky(*feed, description="code: 4711") as server:
        yield server


@pytest.fixture
async def source(server: bluesky.Bluesky) -> AsyncIterator[Bluesky]:
    source = Bluesky(server.url, AT_ONCE)
    yield source
    await source.close()


async def first(source: Bluesky) -> list[Any]:
    return (await source.page(await source.profile(HANDLE, unheard), "", "", unheard)).posts


def test_bluesky_claims_domain_names(source: Bluesky) -> None:
    assert all(source.claims(handle) for handle in ("nasa.gov", "a.bsky.social", "my-name.bsky.social"))
    assert not any(source.claims(handle) for handle in ("nasa", "a@b.c", "127.0.0.1", ".a", "a.", "a..b", "-a.b"))


async def test_a_person_is_looked_up_by_handle(source: Bluesky) -> None:
    profile = await source.profile(HANDLE, unheard)
    assert (profile.id, profile.handle, profile.name) == ("did:plc:me", HANDLE, "Mara")
    assert (profile.description, profile.posts) == ("code: 4711", 250)


async def test_a_feed_is_read_to_its_end(source: Bluesky, server: bluesky.Bluesky, cache: Cache) -> None:
    leaves = await read(source, cache.journal("bluesky", HANDLE), handle=HANDLE)
    assert [len(leaf.page.posts) for leaf in leaves] == [100, 100, 50]
    assert sum(leaf.page.paid for leaf in leaves) == 0
    assert len(ids(cache.journal("bluesky", HANDLE))) == 250


async def test_a_repost_counts_without_its_words_and_a_pin_is_no_repost(
    source: Bluesky, server: bluesky.Bluesky
) -> None:
    pinned = bluesky.post(5, "pinned") | {"reason": {"$type": "app.bsky.feed.defs#reasonPin"}}
    server.feed = [pinned, bluesky.repost(9), bluesky.repost(8), bluesky.post(7, "my own")]
    posts = await first(source)
    assert [(post["text"], post["is_retweet"]) for post in posts] == [
        ("pinned", False),
        ("", True),
        ("", True),
        ("my own", False),
    ]
    assert len({post["id"] for post in posts}) == 4


async def test_shortened_links_are_whole_and_markup_signs_are_escaped(source: Bluesky, server: bluesky.Bluesky) -> None:
    text = "été & <3: example.com/lo... see?"
    start = len("été & <3: ".encode())
    link = {"$type": "app.bsky.richtext.facet#link", "uri": "https://example.com/long/way"}
    facet = {"index": {"byteStart": start, "byteEnd": start + len("example.com/lo...")}, "features": [link]}
    server.feed = [bluesky.post(1, text, facets=[facet])]
    assert (await first(source))[0]["text"] == "été &amp; &lt;3: https://example.com/long/way see?"


async def test_a_time_that_an_author_made_up_is_not_believed(source: Bluesky, server: bluesky.Bluesky) -> None:
    server.feed = [bluesky.post(1, "from the future", createdAt="2099-01-01T00:00:00Z"), bluesky.post(0, "x")]
    server.feed[1]["post"]["record"]["createdAt"] = "yesterday"
    times = [post["created_at"] for post in await first(source)]
    assert times == ["2024-05-01T00:01:00.000+00:00", "2024-05-01T00:00:00.000+00:00"]


async def test_a_refresh_reads_only_what_is_new(source: Bluesky, server: bluesky.Bluesky, cache: Cache) -> None:
    journal = cache.journal("bluesky", HANDLE)
    await read(source, journal, handle=HANDLE)
    server.feed[:0] = [bluesky.post(252, "newest"), bluesky.repost(251)]
    del server.requests[:]
    leaves = await read(source, journal, Want.NEWER, HANDLE)
    assert [len(leaf.page.posts) for leaf in leaves] == [2]
    assert len(ids(journal)) == 252
    assert server.paths().count("/xrpc/app.bsky.feed.getAuthorFeed") == 1


@pytest.mark.parametrize("label", ["!no-unauthenticated", "!hide", "!takedown"])
async def test_a_label_against_it_is_honoured(label: str, source: Bluesky, server: bluesky.Bluesky) -> None:
    server.profile["labels"] = [{"val": "harmless"}, {"val": label}]
    with pytest.raises(errors.Declined, match=label):
        await source.profile(HANDLE, unheard)
    server.profile["labels"] = [{"val": label, "neg": True}]
    assert await source.profile(HANDLE, unheard)


async def test_a_hashtag_against_it_is_honoured(source: Bluesky, server: bluesky.Bluesky) -> None:
    server.profile["description"] = "potter. #NoAI please"
    with pytest.raises(errors.Declined, match="#NoAI"):
        await source.profile(HANDLE, unheard)


async def test_a_rate_limit_is_waited_for_and_told(source: Bluesky, server: bluesky.Bluesky, told: Ear) -> None:
    server.faults.append(Fault("getProfile", 429, {}, {"ratelimit-reset": soon()}))
    assert await source.profile(HANDLE, told)
    assert len(told.heard) == 1


@pytest.mark.parametrize("status", [503, 0])
async def test_a_stumble_is_asked_again_and_a_fall_has_a_sentence(
    status: int, source: Bluesky, server: bluesky.Bluesky
) -> None:
    server.faults += [Fault("getProfile", status), Fault("getProfile", status)]
    assert await source.profile(HANDLE, unheard)
    server.faults += [Fault("getProfile", status)] * 3
    with pytest.raises(errors.SourceDown, match="Bluesky"):
        await source.profile(HANDLE, unheard)


async def test_refusals_are_told_apart(source: Bluesky, server: bluesky.Bluesky) -> None:
    with pytest.raises(errors.UnknownPerson, match=r"@no\.body"):
        await source.profile("no.body", unheard)
    refusals = [
        (Fault(status=400, body={"error": "AccountTakedown"}), errors.Suspended),
        (Fault(status=400, body={"error": "AccountDeactivated"}), errors.Suspended),
        (Fault(status=403, body={}), errors.OddAnswer),
        (Fault(status=200, body="<html>"), errors.OddAnswer),
        (Fault(status=200, body={"did": "x", "postsCount": "many"}), errors.OddAnswer),
        (Fault(status=302, headers={"Location": server.url}), errors.OddAnswer),
    ]
    for fault, error in refusals:
        server.faults.append(fault)
        with pytest.raises(error):
            await source.profile(HANDLE, unheard)


async def test_an_answer_without_end_is_not_read_to_the_end(source: Bluesky, server: bluesky.Bluesky) -> None:
    server.profile["padding"] = MOST_BYTES * "x"
    with pytest.raises(errors.OddAnswer):
        await source.profile(HANDLE, unheard)
