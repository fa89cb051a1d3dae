"""64 users of Discord at once while the bot trains: ``python -m benchmarks.crowd_discord``.

Half of them send ``/tweet``, half mention the bot, each in a channel where nobody else mentions it, since Discord takes
5 messages in 5 s there. The server is local and keeps Discord's rules; the bot is the real program with real children
and the bundled base. Prints how soon each user got a first response (the deferral of a command, the typing sign of a
mention), how soon the tweet, what was lost or doubled, and how late the bot's event loop was meanwhile, which a task
inside its process measures every 10 ms.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from asyncio.subprocess import DEVNULL
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.discord_house import House
from tests.e2e.running import RunningService
from tests.servers.discord import Discord
from tests.servers.discord.things import User

USERS = 64

PROBED = """
import asyncio, json, sys, time
from bot import app
from bot.__main__ import main

path, serve = sys.argv.pop(), app.serve

async def measure(lags):
    while True:
        before = time.monotonic()
        await asyncio.sleep(0.01)
        lags.append((before, time.monotonic() - before - 0.01))

async def measured(services):
    lags = []
    measuring = asyncio.create_task(measure(lags))
    try:
        await serve(services)
    finally:
        measuring.cancel()
        with open(path, "w") as file:
            json.dump(lags, file)

app.serve = measured
sys.exit(main())
"""


@dataclass(frozen=True)
class Answered:
    """Seconds to a user's first response and to the tweet, and how many answers came in the end."""

    first: float
    tweet: float
    answers: Callable[[], int]


class ProbedService(RunningService):
    """The same program, with a task beside it that notes how late the event loop is."""

    @property
    def lags(self) -> Path:
        return self.data.with_suffix(".lags")

    async def start(self) -> None:
        self.data.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-c", PROBED, "run", "--data", str(self.data), str(self.lags)]
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(*command, stdin=DEVNULL, stderr=log, env=self._env)


async def mentioned(house: House, number: int) -> Answered:
    discord, name = house.discord, f"general-{number}" if number > 1 else "general"
    began, place, signs = time.monotonic(), discord.channels[name], len(discord.typing)
    asked = await discord.message("good morning", user=f"user{number}", channel=name, mention=True)
    await discord.until(lambda: place in discord.typing[signs:])
    first = time.monotonic() - began
    await discord.until(lambda: house.replies(asked))
    return Answered(first, time.monotonic() - began, lambda: len(house.replies(asked)))


async def commanded(house: House, number: int) -> Answered:
    name = f"random-{number}" if number > 1 else "random"
    user = f"user{number + USERS // 2}"
    asked = await house.discord.slash("tweet", user=user, channel=name, persona="@mara_bakes")
    await house.discord.answer(asked)
    tweet = time.monotonic() - asked.asked
    return Answered(asked.latency or 0.0, tweet, lambda: sum(not each.deleted for each in asked.answers))


async def crowd(house: House) -> tuple[list[Answered], list[Answered]]:
    """Everybody at once. Whoever is not answered is missing from the lists."""
    commands, mentions = await asyncio.gather(_all(house, commanded), _all(house, mentioned))
    return commands, mentions


async def _all(house: House, ask: Callable[[House, int], Awaitable[Answered]]) -> list[Answered]:
    numbers = range(1, USERS // 2 + 1)
    found = await asyncio.gather(*(ask(house, number) for number in numbers), return_exceptions=True)
    return [each for each in found if isinstance(each, Answered)]


async def prepare(house: House) -> None:
    """A persona that tweets, and a long training under way."""
    for number in range(1, USERS + 1):
        house.discord.users[f"user{number}"] = User(3 * 10**17 + number, f"user{number}")
    await house.shows(await house.ask("train", people="@mara_bakes", user="admin"), "is ready")
    await house.ask("tweet", persona="@mara_bakes", user="admin")
    long = await house.train("long", 20_000, user="admin")
    await house.shows(long, "@long: training")


def show(name: str, seconds: Sequence[float], unit: str = "s") -> None:
    scale = 1e3 if unit == "ms" else 1
    ordered = sorted(each * scale for each in seconds)
    p99 = ordered[max(0, -(-99 * len(ordered) // 100) - 1)]
    print(f"| {name}, {unit} | {statistics.median(ordered):.3g} | {p99:.3g} | {ordered[-1]:.3g} |")


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="crowds, one after another (default %(default)s)")
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        async with Discord(guilds=USERS // 2, patience=300) as discord:
            address = {"discord__api_url": discord.api_url, "discord__gateway_url": discord.gateway_url}
            bot = ProbedService(
                Path(folder) / "data", Path("starter"), None, discord__token=discord.token, logging__level="INFO",
                **address,
            )  # fmt: skip
            await bot.start()
            await discord.ready()
            house = House(discord, bot, Path(folder))
            await prepare(house)
            before = time.monotonic()
            crowds = [await crowd(house) for _ in range(rounds)]
            after = time.monotonic()
            trains = bool(bot.children("finetune"))
            await bot.stop()
        lags = [late for at, late in json.loads(bot.lags.read_text()) if before < at < after]
    commands, mentions = ([each for both in crowds for each in both[group]] for group in (0, 1))
    everyone = [*commands, *mentions]
    print("| what | median | p99 | slowest |\n|---|---|---|---|")
    show("first response to a command", [each.first for each in commands])
    show("first response to a mention", [each.first for each in mentions])
    show("tweet", [each.tweet for each in everyone])
    show("lag of the event loop", lags, "ms")
    doubled = sum(each.answers() > 1 for each in everyone)
    print(f"\n{len(everyone)} answered, {rounds * USERS - len(everyone)} lost, {doubled} doubled;", end=" ")
    print(f"violations {discord.violations}; the training {'went on' if trains else 'was over'} at the end.")


if __name__ == "__main__":
    asyncio.run(main())
