"""Training against huggingtweets' recipe on the same base: ``python -m benchmarks.training FILE…``.

The rival is its notebook's recipe with Hugging Face's Trainer: four shuffled copies of the timeline in one stream, cut
into blocks of the base's context, one block a step, all weights, cosine schedule. It runs with the notebook's learning
rate, and with the best of several for this base. Ours is what ``trainer.finetune`` does, with the recipe's numbers, and
with n-grams of the first part, in a strength chosen on the second.

Every timeline has three parts. Both sides train on the first. On the second, the validation part, the rival's rate is
chosen and ours stops; it is the only use that is made of it. What is reported is the loss on the third. Runs of both
sides take turns. Each is kept in the JSON file as soon as it is over, and not run again.
"""

import argparse
import json
import os
import platform
import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch
from matplotlib.figure import Figure
from torch import Tensor
from transformers import PrinterCallback, Trainer, TrainingArguments, set_seed

from benchmarks.models import quiet
from trainer import adapter, base, corpus, loop, recipe, runs
from trainer.base import Base
from trainer.checkpoint import Checkpoints
from trainer.child import Report
from trainer.corpus import HeldOut
from trainer.evaluate import people_loss
from trainer.ingest import ingest
from trainer.memory import Slices
from trainer.mixture import Mixture
from trainer.ngrams import NGrams
from trainer.protocol import IngestTask
from trainer.tweets import Corpus
from trainer.vocabulary import graft

SEED = 1
RATE, COPIES = 1.372e-4, 4
"""huggingtweets': AdamW's learning rate, and how often the timeline stands in the text."""
FACTORS = (4, 8, 16, 32)
"""Of that rate, tried for the base."""
LOOKS = 25
"""At the test part while ours trains; they do not count in its time."""


@dataclass(frozen=True)
class Parts:
    """One person's tweets: to train on, to choose by, to report on."""

    handle: str
    train: list[str]
    validation: list[str]
    test: list[str]

    @classmethod
    def read(cls, file: Path) -> "Parts":
        with tempfile.TemporaryDirectory() as folder:
            read = ingest(IngestTask(str(file), f"{folder}/corpus", file.stem.lower()), quiet)
            texts = Corpus.load(Path(folder, "corpus")).texts
        rest, test = corpus.split(texts, SEED)
        return cls(read.handle, *corpus.split(rest, SEED), test)


@dataclass(frozen=True)
class Run:
    """One training. Losses are nats a character, times are seconds from the tweets to the trained weights."""

    side: str
    timeline: str
    rate: float
    seconds: float
    tokens: int
    validation: float
    test: float
    curve: list[tuple[float, float]] = field(default_factory=list)
    """Seconds and test loss on the way."""

    def reaches(self, loss: float) -> float | None:
        """Seconds until the test loss is as low, if it ever is."""
        return next((seconds for seconds, each in [*self.curve, (self.seconds, self.test)] if each <= loss), None)


@dataclass(frozen=True)
class Bench:
    """What all trainings have in common."""

    base: str
    device: str
    clock: Callable[[], float]

    @classmethod
    def of(cls, base: str, device: str, shared: bool) -> "Bench":
        """``shared`` with others a machine gives fair times by its processor's clock only, and on one thread."""
        if shared:
            os.environ["OMP_NUM_THREADS"] = "1"
            torch.set_num_threads(1)
        return cls(base, device, time.process_time if shared else time.monotonic)

    def load(self) -> Base:
        base.prepare(SEED)
        set_seed(SEED)
        return base.load(self.base, self.device)


class Results:
    """The runs so far, in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.runs = (
            {key: Run(**values) for key, values in json.loads(path.read_text()).items()} if path.exists() else {}
        )

    def get(self, key: str, run: Callable[[], Run]) -> Run:
        if key not in self.runs:
            self.runs[key] = run()
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.write_text(json.dumps({name: asdict(each) for name, each in self.runs.items()}, indent=1))
            print(f"{key}: {self.runs[key].test:.3f} in {self.runs[key].seconds:.0f} s", file=sys.stderr)
        return self.runs[key]


class Blocks(torch.utils.data.Dataset[dict[str, Tensor]]):
    """The whole text in blocks of ``size`` tokens; what is left at its end is dropped."""

    def __init__(self, model: Base, texts: Sequence[str], size: int) -> None:
        end = model.tokenizer.eos_token
        copies = [random.Random(SEED + copy).sample(list(texts), len(texts)) for copy in range(COPIES)]
        text = end + "".join(tweet + end for copy in copies for tweet in copy)
        ids = torch.tensor(model.tokenizer.backend_tokenizer.encode(text, add_special_tokens=False).ids)
        self.blocks = ids[: len(ids) // size * size].view(-1, size)

    def __len__(self) -> int:
        return len(self.blocks)

    def __getitem__(self, place: int) -> dict[str, Tensor]:
        return {"input_ids": self.blocks[place], "labels": self.blocks[place]}


def rival(bench: Bench, parts: Parts, rate: float) -> Run:
    model, clock = bench.load(), bench.clock
    torch.use_deterministic_algorithms(False)  # ours pays for being repeatable, the rival need not
    started = clock()
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            folder, learning_rate=rate, num_train_epochs=1, per_device_train_batch_size=1, weight_decay=0.0,
            lr_scheduler_type="cosine", warmup_steps=0, seed=SEED, save_strategy="no", logging_strategy="no",
            report_to="none", disable_tqdm=True, use_cpu=model.device.type == "cpu", dataloader_pin_memory=False,
        )  # fmt: skip
        blocks = Blocks(model, parts.train, model.context)
        trainer = Trainer(model.model, arguments, train_dataset=blocks)
        trainer.remove_callback(PrinterCallback)
        trainer.train()
    seconds = clock() - started
    losses = (loss_a_character(model, parts.validation), loss_a_character(model, parts.test))
    return Run("rival", parts.handle, rate, seconds, blocks.blocks.numel(), *losses)


def ours(bench: Bench, parts: Parts, method: str = "full", layers: int = 0, **settings: float) -> Run:
    """``settings`` take the place of the recipe's numbers; ``layers``: train that many of the last alone, 0 for all."""
    model, clock = bench.load(), bench.clock
    curve = [(0.0, loss_a_character(model, parts.test))]
    started, paused = clock(), 0.0

    def look(stage: str, **values: Any) -> None:
        nonlocal paused
        if values["step"] * LOOKS >= len(curve) * own.training.steps:
            before = clock()
            with own.training.averaged():
                curve.append((before - started - paused, loss_a_character(model, parts.test, own.ngrams)))
            paused += clock() - before

    own = Ours(model, parts, look, method, layers, **settings)
    own.run()
    fit = own.mixture.fit(model, Slices(runs.EVALUATED_TOKENS))
    seconds = clock() - started - paused
    losses = (fit.loss * own.data.tokens_a_character, loss_a_character(model, parts.test, fit.ngrams))
    return Run("ours", parts.handle, own.chosen.learning_rate, seconds, own.training.state.tokens, *losses, curve)


class Ours:
    """A training as ``trainer.finetune`` has it; ``look`` hears of each step."""

    def __init__(
        self, model: Base, parts: Parts, look: Report, method: str = "full", layers: int = 0, **settings: float
    ) -> None:
        foreign = method == "full" and graft(model, parts.train) > 0
        self.data = runs.Data.of(model, [(parts.train, parts.validation)])
        self.ngrams = NGrams.count(self.data.people)
        self.mixture = Mixture(self.ngrams, self.data.held_out)
        tokens = corpus.epoch_tokens(self.data.people)
        self.chosen = recipe.choose(tokens, model.parameters, method, settings, foreign=foreign)
        if method == "lora":
            adapter.add(model, self.chosen)
        if layers:
            model.model.requires_grad_(False)
            model.model.transformer.h[-layers:].requires_grad_(True)
        steps = loop.plan(self.data.people, self.data.marks, self.chosen, SEED)
        slices = Slices(self.chosen.slice_tokens)
        self.training = loop.Training(model, steps, self.mixture, self.chosen, slices, look)

    def run(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            self.training.run(Checkpoints(Path(folder), "benchmark", self.chosen.checkpoint_seconds))


def loss_a_character(model: Base, texts: list[str], ngrams: NGrams | None = None) -> float:
    """Nats a character, each tweet by itself from its begin token to its end."""
    rows = corpus.tokenise(model.tokenizer, texts, model.context)
    characters = sum(map(len, model.tokenizer.batch_decode(rows, skip_special_tokens=True)))
    held_out = HeldOut(corpus.batches(sorted(rows, key=len), runs.EVALUATED_TOKENS), characters)
    slices = Slices(runs.EVALUATED_TOKENS)
    loss = Mixture(ngrams, [held_out]).loss(model, slices) if ngrams else people_loss(model, [held_out], slices)
    return loss * held_out.tokens_a_character


def sweep(bench: Bench, timelines: list[Parts], results: Results) -> float:
    """The rate with the lowest mean loss on the validation parts."""

    def loss(rate: float) -> float:
        return sum(results.get(_key(each, rate), partial(rival, bench, each, rate)).validation for each in timelines)

    return min((RATE * factor for factor in FACTORS), key=loss)


def _key(parts: Parts, rate: float | None) -> str:
    return f"{parts.handle} ours" if rate is None else f"{parts.handle} rival {rate:.3g}"


def show(rows: list[tuple[Run, Run, Run]]) -> None:
    """Of each timeline: the recipe as it is, with the best rate, and ours."""
    print("| timeline | base | recipe as it is | with the best rate | ours is as low after | ratio | ours at its end |")
    print("|---|---|---|---|---|---|---|")
    for plain, swept, own in rows:
        reached = own.reaches(swept.test)
        after = f"{reached:.0f} s | {swept.seconds / reached:.1f}×" if reached else "never | –"
        gain = 1 - own.test / swept.test
        print(
            f"| {own.timeline} | {own.curve[0][1]:.3f} | {_told(plain)} | {_told(swept)} | {after}"
            f" | {_told(own)}, {abs(gain):.1%} {'lower' if gain > 0 else 'higher'} |"
        )


def _told(run: Run) -> str:
    return f"{run.test:.3f} in {run.seconds:.0f} s"


def draw(rows: list[tuple[Run, Run, Run]], path: Path) -> None:
    """Loss over time: ours as a line, the rival's end as a point."""
    figure = Figure(figsize=(4 * len(rows), 3.5), dpi=120, layout="constrained")
    for axes, (plain, swept, own) in zip(figure.subplots(1, len(rows), squeeze=False)[0], rows, strict=True):
        axes.plot(*zip(*own.curve, (own.seconds, own.test), strict=True), label="ours")
        axes.plot(swept.seconds, swept.test, "o", label="recipe, best rate")
        axes.plot(plain.seconds, plain.test, "x", label="recipe as it is")
        axes.set(title=own.timeline, xlabel="seconds", ylabel="nats a character")
        axes.legend(frameon=False)
    figure.savefig(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("files", nargs="+", type=Path, help="timelines, each named for its handle: NASA.csv")
    parser.add_argument(
        "--full", action="store_true", help="choose the rival's rate on all timelines, not on the first"
    )
    parser.add_argument("--base", default="starter", help="(default %(default)s)")
    parser.add_argument("--device", default="cpu", help="(default %(default)s)")
    parser.add_argument("--shared", action="store_true", help="one thread, and its processor time: others compute too")
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/training.json"))
    given = parser.parse_args()
    bench = Bench.of(given.base, given.device, given.shared)
    timelines, results = [Parts.read(file) for file in given.files], Results(given.json)
    rate = sweep(bench, timelines[: len(timelines) if given.full else 1], results)
    rows = []
    for each in timelines:
        plain = results.get(_key(each, RATE), partial(rival, bench, each, RATE))
        own = results.get(_key(each, None), partial(ours, bench, each))
        rows.append((plain, results.get(_key(each, rate), partial(rival, bench, each, rate)), own))
    print(
        f"{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}, base {given.base},"
        f" {'processor' if given.shared else 'wall'} time;"
    )
    print(f"the rival's best rate {rate:.3g} of {', '.join(f'{RATE * factor:.3g}' for factor in FACTORS)}\n")
    show(rows)
    draw(rows, given.json.with_suffix(".png"))


if __name__ == "__main__":
    main()
