"""What sharing out a batch's rows among threads gains: ``python -m benchmarks.replicas FILE…``.

Gradients of the same batches of a timeline with the bundled starter, by torch's own threads and by replicas
(``trainer.replicas``), batch by batch in turns, so that both meet the same moods of the machine. The bot runs its
trainers with ``GOMP_SPINCOUNT=1000`` in the environment; without it, replicas wait for torch's spinning threads here.
"""

import argparse
import time
from pathlib import Path
from statistics import median
from unittest.mock import patch

from benchmarks.training import SEED, Bench, Parts
from trainer import corpus, loop, recipe, replicas, runs
from trainer.base import Base
from trainer.corpus import Batch
from trainer.recipe import Recipe
from trainer.replicas import Replicas


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("files", nargs="+", type=Path, help="timelines, each named for its handle: NASA.csv")
    parser.add_argument("--batches", type=int, default=100, help="(default %(default)s)")
    given = parser.parse_args()
    print("| timeline | torch's threads | replicas | ratio |\n|---|---|---|---|")
    for file in given.files:
        model, parts = Bench.of("starter", "cpu", shared=False).load(), Parts.read(file)
        data = runs.Data.of(model, [(parts.train, parts.validation)])
        chosen = recipe.choose(corpus.epoch_tokens(data.people), model.parameters, "full", {})
        batches = loop.plan(data.people, data.marks, chosen, SEED)[: given.batches]
        alone, together = compare(model, chosen, batches)
        print(f"| {parts.handle} | {alone:,.0f} | {together:,.0f} | {together / alone:.2f}× |", flush=True)


def compare(model: Base, chosen: Recipe, batches: list[Batch]) -> list[float]:
    """Medians of tokens a second, forth and back."""
    with patch.object(replicas, "SMALL", 0):
        alone = Replicas(model, chosen)
    sides: list[tuple[Replicas, list[float]]] = [(alone, []), (Replicas(model, chosen), [])]
    for number, batch in enumerate(batches):
        for side, speeds in sides[:: 1 if number % 2 else -1]:
            model.model.zero_grad()
            started = time.perf_counter()
            side.backward(batch.ids, batch.labels)
            speeds.append(batch.tokens / (time.perf_counter() - started))
    return [median(speeds) for _, speeds in sides]


if __name__ == "__main__":
    main()
