"""Killed at any instant: nothing is lost, nothing is done twice, nothing is left lying about."""

import os
import signal
from pathlib import Path

import pytest

from tests.e2e.running import Event, RunningBot

CHECKPOINT = "work/*/training/checkpoint.pt"


async def trained_once(bot: RunningBot) -> Event:
    """Start again without a word, let it finish, and check that all is as if nothing had happened."""
    await bot.start("--as", "ann")
    assert await bot.end() == 0
    told = [event for event in bot.transcript() if event["kind"] == "reply"]
    assert [event["text"].splitlines()[0][:30] for event in told] == ["@keeper is ready (version 1). "]
    assert [path.name for path in bot.files("models/keeper/*")] == ["1"]
    assert bot.files("work/*") == bot.files("*.tmp") == []
    assert bot.children() == []
    return told[0]


async def test_a_bot_killed_or_told_to_stop_in_every_phase_finishes_the_job_once(
    bot: RunningBot, long_timeline: Path
) -> None:
    await bot.start("--as", "ann")
    await bot.answer(await bot.say(f"/train @keeper file:{long_timeline}"))
    long_timeline.unlink()  # what was acknowledged needs nothing of the asker any more

    await bot.kill()
    await bot.start()
    await bot.killed_at('"stage": "ingest"', '"stage": "train"')
    await bot.appears(CHECKPOINT)
    assert await bot.stop() == 128 + signal.SIGTERM
    assert bot.children() == []
    await bot.start()
    await bot.killed_at('"stage": "publish"')
    await bot.kill()

    assert "Resumed from step" in (await trained_once(bot))["text"]


async def test_a_killed_trainer_is_started_again_and_the_job_goes_on(bot: RunningBot, long_timeline: Path) -> None:
    await bot.start("--as", "ann")
    line = await bot.say(f"/train @keeper file:{long_timeline}")
    await bot.appears(CHECKPOINT)

    [trainer] = bot.children("finetune")
    os.kill(trainer, signal.SIGKILL)

    done = await bot.final(line)
    assert "is ready" in done["text"]
    assert "Resumed from step" in done["text"]
    assert await bot.end() == 0
    assert [path.name for path in bot.files("models/keeper/*")] == ["1"]


@pytest.mark.usefixtures("keeper")
async def test_tweets_in_flight_survive_a_killed_generator(bot: RunningBot) -> None:
    await bot.start("--as", "ann")
    await bot.ask("/tweet @keeper")
    [generator] = bot.children("generate")
    lines = [await bot.say(f"/tweet @keeper good morning count:10 seed:{seed}") for seed in range(6)]

    os.kill(generator, signal.SIGKILL)

    for line in lines:
        answer = await bot.final(line)
        assert answer["kind"] == "reply", answer
    assert bot.children("generate") != [generator]
    assert await bot.end() == 0
