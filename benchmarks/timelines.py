"""From a timeline to the first tweet: ``python -m benchmarks.timelines FILE…``.

For every file: start the bot, wait half a minute, ``/train`` it with the bundled starter on this machine, and take the
time from the command to the final notice with its first tweets. Prints a table of times and losses and ten tweets of
each persona.
"""

import argparse
import asyncio
import json
import platform
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.e2e.running import RunningBot

UP = 30
"""Seconds that the bot has been up, so that its spare trainer is ready, as in one that runs all day."""


@dataclass(frozen=True)
class Row:
    """Losses are nats a character on tweets held out of the training, so that they compare across languages."""

    handle: str
    kept: int
    characters: int
    seconds: float
    tokens_per_second: float
    epochs: float
    base_loss: float
    loss: float
    copied: float
    tweets: list[str]


async def measure(file: Path, threads: int | None) -> Row:
    handle = file.stem.split("_")[0].lower()
    with tempfile.TemporaryDirectory() as folder:
        bot = RunningBot(Path(folder) / "data", Path("starter"), threads, training__spare="true")
        await bot.start("--admin")
        await asyncio.sleep(UP)
        started = time.monotonic()
        line = await bot.say(f"/train @{handle} file:{file} seed:1 force:true")
        done = await bot.final(line)
        seconds = time.monotonic() - started
        if done["kind"] == "error":
            sys.exit(f"{file.name}: {done['text']}")
        drawn = await bot.ask(f"/tweet @{handle} count:10 seed:1")
        await bot.end()
        [path] = bot.files("models/*/*/meta.json")
        return _row(handle, json.loads(path.read_text()), seconds, drawn["text"])


def _row(handle: str, meta: dict[str, object], seconds: float, drawn: str) -> Row:
    people, metrics = meta["people"], meta["metrics"]
    assert isinstance(people, list)
    assert isinstance(metrics, dict)
    return Row(
        handle=handle,
        kept=people[0]["counts"]["kept"],
        characters=people[0]["characters"],
        seconds=round(seconds, 1),
        tokens_per_second=round(metrics["tokens_per_second"]),
        epochs=round(metrics["epochs"], 1),
        base_loss=round(metrics["base_held_out_loss_per_character"], 3),
        loss=round(metrics["held_out_loss_per_character"], 3),
        copied=metrics["verbatim_share"],
        tweets=drawn.split("\n")[1:-1],
    )


def show(rows: list[Row]) -> None:
    print(
        "| timeline | tweets kept | characters | command to first tweet | tokens/s | epochs | base | trained | lower |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for row in rows:
        lower = 1 - row.loss / row.base_loss
        print(
            f"| {row.handle} | {row.kept:,} | {row.characters:,} | {row.seconds:.0f} s | {row.tokens_per_second:,.0f}"
            f" | {row.epochs} | {row.base_loss} | {row.loss} | {lower:.0%} |"
        )
    print("\nLosses in nats a character on held-out tweets.")
    for row in rows:
        print(f"\n### @{row.handle}\n")
        for tweet in row.tweets:
            print(f"- {tweet}")


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", type=Path, help="timelines, each named for its handle: NASA.csv")
    parser.add_argument("--threads", type=int, help="of the trainer (default: one a core)")
    parser.add_argument("--json", type=Path, help="write the rows there too")
    arguments = parser.parse_args()
    rows = []
    for file in arguments.files:
        rows.append(await measure(file, arguments.threads))
        print(f"{file.name}: {rows[-1].seconds} s", file=sys.stderr)
    print(f"{platform.machine()}, {platform.python_implementation()} {platform.python_version()}\n")
    show(rows)
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(row) for row in rows], indent=1, ensure_ascii=False))


if __name__ == "__main__":
    asyncio.run(main())
