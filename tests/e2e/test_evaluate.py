"""Judging a persona, by the whole bot and its real children."""

from pathlib import Path

import pytest

from tests.e2e.running import RunningBot
from tests.e2e.test_cli import mockingbird


@pytest.mark.usefixtures("keeper")
async def test_an_admin_hears_how_good_a_persona_is_and_nobody_else(bot: RunningBot) -> None:
    await bot.start()
    refused = await bot.ask("/evaluate @keeper")
    assert refused["kind"] == "error"
    await bot.end()
    await bot.start("--admin")
    told = (await bot.ask("/evaluate @keeper"))["text"]
    for words in ("@keeper, version 1", "nats a character", "Copies of a real tweet", "Distinct pairs", "median"):
        assert words in told
    assert (await bot.ask("/evaluate @nobody"))["kind"] == "error"
    await bot.end()


async def test_a_persona_is_evaluated_from_the_shell(keeper: Path) -> None:
    code, out, _ = await mockingbird("evaluate", "keeper", "--data", str(keeper))
    assert (code, "nats a character" in out) == (0, True)
