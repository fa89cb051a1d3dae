"""What options accept, and how they refuse."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.commands.options import Kind, Spec
from bot.errors import BadHandle, BadOption
from bot.handles import handle


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("@NASA", "nasa"), (" nasa ", "nasa"), ("@My-name.bsky.social", "my-name.bsky.social"),
        ("@x@mastodon.org", "x@mastodon.org"), ("@User-name.x@my-server.tld", "user-name.x@my-server.tld"),
    ],
)  # fmt: skip
def test_a_handle_loses_one_at_sign_and_its_capitals(typed: str, name: str) -> None:
    assert handle(typed) == name


@pytest.mark.parametrize(
    "typed", ["", "@", "@@a", "../etc", "a/b", "a b", "@é", "-", "a..b", "x" * 254, "a\nb", ".", "..", "a-b", "a+b"]
)
def test_what_could_harm_a_path_or_is_no_name_is_no_handle(typed: str) -> None:
    with pytest.raises(BadHandle):
        handle(typed)


@given(st.text(max_size=80))
def test_every_accepted_handle_is_a_harmless_file_name(typed: str) -> None:
    try:
        name = handle(typed)
    except BadHandle:
        return
    assert name
    assert name.strip("._-abcdefghijklmnopqrstuvwxyz0123456789@") == ""
    assert not name.startswith((".", "-"))


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("@B-a", "a-b"), ("a-b.example", "a-b.example"), ("@c-d@e.example+A-b.example", "a-b.example+c-d@e.example"),
        ("a+b", "a-b"), ("", ""),
    ],
)  # fmt: skip
def test_a_persona_is_found_whatever_the_order_of_its_people(typed: str, name: str) -> None:
    assert Spec(Kind.PERSONA, "").read("persona", typed) == name


@pytest.mark.parametrize("typed", ["0", "11", "two", "1.5", "", "1e1", "-1"])
def test_a_count_out_of_bounds_says_what_would_do(typed: str) -> None:
    with pytest.raises(BadOption, match="a whole number from 1 to 10"):
        Spec(Kind.WHOLE, "", 1, 10).read("count", typed)


@pytest.mark.parametrize("typed", ["nan", "inf", "-inf", "2.1", "hot"])
def test_a_temperature_must_be_a_number_within_bounds(typed: str) -> None:
    with pytest.raises(BadOption, match=r"a number from 0\.1 to 2"):
        Spec(Kind.DECIMAL, "", 0.1, 2.0).read("temperature", typed)


def test_a_choice_names_the_choices() -> None:
    with pytest.raises(BadOption, match="full or lora"):
        Spec(Kind.WORD, "", choices=("full", "lora")).read("method", "qlora")
