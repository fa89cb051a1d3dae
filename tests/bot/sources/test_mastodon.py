"""Mastodon over real HTTP, against a server of our own."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.sources import errors
from bot.sources.fetch import Want
from bot.sources.journal import Cache
from bot.sources.mastodon import Mastodon
from tests.bot.sources.conftest import AT_ONCE, Ear, ids, read, unheard
from tests.servers import mastodon
from tests.servers.local import Fault

HANDLE = "mara@pier.example"


@pytest.fixture
async def server() -> AsyncIterator[mastodon.Mastodon]:
    statuses = [mastodon.status(number, f"<p>post number {number}</p>") for number in range(1090, 1000, -1)]
    async with mastodon.Mastodon(*statuses, note="<p>code: 4711</p>") as server:
        yield server


@pytest.fixture
async def source(server: mastodon.Mastodon) -> AsyncIterator[Mastodon]:
    source = Mastodon(server.url, AT_ONCE)
    yield source
    await source.close()


async def first(source: Mastodon) -> list[Any]:
    return (await source.page(await source.profile(HANDLE, unheard), "", "", unheard)).posts


def test_mastodon_claims_a_name_at_a_server_that_is_no_ip_address(source: Mastodon) -> None:
    assert all(source.claims(handle) for handle in ("mara@pier.example", "m_1.x@my-pier.example", "a@b.c.de"))
    refused = ("mara", "pier.example", "a@localhost", "a@127.0.0.1", "a@b.c:80", "a@b.c/d", "a@b@c.d", "@b.c", "a@-b.c")
    assert not any(source.claims(handle) for handle in refused)


async def test_a_person_is_looked_up_at_their_own_server(source: Mastodon) -> None:
    profile = await source.profile(HANDLE, unheard)
    assert (profile.id, profile.handle, profile.name) == ("77", HANDLE, "Mara")
    assert (profile.description, profile.posts) == ("code: 4711", 90)


async def test_the_server_asked_is_the_one_in_the_handle(server: mastodon.Mastodon) -> None:
    source = Mastodon(server.url + "/{server}", AT_ONCE)
    with pytest.raises(errors.UnknownPerson):
        await source.profile(HANDLE, unheard)
    assert server.paths() == ["/pier.example/api/v1/accounts/lookup"]
    await source.close()


async def test_all_statuses_are_read_and_nothing_twice(source: Mastodon, cache: Cache) -> None:
    journal = cache.journal("mastodon", HANDLE)
    leaves = await read(source, journal, handle=HANDLE)
    assert [len(leaf.page.posts) for leaf in leaves] == [40, 40, 10, 0]
    assert ids(journal) == [str(number) for number in range(1090, 1000, -1)]


async def test_only_public_posts_are_kept_and_reblogs_only_counted(source: Mastodon, server: mastodon.Mastodon) -> None:
    hidden = [mastodon.status(at, "<p>x</p>", visibility=kind) for at, kind in enumerate(("unlisted", "private"))]
    server.statuses = [mastodon.reblog(9), *hidden, mastodon.status(3, "<p>tea &amp; &lt;3</p>", language=None)]
    posts = await first(source)
    assert [(post["id"], post["text"], post["is_retweet"], post["lang"]) for post in posts] == [
        ("9", "", True, "en"),
        ("3", "tea &amp; &lt;3", False, ""),
    ]


async def test_a_refresh_reads_only_what_is_new(source: Mastodon, server: mastodon.Mastodon, cache: Cache) -> None:
    journal = cache.journal("mastodon", HANDLE)
    await read(source, journal, handle=HANDLE)
    server.statuses[:0] = [mastodon.status(2000, "<p>newest</p>")]
    leaves = await read(source, journal, Want.NEWER, HANDLE)
    assert [[post["id"] for post in leaf.page.posts] for leaf in leaves] == [["2000"], []]
    assert len(ids(journal)) == 91


@pytest.mark.parametrize(
    "said", [{"noindex": True}, {"indexable": False}, {"discoverable": False}, {"note": "<p>cats, #nobot</p>"}]
)
async def test_who_does_not_want_to_be_found_is_left_alone(
    said: dict[str, Any], source: Mastodon, server: mastodon.Mastodon
) -> None:
    server.account |= said
    with pytest.raises(errors.Declined):
        await source.profile(HANDLE, unheard)
    server.account |= {"noindex": False, "indexable": True, "discoverable": None, "note": ""}
    assert await source.profile(HANDLE, unheard)


async def test_a_rate_limit_is_waited_for_and_told(source: Mastodon, server: mastodon.Mastodon, told: Ear) -> None:
    reset = datetime.now(UTC).isoformat()
    server.faults.append(Fault("/statuses", 429, {}, {"X-RateLimit-Reset": reset}))
    assert await source.page(await source.profile(HANDLE, unheard), "", "", told)
    assert len(told.heard) == 1


REFUSALS = [
    (Fault(status=404, body={"error": "Record not found"}), errors.UnknownPerson),
    (Fault(status=404, body="<h1>Not Found</h1>"), errors.NotMastodon),
    (Fault(status=200, body="<h1>Welcome</h1>"), errors.NotMastodon),
    (Fault(status=301, headers={"Location": "/elsewhere"}), errors.NotMastodon),
    (Fault(status=401, body={"error": "This API requires an authenticated user"}), errors.ServerClosed),
    (Fault(status=422, body={"error": "This method requires an authenticated user"}), errors.ServerClosed),
    (Fault(status=200, body={"id": "77", "suspended": True}), errors.Suspended),
    (Fault(status=200, body={"name": "something else"}), errors.OddAnswer),
    (Fault(status=200, body=[1]), errors.OddAnswer),
]


@pytest.mark.parametrize(("fault", "error"), REFUSALS)
async def test_refusals_are_told_apart(
    fault: Fault, error: type[Exception], source: Mastodon, server: mastodon.Mastodon
) -> None:
    server.faults.append(Fault("/lookup", fault.status, fault.body, fault.headers))
    with pytest.raises(error):
        await source.profile(HANDLE, unheard)


async def test_somebody_suspended_while_being_read_is_told_apart(source: Mastodon, server: mastodon.Mastodon) -> None:
    profile = await source.profile(HANDLE, unheard)
    server.faults.append(Fault("/statuses", 410, {"error": "Gone"}))
    with pytest.raises(errors.Suspended):
        await source.page(profile, "", "", unheard)
