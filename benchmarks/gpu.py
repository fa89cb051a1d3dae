"""What an accelerator does: ``python -m benchmarks.gpu``, on a machine that has one.

GPT-2's architecture of 124 M parameters with random weights, for speed only. From ``/train`` of 2,500 invented tweets
to the first tweet, by the whole bot; then many requests at once by the real generating child, against as many calls
of ``pipeline`` in a row, which takes the accelerator by itself.
"""

import argparse
import asyncio
import json
import random
import tempfile
import time
from pathlib import Path

import torch

from benchmarks import models, rival
from benchmarks.children import Generator
from benchmarks.generation import Figure, against, in_turns
from tests.e2e.running import RunningBot


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--device", default="auto", help="(default %(default)s)")
    parser.add_argument("--tweets", type=int, default=2500, help="to train on (default %(default)s)")
    parser.add_argument("--requests", type=int, default=64, help="at once (default %(default)s)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        base = models.base(folder)
        print("| what | Mockingbird | `pipeline` | ratio | wanted |\n|---|---|---|---|---|")
        for each in (
            asyncio.run(train(folder, base, given.device, given.tweets)),
            many(folder, base, given.device, given.requests),
        ):
            print(each, flush=True)
    print(f"\n{machine()}, torch {torch.__version__}")


async def train(folder: Path, base: Path, device: str, tweets: int) -> Figure:
    file = folder / "invented.jsonl"
    file.write_text("".join(json.dumps({"text": text}) + "\n" for text in invented(tweets)), "utf-8")
    bot = RunningBot(folder / "data", base, None, training__device=device, generation__device=device)
    await bot.start("--admin")
    await bot.ask("/queue")  # it is up
    started = time.monotonic()
    done = await bot.final(await bot.say(f"/train @invented file:{file} seed:1 force:true"))
    seconds = time.monotonic() - started
    await bot.end()
    assert done["kind"] == "reply", done
    return Figure(f"/train of {tweets:,} tweets to the first tweet", f"{seconds:.1f} s", "", None, "12 s")


def invented(count: int) -> list[str]:
    """Words of the bundled people, shuffled: tweets of the usual length, no two alike."""
    lines = [line for path in models.PEOPLE.glob("*.jsonl") for line in path.read_text("utf-8").splitlines()]
    texts = [json.loads(line)["full_text"] for line in lines]
    words, choose = " ".join(texts).split(), random.Random(1)
    return [" ".join(choose.sample(words, choose.randint(8, 24))) for _ in range(count)]


def many(folder: Path, base: Path, device: str, requests: int) -> Figure:
    starter, _ = models.trained(folder, "mara_bakes")
    whole = models.whole(folder, starter, base)
    generator, child = rival.load(str(whole)), Generator(device)
    child.load(whole)
    calls = min(requests, 4)
    theirs, ours = in_turns(
        3, lambda: [rival.ask(generator) for _ in range(calls)], lambda: child.tweet(*[whole] * requests)
    )
    child.end()
    what = f"{requests} requests at once (the rival's: {requests / calls:g} times {calls} calls)"
    return against(what, [requests / calls * each for each in theirs], ours, "20×")


def machine() -> str:
    return torch.cuda.get_device_name() if torch.cuda.is_available() else f"no GPU, {torch.get_num_threads()} threads"


if __name__ == "__main__":
    main()
