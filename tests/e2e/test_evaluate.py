"""Judging a persona, by the whole bot and its real children."""

from pathlib import Path

from tests.e2e.conftest import write_timeline
from tests.e2e.running import RunningBot
from tests.e2e.test_cli import mockingbird


async def test_an_admin_hears_how_good_a_persona_is_and_nobody_else(bot: RunningBot, timeline: Path) -> None:
    await bot.start()
    await bot.ask(f"/train @keeper file:{timeline}")
    refused = await bot.ask("/evaluate @keeper")
    assert refused["kind"] == "error"
    await bot.end()
    await bot.start("--admin")
    told = (await bot.ask("/evaluate @keeper"))["text"]
    for words in ("@keeper, version 1", "nats a character", "Copies of a real tweet", "Distinct pairs", "median"):
        assert words in told
    assert (await bot.ask("/evaluate @nobody"))["kind"] == "error"
    await bot.end()


async def test_a_persona_is_evaluated_from_the_shell(tmp_path: Path, tiny_base: Path) -> None:
    data, timeline = ("--data", str(tmp_path / "data")), write_timeline(tmp_path / "keeper.csv", 250)
    await mockingbird("train", "keeper", "--file", str(timeline), "--base", str(tiny_base), *data)
    code, out, _ = await mockingbird("evaluate", "keeper", *data)
    assert (code, "nats a character" in out) == (0, True)
