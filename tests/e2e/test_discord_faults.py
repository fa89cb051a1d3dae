"""The whole bot while Discord, the network and the machine fail it."""

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.e2e.discord_house import LONG, House, open_house
from tests.e2e.running import eventually
from tests.servers.discord import Message

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

POST, EDIT, CALLBACK = (
    r"POST /channels/\d+/messages$",
    r"PATCH /channels/\d+/messages/",
    "POST /interactions/.*/callback",
)
ANSWER = "PATCH /webhooks/"

FAULTS = [
    {"status": 429, "retry_after": 0.3}, {"status": 500}, {"status": 503}, {"cut": True}, {"cut": True, "after": True},
]  # fmt: skip
NAMES = ["429", "500", "503", "cut before", "cut after"]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory, tiny_base: Path, trained_data: Path) -> AsyncIterator[House]:
    """One bot with one persona, @keeper, that all the little faults meet."""
    settings, folder = {"generation__per_user_a_minute": "0"}, tmp_path_factory.mktemp("house")
    shutil.copytree(trained_data, folder / "data")
    async with open_house(folder, tiny_base, settings, limit=50) as opened:
        yield opened


@pytest.fixture(autouse=True)
def calm(house: House) -> None:
    house.discord.clear_faults()


# On the way.


@pytest.mark.parametrize("fault", FAULTS, ids=NAMES)
async def test_a_reply_to_a_mention_arrives_once(house: House, fault: dict[str, Any]) -> None:
    met = house.discord.fault(POST, **fault)
    asked = await house.discord.message("today", mention=True)
    await house.discord.until(lambda: house.replies(asked))
    await house.say("and then", mention=True)  # whatever is sent twice is there by now
    assert met.met == 1
    assert len(house.replies(asked)) == 1


@pytest.mark.parametrize("fault", FAULTS, ids=NAMES)
async def test_a_deferred_answer_arrives_once(house: House, fault: dict[str, Any]) -> None:
    met = house.discord.fault(CALLBACK, **fault)
    asked = await house.discord.slash("tweet")
    assert "(@keeper)" in (await house.discord.answer(asked)).content
    assert (met.met, len(asked.answers)) == (1, 1)


async def test_a_vote_that_has_to_wait_is_shown_to_nobody_else(house: House) -> None:
    tweet = await house.ask("tweet", persona="@keeper")
    with closing(sqlite3.connect(house.bot.data / "mockingbird.db")) as store:
        store.execute("BEGIN IMMEDIATE")  # the bot's own write comes after it
        asked = await house.discord.press(tweet, "👍")
        promise = await house.discord.until(lambda: asked.original)
        assert (promise.loading, promise.ephemeral) == (True, True)
    assert (await house.answer(asked)).content == "You like it: 👍 1."
    assert asked.answers == [promise]


@pytest.mark.parametrize("private", [True, False])
@pytest.mark.parametrize("fault", FAULTS, ids=NAMES)
async def test_an_answer_that_is_there_at_once_arrives_once(house: House, fault: dict[str, Any], private: bool) -> None:
    met = house.discord.fault(CALLBACK, **fault)
    asked = await house.discord.slash("status" if private else "help")
    assert (await house.discord.answer(asked)).ephemeral == private
    assert (met.met, len(asked.answers)) == (1, 1)


@pytest.mark.parametrize("fault", FAULTS, ids=NAMES)
async def test_the_words_of_a_deferred_answer_arrive_once(house: House, fault: dict[str, Any]) -> None:
    met = house.discord.fault(ANSWER, times=2 if fault.get("cut") else 1, **fault)
    before = len(house.spoken())
    asked = await house.discord.slash("tweet")
    assert "(@keeper)" in (await house.discord.answer(asked)).content
    assert met.met >= 1
    assert len(house.spoken()) == before + 1


@pytest.mark.parametrize("fault", FAULTS, ids=NAMES)
async def test_an_error_after_a_deferred_answer_arrives_once_and_for_the_asker_alone(
    house: House, fault: dict[str, Any]
) -> None:
    met = house.discord.fault("POST /webhooks/", **fault)
    asked = await house.discord.slash("tweet", persona="@nobody")
    error = await house.discord.until(lambda: next((each for each in asked.answers if each.ephemeral), None))
    await house.ask("help")
    assert "no persona @nobody" in error.content
    assert met.met == 1
    assert [each for each in asked.answers if each.ephemeral] == [error]
    assert asked.original
    assert asked.original.deleted


async def test_an_answer_whose_token_is_over_is_posted_in_the_channel(house: House) -> None:
    expired = {"code": 50027, "message": "Invalid Webhook Token"}
    met = house.discord.fault(ANSWER, status=401, body=expired)
    before = len(house.spoken("random"))
    await house.discord.slash("tweet", channel="random")
    await house.discord.until(lambda: len(house.spoken("random")) == before + 2)
    assert "(@keeper)" in house.spoken("random")[-1].content
    assert met.met == 1


async def test_a_mention_is_answered_although_typing_cannot_be_shown(house: House) -> None:
    met = house.discord.fault("POST .*/typing", status=503)
    assert "(@keeper)" in (await house.say("today", mention=True)).content
    assert met.met == 1


# The gateway.


@pytest.mark.parametrize("how", ["drop", "reconnect", "resumable", "invalid"])
async def test_nothing_is_lost_or_doubled_when_the_gateway_goes(house: House, how: str) -> None:
    gateway = house.discord.gateway
    disturb: dict[str, Callable[[], None]] = {
        "drop": gateway.drop, "reconnect": gateway.reconnect, "resumable": partial(gateway.invalidate, True),
        "invalid": gateway.invalidate,
    }  # fmt: skip
    before, sessions = len(house.spoken()), gateway.identified + gateway.resumed
    disturb[how]()
    asked = None if how == "invalid" else await house.discord.message("today", mention=True)  # kept for the resume
    await house.discord.until(lambda: gateway.identified + gateway.resumed > sessions)
    await house.discord.ready()
    asked = asked or await house.discord.message("today", mention=True)
    await house.discord.until(lambda: house.replies(asked))
    await house.ask("help", channel="random")
    assert len(house.spoken()) == before + 1
    assert house.discord.syncs == 1


# A training whose message, channel, token or guild goes.


async def test_the_message_of_a_training_is_posted_again_when_it_is_deleted(house: House) -> None:
    first = await house.train("fresh", LONG, channel="random")
    await house.discord.delete_message(first)
    second = await house.discord.until(lambda: next(iter(_naming(house, "@fresh")), None))
    assert "@fresh: " in second.content
    house.discord.clock += 16 * 60  # the interaction's token is over
    edits = len(second.edits)
    await house.discord.until(lambda: len(second.edits) > edits)
    house.discord.clock += 60 * 60
    await house.shows(second, "is ready")
    assert _naming(house, "@fresh") == [second]


async def test_a_channel_that_takes_nothing_more_stops_nothing_else(house: House) -> None:
    denied = await house.train("denied", channel="random")
    house.discord.deny("random", hidden=True)
    shown = await house.train("shown")
    await house.shows(shown, "is ready")
    await eventually(lambda: ("denied",) in house.bot.stored("SELECT persona FROM versions"))
    assert "is ready" not in denied.content
    assert "@denied" in (await house.ask("personas")).content


# The machine.


async def test_a_job_survives_kills_while_it_trains_and_is_told_of_in_one_message(
    tmp_path: Path, tiny_base: Path
) -> None:
    async with open_house(tmp_path, tiny_base, limit=50) as house:
        message = await house.train("keeper", LONG)
        await eventually(lambda: _noted(house, message))
        await eventually(lambda: house.bot.files("work/*/training/checkpoint.pt"))
        await _killed_and_back(house)
        hold = asyncio.Event()
        told = house.discord.fault(EDIT, times=99, hold=hold, cut=True)
        await eventually(lambda: house.bot.files("models/keeper/1/meta.json") and told.met)
        await _killed_and_back(house)
        hold.set()
        house.discord.clear_faults()

        await house.shows(message, "@keeper is ready (version 1).")
        await house.ask("tweet", channel="random")
        assert house.spoken() == [message]
        assert "Resumed from step" in message.content
        assert message.content.count("is ready") == 1
        assert list(message.buttons) == ["Tweet", "Card"]
        assert house.bot.files("work/*") == []


def _noted(house: House, message: Message) -> bool:
    """Whether the bot has written down which message is the job's, a moment after it was shown."""
    return (str(message.id),) in house.bot.stored("SELECT message FROM watchers")


def _naming(house: House, words: str) -> list[Message]:
    return [each for each in house.spoken("random") if words in each.content]


async def _killed_and_back(house: House) -> None:
    await house.bot.kill()
    await house.restart()


async def test_no_other_message_tells_of_a_training_when_the_bot_is_kicked_and_it_goes_on(
    tmp_path: Path, tiny_base: Path
) -> None:
    async with open_house(tmp_path, tiny_base, guilds=2) as house:
        kicked = await house.train("kicked")
        gone = await house.train("kicked", channel="general-2")
        house.discord.kick(1)
        house.discord.delete_channel("general-2")
        answer = await house.trained("stays", channel="random-2")
        assert house.spoken("random-2") == [answer]
        listed: Message = await house.ask("personas", channel="random-2")
        assert "@kicked" in listed.content
        assert "is ready" not in kicked.content + gone.content
