"""How things are said."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import clock, text
from bot.progress import Standing

NOW = Standing(stage="train", fraction=0.5, step=50, steps=100, loss=3.25, held_out=3.5, eta=61, losses=(5.0, 4.0, 3.0))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "1 second"), (1, "1 second"), (59, "59 seconds"), (60, "1 minute"), (89, "1 minute"), (3000, "50 minutes"),
     (5400, "2 hours"), (86400 * 3, "3 days")],
)  # fmt: skip
def test_a_duration_has_one_unit(seconds: float, words: str) -> None:
    assert clock.duration(seconds) == words


def test_a_moment_is_told_from_now() -> None:
    assert clock.relative(clock.now() + timedelta(hours=3, seconds=1)) == "in 3 hours"
    assert clock.relative(clock.now() - timedelta(days=2)) == "2 days ago"
    assert clock.relative(clock.now()) == "just now"


@given(st.floats(0, 1))
def test_a_bar_is_always_as_wide(fraction: float) -> None:
    assert len(text.bar(fraction)) == 16


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=100))
def test_a_sparkline_draws_any_losses(values: list[float]) -> None:
    line = text.sparkline(values)
    assert len(line) == min(len(values), 16)
    assert set(line) <= set(text.BLOCKS)


def test_a_falling_loss_falls() -> None:
    assert text.sparkline([3.0, 2.0, 1.0]) == "█▅▁"


def test_a_frame_of_training_tells_step_losses_and_time_left() -> None:
    counts = {"downloaded": 1_000, "retweets": 100, "short": 10, "dropped": 1, "kept": 889}
    frame = text.standing("nasa", replace(NOW, counts={"nasa": counts}))
    for words in ("@nasa: training", "1 minute left", "50/100", "loss 3.25", "unseen 3.50", "1,000 tweets", "= 889"):
        assert words in frame


def test_a_job_in_line_tells_how_many_come_first() -> None:
    assert "2 before it" in text.standing("nasa", Standing(place=2))
