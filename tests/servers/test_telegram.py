"""The local Telegram against the real python-telegram-bot: what arrives, and what is seen of the answers."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from telegram import Bot, BotCommand, BotCommandScopeAllGroupChats, Update
from telegram.error import ChatMigrated, Conflict, Forbidden
from telegram.ext import (
    CallbackQueryHandler,
    CommandHandler,
    InlineQueryHandler,
    MessageHandler,
    filters,
)

from tests.servers.telegram import Telegram
from tests.servers.telegram.clients import article, client, keyboard, picture, running


@pytest.fixture
async def telegram() -> AsyncIterator[Telegram]:
    async with Telegram() as telegram:
        yield telegram


@pytest.fixture
async def bot(telegram: Telegram) -> AsyncIterator[Bot]:
    async with client(telegram) as bot:
        yield bot


async def echo(update: Update, _: Any) -> None:
    """Replies with what the message said."""
    assert update.effective_message
    await update.effective_message.reply_text(update.effective_message.text or "nothing", do_quote=True)


async def test_the_bot_learns_who_it_is_and_what_it_may_read(bot: Bot, telegram: Telegram) -> None:
    me = await bot.get_me()

    assert (me.username, me.can_read_all_group_messages, me.supports_inline_queries) == (telegram.bot.name, False, True)


async def test_a_command_is_fetched_and_answered_in_its_chat(telegram: Telegram) -> None:
    async with running(telegram, CommandHandler("train", echo)):
        asked = await telegram.message("/train 🐦 @jack")
        answer = await telegram.reply(asked)
        await telegram.polled()

    assert (answer.text, answer.chat.name, answer.author) == ("/train 🐦 @jack", "group", telegram.bot)
    assert telegram.violations == []


async def test_entities_are_counted_in_utf_16_units(telegram: Telegram) -> None:
    said = await telegram.message("/train@mockingbird_bot 🐦 @jack a@b.example")

    kinds = [(each["type"], each["offset"], each["length"]) for each in said.content.entities]
    assert kinds == [("bot_command", 0, 22), ("mention", 26, 5)]


async def test_an_edit_without_a_keyboard_removes_it(bot: Bot, telegram: Telegram) -> None:
    sent = await bot.send_message(telegram.chat("group").id, "0 %", reply_markup=keyboard("Cancel", "c:1"))
    assert telegram.said("group")[0].buttons == {"Cancel": "c:1"}

    await sent.edit_text("done")

    assert telegram.said("group")[0].buttons == {}


async def test_a_pressed_button_is_answered(telegram: Telegram) -> None:
    async def show(update: Update, _: Any) -> None:
        await update.effective_chat.send_message("Sure?", reply_markup=keyboard("Yes", "sure:1"))  # type: ignore[union-attr]

    async def sure(update: Update, _: Any) -> None:
        assert update.callback_query
        await update.callback_query.answer(f"You pressed {update.callback_query.data}", show_alert=True)

    async with running(telegram, CommandHandler("forget", show), CallbackQueryHandler(sure)):
        await telegram.message("/forget", chat="member")
        asked = await telegram.find_sent(lambda each: "Yes" in each.buttons)
        answer = await telegram.press(asked, "Yes")

    assert (answer.text, answer.alert) == ("You pressed sure:1", True)


async def test_an_inline_query_is_offered_results(telegram: Telegram) -> None:
    async def offer(update: Update, _: Any) -> None:
        assert update.inline_query
        await update.inline_query.answer([article("1"), article("2")], cache_time=5)

    async with running(telegram, InlineQueryHandler(offer)):
        answer = await telegram.inline("nasa my dream is")

    assert [each["id"] for each in answer.results] == ["1", "2"]
    assert answer.cache_seconds == 5


async def test_a_document_arrives_byte_for_byte(bot: Bot, telegram: Telegram) -> None:
    content = bytes(range(256)) * 5000
    await telegram.document("tweets.csv", content, "/train @jack")
    (update,) = await bot.get_updates(timeout=5)
    assert update.message
    assert update.message.document

    file = await update.message.document.get_file()

    assert (update.message.document.file_name, update.message.caption) == ("tweets.csv", "/train @jack")
    assert bytes(await file.download_as_bytearray()) == content


async def test_photos_and_documents_are_sent(bot: Bot, telegram: Telegram) -> None:
    place = telegram.chat("group").id
    await bot.send_photo(place, picture(), "Look")
    await bot.send_document(place, b"a,b", "The table", filename="table.csv")

    shown, table = telegram.said("group")
    assert (shown.photo, shown.caption, shown.text) == (picture(), "Look", "")
    assert table.file
    assert (table.file.name, table.file.content) == ("table.csv", b"a,b")


async def test_a_migrated_group_is_known_by_its_new_id_only(bot: Bot, telegram: Telegram) -> None:
    old = telegram.chat("group").id
    new = await telegram.migrate("group")

    with pytest.raises(ChatMigrated) as told:
        await bot.send_message(old, "Hello")
    assert told.value.new_chat_id == new.id
    assert (await bot.send_message(new.id, "Hello")).chat.type == "supergroup"

    services = [update.message for update in await bot.get_updates(timeout=5) if update.message]
    assert [(each.chat.id, each.migrate_to_chat_id, each.migrate_from_chat_id) for each in services] == [
        (old, new.id, None),
        (new.id, None, old),
    ]
    assert telegram.violations == []


async def test_a_kicked_or_blocked_bot_is_forbidden_to_write(bot: Bot, telegram: Telegram) -> None:
    await telegram.message("/start", chat="member")
    await telegram.kick("group")
    await telegram.message("/train")
    await telegram.block("member")

    for name, words in (("group", "bot was kicked"), ("member", "bot was blocked")):
        with pytest.raises(Forbidden, match=words):
            await bot.send_message(telegram.chat(name).id, "Hello")

    _, *updates = await bot.get_updates(timeout=5)
    assert [each.my_chat_member and each.my_chat_member.new_chat_member.status for each in updates] == ["kicked"] * 2
    await telegram.welcome("group")
    await bot.send_message(telegram.chat("group").id, "Hello again")


async def test_of_two_pollers_the_first_meets_a_conflict(telegram: Telegram) -> None:
    async with running(telegram), client(telegram) as other:
        await telegram.polled()
        await other.get_updates(timeout=0)
        await telegram.until(lambda: [each.code for each in telegram.refusals])

    assert telegram.refusals[0].code == 409
    assert telegram.refusals[0].words.startswith(Conflict("Conflict: terminated by other getUpdates request").message)


async def test_an_update_that_was_fetched_but_not_confirmed_comes_again(bot: Bot, telegram: Telegram) -> None:
    said = await telegram.message("/train @jack")
    (first,) = await bot.get_updates(timeout=5)
    (again,) = await bot.get_updates(timeout=5)
    assert first.update_id == again.update_id
    assert telegram.mailbox.updates[0].fetched == 2

    assert await bot.get_updates(offset=first.update_id + 1) == ()
    assert said.text == (first.message.text if first.message else "")


async def test_a_poller_that_is_gone_is_given_nothing(bot: Bot, telegram: Telegram) -> None:
    polling = asyncio.create_task(bot.get_updates(timeout=50))
    await telegram.polled()
    polling.cancel()
    await telegram.until(lambda: not telegram.mailbox.idle)

    await telegram.message("/train @jack")
    assert len(await bot.get_updates(timeout=5)) == 1
    assert ([each.fetched for each in telegram.mailbox.updates], telegram.refusals) == ([1], [])


async def test_while_polls_are_held_the_bot_cannot_confirm(telegram: Telegram) -> None:
    def confirming() -> bool:
        (update,) = telegram.mailbox.updates
        return any(call.method == "getUpdates" and call.integer("offset", 0) > update.id for call in telegram.calls)

    async with running(telegram, CommandHandler("train", echo)):
        await telegram.polled()
        with telegram.held("getUpdates"):
            await telegram.reply(await telegram.message("/train @jack"))
            await telegram.until(confirming)
            assert [each.fetched for each in telegram.mailbox.unconfirmed] == [1]
        await telegram.polled()

    assert telegram.mailbox.unconfirmed == []


async def test_only_the_kinds_that_the_bot_asked_for_are_kept(bot: Bot, telegram: Telegram) -> None:
    await bot.get_updates(timeout=0, allowed_updates=["edited_message"])
    await telegram.edit(await telegram.message("/train @jack"), "/train @jill")

    (update,) = await bot.get_updates(timeout=5)
    assert update.edited_message


async def test_a_webhook_gets_updates_with_its_secret_until_it_accepts(bot: Bot, telegram: Telegram) -> None:
    taken: list[tuple[str, int]] = []

    async def take(request: web.Request) -> web.Response:
        taken.append((request.headers["X-Telegram-Bot-Api-Secret-Token"], (await request.json())["update_id"]))
        return web.Response(status=503 if len(taken) == 1 else 200)

    app = web.Application()
    app.router.add_post("/hook", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    await bot.set_webhook(f"http://127.0.0.1:{runner.addresses[0][1]}/hook", secret_token="of-us-two")

    await telegram.message("/train @jack")
    await telegram.polled()

    with pytest.raises(Conflict):
        await bot.get_updates()
    assert (await bot.get_webhook_info()).pending_update_count == 0
    assert taken == [("of-us-two", 1000)] * 2
    await bot.delete_webhook()
    await runner.cleanup()


@pytest.mark.parametrize("privacy", [True, False])
async def test_privacy_mode_keeps_all_but_commands_and_replies_from_the_bot(privacy: bool) -> None:
    async with Telegram(privacy=privacy) as telegram, client(telegram) as bot:
        await bot.send_message(telegram.chat("group").id, "Hello")
        (own,) = telegram.said("group")
        await telegram.message("plain")
        await telegram.message("@mockingbird_bot hello")
        await telegram.message("/train@other_bot")
        await telegram.message("/train", user="other_bot")
        await telegram.message("/train")
        await telegram.message("a reply", reply_to=own)
        await telegram.message("privately", chat="member2")
        texts = [update.message.text for update in await bot.get_updates(timeout=5) if update.message]

    open_only = ["plain", "@mockingbird_bot hello", "/train@other_bot"]
    assert texts == [*([] if privacy else open_only), "/train", "a reply", "privately"]


async def test_an_answer_in_a_topic_stays_in_it(telegram: Telegram) -> None:
    async with running(telegram, CommandHandler("tweet", echo)):
        thread = await telegram.topic("Birds")
        asked = await telegram.message("/tweet", chat="forum", thread=thread)
        answer = await telegram.reply(asked)

    assert answer.thread == thread
    assert asked.reply_to
    assert asked.reply_to.service["forum_topic_created"]["name"] == "Birds"
    assert telegram.violations == []


async def test_edited_commands_and_old_ones_are_told_apart(bot: Bot, telegram: Telegram) -> None:
    said = await telegram.message("/train @jack", ago=3600)
    await telegram.edit(said, "/train @jill")
    first, edited = await bot.get_updates(timeout=5)

    assert first.message
    assert edited.edited_message
    assert edited.edited_message.text == "/train @jill"
    assert telegram.clock.date() - first.message.date.timestamp() >= 3600


async def test_commands_stand_by_scope(bot: Bot, telegram: Telegram) -> None:
    await bot.set_my_commands([BotCommand("train", "Learn")])
    await bot.set_my_commands([("tweet", "Write")], scope=BotCommandScopeAllGroupChats())

    assert telegram.commands == {"default": {"train": "Learn"}, "all_group_chats": {"tweet": "Write"}}
    assert await bot.get_my_commands() == (BotCommand("train", "Learn"),)
    await bot.delete_my_commands()
    assert await bot.get_my_commands() == ()


async def test_administrators_are_known(bot: Bot, telegram: Telegram) -> None:
    group = telegram.chat("group")
    await telegram.promote("member2")

    leading = await bot.get_chat_administrators(group.id)
    member = await bot.get_chat_member(group.id, telegram.users["member"].id)

    assert [(each.user.username, each.status) for each in leading] == [
        ("admin", "creator"),
        ("member2", "administrator"),
    ]
    assert (member.status, (await bot.get_chat(group.id)).title) == ("member", "Group")


async def test_typing_is_seen(bot: Bot, telegram: Telegram) -> None:
    await bot.send_chat_action(telegram.chat("group").id, "typing")

    assert [each.kind for each in telegram.actions("group")] == ["typing"]


async def test_documents_reach_a_whole_bot(telegram: Telegram) -> None:
    async def read(update: Update, _: Any) -> None:
        assert update.message
        assert update.message.document
        content = await (await update.message.document.get_file()).download_as_bytearray()
        await update.message.reply_text(content.decode(), do_quote=True)

    async with running(telegram, MessageHandler(filters.Document.ALL, read)):
        sent = await telegram.document("tweets.txt", b"hello there", "/train", chat="member")
        assert (await telegram.reply(sent)).text == "hello there"
