import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer import wording

END = "<|endoftext|>"


@given(st.text(st.characters(exclude_categories=[])))  # lone surrogates too
def test_a_clean_text_is_one_line_without_controls_and_stays_as_it_is(text: str) -> None:
    clean = wording.clean(text)
    assert clean == wording.clean(clean) == clean.strip()
    assert not {unicodedata.category(character) for character in clean} & {"Cc", "Cs"}
    assert len(clean.splitlines()) <= 1
    clean.encode()


@given(st.text(), st.integers(1, 40))
def test_a_shortened_text_is_a_beginning_of_the_text_within_the_limit(text: str, longest: int) -> None:
    clean = wording.clean(text)
    short = wording.shorten(clean, longest)
    assert len(short) <= longest
    assert clean.startswith(short)


def test_a_text_is_cut_after_a_word() -> None:
    text = "the ferry is late " * 20
    assert wording.shorten(text.strip()) == ("the ferry is late " * 15 + "the ferry").strip()
    assert wording.shorten("the ferry is late", 9) == "the ferry"
    assert wording.shorten("the ferry is late", 14) == "the ferry is"


@pytest.mark.parametrize("character", ["👩‍👩‍👧‍👦", "🇳🇴", "👍🏽", "e\u0301", "กำ"])
def test_no_character_is_cut_in_half_where_there_are_no_spaces(character: str) -> None:
    for extra in range(3):
        short = wording.shorten("x" * extra + character * 150)
        assert len(short) > 280 - len(character)
        assert short == "x" * extra + character * ((280 - extra) // len(character))


def test_a_broken_off_word_is_dropped_only_where_much_remains() -> None:
    assert wording.drop_last_word("the ferry is la") == "the ferry is"
    assert wording.drop_last_word("港 今日は港でとても大きなカモメ") == "港 今日は港でとても大きなカモメ"
    assert wording.drop_last_word("") == ""


def test_special_tokens_go_even_when_they_appear_only_by_their_removal() -> None:
    assert wording.without(f"a{END}b<|endof{END}text|>c", [END]) == "abc"
    assert wording.without("abc", [""]) == "abc"


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r", "\u2028", "\x85"])
def test_the_first_line_ends_at_any_newline(newline: str) -> None:
    assert wording.first_line(f"one{newline}two") == "one"
    assert wording.first_line("") == ""
