"""Telegram at its worst: floods, broken calls, lost answers, a second poller, and kill -9 at every point."""

import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.e2e.on_telegram import AIOHTTP_WARNS, BotOnTelegram, on_telegram
from tests.e2e.running import eventually
from tests.servers.telegram import Message, Telegram

pytestmark = AIOHTTP_WARNS

NO_NOTICE_YET = "is not delivered yet"
"""What the log says of a notice that waits for a better moment."""


@pytest.fixture
async def telegram() -> AsyncIterator[Telegram]:
    async with Telegram(privacy=True, pace=1e6) as telegram:
        yield telegram


@pytest.fixture
async def bot(telegram: Telegram, tiny_base: Path, tmp_path: Path) -> AsyncIterator[BotOnTelegram]:
    async with on_telegram(telegram, tmp_path / "data", tiny_base) as bot:
        yield bot


async def trained_once(bot: BotOnTelegram, handle: str, chat: str = "group") -> Message:
    """However it came about: one version, one notice, and nothing waits any more."""
    notice = await bot.notice(handle, chat)
    asked = await bot.telegram.message("/personas", chat=chat)
    assert f"@{handle}" in (await bot.telegram.reply(asked)).text
    assert [path.name for path in bot.files(f"models/{handle}/*")] == ["1"]
    assert bot.notices(handle, chat) == [notice]
    return notice


# Answers that do not come as they should.


async def test_what_telegram_refuses_for_a_moment_is_sent_again_once(
    bot: BotOnTelegram, telegram: Telegram, timeline: Path
) -> None:
    for method in ("sendMessage", "sendPhoto"):
        telegram.fault(method, status=429, retry_after=1)
        telegram.fault(method, status=500)
        telegram.fault(method, status=502, body="<html>Bad Gateway</html>")

    acknowledged = await bot.train("keeper", timeline)

    await trained_once(bot, "keeper")
    assert telegram.said()[0] is acknowledged
    assert len([call for call in telegram.calls if call.method == "sendPhoto"]) == 4


async def test_a_notice_whose_answer_is_lost_is_not_sent_twice(
    bot: BotOnTelegram, telegram: Telegram, timeline: Path
) -> None:
    telegram.fault("sendPhoto", cut=True, after=True)
    acknowledged = await bot.train("keeper", timeline)
    await bot.logged(NO_NOTICE_YET)

    await bot.kill()  # so that it need not wait to try again
    await bot.start()

    await telegram.until(lambda: "like the nearest" in acknowledged.text or "AI-generated" in acknowledged.text)
    await trained_once(bot, "keeper")


async def test_a_notice_that_was_cut_off_on_its_way_is_shown_where_the_progress_was(
    bot: BotOnTelegram, telegram: Telegram, timeline: Path
) -> None:
    telegram.fault("sendPhoto", cut=True)
    acknowledged = await bot.train("keeper", timeline)
    await bot.logged(NO_NOTICE_YET)

    await bot.kill()
    await bot.start()

    await telegram.until(lambda: "AI-generated" in acknowledged.text)
    assert list(acknowledged.buttons) == ["Tweet", "Card"]
    await telegram.polled()
    assert bot.notices("keeper") == []


async def test_an_acknowledgement_that_is_lost_loses_no_training(
    bot: BotOnTelegram, telegram: Telegram, timeline: Path
) -> None:
    telegram.fault("sendMessage", cut=True)

    await telegram.document("tweets.csv", timeline.read_bytes(), "/train @keeper")

    await bot.logged('"stage": "load"')
    assert "@keeper" in (await bot.ask("/queue")).text


async def test_a_file_that_cannot_be_fetched_is_asked_for_again(
    bot: BotOnTelegram, telegram: Telegram, timeline: Path
) -> None:
    telegram.fault("file", status=500)

    assert (await bot.train("keeper", timeline)).text == "I could not fetch the file keeper.csv: send it again."
    assert (await bot.train("keeper", timeline)).text.startswith("Training @keeper now.")


# Floods.


async def test_a_frame_that_telegram_refuses_for_long_freezes_that_chat_only(
    bot: BotOnTelegram, telegram: Telegram, long_timeline: Path
) -> None:
    telegram.fault("editMessageText", status=429, retry_after=240)
    frozen = await bot.train("long", long_timeline, "member")
    await telegram.until(lambda: any(call.method == "editMessageText" for call in telegram.calls))
    going = await bot.train("long", long_timeline, "member2")
    await telegram.until(lambda: len(going.edits) > 1)

    await telegram.press(going, "Cancel", "member2")
    await telegram.until(lambda: len(telegram.said("member2")) > 1)

    assert frozen.edits == []
    assert telegram.said("member") == [frozen]


async def test_more_than_telegram_allows_in_a_group_waits_its_turn(tmp_path: Path, tiny_base: Path) -> None:
    async with Telegram(pace=1.0) as strict, on_telegram(strict, tmp_path / "data", tiny_base) as bot:
        asked = [await strict.message("/queue") for _ in range(22)]
        for each in asked[:20]:
            await strict.reply(each)
        assert (await bot.ask("/queue", chat="group2")).text == "Nothing is being trained."

        assert strict.floods == 0
        assert len(strict.said()) == 20


# Files.


async def test_a_file_that_telegram_does_not_hand_out_is_answered_with_the_way_out(
    bot: BotOnTelegram, telegram: Telegram, timeline: Path
) -> None:
    refused = {"ok": False, "error_code": 400, "description": "Bad Request: file is too big"}
    telegram.fault("getFile", status=400, body=json.dumps(refused))

    answer = await bot.train("keeper", timeline)

    assert answer.text.startswith("Telegram hands bots no file above 20 MB: send only the archive's tweets.js")
    assert "Bot API server" in answer.text


async def test_a_server_of_ones_own_hands_out_files_by_their_path(
    bot: BotOnTelegram, telegram: Telegram, timeline: Path
) -> None:
    found = {"file_id": "1", "file_unique_id": "1", "file_path": str(timeline)}
    telegram.fault("getFile", status=200, body=json.dumps({"ok": True, "result": found}))

    await telegram.document("large.csv", b"elsewhere", "/train @keeper")

    await telegram.until(lambda: any("250 tweets" in each.text for each in telegram.said()))


# Time and other programs.


async def test_commands_from_long_ago_are_answered_once_and_not_carried_out(
    telegram: Telegram, tiny_base: Path, tmp_path: Path
) -> None:
    old = await telegram.message("/train @mara_bakes", ago=3600)
    await telegram.message("honestly", "member", "member", ago=3600)
    new = await telegram.message("/queue", ago=60)

    async with on_telegram(telegram, tmp_path / "data", tiny_base) as bot:
        answer = await telegram.reply(old)
        assert answer.text == "I was away when you sent /train; send it again if you still want it."
        assert (await telegram.reply(new)).text == "Nothing is being trained."
        await bot.ask("/queue", chat="group2")
        await bot.kill()
        await bot.start()
        last = await bot.ask("/queue", chat="group2")

    assert last.text == "Nothing is being trained."
    assert len(telegram.said()) == 2
    assert telegram.said("member") == []


async def test_a_second_poller_is_named_in_the_log_and_the_bot_goes_on_when_it_is_gone(
    bot: BotOnTelegram, telegram: Telegram
) -> None:
    async with aiohttp.ClientSession() as other:
        async with other.get(f"{telegram.api_url}{telegram.token}/getUpdates", params={"timeout": 0}) as answer:
            assert answer.status == 200
        await bot.logged("another program uses the same token: stop one of them.")

    assert "connected as @mockingbird_bot" in (await bot.ask("/status", "admin")).text


async def test_a_webhook_is_called_with_a_secret_and_refuses_calls_without_it(
    telegram: Telegram, tiny_base: Path, tmp_path: Path
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}/hook"
    forged = {"update_id": 1, "message": (await telegram.message("/queue", chat="group2")).json()}
    telegram.mailbox.confirm_all()

    async with on_telegram(
        telegram, tmp_path / "data", tiny_base, telegram__webhook_url=address, telegram__webhook_port=str(port)
    ) as bot:
        assert (await bot.ask("/queue")).text == "Nothing is being trained."
        async with aiohttp.ClientSession() as stranger, stranger.post(address, json=forged) as answer:
            assert answer.status == 403
        await bot.ask("/queue")

    assert telegram.said("group2") == []
    assert not any(call.method == "getUpdates" for call in telegram.calls)


async def test_a_wrong_token_ends_the_bot_with_a_sentence(telegram: Telegram, tiny_base: Path, tmp_path: Path) -> None:
    bot = BotOnTelegram(telegram, tmp_path / "data", tiny_base, telegram__token="123456:wrong")
    await bot.start()

    assert await bot.gone() == 1
    assert "Telegram refuses the token: copy it again from @BotFather and restart." in bot.log()
    assert "123456:wrong" not in bot.log()


async def test_a_token_that_is_revoked_meanwhile_ends_the_bot_with_a_sentence(
    bot: BotOnTelegram, telegram: Telegram
) -> None:
    revoked = {"ok": False, "error_code": 401, "description": "Unauthorized"}
    telegram.fault("getUpdates", status=401, body=json.dumps(revoked), times=99)

    await telegram.message("/queue")  # so that it asks again at once

    assert await bot.gone() == 1
    assert "Telegram refuses the token: copy it again from @BotFather and restart." in bot.log()


# kill -9.


async def test_a_bot_killed_between_fetching_and_confirming_a_command_carries_it_out_once(
    bot: BotOnTelegram, telegram: Telegram, timeline: Path
) -> None:
    with telegram.held("getUpdates"):
        await bot.train("keeper", timeline)
        await bot.kill()
        [update] = telegram.mailbox.unconfirmed
        assert update.fetched == 1
    await bot.start()

    await trained_once(bot, "keeper")
    assert update.fetched == 2
    assert len((await bot.ask("/jobs list", "admin")).text.splitlines()) == 1


async def test_a_command_that_was_answered_but_not_confirmed_is_not_answered_again(
    bot: BotOnTelegram, telegram: Telegram
) -> None:
    with telegram.held("getUpdates"):
        answer = await bot.ask("/queue")
        await eventually(lambda: bot.stored("SELECT 1 FROM inbox WHERE answered IS NOT NULL"))
        await bot.kill()
        [update] = telegram.mailbox.unconfirmed
    await bot.start()

    last = await bot.ask("/personas")
    assert update.fetched == 2
    assert telegram.said() == [answer, last]


async def test_a_bot_killed_while_it_sends_a_notice_says_it_again_without_another_message(
    bot: BotOnTelegram, telegram: Telegram, timeline: Path
) -> None:
    acknowledged = await bot.train("keeper", timeline)
    await bot.logged("sendPhoto")

    await bot.kill()
    await bot.start()

    await telegram.until(lambda: "AI-generated" in acknowledged.text)
    assert sum(bool(message.photo) for message in telegram.said("group")) <= 1


async def test_a_command_that_was_being_answered_when_the_bot_died_is_answered(
    bot: BotOnTelegram, telegram: Telegram
) -> None:
    with telegram.held("sendMessage"):
        asked = await telegram.message("/queue")
        await telegram.until(lambda: any(call.method == "sendMessage" for call in telegram.calls))
        await telegram.polled()
        await bot.kill()
    await bot.start()

    assert (await telegram.reply(asked)).text == "Nothing is being trained."
