"""After somebody asked to be forgotten, a search of the whole data folder finds the receipt and nothing else."""

import gzip
import re
import sqlite3
from collections.abc import AsyncIterator, Iterable
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.running import Event, RunningBot
from tests.servers import bluesky
from tests.trainer.conftest import invented_tweets

PERSON = "my-mara.example"
CYBORG = f"{PERSON}+professor_gull"


def found(bot: RunningBot, words: Iterable[str]) -> dict[str, int]:
    """How often any of the words stands in each file's name or raw or unpacked content, whatever their case."""
    wanted = re.compile(b"|".join(re.escape(each.encode()) for each in words), re.IGNORECASE)
    counts = {}
    for path in bot.files("*"):
        content = path.read_bytes() if path.is_file() else b""
        if content.startswith(b"\x1f\x8b"):
            content += gzip.decompress(content)
        counts[path.relative_to(bot.data).as_posix()] = len(wanted.findall(content + str(path.name).encode()))
    return {name: count for name, count in counts.items() if count}


def blocked(bot: RunningBot) -> list[str]:
    with closing(sqlite3.connect(bot.data / "mockingbird.db")) as store:
        return [row[0] for row in store.execute("SELECT handle FROM blocked")]


def generated(*events: Event) -> list[str]:
    """What was said in a voice: all lines but the first and the small print."""
    return [line for event in events for line in event["text"].splitlines()[1:-1] if len(line) > 15]


@pytest.fixture
async def server() -> AsyncIterator[bluesky.Bluesky]:
    """The person is there."""
    posts = [bluesky.post(at, text) for at, text in enumerate(invented_tweets(230, seed=2))]
    async with bluesky.Bluesky(*posts[::-1], handle=PERSON) as served:
        yield served


@pytest.fixture
async def known_bot(server: bluesky.Bluesky, keeper: Path, tiny_base: Path) -> AsyncIterator[RunningBot]:
    """A bot that has @keeper, and whose Bluesky is the server."""
    running = RunningBot(keeper, tiny_base, bluesky__api_url=server.url)
    yield running
    await running.stop()
    assert running.children() == []


async def test_whoever_proves_a_handle_is_forgotten_and_others_stay(
    known_bot: RunningBot, server: bluesky.Bluesky, timeline: Path
) -> None:
    bot, texts = known_bot, invented_tweets(230, seed=2)
    (bot.data / "history").write_text(f"\n# 2026-01-01\n+/train @{PERSON}\n\n# 2026-01-01\n+/queue\n")
    await bot.start("--as", "ann", "--admin")
    cyborg = await bot.ask(f"/train @{PERSON} @professor_gull")
    assert "is ready" in cyborg["text"]
    tweet = await bot.ask(f"/tweet @{CYBORG} count:5 seed:1")
    await bot.ask(f"/models export @{CYBORG}")
    await bot.ask(f"/use @{CYBORG}")
    await bot.ask(f"/train @{PERSON} method:nonsense")
    traces = [PERSON, *texts, *generated(cyborg, tweet)]
    assert {"mockingbird.log", "console.jsonl", "history"} <= set(found(bot, traces))
    assert await bot.end() == 0
    assert "mockingbird.db" in found(bot, traces)

    await bot.start("--as", "mara")
    liked = await bot.ask(f"/tweet @{CYBORG}")
    [press] = [button["command"] for button in liked["buttons"] if button["label"] == "👍"]
    assert (await bot.ask(press))["text"] == "You like it: 👍 1."
    traces += generated(liked)
    asked = await bot.ask(f"/optout @{PERSON}")
    [code] = re.findall(r"mockingbird-\w+", asked["text"])
    [check] = [button["command"] for button in asked["buttons"] if button["label"] == "Check"]
    assert f"does not say {code} yet" in (await bot.ask(check))["text"]
    server.profile["description"] = f"baker. {code}"
    [generator] = bot.children("generate")

    receipt = await bot.ask(check)

    assert receipt["text"].startswith(f"@{PERSON} is forgotten: 1 persona, 1 set of tweets and what 1 source gave")
    assert found(bot, traces) == {"mockingbird.db": 1}
    assert blocked(bot) == [PERSON]
    assert "no longer know that tweet" in (await bot.ask(press))["text"]
    assert "I have no persona" in (await bot.ask(f"/tweet @{CYBORG}"))["text"]
    assert bot.children("generate") == [generator]
    assert "@keeper" in (await bot.ask("/tweet @keeper"))["text"]
    for line in (f"/train @{PERSON}", f"/train @professor_gull @{PERSON}", f"/train @{PERSON} file:{timeline}"):
        assert "may not be imitated here" in (await bot.ask(line))["text"]
    assert await bot.end() == 0
    assert [path.name for path in bot.files("models/*")] == ["keeper"]


async def test_somebody_blocked_in_the_middle_of_a_training_is_forgotten_too(
    bot: RunningBot, long_timeline: Path
) -> None:
    await bot.start("--as", "ann", "--admin")
    line = await bot.say(f"/train @keeper_k file:{long_timeline}")
    await bot.until(lambda event: event["final"] or bool(bot.files("work/*/training/checkpoint.pt")))
    question = await bot.ask("/block @keeper_k")
    [press] = [button["command"] for button in question["buttons"]]

    assert "@keeper_k is forgotten: 0 personas, 1 set of tweets" in (await bot.ask(press))["text"]

    assert "nothing was published" in (await bot.final(line))["text"]
    assert await bot.end() == 0
    assert found(bot, ["keeper_k", *invented_tweets(300)]) == {"mockingbird.db": 1}
    assert bot.files("work/*") == bot.files("tweets/*") == bot.files("models/*") == []


async def test_without_a_proof_nobody_but_an_admin_has_others_forgotten(bot: RunningBot) -> None:
    await bot.start("--as", "bob")
    assert "ask an admin to use /block @someone_else" in (await bot.ask("/optout @someone_else"))["text"]
    assert "ask an admin" in (await bot.ask("/optout @someone_else sure:true"))["text"]
    assert await bot.end() == 0
    assert blocked(bot) == []
