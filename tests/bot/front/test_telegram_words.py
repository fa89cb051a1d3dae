"""What a message of Telegram asks for."""

from datetime import UTC, datetime
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from telegram import Chat, Message, MessageEntity  # noqa: TID251  # what the front end reads and makes

from bot.commands import COMMANDS
from bot.front.telegram.words import command_line, mentions, words
from tests.servers.telegram.words import found_entities

ME = "mockingbird_bot"


def message(text: str, kind: Literal["private", "group"] = "group", caption: bool = False) -> Message:
    entities = [MessageEntity(each["type"], each["offset"], each["length"]) for each in found_entities(text)]
    said = {"caption": text, "caption_entities": entities} if caption else {"text": text, "entities": entities}
    return Message(1, datetime.now(UTC), Chat(1, kind), **said)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        ("/tweet @nasa the moon", "/tweet @nasa the moon"),
        ("/tweet@mockingbird_bot @nasa", "/tweet @nasa"),
        ("/Tweet@MOCKINGBIRD_bot  @nasa", "/tweet @nasa"),
        ("/tweet@other_bot @nasa", None),
        ("/tweet", "/tweet"),
        ("/tweet\n@nasa", "/tweet @nasa"),
        ("/models_list", "/models list"),
        ("/models list", "/models list"),
        ("/models_delete@mockingbird_bot @nasa", "/models delete @nasa"),
        ("/start", "/help"),
        ("say /tweet @nasa", None),
        ("/weather", None),
        ("/weather@mockingbird_bot", "/weather"),
        ("", None),
    ],
)
def test_a_command_is_read_as_people_type_it_in_groups(typed: str, line: str | None) -> None:
    assert command_line(message(typed), ME) == line
    assert command_line(message(typed, caption=True), ME) == line


def test_in_private_every_command_is_meant_for_the_bot() -> None:
    assert command_line(message("/weather today", "private"), ME) == "/weather today"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_can_be_chosen_from_the_menu(name: str) -> None:
    assert command_line(message(f"/{name.replace(' ', '_')}"), ME) == f"/{name}"


@given(st.text(max_size=20), st.text(max_size=20))
def test_a_mention_is_found_behind_whatever_stands_before_it(before: str, after: str) -> None:
    said = message(f"{before} @Mockingbird_Bot {after}")

    assert mentions(said, ME)
    assert words(said, ME) == " ".join(f"{before} {after}".split())


@pytest.mark.parametrize("name", ["@mockingbird_bot@server.tld", "@mockingbird_bot-x.example", "@a@mockingbird_bot.me"])
def test_a_handle_that_holds_our_name_is_left_whole(name: str) -> None:
    assert words(message(f"@mockingbird_bot {name} hello, @mockingbird_bot."), ME) == f"{name} hello, ."


@pytest.mark.parametrize("text", ["@mockingbird_bots", "mockingbird_bot", "a@mockingbird_bot", "@other_bot"])
def test_other_names_are_no_mention(text: str) -> None:
    assert not mentions(message(text), ME)
