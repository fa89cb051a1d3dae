"""Discord and Telegram in one process: they share what is trained, and neither takes the other down."""

from pathlib import Path

from tests.e2e.on_telegram import AIOHTTP_WARNS, on_telegram
from tests.servers.discord import Discord
from tests.servers.telegram import Telegram

pytestmark = AIOHTTP_WARNS


async def test_one_training_is_told_on_both_platforms_and_the_end_of_one_does_not_reach_the_other(
    tmp_path: Path, tiny_base: Path, timeline: Path
) -> None:
    async with Telegram(pace=1e6) as telegram, Discord(limit=10_000) as discord:
        settings = {
            "discord__token": discord.token,
            "discord__api_url": discord.api_url,
            "discord__gateway_url": discord.gateway_url,
        }
        async with on_telegram(telegram, tmp_path / "data", tiny_base, **settings) as bot:
            await discord.ready()
            file = timeline.name, timeline.read_bytes()
            asked = await discord.slash("train", people="@keeper", file=file)
            there = await discord.answer(asked)
            here = await bot.train("keeper", timeline)
            assert here.buttons["Cancel"] == f"/cancel {there.content.rpartition('job ')[2][:6]}"

            notice = await bot.notice("keeper")
            await discord.until(lambda: "is ready" in there.content)
            assert notice.photo
            assert [path.name for path in bot.files("models/keeper/*")] == ["1"]
            assert "the sea" in (await discord.answer(await discord.slash("tweet", prompt="the sea"))).content
            assert discord.violations == []

            await discord.__aexit__()

            assert "the sea" in (await bot.ask("/tweet @keeper the sea")).text
            assert (await bot.ask("/queue")).text == "Nothing is being trained."
