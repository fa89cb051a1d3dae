"""The board: latest wins, and nobody waits for a job that is over."""

import asyncio

import pytest

from bot.progress import Board, Standing, lined_up
from trainer.protocol import Progress


async def test_a_slow_reader_sees_the_latest_standing_only() -> None:
    board = Board()
    following = board.follow("job")
    first = asyncio.ensure_future(anext(following))
    await asyncio.sleep(0)
    board.post("job", Standing(step=1))
    assert (await first).step == 1
    for step in (2, 3, 4):
        board.post("job", Standing(step=step))
    assert (await anext(following)).step == 4


@pytest.mark.parametrize("standings", [[], [Standing(step=1)]])
async def test_following_ends_with_the_job(standings: list[Standing]) -> None:
    board = Board()
    for standing in standings:
        board.post("job", standing)

    async def follow() -> list[Standing]:
        return [standing async for standing in board.follow("job")]

    following = asyncio.ensure_future(follow())
    await asyncio.sleep(0)
    board.forget("job")
    assert await following == standings


async def test_a_reader_who_was_busy_when_the_job_ended_is_let_go() -> None:
    board = Board()
    board.post("job", Standing(step=1))
    following = board.follow("job")
    await anext(following)
    board.forget("job")
    assert [standing async for standing in following] == []


def test_a_standing_keeps_what_an_event_does_not_tell() -> None:
    standing = Standing(counts={"a": {"kept": 1}}, held_out=3.0, losses=(4.0,))
    after = standing.after(Progress("1", "train", step=5, steps=10, loss=3.5))
    assert (after.fraction, after.held_out, after.losses, after.counts) == (0.5, 3.0, (4.0, 3.5), standing.counts)


@pytest.mark.parametrize(
    ("first", "typical", "turns"),
    [
        (Standing("train", eta=20.0), 100.0, [20.0, None, 220.0]),
        (Standing("train", eta=20.0), None, [20.0, None, None]),
        (Standing("load"), 100.0, [100.0, None, 300.0]),
        (Standing("load"), None, [None, None, None]),
        (Standing("wait", eta=900.0), 100.0, [100.0, None, 300.0]),
        (Standing("publish"), 100.0, [0.0, None, 200.0]),
    ],
)
def test_a_turn_comes_after_what_the_first_has_left_and_a_typical_training_for_each_other(
    first: Standing, typical: float | None, turns: list[float | None]
) -> None:
    placed = lined_up([first, Standing(), Standing("ingest"), Standing()], typical)
    assert [each.place for each in placed] == [0, 1, 2, 3]
    assert placed[0] == first
    assert [each.eta for each in placed[1:]] == turns


def test_who_comes_first_waits_for_nobody() -> None:
    assert lined_up([Standing(place=3, eta=50.0)], 100.0) == [Standing()]
