"""Fresh tweets against what the model cards tell people to run: ``python -m benchmarks.generation``.

Both sides draw 5 x 40 tokens from the same files with the same sampling settings, text to text, in turns; a ratio is
one of medians. GPT-2's size with random weights, since speed does not depend on them; quality on a persona really
trained on the starter. Prints tables in markdown; ``--json FILE`` writes the same figures.
"""

import argparse
import json
import math
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from statistics import fmean, median
from unittest.mock import patch

import numpy as np
import torch

from benchmarks import models, rival
from benchmarks.children import Generator, ended, task
from trainer import runtime, sampling
from trainer.corpus import split
from trainer.device import threads
from trainer.engine import Wanted
from trainer.gpt2 import Gpt2File
from trainer.persona import Persona
from trainer.tweets import Corpus

MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Figure:
    """One line of the table; ``ratio`` is the rival's share, where there is a rival."""

    what: str
    ours: str
    rival: str
    ratio: float | None
    least: str

    def __str__(self) -> str:
        ratio = "" if self.ratio is None else f"{self.ratio:.1f}×"
        return f"| {self.what} | {self.ours} | {self.rival} | {ratio} | {self.least} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="more repetitions, and the rival's 16 requests for real")
    parser.add_argument("--json", type=Path, help="file for the figures")
    arguments = parser.parse_args()
    torch.set_num_threads(threads())
    with tempfile.TemporaryDirectory() as name:
        folder, figures = Path(name), []
        starter, corpus = models.trained(folder, "mara_bakes")
        print("| what | Mockingbird | `pipeline` | ratio | at least |\n|---|---|---|---|---|")
        for each in measure(folder, starter, arguments.full):
            figures.append(each)
            print(each, flush=True)
        kinds = quality(starter, corpus)
    print("\n| bits of the weights | held-out perplexity | tweets delivered |\n|---|---|---|")
    for kind, told in kinds.items():
        print(f"| {kind} | {told['perplexity']:.3f} | {told['delivered']:.0%} |")
    print("\n" + ", ".join(f"{key} {value}" for key, value in machine().items()))
    if arguments.json:
        found = {"machine": machine(), "figures": [asdict(each) for each in figures], "quality": kinds}
        arguments.json.write_text(json.dumps(found, indent=2) + "\n", "utf-8")


def measure(folder: Path, starter: Path, full: bool) -> Iterator[Figure]:
    times = 9 if full else 3
    base = models.base(folder)
    whole = models.whole(folder, starter, base)
    beside = models.adapted(folder, starter, base, 1000)
    yield from one_request("GPT-2 size", whole, times)
    yield from one_request("starter", starter, 3 * times)
    yield from fresh_process("GPT-2 size", whole, times)
    yield from fresh_process("starter", starter, times)
    yield many_requests(whole, beside[:8], times, full)
    yield from not_in_memory(beside, whole, times)
    yield Figure("a persona on disk", f"{models.size(beside[0]) / MEGABYTE:.1f} MB", "", None, "≤ 10 MB")
    yield Figure("the same, of the starter", f"{models.size(starter) / MEGABYTE:.1f} MB", "", None, "≤ 10 MB")
    yield fifty_hot(beside[:50])
    yield from stored(beside, times)


def one_request(size: str, directory: Path, times: int) -> Iterator[Figure]:
    """Warm; ours by the real child, the exact one in this process."""
    generator, child = rival.load(str(directory)), Generator()
    child.load(directory)
    sides: list[Callable[[], object]] = [lambda: rival.ask(generator), lambda: child.tweet(directory)]
    file = Gpt2File.open(directory)
    assert file
    bits = runtime.choose_bits(file.parameters)
    if bits < 32:
        with held_in(32):
            exact = Persona.load(directory, "cpu")
        sides.append(lambda: sampling.tweets(exact, task(directory)))
    theirs, ours, *exactly = in_turns(times, *sides)
    child.end()
    yield against(f"one request, {size}, {bits} bits", theirs, ours, "8×" if exactly else "")
    for each in exactly:
        yield against(f"one request, {size}, exact (fp32)", theirs, each, "4.5×")


def fresh_process(size: str, directory: Path, times: int) -> Iterator[Figure]:
    """From the start of a process to its first reply, and the most memory it held; the files are in the page cache."""
    theirs, ours = [], []
    for _ in range(times):
        theirs.append(rival_process(directory))
        ours.append(our_process(directory))
    (their_time, their_peak), (our_time, our_peak) = (map(list, zip(*each, strict=True)) for each in (theirs, ours))
    yield against(f"fresh process to first reply, {size}", their_time, our_time, "5×")
    peaks = median(their_peak) / MEGABYTE, median(our_peak) / MEGABYTE
    yield Figure(f"its peak of memory, {size}", f"{peaks[1]:.0f} MB", f"{peaks[0]:.0f} MB", peaks[0] / peaks[1], "3×")


def rival_process(directory: Path) -> tuple[float, int]:
    started = time.perf_counter()
    command = [sys.executable, "-m", "benchmarks.rival", str(directory)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout
    process.stdout.readline()
    seconds = time.perf_counter() - started
    return seconds, ended(process)


def our_process(directory: Path) -> tuple[float, int]:
    started = time.perf_counter()
    generator = Generator()
    generator.tweet(directory)
    seconds = time.perf_counter() - started
    return seconds, generator.end()


def many_requests(whole: Path, personas: list[Path], times: int, full: bool) -> Figure:
    """16 at once over 8 personas, by the real child, against 16 calls in a row."""
    generator, child = rival.load(str(whole)), Generator()
    for each in personas:
        child.load(each)
    child.tweet(*personas)
    calls = 16 if full else 1
    theirs, ours = in_turns(
        times, lambda: [rival.ask(generator) for _ in range(calls)], lambda: child.tweet(*personas, *personas)
    )
    child.end()
    what = "16 requests at once over 8 personas" + ("" if full else " (the rival's: 16 times one call)")
    return against(what, [16 / calls * each for each in theirs], ours, "10×")


def not_in_memory(personas: list[Path], whole: Path, times: int) -> Iterator[Figure]:
    """What the first reply takes longer than those that follow."""
    child = Generator()
    child.tweet(personas[0])
    own = models.copies(whole, times)
    for what, directories in (("", personas[1 : times + 3]), (", all weights its own", own)):
        added = []
        for each in directories:
            first = child.tweet(each, tweets=1)
            added.append(first - median(child.tweet(each, tweets=1) for _ in range(3)))
        yield Figure(
            f"a persona not in memory{what}: added delay", f"{1e3 * median(added):.0f} ms", "", None, "≤ 300 ms"
        )
    child.end()


def fifty_hot(personas: list[Path]) -> Figure:
    child = Generator()
    for each in personas:
        child.load(each)
    child.tweet(*personas[:16])
    held = child.memory / MEGABYTE
    child.end()
    return Figure(f"memory with {len(personas)} personas hot", f"{held:.0f} MB", "", None, "≤ 1,500 MB")


def stored(personas: list[Path], times: int) -> Iterator[Figure]:
    """Replies for one persona, with no other beside it on the disk and with all of them."""
    child = Generator()
    with tempfile.TemporaryDirectory() as folder:
        alone = Path(folder) / "alone"
        alone.symlink_to(personas[0])
        child.tweet(alone), child.tweet(personas[0])
        one, many = in_turns(2 * times, lambda: child.tweet(alone), lambda: child.tweet(personas[0]))
    child.end()
    yield Figure("reply with 1 persona stored", f"{median(one):.2f} s", "", None, "flat")
    yield Figure(f"reply with {len(personas):,} stored", f"{median(many):.2f} s", "", None, "flat")


def quality(directory: Path, corpus: Path) -> dict[str, dict[str, float]]:
    """Held-out perplexity a token and share of tweets that pass all checks, by the bits of the linear layers."""
    texts = Corpus.load(corpus).texts
    seed = json.loads((directory / "meta.json").read_text("utf-8"))["seed"]
    _, held_out = split(texts, seed)
    told = {}
    for number in (32, 8, 7):
        with held_in(number):
            persona = Persona.load(directory, "cpu")
        told[str(number)] = {"perplexity": perplexity(persona, held_out), "delivered": delivered(persona)}
    return told


def perplexity(persona: Persona, texts: list[str]) -> float:
    tokenizer, size = persona.tokenizer, persona.engine.vocabulary
    wanted = Wanted(np.ones((1, size), np.float32), size)
    losses: list[float] = []
    for text in texts:
        row = [tokenizer.bos_token_id, *tokenizer.encode(text, add_special_tokens=False), tokenizer.eos_token_id]
        row = row[: persona.engine.context]
        decoder = persona.engine.decoder([], len(row))
        for token, following in pairwise(row):
            (scores,), (tokens,) = decoder.feed([[token]], wanted)
            losses.append(float(np.logaddexp.reduce(scores) - scores[tokens == following][0]))
    return math.exp(fmean(losses))


def delivered(persona: Persona) -> float:
    """Share of 100 tweets asked for that pass all checks."""
    return sum(len(sampling.tweets(persona, task("", 10, seed))) for seed in range(10)) / 100


@contextmanager
def held_in(bits: int) -> Iterator[None]:
    """Whatever size and processor call for."""
    with patch.object(runtime, "choose_bits", lambda _: bits):
        yield


def in_turns(times: int, *sides: Callable[[], object]) -> list[list[float]]:
    """Seconds of each, after one turn that does not count."""
    seconds: list[list[float]] = [[] for _ in sides]
    for turn in range(times + 1):
        for side, taken in zip(sides, seconds, strict=True):
            started = time.perf_counter()
            side()
            if turn:
                taken.append(time.perf_counter() - started)
    return seconds


def against(what: str, theirs: list[float], ours: list[float], least: str) -> Figure:
    their, our = median(theirs), median(ours)
    return Figure(what, f"{our:.2f} s", f"{their:.2f} s", their / our, least)


def machine() -> dict[str, str]:
    processor = next(line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name"))
    load = " ".join(f"{each:.1f}" for each in os.getloadavg())
    versions = {name: __import__(name).__version__ for name in ("onnxruntime", "torch", "transformers")}
    told = {"processor": processor.partition(": ")[2], "cores": str(os.cpu_count()), "load": load}
    return told | {"python": platform.python_version()} | versions


if __name__ == "__main__":
    main()
