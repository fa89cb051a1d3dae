"""Telegram from end to end: the bot's process and its children, the real library, a strict server."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from bot.commands import COMMANDS
from tests.e2e.conftest import write_timeline
from tests.e2e.on_telegram import AIOHTTP_WARNS, BotOnTelegram, on_telegram
from tests.servers.telegram import Message, Telegram
from tests.servers.telegram.words import Json, marked

pytestmark = [pytest.mark.asyncio(loop_scope="module"), AIOHTTP_WARNS]

ANONYMOUS = {"id": 1087968824, "is_bot": True, "first_name": "Group", "username": "GroupAnonymousBot"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def telegram() -> AsyncIterator[Telegram]:
    async with Telegram(privacy=True, pace=1e6) as telegram:
        yield telegram


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bot(
    telegram: Telegram, tiny_base: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[BotOnTelegram]:
    """One for all scenarios: it knows @keeper and @mara_bakes, and member2 is an admin of it."""
    folder = tmp_path_factory.mktemp("telegram")
    users = f"telegram:{telegram.users['member2'].id}"
    async with on_telegram(telegram, folder / "data", tiny_base, admin__users=users) as bot:
        content = write_timeline(folder / "keeper.csv", 250).read_bytes()
        document = await telegram.document("keeper.csv", content, chat="group2")
        await telegram.message("/train @keeper", chat="group2", reply_to=document)
        await telegram.message("/train @mara_bakes", chat="forum", thread=await telegram.topic("Birds"))
        for handle, chat in (("mara_bakes", "forum"), ("keeper", "group2")):
            await bot.notice(handle, chat)
        yield bot


@pytest.fixture(autouse=True)
def careful(telegram: Telegram) -> Iterator[None]:
    yield
    assert telegram.violations == []


@pytest.fixture
def group(telegram: Telegram, bot: BotOnTelegram, request: pytest.FixtureRequest) -> str:
    """A chat for each scenario, because the bot keeps to twenty messages a minute in one."""
    return telegram.add_group(f"group of {request.node.name}").name


@pytest.fixture
def person(telegram: Telegram, bot: BotOnTelegram) -> str:
    """Somebody with a private chat, in which nothing was said yet."""
    return telegram.add_user(f"person{len(telegram.users)}").name


def shown(message: Message, kind: str) -> list[str]:
    """The parts of a text that are set off as a ``kind``."""
    return [marked(message.content.text, each) for each in message.content.entities if each["type"] == kind]


# Trainings.


async def test_a_training_is_acknowledged_in_a_reply_and_announced_in_a_message_of_its_own(
    bot: BotOnTelegram, telegram: Telegram
) -> None:
    acknowledged, notice = telegram.said("group2")
    await telegram.until(lambda: not acknowledged.buttons)

    assert acknowledged.reply_to
    assert acknowledged.reply_to.text == "/train @keeper"
    assert "is ready" in acknowledged.text
    assert notice.photo
    assert len(shown(notice, "blockquote")) == 3
    assert shown(notice, "italic")[0].startswith("🤖 AI-generated")
    assert notice.buttons == {"Tweet": "/tweet @keeper", "Card": "/persona @keeper"}


async def test_a_persona_that_is_there_is_offered_again(bot: BotOnTelegram, group: str) -> None:
    answer = await bot.ask("/train @keeper", chat=group)

    assert answer.text.startswith("@keeper is already here: version 1")
    assert list(answer.buttons) == ["Tweet", "Train again"]


async def test_progress_is_shown_by_edits_and_stopped_by_its_button(
    bot: BotOnTelegram, telegram: Telegram, person: str, tmp_path: Path
) -> None:
    acknowledged = await bot.train("long", write_timeline(tmp_path / "long.csv", 8_000), person)
    await telegram.until(lambda: acknowledged.text.startswith("@long: training"))

    pressed = await telegram.press(acknowledged, "Cancel", person)
    over = "@long: cancelled; nothing was published."
    await telegram.until(lambda: any(each.text == over for each in telegram.said(person) if each is not acknowledged))
    await telegram.until(lambda: not acknowledged.buttons)

    assert pressed.text == ""
    assert acknowledged.text == over
    assert bot.files("models/long/*") == []


async def test_what_happens_in_a_topic_of_a_forum_stays_there(bot: BotOnTelegram, telegram: Telegram) -> None:
    [topic] = telegram.chat("forum").topics
    tweet = await bot.ask("/tweet @mara_bakes", chat="forum", thread=topic)
    acknowledged, notice, last = telegram.said("forum")

    assert acknowledged.edits != []
    assert notice.photo
    assert last is tweet
    assert {message.thread for message in (acknowledged, notice, tweet)} == {topic}
    assert {action.thread for action in telegram.actions("forum")} == {topic}


async def test_all_who_wait_for_a_training_are_told_wherever_they_are_then(
    bot: BotOnTelegram, telegram: Telegram, group: str, person: str, tmp_path: Path
) -> None:
    """One group becomes a supergroup, one throws the bot out, somebody blocks it, somebody only waits."""
    timeline = write_timeline(tmp_path / "shared.csv", 4_000, seed=11)
    kicking, blocking = telegram.add_group("kicking").name, telegram.add_user("blocking").name
    chats = (group, kicking, blocking, person)
    acknowledged = {chat: await bot.train("shared", timeline, chat) for chat in chats}

    supergroup = await telegram.migrate(group)
    await telegram.kick(kicking)
    await telegram.block(blocking)
    waiting, moved = await bot.notice("shared", person), await bot.notice("shared", group)

    assert (moved.chat, bool(moved.photo), bool(waiting.photo)) == (supergroup, True, True)
    assert bot.notices("shared", group) + bot.notices("shared", person) == [moved, waiting]
    assert [telegram.said(chat) for chat in (kicking, blocking)] == [[acknowledged[kicking]], [acknowledged[blocking]]]
    assert len({message.buttons["Cancel"] for message in acknowledged.values() if message.buttons}) == 1
    assert len(bot.files("models/shared/*")) == 1
    await telegram.welcome(kicking)
    assert (await bot.ask("/help", chat=kicking)).text


LINES = {
    "/help": "I learn to tweet like somebody.",
    "/tweet @keeper the sea": "keeper (@keeper)",
    "/like 123abc": "I no longer know that tweet",
    "/personas": "@keeper",
    "/persona @keeper": "AI BOT",
    "/queue": "",
    "/cancel 123abc": "There is no job 123abc",
    "/train @nobody_at_all": "I have no tweets of @nobody_at_all",
    "/use @keeper": "@keeper now speaks for me in this channel.",
    "/jobs list": "@keeper: done",
    "/jobs_cancel 123abc": "There is no job 123abc",
    "/jobs retry 123abc": "There is no job 123abc",
    "/models list": "@keeper",
    "/models_info @keeper": "Versions: 1",
    "/models versions @keeper": "1 (current)",
    "/models_rollback @keeper": "has no version before this one",
    "/models delete @keeper 7": "@keeper has no version 7",
    "/models retrain @nobody_at_all": "I have no persona @nobody_at_all",
    "/models_warm @keeper": "@keeper is in memory",
    "/models pin @mara_bakes": "@mara_bakes is pinned",
    "/evaluate @nobody_at_all": "I have no persona @nobody_at_all",
    "/models_import": "/models import model",
    "/models export": "/models export persona",
    "/models publish @keeper": "/models publish persona repo",
    "/optout @somebody_else": "@somebody_else",
    "/block @somebody_else": "@somebody_else",
    "/unblock @somebody_else": "@somebody_else is not blocked",
    "/limits": "channels: everywhere",
    "/status": "connected as @mockingbird_bot; in groups I see commands",
}


@pytest.mark.parametrize("line", LINES)
async def test_every_command_is_answered_in_a_reply(bot: BotOnTelegram, group: str, line: str) -> None:
    answer = await bot.ask(line, "member2", group)

    assert LINES[line] in answer.content.text


async def test_no_command_is_forgotten() -> None:
    typed = {line.removeprefix("/").replace("_", " ") for line in LINES}

    assert [name for name in COMMANDS if not any(line.startswith(name) for line in typed)] == []


async def test_a_tweet_is_a_quote_with_buttons_and_is_typed_meanwhile(
    bot: BotOnTelegram, telegram: Telegram, group: str
) -> None:
    tweet = await bot.ask("/tweet @keeper honestly", chat=group)

    assert shown(tweet, "blockquote")[0].startswith("honestly")
    assert list(tweet.buttons) == ["Another", "Card"]
    assert [action.kind for action in telegram.actions(group)] == ["typing"]


async def test_buttons_of_a_tweet_do_what_they_say(bot: BotOnTelegram, telegram: Telegram, group: str) -> None:
    liked = await bot.ask("/tweet @keeper", chat=group)
    tweet = await bot.ask("/tweet @keeper honestly, " + 40 * "so ", chat=group)

    telegram.fault("answerCallbackQuery", status=429, retry_after=1)
    telegram.fault("answerCallbackQuery", status=500)
    voted = await telegram.press(liked, "👍")
    await telegram.press(tweet, "Another")
    another = await telegram.reply(tweet)
    await telegram.press(another, "Card")
    card = await telegram.reply(another)

    assert all(len(data.encode()) <= 64 for data in tweet.buttons.values())
    assert shown(another, "blockquote")[0].startswith("honestly, so so")
    assert "AI BOT" in card.caption
    assert (voted.text, voted.alert) == ("You like it: 👍 1.", False)
    assert shown(card, "blockquote")[0].endswith("  👍 1")


async def test_what_only_admins_may_press_answers_with_an_alert(
    bot: BotOnTelegram, telegram: Telegram, group: str
) -> None:
    delete = await bot.ask("/models delete @keeper", "admin", group)
    block = await bot.ask("/block @somebody", "admin", group)

    refused = await telegram.press(delete, "Delete", "member")
    done = await telegram.press(block, "Block", "admin")
    assert (refused.text, refused.alert) == ("/models delete is for admins: ask one of them.", True)
    assert (done.text[:13], done.alert) == ("@somebody is ", True)
    assert len(bot.files("models/keeper/*")) == 1
    assert telegram.said(group) == [delete, block]


async def test_a_command_may_name_the_bot_and_one_that_names_another_is_left_alone(
    bot: BotOnTelegram, telegram: Telegram, group: str
) -> None:
    await telegram.welcome(group, "administrator")  # who is given every message
    for line in ("/help@other_bot", "/weather", "just talking", "/train@other_bot @keeper"):
        await telegram.message(line, chat=group)

    answer = await bot.ask("/help@Mockingbird_Bot", chat=group)
    assert telegram.said(group) == [answer]


async def test_an_unknown_command_is_explained_in_private_and_where_the_bot_is_named(
    bot: BotOnTelegram, person: str, group: str
) -> None:
    assert (await bot.ask("/weather", chat=person)).text.startswith("I do not know the command /weather.")
    assert "Did you mean /tweet?" in (await bot.ask("/tweeet@mockingbird_bot", chat=group)).text


async def test_an_edited_command_is_not_carried_out_again(bot: BotOnTelegram, telegram: Telegram, group: str) -> None:
    asked = await telegram.message("/help", chat=group)
    answer = await telegram.reply(asked)
    await telegram.edit(asked, "/queue")
    last = await bot.ask("/personas", chat=group)

    assert telegram.said(group) == [answer, last]


async def test_each_menu_has_what_can_be_used_there(bot: BotOnTelegram, telegram: Telegram) -> None:
    admins = {name.replace(" ", "_") for name in COMMANDS} - {"like"}
    everyone = {name for name in admins if not COMMANDS[name.replace("_", " ")].admin}

    assert set(telegram.commands) == {"default", "all_private_chats", "all_chat_administrators"}
    assert set(telegram.commands["default"]) == set(telegram.commands["all_private_chats"]) == everyone
    assert set(telegram.commands["all_chat_administrators"]) == admins


# Admins.


async def test_a_groups_administrators_are_admins_and_are_asked_for_once(
    bot: BotOnTelegram, telegram: Telegram, group: str
) -> None:
    assert "is for admins" in (await bot.ask("/limits", "member", group)).text
    assert "trainings" in (await bot.ask("/limits", "admin", group)).text

    chat = str(telegram.chat(group).id)
    wanted = [each.fields.get("chat_id") for each in telegram.calls if each.method == "getChatAdministrators"]
    assert wanted.count(chat) == 1


async def test_who_the_configuration_names_is_an_admin_everywhere(bot: BotOnTelegram, group: str) -> None:
    assert "is for admins" in (await bot.ask("/status", "member", group)).text
    assert "connected as" in (await bot.ask("/status", "member2", group)).text


async def test_an_administrator_who_writes_as_the_group_is_an_admin(
    bot: BotOnTelegram, telegram: Telegram, group: str
) -> None:
    words = (await telegram.message("/limits", chat=group)).content
    asked = telegram.post(telegram.chat(group), telegram.users["admin"], words)
    body: Json = asked.json() | {"from": ANONYMOUS, "sender_chat": telegram.chat(group).json()}
    telegram.mailbox.put("message", body)

    assert "trainings" in (await telegram.reply(asked)).text


# Talking.


async def test_private_words_are_answered_in_the_voice_that_was_chosen(
    bot: BotOnTelegram, telegram: Telegram, person: str
) -> None:
    assert (await bot.ask("hello there", chat=person)).text.startswith("Which persona?")
    named = await bot.ask("keeper honestly", chat=person)
    assert named.text.startswith("keeper (@keeper)")
    assert shown(named, "blockquote")[0].startswith("honestly")


async def test_a_reply_to_a_tweet_of_the_bot_goes_on_in_its_voice(
    bot: BotOnTelegram, telegram: Telegram, group: str
) -> None:
    tweet = await bot.ask("/tweet @mara_bakes", chat=group)
    plain = await bot.ask("/queue", chat=group)

    await telegram.message("nice", chat=group, reply_to=plain)
    answer = await telegram.reply(await telegram.message("and the goat?", "member2", group, tweet))

    assert "(@mara_bakes)" in answer.text
    assert telegram.said(group) == [tweet, plain, answer]


async def test_a_mention_is_answered_where_telegram_passes_it_on(
    bot: BotOnTelegram, telegram: Telegram, group: str
) -> None:
    await telegram.welcome(group, "administrator")
    await bot.ask("/use @mara_bakes", "admin", group)

    answer = await bot.ask("honestly @mockingbird_bot", chat=group)

    assert "(@mara_bakes)" in answer.text
    assert shown(answer, "blockquote")[0].startswith("honestly")


async def test_inline_three_tweets_are_offered_in_any_chat(bot: BotOnTelegram, telegram: Telegram) -> None:
    offered = await telegram.inline("keeper honestly")

    contents = [each["input_message_content"] for each in offered.results]
    assert len(contents) == 3
    for content in contents:
        [quote] = [each for each in content["entities"] if each["type"] == "blockquote"]
        assert marked(content["message_text"], quote).startswith("honestly")
    assert 0 < offered.cache_seconds <= 60


@pytest.mark.parametrize("query", ["", "nobody_at_all hello", "what is this?"])
async def test_inline_nothing_is_offered_for_what_is_no_persona(
    bot: BotOnTelegram, telegram: Telegram, query: str
) -> None:
    assert (await telegram.inline(query)).results == []
