"""The whole bot on a Discord: real discord.py, real children, every command."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.e2e.discord_house import LONG, House, open_house, service
from tests.servers.discord import Discord, Impossible, Message

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

DEFERRED = 5


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory, tiny_base: Path) -> AsyncIterator[House]:
    """One bot for all that only looks at what it made, and sets back what it set."""
    settings = {"limits__upload_mb": "1"}
    async with open_house(tmp_path_factory.mktemp("house"), tiny_base, settings, guilds=2, limit=50) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def training(house: House) -> tuple[str, Message]:
    """How @keeper's training was acknowledged, and its message once it is over."""
    message = await house.train("keeper", LONG)
    acknowledged = message.content
    return acknowledged, await house.shows(message, "is ready")


@pytest.fixture
def discord(house: House, training: tuple[str, Message]) -> Discord:
    """The server, with one persona: @keeper."""
    return house.discord


# Training.


async def test_a_training_is_one_message_from_the_line_to_the_result(
    house: House, training: tuple[str, Message]
) -> None:
    acknowledged, message = training
    assert acknowledged.startswith("Training @keeper now.")
    frames = [edit.content for edit in message.edits if "@keeper: " in edit.content]
    assert any("5,000 tweets − 0 retweets − 0 short − 0 duplicates and cut off = 5,000" in each for each in frames)
    assert all(edit.labels == ["Cancel"] for edit in message.edits[:-1])
    assert message.content.startswith("@keeper is ready (version 1).")
    assert message.content.count("\n> ") >= 3
    assert "AI-generated" in message.content
    assert list(message.buttons) == ["Tweet", "Card"]
    assert message.attachments[0].content.startswith(b"\x89PNG")
    assert [each for each in house.spoken() if "keeper is ready" in each.content] == [message]


async def test_a_bundled_person_is_trained_without_a_file_and_cancelled_by_its_button(
    house: House, discord: Discord
) -> None:
    message = await house.ask("train", people="@mara_bakes", channel="random")
    assert list(message.buttons) == ["Cancel"]
    refused = await house.press(message, "Cancel", user="member2")
    assert refused.ephemeral
    assert "Only who asked" in refused.content
    assert "is cancelled" in (await house.press(message, "Cancel")).content
    await house.shows(message, "nothing was published")
    assert message.buttons == {}


async def test_what_is_there_already_is_answered_at_once(house: House, discord: Discord) -> None:
    answer = await house.ask("train", people="keeper")
    assert "already here: version 1" in answer.content
    assert list(answer.buttons) == ["Tweet", "Train again"]


async def test_a_file_that_is_too_large_is_refused_before_it_is_fetched(house: House, discord: Discord) -> None:
    downloads = [line for line in discord.requests if "attachments" in line]
    answer = await house.ask("train", people="@big", file=("big.csv", b"x" * 1_000_001))
    assert answer.ephemeral
    assert "I take at most 1: send only its tweets.js or a CSV" in answer.content
    assert [line for line in discord.requests if "attachments" in line] == downloads


# Tweets.


async def test_tweet_is_deferred_at_once_and_answered_with_its_persona_mark_and_buttons(
    house: House, discord: Discord
) -> None:
    asked = await discord.slash("tweet", persona="@keeper", prompt="good morning", count=3)
    answer = await discord.answer(asked)
    assert asked.response == DEFERRED
    assert answer is asked.original
    assert "(@keeper)" in answer.content.splitlines()[0]
    assert answer.content.count("\n> good morning") == 3
    assert "AI-generated" in answer.content
    assert list(answer.buttons) == ["Another", "Card"]
    with pytest.raises(Impossible):
        await discord.slash("tweet", persona="@keeper", count=11)


async def test_another_and_card_are_new_messages(house: House, discord: Discord) -> None:
    answer = await house.ask("tweet", persona="@keeper", prompt="today")
    another = await house.press(answer, "Another", user="member2")
    assert another is not answer
    assert "\n> today" in another.content
    card = await house.press(answer, "Card")
    assert "AI BOT" in card.content
    assert card.attachments[0].name == "training.png"


async def test_an_unknown_persona_is_told_to_the_asker_alone(house: House, discord: Discord) -> None:
    answer = await house.ask("tweet", persona="@keepr")
    assert answer.ephemeral
    assert answer.content == "I have no persona @keepr. Did you mean @keeper?"
    assert [each.content for each in house.spoken() if each.loading] == []


async def test_a_mention_is_answered_in_the_persona_of_the_channel(house: House, discord: Discord) -> None:
    answer = await house.say("good morning", mention=True)
    assert "(@keeper)" in answer.content
    assert "\n> good morning" in answer.content
    assert discord.channels["general"] in discord.typing


async def test_a_mention_may_name_the_persona(house: House, discord: Discord) -> None:
    answer = await house.say("@keeper honestly", mention=True)
    assert "\n> honestly" in answer.content
    assert "keeper honestly" not in answer.content


async def test_a_reply_to_a_tweet_goes_on_from_it_even_when_its_words_are_not_readable(
    house: House, training: tuple[str, Message]
) -> None:
    for ping in (True, False):
        answer = await house.say("once again", reply_to=training[1], ping=ping)
        assert "(@keeper)" in answer.content
        assert answer.buttons["Another"].custom_id == ("/tweet @keeper once again" if ping else "/tweet @keeper")


async def test_other_bots_are_not_answered(house: House, discord: Discord) -> None:
    ignored = await discord.message("good morning", user="otherbot", mention=True)
    answered = await house.say("good morning", mention=True)
    assert house.replies(answered) == house.replies(ignored) == []


async def test_a_private_word_is_answered_without_a_mention(house: House, discord: Discord) -> None:
    asked = await discord.message("cannot believe", channel="dm")
    answer = await discord.until(lambda: next(iter(house.replies(asked)), None))
    assert "\n> cannot believe" in answer.content
    assert "(@keeper)" in (await house.ask("tweet", channel="dm")).content


# Who there is, and who speaks.


async def test_a_persona_is_completed_from_its_beginning_its_middle_and_with_slips(discord: Discord) -> None:
    for typed in ("kee", "@KEE", "eper", "kepeer", ""):
        offered = await discord.autocomplete("tweet", "persona", typed)
        assert ("@keeper", "keeper") in offered, typed
    assert await discord.autocomplete("tweet", "persona", "nobody at all") == []


async def test_personas_and_their_cards_are_shown_to_everybody(house: House, discord: Discord) -> None:
    listed = await house.ask("personas")
    assert ("@keeper · " in listed.content, listed.ephemeral) == (True, False)
    assert "Tweets downloaded: 5,000" in (await house.ask("persona", persona="@keeper")).content
    assert "No persona matches" in (await house.ask("personas", search="zzz")).content


async def test_use_is_for_one_channel(house: House, discord: Discord) -> None:
    await house.trained("other", channel="random-2", user="admin")
    try:
        assert "Which persona?" in (await house.ask("tweet", channel="general-2")).content
        answer = await house.ask("use", persona="@other", channel="random-2", user="admin")
        assert answer.content == "@other now speaks for me in this channel."
        assert "(@other)" in (await house.ask("tweet", channel="random-2")).content
        assert "Which persona?" in (await house.ask("tweet", channel="general-2")).content
    finally:
        await house.ask("models delete", persona="@other", sure=True, user="admin")


async def test_help_shows_the_commands_of_admins_to_admins_only(house: House, discord: Discord) -> None:
    assert "/models list" not in (await house.ask("help")).content
    assert "/models list" in (await house.ask("help", user="admin")).content


ADMIN: dict[str, dict[str, Any]] = {
    "models list": {}, "models info": {"persona": "@keeper"}, "models versions": {"persona": "@keeper"},
    "models rollback": {"persona": "@keeper"}, "models delete": {"persona": "@keeper", "sure": True},
    "models retrain": {"persona": "@keeper"}, "models pin": {"persona": "@keeper"},
    "models warm": {"persona": "@keeper"}, "jobs list": {}, "jobs cancel": {"job": "abc"}, "jobs retry": {"job": "abc"},
    "block": {"person": "@keeper", "sure": True}, "unblock": {"person": "@keeper"}, "limits": {}, "status": {},
    "use": {"persona": "@keeper"},
}  # fmt: skip


@pytest.mark.parametrize("command", ADMIN)
async def test_members_are_refused_what_is_for_admins(house: House, discord: Discord, command: str) -> None:
    answer = await house.ask(command, **ADMIN[command])
    assert answer.ephemeral
    assert answer.content == f"/{command} is for admins: ask one of them."


async def test_status_and_lists_are_for_the_admins_eyes(house: House, discord: Discord) -> None:
    for command, words in (
        ("status", "discord: connected as"),
        ("limits", "trainings: 5"),
        ("jobs list", "@keeper: done"),
        ("models list", "@keeper"),
    ):
        answer = await house.ask(command, user="admin")
        assert answer.ephemeral, command
        assert words in answer.content, command


# What changes something.


async def test_admins_manage_models(house: House, discord: Discord) -> None:
    async def models(command: str, **options: object) -> Message:
        return await house.ask(f"models {command}", persona="@goner", user="admin", channel="random", **options)

    await house.trained("goner", user="admin", channel="random")
    assert "1 (current)" in (await models("versions")).content
    assert "is in memory" in (await models("warm")).content
    assert "Versions: 1" in (await models("info")).content

    assert "is pinned" in (await models("pin")).content
    assert "is pinned" in (await models("delete", sure=True)).content
    assert "no longer pinned" in (await models("pin")).content
    question = await models("delete")
    assert question.ephemeral
    await _block_and_unblock(house)
    assert "no persona @goner" in (await house.press(question, "Delete", user="admin")).content


async def _block_and_unblock(house: House) -> None:
    question = await house.ask("block", person="@goner", user="admin", channel="random")
    assert "Deletes @goner too" in question.content
    done = await house.press(question, "Block", user="admin")
    assert done.content.startswith("@goner is forgotten: 1 persona, 1 set of tweets deleted")
    assert house.bot.files("models/goner/*") == house.bot.files("tweets/goner-*") == []
    refused = await house.train("goner", user="admin")
    assert refused.ephemeral
    assert refused.content == "@goner may not be imitated here: they asked for that, or an admin did."
    assert "may be trained again" in (await house.ask("unblock", person="@goner", user="admin")).content
    assert "not blocked" in (await house.ask("unblock", person="@goner", user="admin")).content


async def test_admins_cancel_and_retry_any_job(house: House, discord: Discord) -> None:
    message = await house.ask("train", people="@professor_gull", user="member2")
    job = message.content.split("job ")[1].rstrip(")")
    queue = await house.ask("queue")
    assert f"(job {job})" in queue.content
    assert "is cancelled" in (await house.ask("jobs cancel", job=job, user="admin")).content
    await house.shows(message, "nothing was published")
    again = await house.ask("jobs retry", job=job, user="admin")
    assert "in line again" in again.content
    assert "is cancelled" in (await house.ask("cancel", job=job, user="member2")).content
    await house.shows(again, "nothing was published")
    assert "under way" in (await house.ask("cancel", job="zzz")).content
    assert (await house.ask("queue")).content == "Nothing is being trained."


async def limit(house: House, setting: str, value: str, channel: str = "general") -> str:
    return (await house.ask("limits", setting=setting, value=value, user="admin", channel=channel)).content


async def test_a_member_who_asks_too_often_is_told_when_to_come_again(house: House, discord: Discord) -> None:
    assert await limit(house, "tweets", "1") == "tweets is now 1."
    try:
        await house.ask("tweet", user="member2")
        refused = await house.ask("tweet", user="member2")
        assert refused.ephemeral
        assert refused.content.startswith("That is more than 1 requests a minute: try again in ")
        assert "(@keeper)" in (await house.ask("tweet", user="member2", channel="general-2")).content
    finally:
        await limit(house, "tweets", "20")
    assert "a whole number" in await limit(house, "tweets", "many")


async def test_two_guilds_have_their_own_quotas(house: House, discord: Discord) -> None:
    await limit(house, "trainings", "1")
    try:
        refused = await house.train("keeper", 300)
        assert refused.content.startswith("You have used your training for today. The next is free in ")
        there = await house.train("elsewhere", LONG, channel="general-2")
        assert "@elsewhere" in there.content
        await house.press(there, "Cancel")
    finally:
        await limit(house, "trainings", "5")
    await limit(house, "all_trainings", "1")
    try:
        assert "All 1 trainings of today are used here" in (await house.train("keeper", 300, user="member2")).content
    finally:
        await limit(house, "all_trainings", "30")


async def test_admins_choose_the_channels_for_the_bot(house: House, discord: Discord) -> None:
    assert await limit(house, "channels", "here", channel="random") == (
        f"channels is now {discord.channels['random'].id}."
    )
    try:
        refused = await house.ask("tweet")
        assert refused.ephemeral
        assert "I do not speak in this channel" in refused.content
        ignored = await discord.message("today", mention=True)
        before = len(discord.typing)
        assert "(@keeper)" in (await house.say("today", channel="random", mention=True)).content
        assert house.replies(ignored) == []
        assert {each.name for each in discord.typing[before:]} == {"random"}
        assert "(@keeper)" in (await house.ask("tweet", channel="general-2")).content
    finally:
        assert await limit(house, "channels", "everywhere") == "channels is now everywhere."
    assert "(@keeper)" in (await house.ask("tweet")).content


# Starts of the bot.


async def test_after_a_restart_buttons_work_and_no_command_is_registered_again(house: House, discord: Discord) -> None:
    answer, fresh = [await house.ask("tweet", persona="@keeper", prompt=prompt) for prompt in ("x" * 90, "")]
    await house.bot.stop()
    await house.restart()
    assert discord.syncs == 1
    assert "(@keeper)" in (await house.press(answer, "Another")).content
    voted = await house.press(fresh, "👍")
    assert (voted.content, voted.ephemeral) == ("You like it: 👍 1.", True)


async def test_direct_messages_can_be_turned_off(tmp_path: Path, tiny_base: Path) -> None:
    async with open_house(tmp_path, tiny_base, {"discord__direct_messages": "false"}) as house:
        refused = await house.ask("personas", channel="dm")
        assert (refused.content, refused.ephemeral) == ("I answer in servers only.", True)
        assert "No personas yet" in (await house.ask("personas")).content


async def test_a_bad_token_ends_with_one_sentence(tmp_path: Path, tiny_base: Path) -> None:
    async with Discord() as discord:
        bot = service(discord, tmp_path, tiny_base, discord__token="MTAw.another.token")
        await bot.start()
        assert await bot.gone() == 1
    assert bot.log().count("Discord refuses the token: copy it again from the application's Bot page") == 1
    assert "Traceback" not in bot.log()
    assert "MTAw" not in bot.log()
