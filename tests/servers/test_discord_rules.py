"""What a bot is caught at by the local Discord, with the real discord.py doing it."""

from typing import Any

import aiohttp
import discord
import pytest

from tests.servers.discord import Discord
from tests.servers.discord.rules import Refusal, check_choices, check_message
from tests.servers.discord_bot import Bot, aim, running
from tests.servers.discord_bot import bot as bot
from tests.servers.discord_bot import server as server

USER = "<@100000000000000002>"


@pytest.mark.parametrize(
    ("words", "more", "whom"),
    [
        (f"hi {USER}", {"allowed_mentions": discord.AllowedMentions.all()}, USER),
        ("hi @everyone", {"allowed_mentions": discord.AllowedMentions(everyone=True)}, "@everyone"),
        ("hi <@&5>", {"allowed_mentions": discord.AllowedMentions(roles=[discord.Object(5)])}, "<@&5>"),
    ],
)
async def test_a_ping_is_a_violation(server: Discord, bot: Bot, words: str, more: dict[str, Any], whom: str) -> None:
    await bot.say(server, words)
    assert server.violations == []
    await bot.say(server, words, **more)
    assert server.violations == [f"the message {words!r} pings {whom}"]


async def test_a_reply_that_notifies_is_a_violation(server: Discord, bot: Bot) -> None:
    await server.message("hello", mention=True)
    await server.until(lambda: bot.heard)
    await bot.heard[0].reply("yes?", mention_author=True)
    assert server.violations == ["the message 'yes?' pings the author it replies to"]


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"content": "x" * 2001}, 50035),
        ({"content": " "}, 50006),
        ({"embed": discord.Embed(description="x" * 4097)}, 50035),
        ({"embeds": [discord.Embed(description="x" * 3001), discord.Embed(description="x" * 3001)]}, 50035),
    ],
)
async def test_a_message_beyond_the_limits_is_refused(
    server: Discord, bot: Bot, more: dict[str, Any], code: int
) -> None:
    with pytest.raises(discord.HTTPException) as refused:
        await bot.place(server).send(**more)
    assert refused.value.code == code
    assert len(server.violations) == 1
    assert server.messages() == []


def buttons(*custom_ids: str) -> dict[str, Any]:
    items = [{"type": 2, "style": 1, "label": "Again", "custom_id": each} for each in custom_ids]
    return {"type": 1, "components": items}


@pytest.mark.parametrize(
    ("rows", "place"),
    [
        ([buttons("x" * 101)], "components.0.components.0.custom_id"),
        ([buttons(*"abcdef")], "components.0.components"),
        ([buttons(each) for each in "abcdef"], "components"),
        ([buttons("a"), buttons("a")], "components"),
        ([buttons("")], "components.0.components.0.custom_id"),
        ([buttons()], "components.0"),
    ],
)
def test_buttons_beyond_the_limits_are_refused(rows: list[dict[str, Any]], place: str) -> None:
    with pytest.raises(Refusal) as refused:
        check_message({"components": rows}, {}, 0)
    assert refused.value.violation.startswith(f"{place}: ")


def test_buttons_at_the_limits_are_taken() -> None:
    check_message({"components": [buttons(*(f"{row}{column:099}" for column in range(5))) for row in range(5)]}, {}, 0)


def test_an_option_offers_25_choices_of_100_characters() -> None:
    good = [{"name": "n" * 100, "value": "v" * 100}] * 25
    check_choices(good)
    for bad in (good + good[:1], [{"name": "n" * 101, "value": "v"}], [{"name": "n", "value": ""}]):
        with pytest.raises(Refusal):
            check_choices(bad)


async def test_a_token_is_of_no_use_before_the_first_response(server: Discord, bot: Bot) -> None:
    asked = await server.slash("slow", defer=False)
    hook = discord.Webhook.partial(server.bot.id, asked.token, client=bot)
    with pytest.raises(discord.NotFound):
        await hook.send("too early")
    assert "the token of /slow before its first response" in server.violations[0]
    bot.go.set()
    await server.answer(asked)


async def test_a_late_response_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Discord(deadline=0.2) as server, running(server, monkeypatch) as bot:
        asked = await server.slash("slow", defer=False)
        await server.until(lambda: asked.expired)
        bot.go.set()
        error = await bot.errors.get()
        assert isinstance(error, discord.NotFound)
        assert error.code == 10062
        assert server.violations[0] == "no response to /slow within 0.2 s"
        assert "a late response to /slow" in server.violations[1]
        with pytest.raises(AssertionError, match="/slow was not answered"):
            await server.answer(asked)


async def test_a_second_response_is_refused(server: Discord, bot: Bot) -> None:
    asked = await server.slash("twice")
    await server.until(lambda: server.violations)
    assert [each.content for each in asked.answers] == ["one"]
    assert "a second response to /twice" in server.violations[0]


async def test_a_token_dies_after_a_quarter_of_an_hour(server: Discord, bot: Bot) -> None:
    await server.slash("slow", defer=True)
    await server.until(server.messages)
    server.clock += 15 * 60 + 1
    bot.go.set()
    await server.until(lambda: server.violations)
    assert "the token of /slow after 15 min" in server.violations[0]
    assert server.messages()[0].loading


async def test_anothers_message_cannot_be_edited(server: Discord, bot: Bot) -> None:
    theirs = await server.message("mine")
    with pytest.raises(discord.Forbidden) as refused:
        await bot.place(server).get_partial_message(theirs.id).edit(content="yours")
    assert refused.value.code == 50005
    assert theirs.content == "mine"
    assert len(server.violations) == 1


async def test_a_wrong_token_opens_nothing(server: Discord, monkeypatch: pytest.MonkeyPatch) -> None:
    aim(monkeypatch, server)
    async with discord.Client(intents=discord.Intents.none()) as client:
        with pytest.raises(discord.LoginFailure):
            await client.login("another")
    assert server.violations == ["GET /api/v10/users/@me: a wrong token"]


async def test_an_intent_that_was_not_granted_closes_the_gateway(
    server: Discord, monkeypatch: pytest.MonkeyPatch
) -> None:
    aim(monkeypatch, server)
    async with discord.Client(intents=discord.Intents.all()) as client:
        with pytest.raises(discord.PrivilegedIntentsRequired):
            await client.start(server.token)
    assert server.violations == ["disconnected with 4014 intents that were not granted: 33026"]


@pytest.mark.parametrize(
    "spoilt",
    [
        {"description": ""},
        {"name": "Hello"},
        {"options": [{"name": "a", "description": "a", "type": 3}, {"name": "a", "description": "a", "type": 3}]},
        {"options": [{"name": "a", "description": "a", "type": 3},
                     {"name": "b", "description": "b", "type": 3, "required": True}]},
    ],
)  # fmt: skip
async def test_commands_that_discord_would_not_take_are_refused(server: Discord, spoilt: dict[str, Any]) -> None:
    good = {"name": "hello", "description": "Greets", "type": 1}
    url, headers = f"{server.api_url}/applications/{server.bot.id}/commands", {"Authorization": f"Bot {server.token}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        async with session.put(url, json=[good | spoilt]) as refused:
            assert (await refused.json())["code"] == 50035
        async with session.put(url, json=[good]) as taken:
            assert taken.status == 200
    assert len(server.violations) == 1


async def test_asking_again_before_the_time_is_a_violation(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Discord(limit=2, window=60) as server:
        url = f"{server.api_url}/channels/{server.channels['general'].id}/messages"
        async with aiohttp.ClientSession(headers={"Authorization": f"Bot {server.token}"}) as session:

            async def write() -> int:
                async with session.post(url, json={"content": "hi"}) as answer:
                    return answer.status

            assert [await write(), await write(), await write()] == [200, 200, 429]
            monkeypatch.setattr("tests.servers.discord.limits.GRACE", 0.0)
            assert await write() == 429
    assert server.violations == [f"POST {url.partition('1:')[2][5:]}: again before retry_after was over"]


async def test_a_connection_without_heartbeats_is_closed() -> None:
    async with (
        Discord(heartbeat=0.1) as server,
        aiohttp.ClientSession() as session,
        session.ws_connect(server.gateway_url) as socket,
    ):
        assert (await socket.receive_json())["op"] == 10
        assert (await socket.receive()).data == 4009
    assert server.violations == ["disconnected with 4009 no heartbeat"]
