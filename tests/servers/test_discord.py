"""The local Discord, tried with the real discord.py: what a bot may rely on, and what may go wrong."""

import asyncio
from typing import Any

import aiohttp
import discord
import pytest

from tests.servers.discord import MESSAGE_CONTENT, Choice, Discord, Impossible
from tests.servers.discord_bot import Bot, aim, running
from tests.servers.discord_bot import bot as bot
from tests.servers.discord_bot import server as server

# Commands, buttons, messages.


async def test_a_bot_logs_in_registers_its_commands_and_answers_one(server: Discord, bot: Bot) -> None:
    assert server.syncs == 1
    asked = await server.slash("hello", name="you", times=2)
    answer = await server.answer(asked)
    assert (answer.content, answer.ephemeral, answer.author.name) == ("hello you hello you", True, "bot")
    assert asked.latency is not None
    assert server.violations == []


async def test_a_deferred_answer_is_loading_until_it_is_edited(server: Discord, bot: Bot) -> None:
    asked = await server.slash("slow", defer=True)
    await server.until(lambda: asked.original)
    assert asked.original
    assert asked.original.loading
    bot.go.set()
    answer = await server.answer(asked)
    assert (answer.content, answer.loading, len(answer.edits)) == ("done", False, 1)
    assert answer is asked.original
    assert server.violations == []


async def test_a_follow_up_is_a_second_message(server: Discord, bot: Bot) -> None:
    asked = await server.slash("more", channel="dm")
    await server.until(lambda: len(asked.answers) == 2)
    assert [each.content for each in server.messages("dm:member")] == ["one", "two"]
    assert server.violations == []


async def test_an_option_completes_itself(server: Discord, bot: Bot) -> None:
    assert await server.autocomplete("fruit", "name", "ap") == [Choice("Apple", "apple"), Choice("Apricot", "apricot")]
    assert server.violations == []


async def test_a_button_changes_its_message(server: Discord, bot: Bot) -> None:
    shown = await server.answer(await server.slash("buttons"))
    assert await server.answer(await server.press(shown, "Again", user="member2")) is shown
    assert shown.content == "again, member2"
    with pytest.raises(Impossible, match="no button 'Stop' to press"):
        await server.press(shown, "Stop")


async def test_a_file_goes_to_the_bot_and_comes_back(server: Discord, bot: Bot) -> None:
    answer = await server.answer(await server.slash("weigh", file=("tweets.txt", b"good morning")))
    assert answer.content == "12 bytes"
    assert answer.attachments[0].content == b"good morning"
    assert server.violations == []


@pytest.mark.parametrize(("user", "manages"), [("admin", True), ("member", False)])
async def test_a_subcommand_is_told_what_its_user_may_do(server: Discord, bot: Bot, user: str, manages: bool) -> None:
    answer = await server.answer(await server.slash("models list", user=user))
    assert answer.content == f"manager: {manages}"


@pytest.mark.parametrize(
    ("command", "options"),
    [("models", {}), ("nothing", {}), ("hello", {}), ("hello", {"name": 3}), ("hello", {"name": "a", "times": 9})],
)
async def test_users_send_only_what_a_command_offers(
    server: Discord, bot: Bot, command: str, options: dict[str, Any]
) -> None:
    with pytest.raises(Impossible):
        await server.slash(command, **options)


async def test_a_bot_reads_what_is_said_to_it_and_no_more(server: Discord, bot: Bot) -> None:
    await server.message("between us")
    await server.message("hello", mention=True)
    mine = await server.until(lambda: next((each for each in server.messages() if "hello" in each.content), None))
    await server.message("go on", reply_to=mine)
    await server.message("in private", channel="dm")
    await server.until(lambda: len(bot.heard) == 4)
    said = [message.clean_content for message in bot.heard]
    assert said == ["", "@Bot hello", "", "in private"]
    assert server.violations == []


async def test_a_reply_to_the_bot_mentions_it_and_shows_the_text_replied_to(server: Discord, bot: Bot) -> None:
    own = await bot.say(server, "a tweet")
    message = server.written(own.id)
    await server.message("and then?", reply_to=message)
    await server.message("quietly", reply_to=message, ping=False)
    await server.until(lambda: len(bot.heard) == 2)
    references = [heard.reference for heard in bot.heard]
    assert [heard.content for heard in bot.heard] == ["and then?", ""]
    for reference in references:
        assert reference
        assert isinstance(reference.resolved, discord.Message)
        assert reference.resolved.content == "a tweet"


async def test_everything_is_readable_with_the_privileged_intent(monkeypatch: pytest.MonkeyPatch) -> None:
    intents = discord.Intents.default()
    intents.message_content = True
    async with Discord(granted=MESSAGE_CONTENT) as server, running(server, monkeypatch, intents) as bot:
        await server.message("between us")
        await server.until(lambda: bot.heard)
        assert bot.heard[0].content == "between us"


# What goes wrong.


async def test_a_429_is_waited_for_and_is_no_violation(server: Discord, bot: Bot) -> None:
    fault = server.fault("POST .*/messages", status=429, retry_after=0.3)
    await bot.say(server, "at last")
    assert (fault.met, server.limits.refused) == (1, 1)
    assert [each.content for each in server.messages()] == ["at last"]
    assert server.violations == []


async def test_a_bot_resumes_after_a_drop_and_misses_nothing(server: Discord, bot: Bot) -> None:
    server.gateway.drop()
    await server.message("while you were away", channel="dm")
    await server.until(lambda: bot.heard)
    assert bot.heard[0].content == "while you were away"
    assert (server.gateway.identified, server.gateway.resumed) == (1, 1)
    assert server.violations == []


@pytest.mark.parametrize(("resumable", "identified", "resumed"), [(True, 1, 1), (False, 2, 0)])
async def test_a_session_is_made_invalid(
    server: Discord, bot: Bot, resumable: bool, identified: int, resumed: int
) -> None:
    server.gateway.invalidate(resumable)
    await server.until(lambda: (server.gateway.identified, server.gateway.resumed) == (identified, resumed))
    await server.ready()
    assert (await server.answer(await server.slash("more"))).content == "one"


@pytest.mark.parametrize(
    ("code", "error"), [(4004, discord.ConnectionClosed), (4014, discord.PrivilegedIntentsRequired)]
)
async def test_a_bot_is_disconnected_for_good(
    server: Discord, monkeypatch: pytest.MonkeyPatch, code: int, error: type[Exception]
) -> None:
    aim(monkeypatch, server)
    async with discord.Client(intents=discord.Intents.default()) as client:
        starting = asyncio.create_task(client.start(server.token))
        await server.ready()
        await server.gateway.close(code)
        with pytest.raises(error):
            await starting
    assert server.sessions == {}


async def test_a_bot_that_is_told_to_reconnect_resumes(server: Discord, bot: Bot) -> None:
    server.gateway.reconnect()
    await server.until(lambda: server.gateway.resumed == 1)
    assert (await server.answer(await server.slash("more"))).content == "one"


@pytest.mark.parametrize(("after", "written"), [(False, 0), (True, 1)])
@pytest.mark.parametrize("how", [{"cut": True}, {"status": 503}])
async def test_a_request_fails_before_or_after_its_effect_and_a_nonce_keeps_it_single(
    server: Discord, bot: Bot, how: dict[str, Any], after: bool, written: int
) -> None:
    server.fault("POST .*/messages", after=after, **how)
    with pytest.raises((OSError, aiohttp.ClientError, discord.DiscordServerError)):
        await bot.say(server, "once", nonce="7")
    assert len(server.messages()) == written
    await bot.say(server, "once", nonce="7")
    assert [each.content for each in server.messages()] == ["once"]
    assert server.violations == []


async def test_a_request_is_held_until_the_test_lets_it_go(server: Discord, bot: Bot) -> None:
    hold = asyncio.Event()
    fault = server.fault("POST .*/messages", hold=hold)
    saying = asyncio.create_task(bot.say(server, "hello"))
    await server.until(lambda: fault.met)
    assert server.messages() == []
    hold.set()
    await saying
    assert len(server.messages()) == 1


async def test_what_is_gone_is_refused_as_discord_does(server: Discord, bot: Bot) -> None:
    sent = await bot.say(server, "hello")
    message = server.written(sent.id)
    assert message
    await server.delete_message(message)
    await _refused(10008, sent.edit(content="again"))
    server.deny("general")
    await _refused(50013, bot.say(server, "hello"))
    await _refused(50001, bot.place(server, "private").send("hello"))
    server.delete_channel("random")
    await _refused(10003, bot.place(server, "random").send("hello"))
    server.kick()
    await _refused(50001, bot.say(server, "hello"))
    assert server.violations == []


async def _refused(code: int, call: Any) -> None:
    with pytest.raises(discord.HTTPException) as refused:
        await call
    assert refused.value.code == code
