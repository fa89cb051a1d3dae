"""How things are said."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import clock, text
from bot.commands.line import parse
from bot.domain import Job, JobState, Person, Training
from bot.errors import ChildFailed
from bot.progress import Standing
from trainer.protocol import FinetuneResult

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


def test_the_final_notice_ends_with_what_was_noted_while_reading_and_while_training() -> None:
    short = "Memory was short: batches of 4 instead of 16."
    metrics = {"seconds": 40.0, "held_out_loss": 3.25, "base_held_out_loss": 4.5}
    result = FinetuneResult("nasa/1", {"metrics": metrics}, ["liftoff", "a quiet moon"], notes=[short])
    job = Job("j1", Training("nasa", (Person("nasa", "digest"),)), JobState.DONE, "console:me", clock.now(), version=1)
    said = text.trained(job, result, ["1 tweet left out."])
    assert said.foot.splitlines() == ["🤖 AI-generated", "1 tweet left out.", short]
    assert "4.50 → 3.25" in said.text
    assert said.tweets == ("liftoff", "a quiet moon")


def job(training: Training, state: JobState = JobState.READY) -> Job:
    return Job("j1", training, state, "console:me", clock.now())


ASKED = Training(
    "mara", (Person("mara", "digest", "0.csv"),), base="/models/Big One", method="lora", seed=0, refresh=True
)
SAME = {"base": "/models/Big One", "method": "lora", "seed": "0", "source": "kept"}


def test_training_anyway_asks_for_the_same_on_the_tweets_that_were_read() -> None:
    error = ChildFailed("TooLittleText", "Little.", {"force": True})
    [button] = text.failed(job(ASKED), error).buttons
    assert parse(button.command)[1] == {"people": "@mara", "force": "true", **SAME}


def test_choosing_an_author_asks_for_the_same_on_the_tweets_that_were_read() -> None:
    error = ChildFailed("SeveralAuthors", "Which?", {"authors": ["ann", "bob"]})
    _, button = text.failed(job(ASKED), error).buttons
    assert parse(button.command)[1] == {"people": "@bob", **SAME}


def test_paying_asks_for_the_same() -> None:
    training = replace(ASKED, people=(Person("mara", "", source="x"),), force=True)
    [button] = text.confirm_price(training, 100, 2.0).buttons
    given = {**SAME, "people": "@mara", "force": "true", "refresh": "true", "sure": "true", "source": "x"}
    assert parse(button.command)[1] == given


@pytest.mark.parametrize(
    ("asked", "code", "words"),
    [
        (job(ASKED), -9, "choose a smaller base or method lora."),
        (job(ASKED), 1, "the log has the details: try again"),
        (job(ASKED), -11, "the log has the details: try again"),
        (job(ASKED, JobState.WAITING), -9, "the log has the details: try again"),
        (job(replace(ASKED, adopt="a/b")), -9, "the log has the details: try again"),
    ],
)
def test_a_child_that_died_is_told_of_with_what_to_do(asked: Job, code: int, words: str) -> None:
    assert words in text.failed(asked, ChildFailed("WorkerDied", "It died.", {"returncode": code})).text


@pytest.mark.parametrize(
    ("now", "acknowledged", "shown"),
    [
        (Standing(), "Training @mara now.", "@mara: starting"),
        (Standing(place=1), "@mara is in line: 1 job is before it.", "@mara: waiting in line, 1 before it"),
        (
            Standing(place=1, eta=9),
            "@mara is in line: 1 job is before it, begins soon.",
            "@mara: waiting in line, 1 before it, begins soon",
        ),
        (
            Standing(place=2, eta=120),
            "@mara is in line: 2 jobs are before it, begins in about 2 minutes.",
            "@mara: waiting in line, 2 before it, begins in about 2 minutes",
        ),
    ],
)
def test_acknowledgement_queue_and_frames_agree(now: Standing, acknowledged: str, shown: str) -> None:
    assert text.queued(job(ASKED), now).text == f"{acknowledged} (job j1)"
    assert text.standing("mara", now) == shown
    listed = shown.replace(f", {now.place} before it", "")
    assert text.queue([(job(ASKED), now)]).text == f"{now.place + 1}. {listed} (job j1)"
