"""What the local Telegram refuses the real python-telegram-bot, and how it fails when a test wants it to."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import pytest
from telegram import Bot, MessageEntity
from telegram.error import (
    BadRequest,
    EndPointNotFound,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TimedOut,
)

from tests.servers.telegram import Message, Telegram
from tests.servers.telegram.clients import article, client, keyboard, picture


@pytest.fixture(autouse=True)
def _newest_types(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it the library warns that RetryAfter.retry_after will be a timedelta one day."""
    monkeypatch.setenv("PTB_TIMEDELTA", "1")


@pytest.fixture
async def telegram() -> AsyncIterator[Telegram]:
    async with Telegram() as telegram:
        yield telegram


@pytest.fixture
async def bot(telegram: Telegram) -> AsyncIterator[Bot]:
    async with client(telegram) as bot:
        yield bot


async def refused(call: Awaitable[object], words: str) -> None:
    """In these words; the library changes the case of some letters."""
    with pytest.raises(BadRequest, match=f"(?i){words}"):
        await call


async def test_an_edit_that_changes_nothing_is_refused(bot: Bot, telegram: Telegram) -> None:
    sent = await bot.send_message(telegram.chat("group").id, "0 %")
    await sent.edit_text("50 %")
    await refused(sent.edit_text("50 %"), "message is not modified")

    (message,) = telegram.said("group")
    assert (message.text, [edit.content.text for edit in message.edits]) == ("50 %", ["50 %"])
    assert [each.method for each in telegram.violations] == ["editMessageText"]


async def test_nobody_is_blamed_for_an_edit_that_an_earlier_process_made(bot: Bot, telegram: Telegram) -> None:
    sent = await bot.send_message(telegram.chat("group").id, "0 %")
    await bot.get_me()
    await refused(sent.edit_text("0 %"), "message is not modified")

    assert telegram.violations == []


async def test_a_button_answered_twice_or_late_is_a_violation(bot: Bot, telegram: Telegram) -> None:
    await bot.send_message(telegram.chat("group").id, "Sure?", reply_markup=keyboard("Yes", "sure:1"))
    presses = [asyncio.create_task(telegram.press(telegram.said("group")[0], "Yes")) for _ in range(2)]
    first, second = [update.callback_query for update in await bot.get_updates(timeout=5) if update.callback_query]

    await first.answer()
    await refused(first.answer(), "query is too old")
    telegram.advance(11)
    await refused(second.answer(), "query is too old")

    presses[1].cancel()
    assert len(telegram.violations) == 2


@pytest.mark.parametrize(("ids", "words"), [([""], "RESULT_ID_INVALID"), (["1", "1"], "RESULT_ID_DUPLICATE")])
async def test_inline_results_need_ids_of_their_own(bot: Bot, telegram: Telegram, ids: list[str], words: str) -> None:
    asking = asyncio.create_task(telegram.inline("nasa"))
    ((query,),) = [[update.inline_query] for update in await bot.get_updates(timeout=5)]
    assert query

    await refused(query.answer([article(each) for each in ids]), words)

    asking.cancel()


async def test_a_file_above_20_mb_cannot_be_had(bot: Bot, telegram: Telegram) -> None:
    await telegram.document("archive.zip", bytes((20 << 20) + 1), "/train")
    (update,) = await bot.get_updates(timeout=5)
    assert update.message
    assert update.message.document

    await refused(update.message.document.get_file(), "file is too big")


async def test_the_21st_message_of_a_minute_is_refused_and_asking_too_early_is_a_violation(
    bot: Bot, telegram: Telegram
) -> None:
    telegram.stop_clock()
    place = telegram.chat("group").id
    for number in range(20):
        await bot.send_message(place, f"{number}")
    with pytest.raises(RetryAfter) as told:
        await bot.send_message(place, "20")
    assert telegram.violations == []

    telegram.advance(30)
    with pytest.raises(RetryAfter):
        await bot.send_message(place, "20")
    assert [each.code for each in telegram.violations] == [429]

    telegram.advance(told.value._retry_after.total_seconds() - 30)
    await bot.send_message(place, "20")
    assert (len(telegram.said("group")), telegram.floods) == (21, 2)


async def test_thirty_messages_a_second_are_the_most_in_all_chats_together(bot: Bot, telegram: Telegram) -> None:
    telegram.stop_clock()
    groups = [telegram.chat("group").id, telegram.chat("group2").id]
    for number in range(30):
        await bot.send_message(groups[number % 2], f"{number}")

    with pytest.raises(RetryAfter):
        await bot.send_message(groups[0], "one more")


async def test_edits_count_against_the_limits(bot: Bot, telegram: Telegram) -> None:
    telegram.stop_clock()
    await telegram.message("/start", chat="member")
    sent = await bot.send_message(telegram.chat("member").id, "0 %")
    await sent.edit_text("1 %")
    await sent.edit_text("2 %")

    with pytest.raises(RetryAfter):
        await sent.edit_text("3 %")


async def test_the_limits_can_recover_faster_than_telegrams() -> None:
    async with Telegram(pace=1e6) as telegram, client(telegram) as bot:
        for number in range(40):
            await bot.send_message(telegram.chat("group").id, f"{number}")

        assert len(telegram.said("group")) == 40


async def test_a_bot_writes_to_nobody_who_did_not_write_first(bot: Bot, telegram: Telegram) -> None:
    with pytest.raises(Forbidden, match="can't initiate"):
        await bot.send_message(telegram.chat("member2").id, "Hello")

    assert len(telegram.violations) == 1


REFUSED: list[tuple[str, Callable[[Bot, int, Message], Awaitable[object]]]] = [
    ("text is empty", lambda bot, chat, _: bot.send_message(chat, " \n")),
    ("message is too long", lambda bot, chat, _: bot.send_message(chat, "🐦" * 2049)),
    ("caption is too long", lambda bot, chat, _: bot.send_photo(chat, picture(), "🐦" * 513)),
    ("BUTTON_DATA_INVALID", lambda bot, chat, _: bot.send_message(chat, "x", reply_markup=keyboard("x", "é" * 33))),
    ("must be non-empty", lambda bot, chat, _: bot.send_message(chat, "x", reply_markup=keyboard("", "1"))),
    ("text buttons", lambda bot, chat, _: bot.send_message(chat, "x", reply_markup=keyboard("x", None))),
    ("chat not found", lambda bot, chat, _: bot.send_message(-1, "x")),
    ("thread not found", lambda bot, chat, _: bot.send_message(chat, "x", message_thread_id=5)),
    ("message to be replied not found", lambda bot, chat, _: bot.send_message(chat, "x", reply_to_message_id=99)),
    ("message to edit not found", lambda bot, chat, _: bot.edit_message_text("x", chat, 99)),
    ("message can't be edited", lambda bot, chat, other: bot.edit_message_text("x", chat, other.id)),
    ("message to delete not found", lambda bot, chat, _: bot.delete_message(chat, 99)),
    ("message can't be deleted", lambda bot, chat, other: bot.delete_message(chat, other.id)),
    ("end tag", lambda bot, chat, _: bot.send_message(chat, "<b>x", parse_mode="HTML")),
    ("Unsupported start tag", lambda bot, chat, _: bot.send_message(chat, "1 < 2", parse_mode="HTML")),
    (
        "ENTITY_BOUNDS_INVALID",
        lambda bot, chat, _: bot.send_message(chat, "x", entities=[MessageEntity("bold", 0, 2)]),
    ),
    ("wrong file_id", lambda bot, chat, _: bot.get_file("nothing")),
    ("no administrators", lambda bot, chat, other: bot.get_chat_administrators(other.author.id)),
    ("action", lambda bot, chat, _: bot.send_chat_action(chat, "sleeping")),
    ("IMAGE_PROCESS_FAILED", lambda bot, chat, _: bot.send_photo(chat, b"no picture")),
    ("BOT_COMMAND_INVALID", lambda bot, chat, _: bot.set_my_commands([("Train", "Learn")])),
    ("BOT_COMMAND_DESCRIPTION_INVALID", lambda bot, chat, _: bot.set_my_commands([("train", "x" * 257)])),
    ("BOT_COMMANDS_TOO_MUCH", lambda bot, chat, _: bot.set_my_commands([(f"c{n}", "x") for n in range(101)])),
    ("unallowed characters", lambda bot, chat, _: bot.set_webhook("http://127.0.0.1:1/", secret_token="a b")),
    ("query is too old", lambda bot, chat, _: bot.answer_callback_query("nothing")),
]


@pytest.mark.parametrize(("words", "call"), REFUSED, ids=[words for words, _ in REFUSED])
async def test_a_mistake_is_refused_and_recorded(
    bot: Bot, telegram: Telegram, words: str, call: Callable[[Bot, int, Message], Awaitable[object]]
) -> None:
    await telegram.message("hello", chat="member")
    other = await telegram.message("hello")
    await refused(call(bot, telegram.chat("group").id, other), words)

    assert len(telegram.violations) == 1


async def test_html_becomes_text_and_entities(bot: Bot, telegram: Telegram) -> None:
    sent = await bot.send_message(telegram.chat("group").id, "🐦 <b>a &lt; <i>b</i></b>", parse_mode="HTML")

    assert (sent.text, sent.parse_entities()) == (
        "🐦 a < b",
        {MessageEntity("italic", 7, 1): "b", MessageEntity("bold", 3, 5): "a < b"},
    )


async def test_a_message_that_somebody_deleted_is_not_the_bots_mistake(bot: Bot, telegram: Telegram) -> None:
    sent = await bot.send_message(telegram.chat("group").id, "0 %")
    await telegram.delete(telegram.said("group")[0])

    await refused(sent.edit_text("1 %"), "message to edit not found")

    assert (len(telegram.refusals), telegram.violations) == (1, [])


async def test_an_unknown_method_and_a_wrong_token_are_refused(bot: Bot, telegram: Telegram) -> None:
    with pytest.raises(InvalidToken):
        async with Bot("123456:wrong", telegram.api_url):
            pass
    with pytest.raises(EndPointNotFound):
        await bot.do_api_request("sendTweet")

    assert [each.code for each in telegram.violations] == [401, 404]


async def test_a_connection_cut_after_the_effect_leaves_the_message(bot: Bot, telegram: Telegram) -> None:
    telegram.fault("sendMessage", cut=True, after=True)
    telegram.fault("sendMessage", cut=True)
    for _ in range(2):
        with pytest.raises(NetworkError):
            await bot.send_message(telegram.chat("group").id, "Hello")

    assert [each.text for each in telegram.said("group")] == ["Hello"]


async def test_a_download_may_fail(bot: Bot, telegram: Telegram) -> None:
    telegram.fault("file", status=503)
    await telegram.document("tweets.txt", b"hello there", "/train")
    (update,) = await bot.get_updates(timeout=5)
    assert update.message
    assert update.message.document
    file = await update.message.document.get_file()

    with pytest.raises(NetworkError, match="Service Unavailable"):
        await file.download_as_bytearray()
    assert bytes(await file.download_as_bytearray()) == b"hello there"


async def test_a_file_is_had_with_the_bots_token_only(bot: Bot, telegram: Telegram) -> None:
    await bot.send_document(telegram.chat("group").id, b"a,b")
    (file,) = telegram.files

    async with aiohttp.ClientSession() as session:
        answers = [await session.get(f"{telegram.file_url}{token}/{file.path}") for token in (telegram.token, "1:a")]
        assert [each.status for each in answers] == [200, 404]


async def test_a_late_answer_is_ambiguous(bot: Bot, telegram: Telegram) -> None:
    telegram.fault("sendMessage", delay=5, after=True)

    with pytest.raises(TimedOut):
        await bot.send_message(telegram.chat("group").id, "Hello", read_timeout=0.05)

    assert len(telegram.said("group")) == 1


async def test_failures_of_the_server_come_as_often_as_they_were_set(bot: Bot, telegram: Telegram) -> None:
    telegram.fault("send.*", times=2, status=502)
    for _ in range(2):
        with pytest.raises(NetworkError, match="Bad Gateway"):
            await bot.send_message(telegram.chat("group").id, "Hello")

    await bot.send_message(telegram.chat("group").id, "Hello")
    assert len(telegram.said("group")) == 1


async def test_a_long_retry_after_is_to_be_heeded(bot: Bot, telegram: Telegram) -> None:
    telegram.fault("editMessageText", status=429, retry_after=240)
    sent = await bot.send_message(telegram.chat("group").id, "0 %")
    with pytest.raises(RetryAfter, match="0:04:00"):
        await sent.edit_text("1 %")
    telegram.advance(239)
    with pytest.raises(RetryAfter):
        await sent.edit_text("1 %")
    telegram.advance(1)
    await sent.edit_text("1 %")

    assert len(telegram.violations) == 1
