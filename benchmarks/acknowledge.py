"""How soon the bot answers while it works: ``python -m benchmarks.acknowledge``.

A persona is trained, then a long training and eight generations of ten tweets run while ``/train`` is asked again and
again for new files. Prints the time from the line to the stored acknowledgement, and from process start to readiness.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path

from tests.e2e.conftest import write_timeline
from tests.e2e.running import RunningBot

GENERATIONS = 8


async def ready(folder: Path) -> float:
    """Seconds from the start of the process to its first answer."""
    bot = RunningBot(folder, Path("starter"))
    started = time.monotonic()
    await bot.start()
    await bot.ask("/queue")
    seconds = time.monotonic() - started
    await bot.end()
    return seconds


async def acknowledgements(folder: Path, count: int) -> list[float]:
    """Seconds from a ``/train`` line to its acknowledgement, under load."""
    bot = RunningBot(folder / "data", Path("starter"), threads=None)
    await bot.start("--admin")
    await bot.ask(f"/train @small file:{write_timeline(folder / 'small.csv', 250)}")
    await bot.ask("/tweet @small")
    long = await bot.say(f"/train @long file:{write_timeline(folder / 'long.csv', 20_000)}")
    await bot.stage(long, "training\n")
    files = [write_timeline(folder / f"{number}.csv", 300, seed=number) for number in range(count)]
    tweeting = [await bot.say("/tweet @small count:10") for _ in range(GENERATIONS)]
    seconds = []
    for number, file in enumerate(files):
        tweeting += [await bot.say("/tweet @small count:10")]
        started = time.monotonic()
        await bot.answer(await bot.say(f"/train @p{number} file:{file}"))
        seconds.append(time.monotonic() - started)
    for line in tweeting:
        await bot.final(line)
    await bot.stop()
    return seconds


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=30, help="acknowledgements measured (default %(default)s)")
    count = parser.parse_args().count
    with tempfile.TemporaryDirectory() as folder:
        starts = [await ready(Path(folder) / f"empty{number}") for number in range(5)]
        seconds = await acknowledgements(Path(folder), count)
    print("| what | median | slowest |")
    print("|---|---|---|")
    print(f"| process start to first answer | {statistics.median(starts):.2f} s | {max(starts):.2f} s |")
    print(f"| acknowledgement under load | {statistics.median(seconds) * 1e3:.0f} ms | {max(seconds) * 1e3:.0f} ms |")


if __name__ == "__main__":
    asyncio.run(main())
