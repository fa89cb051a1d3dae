"""X through the real tweepy, against a server of our own."""

import logging
import subprocess
import sys
import time
from collections.abc import AsyncIterator

import pytest

from bot.errors import MockingbirdError
from bot.sources import errors
from bot.sources.journal import Cache
from bot.sources.x import X
from tests.bot.sources.conftest import AT_ONCE, Ear, ids, read, unheard
from tests.servers import x
from tests.servers.local import Fault, soon

TIMELINE = "/2/users/7/tweets"


@pytest.fixture
async def server() -> AsyncIterator[x.X]:
    tweets = [x.tweet(number, f"post number {number}") for number in range(1250, 1000, -1)]
    async with x.X(x.Account("7", "Mara", "Mara 🐐", "code: 4711", tweets=tweets)) as server:
        yield server


@pytest.fixture
async def source(server: x.X) -> AsyncIterator[X]:
    source = X("token", server.url, pauses=AT_ONCE)
    yield source
    await source.close()


def test_x_claims_what_can_be_a_user_name_there(source: X) -> None:
    assert [source.claims(handle) for handle in ("nasa", "a_1", "a" * 15)] == [True] * 3
    assert not any(source.claims(handle) for handle in ("a" * 16, "nasa.gov", "a@b.c", "", "é"))


async def test_a_person_is_looked_up_with_all_that_is_needed_of_them(source: X) -> None:
    profile = await source.profile("mara", unheard)
    assert (profile.id, profile.handle, profile.name) == ("7", "Mara", "Mara 🐐")
    assert (profile.description, profile.posts) == ("code: 4711", 250)


async def test_a_timeline_is_read_to_its_end_in_pages_of_a_hundred(source: X, server: x.X, cache: Cache) -> None:
    leaves = await read(source, cache.journal("x", "mara"))
    assert [leaf.page.paid for leaf in leaves] == [100, 100, 50]
    assert ids(cache.journal("x", "mara")) == [str(number) for number in range(1250, 1000, -1)]


async def test_empty_pages_in_the_middle_are_no_end(source: X, server: x.X, cache: Cache) -> None:
    tweets = server.accounts[0].tweets
    tweets[50:220] = [x.retweet(int(tweet["id"])) for tweet in tweets[50:220]]
    thrifty = X("token", server.url, retweets=False, pauses=AT_ONCE)
    leaves = await read(thrifty, cache.journal("x", "mara"))
    await thrifty.close()
    assert [leaf.page.paid for leaf in leaves] == [50, 0, 30]
    assert len(server.served) == 80


async def test_of_a_retweet_only_that_it_was_one_is_kept(source: X, server: x.X) -> None:
    server.accounts[0].tweets = [x.retweet(2, "RT @other: not theirs"), x.tweet(1, "my own")]
    page = await source.page(await source.profile("mara", unheard), "", "", unheard)
    assert [(post["text"], post["is_retweet"]) for post in page.posts] == [("", True), ("my own", False)]
    assert page.paid == 2


async def test_a_long_post_is_whole(source: X, server: x.X) -> None:
    long = "so much to say " * 40
    server.accounts[0].tweets = [x.tweet(1, f"{long[:250]}… https://t.co/x", note_tweet={"text": long})]
    page = await source.page(await source.profile("mara", unheard), "", "", unheard)
    assert page.posts[0]["text"] == long
    assert page.posts[0]["created_at"] == "2024-01-01T00:00:01.000Z"
    assert page.posts[0]["lang"] == "en"


async def test_a_token_that_x_has_forgotten_costs_nothing_twice(source: X, server: x.X) -> None:
    profile = await source.profile("mara", unheard)
    first = await source.page(profile, "", "", unheard)
    server.tokens.clear()
    second = await source.page(profile, first.next, "", unheard)
    third = await source.page(profile, second.next, "", unheard)
    assert [post["id"] for post in second.posts + third.posts] == [str(number) for number in range(1150, 1000, -1)]
    assert third.next == ""
    assert len(server.served) == len(set(server.served)) == 250


async def test_a_rate_limit_is_waited_for_and_told(source: X, server: x.X, told: Ear) -> None:
    server.faults.append(Fault(TIMELINE, 429, {}, {"x-rate-limit-reset": soon()}))
    page = await source.page(await source.profile("mara", unheard), "", "", told)
    assert len(page.posts) == 100
    assert len(told.heard) == 1


async def test_a_limit_of_hours_is_not_waited_for(source: X, server: x.X) -> None:
    server.faults.append(Fault("/2/users", 429, {}, {"x-rate-limit-reset": str(int(time.time()) + 3 * 3600)}))
    with pytest.raises(errors.SourceBusy, match="another 3 hours"):
        await source.profile("mara", unheard)


FLEETING = [
    Fault(TIMELINE, 503, {"title": "Service Unavailable", "detail": "over capacity"}),
    Fault(TIMELINE, 502, "<html>Bad Gateway</html>", {"Content-Type": "text/html"}),
    Fault(TIMELINE, 200, "<html>a proxy's page</html>", {"Content-Type": "text/html"}),
    Fault(TIMELINE, 200, "{", {"Content-Type": "application/json"}),
    Fault(TIMELINE),
]


@pytest.mark.parametrize("fault", FLEETING)
async def test_a_stumble_in_the_middle_is_asked_again(fault: Fault, source: X, server: x.X, cache: Cache) -> None:
    server.faults.append(Fault(fault.route, fault.status, fault.body, fault.headers, after=1))
    await read(source, cache.journal("x", "mara"))
    assert len(server.served) == len(set(server.served)) == 250


async def test_a_site_that_stays_down_ends_the_reading_and_keeps_what_was_read(
    source: X, server: x.X, cache: Cache
) -> None:
    server.faults += [Fault(TIMELINE, 503, after=2), Fault(TIMELINE, 503), Fault(TIMELINE, 503)]
    with pytest.raises(errors.SourceDown):
        await read(source, cache.journal("x", "mara"))
    assert len(ids(cache.journal("x", "mara"))) == 200


CAPPED = {"title": "UsageCapExceeded", "detail": "Usage cap exceeded: Monthly product cap"}
REFUSALS = [
    (Fault(status=401), errors.BadToken, "bearer_token"),
    (Fault(status=402, body={"title": "CreditsDepleted"}), errors.NoCredit, "credit"),
    (Fault(status=403, body={"title": "Client Forbidden"}), errors.NoAccess, "console"),
    (Fault(status=403, body="<p>no</p>", headers={"Content-Type": "text/html"}), errors.NoAccess, "console"),
    (Fault(status=429, body=CAPPED, headers={"x-rate-limit-reset": "1"}), errors.UsageCapped, "this month"),
    (Fault(status=404), errors.OddAnswer, "404"),
    (Fault(status=400), errors.OddAnswer, "400"),
    (Fault(status=200, body={"unheard": "of"}), errors.OddAnswer, "errors"),
]


@pytest.mark.parametrize("route", ["/by/username/", TIMELINE])
@pytest.mark.parametrize(("fault", "error", "words"), REFUSALS)
async def test_each_refusal_has_its_own_sentence(
    fault: Fault, error: type[MockingbirdError], words: str, route: str, source: X, server: x.X, cache: Cache
) -> None:
    server.faults.append(Fault(route, fault.status, fault.body, fault.headers))
    with pytest.raises(error, match=words):
        await read(source, cache.journal("x", "mara"))


async def test_somebody_who_cannot_be_read_is_told_apart_before_any_post_is_paid(source: X, server: x.X) -> None:
    server.accounts += [x.Account("8", "shy", protected=True), x.Account("9", "gone", suspended=True)]
    for handle, error in {"shy": errors.Protected, "gone": errors.Suspended, "nobody": errors.UnknownPerson}.items():
        with pytest.raises(error, match=f"@{handle}"):
            await source.profile(handle, unheard)


async def test_somebody_who_withdraws_while_being_read_is_told_apart_too(source: X, server: x.X) -> None:
    profile = await source.profile("mara", unheard)
    server.accounts[0].protected = True
    with pytest.raises(errors.Protected):
        await source.page(profile, "", "", unheard)
    server.accounts[0].suspended = True
    with pytest.raises(errors.Suspended):
        await source.page(profile, "", "", unheard)


async def test_the_token_is_in_no_log(source: X, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await source.profile("mara", unheard)
    assert "Bearer" not in caplog.text


def test_tweepy_is_loaded_only_where_x_is() -> None:
    look = "import sys, bot.sources.fetch, bot.sources.bluesky, bot.sources.mastodon; print('tweepy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True).stdout == "False\n"
