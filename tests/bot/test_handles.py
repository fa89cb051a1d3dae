"""Names of people in any text."""

import pytest

from bot.handles import named


@pytest.mark.parametrize("text", ["@mara", "/tweet @a-mara x", "MARA.", "data/models/mara/1", '{"handle": "mara"}'])
def test_a_handle_is_found_wherever_it_stands(text: str) -> None:
    assert named(text, "mara")


@pytest.mark.parametrize("text", ["@mara_bakes", "amara", "tamara's", "mar a", ""])
def test_a_handle_is_not_found_in_a_longer_one(text: str) -> None:
    assert not named(text, "mara")
