"""Children that are asked something outside any job, real ones."""

import sys

import pytest

from bot.children import Children
from bot.errors import ChildFailed
from bot.progress import Board
from bot.worker import Worker


def obedient(verb: str) -> Worker:
    return Worker(verb, [sys.executable, "-m", "tests.bot.children.obedient"])


async def test_an_errand_is_answered_and_leaves_nothing_on_the_board() -> None:
    board = Board()
    asked = Children(obedient, board)
    assert await asked.errand("judge", {"do": "say", "text": "ahoy"}) == {"text": "ahoy"}
    await asked.errand("judge", {"do": "count", "steps": 3})
    with pytest.raises(ChildFailed):
        await asked.errand("judge", {"do": "exit", "code": 3})
    assert board._standings == {}
