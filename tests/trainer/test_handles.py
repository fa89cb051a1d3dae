"""Handles of all networks, and names of personas that tell who is in them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.handles import HANDLE, people_of, persona_name

HANDLES = ["a", "a_b", "b.example", "a-b.example", "my-name.bsky.social", "a@b.example", "a-b@c-d.example", "ann.smith"]


@pytest.mark.parametrize(
    "handle",
    [*HANDLES, "nasa", "_", "8.cn", "xn--ls8h.test", "jay-1.bsky.social", "user_name.x@mastodon.social", "a" * 200],
)
def test_a_handle_of_any_network_is_one(handle: str) -> None:
    assert HANDLE.fullmatch(handle)


@pytest.mark.parametrize(
    "text",
    ["", "a-b", "-a.example", "a-.example", "a..b", ".a", "a.", "a@b", "@a.b", "a@-b.example", "a@b_c.example",
     "a-@b.example", "a+b", "a/b.example", f"{'a' * 64}-b.example", "a-b.8", "a@127.0.0.1", "é.example", "a b"],
)  # fmt: skip
def test_what_no_network_takes_is_no_handle(text: str) -> None:
    assert not HANDLE.fullmatch(text)


def test_the_same_people_in_any_order_are_the_same_persona() -> None:
    assert persona_name(("b", "a", "b")) == persona_name(("a", "b")) == "a-b"


def test_people_whose_handles_may_have_hyphens_are_joined_by_what_no_handle_has() -> None:
    assert persona_name(["a-b.example"]) == "a-b.example"
    assert persona_name(["b.example", "a"]) == "a+b.example"


@given(st.sets(st.sampled_from(HANDLES) | st.from_regex(HANDLE, fullmatch=True), min_size=1, max_size=8))
def test_a_personas_name_tells_its_people(people: set[str]) -> None:
    assert people_of(persona_name(people)) == sorted(people)
