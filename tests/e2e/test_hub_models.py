"""Models from a hub on this machine become personas, and personas go there: by the whole bot and the real client."""

import zipfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.e2e.running import RunningBot
from tests.servers.hub import Hub
from tests.trainer.old_models import IN_HTML, IN_MARKDOWN, ONE_IN_2020, continued, write_old_model

TOKEN = "hf_tokenOfAnna"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """It lets the bot's token write for anna; the bot has a home of its own."""
    with Hub(tmp_path / "hub") as served:
        served.tokens = {TOKEN: "anna"}
        for name, value in {"HF_ENDPOINT": served.url, "HF_HOME": str(tmp_path / "home"), "HF_TOKEN": TOKEN}.items():
            monkeypatch.setenv(name, value)
        yield served
        assert served.unknown == []


@pytest.fixture
async def bot(hub: Hub, tmp_path: Path, tiny_base: Path) -> AsyncIterator[RunningBot]:
    """Made when the hub is known, so that its environment names it."""
    running = RunningBot(tmp_path / "data", tiny_base)
    yield running
    await running.stop()
    assert running.children() == []


async def test_old_models_are_imported_shown_and_tweeted_from(bot: RunningBot, hub: Hub, tiny_base: Path) -> None:
    write_old_model(hub.folder / "huggingtweets" / "bo_buoy-anna_anchor", tiny_base)
    write_old_model(hub.folder / "huggingtweets" / "ferry_fern", tiny_base, ONE_IN_2020 + IN_HTML)
    await bot.start("--as", "ann", "--admin")
    with hub.stalled("pytorch_model.bin"):
        line = await bot.say("/models import huggingtweets/bo_buoy-anna_anchor")
        await bot.stage(line, "@anna_anchor-bo_buoy: downloading the model")
        second = await bot.say("/models import huggingtweets/ferry_fern")
    assert "It comes from huggingtweets/bo_buoy-anna_anchor." in (await bot.final(line))["text"]
    assert "is ready (version 1)" in (await bot.final(second))["text"]

    tweets = await bot.ask("/tweet @ferry_fern My dream is count:2 seed:1")
    assert tweets["text"].count("My dream is") == 2
    both = (await bot.ask("/persona @anna_anchor-bo_buoy"))["text"]
    assert "Anna & her Anchor & Bo 🛟 🤖 AI CYBORG 🤖" in both
    assert "@anna_anchor:\n  Tweets downloaded: 3,200\n  Retweets: 700" in both
    assert "@bo_buoy:\n  Tweets downloaded: 900" in both
    alone = await bot.ask("/persona @ferry_fern")
    assert "Tweets kept: 1,000" in alone["text"]
    assert Path(alone["picture"]).exists()
    assert "1 (current)" in (await bot.ask("/models versions @ferry_fern"))["text"]
    assert "huggingtweets/ferry_fern" in (await bot.ask("/models info @ferry_fern"))["text"]
    assert "already here" in (await bot.ask("/train @ferry_fern"))["text"]
    nobody = await bot.ask("/models import huggingtweets/nobody")
    assert nobody["kind"] == "error"
    assert "The hub has no model 'huggingtweets/nobody', or keeps it private" in nobody["text"]
    assert await bot.end() == 0
    assert bot.files("work/*") == []


async def test_an_import_that_was_killed_goes_on_and_publishes_once(bot: RunningBot, hub: Hub, tiny_base: Path) -> None:
    write_old_model(hub.folder / "huggingtweets" / "ferry_fern", tiny_base, ONE_IN_2020 + IN_MARKDOWN)
    await bot.start("--as", "ann", "--admin")
    with hub.stalled("pytorch_model.bin"):
        line = await bot.say("/models import huggingtweets/ferry_fern")
        await bot.stage(line, "downloading")
        await bot.kill()

    await bot.start("--as", "ann")

    assert await bot.end() == 0
    [told] = bot.transcript()
    assert "@ferry_fern is ready (version 1)" in told["text"]
    assert [path.name for path in bot.files("models/ferry_fern/*")] == ["1"]
    assert bot.files("work/*") == bot.files("*.tmp") == []
    assert bot.children() == []


async def test_a_persona_is_exported_as_folder_and_zip_and_published_privately(
    bot: RunningBot, hub: Hub, tmp_path: Path, tiny_base: Path
) -> None:
    write_old_model(tmp_path / "old", tiny_base, ONE_IN_2020)
    await bot.start("--as", "ann", "--admin")
    assert "is ready" in (await bot.ask(f"/models import {tmp_path / 'old'} @fern"))["text"]

    folder = bot.data / "exports" / "fern-1"
    assert str(folder) in (await bot.ask("/models export @fern"))["text"]
    assert f"{folder}.zip" in (await bot.ask("/models export @fern zip:true"))["text"]
    assert str(folder) in (await bot.ask("/models export @fern"))["text"], "a second export replaces the first"
    with zipfile.ZipFile(f"{folder}.zip") as packed:
        packed.extractall(tmp_path / "unpacked")
    for place in (folder, *(path.parent for path in (tmp_path / "unpacked").rglob("config.json"))):
        assert continued(place, "My dream is").startswith("My dream is")

    shared = await bot.ask("/models publish @fern anna/fern-bot")
    assert shared["text"] == f"@fern is at {hub.url}/anna/fern-bot, for your eyes only."
    assert hub.private == {"anna/fern-bot"}
    assert {"README.md", "config.json", "model.safetensors"} <= set(hub.files("anna/fern-bot"))
    refused = await bot.ask("/models publish @fern somebody/else")
    assert "may not write to 'somebody/else'" in refused["text"]
    assert await bot.stop()
    await bot.start("--as", "bob")
    for line in ("/models import huggingtweets/x", "/models export @fern", "/models publish @fern anna/mine"):
        assert "is for admins" in (await bot.ask(line))["text"]
    assert await bot.end() == 0
    assert [path for path in bot.files("*") if path.is_file() and TOKEN.encode() in path.read_bytes()] == []
