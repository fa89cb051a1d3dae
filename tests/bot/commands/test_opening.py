"""Questions are answered, not echoed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.commands.opening import opening


@pytest.mark.parametrize(
    ("words", "begins"),
    [
        ("what do you think about mondays", "mondays"),
        ("What do you think about the moon?", "the moon"),
        ("tell me about your favourite bread please", "your favourite bread"),
        ("do you like pigeons?", "pigeons"),
        ("¿qué piensas de los lunes?", "lunes"),
        ("why?", ""),
        ("what do you think about it", ""),
        ("the moon is", "the moon is"),
        ("", ""),
    ],
)
def test_an_answer_begins_with_what_the_question_is_about(words: str, begins: str) -> None:
    assert opening(words) == begins


@given(st.text(max_size=300))
def test_an_opening_is_part_of_what_was_said(words: str) -> None:
    assert " ".join(opening(words).split()) in " ".join(words.split())
