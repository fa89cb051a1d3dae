"""Lines that people type."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.commands.line import parse
from bot.commands.table import COMMANDS
from bot.errors import BadOption, MockingbirdError, UnknownCommand


@pytest.mark.parametrize(
    ("line", "name", "given"),
    [
        ("/train @a", "train", {"people": "@a"}),
        ("/train nasa", "train", {"people": "nasa"}),
        ("/train @a @b @c tweets.csv", "train", {"people": "@a @b @c", "file": "tweets.csv"}),
        ("/train @a file:x.csv seed:3", "train", {"people": "@a", "file": "x.csv", "seed": "3"}),
        ('/train @a "my tweets.csv" kept', "train", {"people": "@a", "file": "my tweets.csv", "source": "kept"}),
        ('/train @a file:"my tweets.csv"', "train", {"people": "@a", "file": "my tweets.csv"}),
        ("/tweet @nasa the moon is", "tweet", {"persona": "@nasa", "prompt": "the moon is"}),
        ("/train @my-name.bsky.social @user-name@server.tld seed:3", "train",
         {"people": "@my-name.bsky.social @user-name@server.tld", "seed": "3"}),
        ("/tweet @a-b.example+c@d.example as:@a-b.example hi", "tweet",
         {"persona": "@a-b.example+c@d.example", "as": "@a-b.example", "prompt": "hi"}),
        ("/tweet the moon is", "tweet", {"prompt": "the moon is"}),
        ("/tweet @nasa what count:3 a day", "tweet", {"persona": "@nasa", "prompt": "what  a day", "count": "3"}),
        ("/tweet see: https://x.org/count:3", "tweet", {"prompt": "see: https://x.org/count:3"}),
        ("/tweet note: this", "tweet", {"prompt": "note: this"}),
        ("/TWEET hello", "tweet", {"prompt": "hello"}),
        ("/models delete @a 2", "models delete", {"persona": "@a", "version": "2"}),
        ("/models list", "models list", {}),
        ("  /queue  ", "queue", {}),
    ],
)  # fmt: skip
def test_a_line_gives_options_by_place_or_by_name(line: str, name: str, given: dict[str, str]) -> None:
    command, found = parse(line)
    assert command.name == name
    assert {key: " ".join(value.split()) for key, value in found.items()} == {
        key: " ".join(value.split()) for key, value in given.items()
    }


def test_an_unknown_command_names_the_nearest() -> None:
    with pytest.raises(UnknownCommand, match=r"Did you mean /train\?"):
        parse("/trian @a")


def test_half_of_a_two_word_command_is_unknown_with_its_kin() -> None:
    with pytest.raises(UnknownCommand, match="/models"):
        parse("/models lits")


def test_words_that_no_option_takes_are_refused() -> None:
    with pytest.raises(BadOption, match="only this: /queue"):
        parse("/queue now please")


@given(st.sampled_from(sorted(COMMANDS)), st.text(max_size=60))
def test_any_line_is_understood_or_refused(name: str, rest: str) -> None:
    with suppress(MockingbirdError):
        command, options = parse(f"/{name} {rest}")
        assert set(options) <= {option.name for option in command.options}
