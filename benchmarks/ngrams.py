"""What n-grams add to a trained network, and what their numbers do: ``python -m benchmarks.ngrams FILE…``.

Each timeline is trained on once, as the bot does it. Then the loss of its test part is measured by the network alone,
and with n-grams as they are and otherwise; the strength is chosen on the validation part.
"""

import argparse
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest.mock import patch

from benchmarks.models import quiet
from benchmarks.training import Bench, Ours, Parts, loss_a_character
from trainer import ngrams, runs
from trainer.base import Base
from trainer.memory import Slices
from trainer.mixture import Mixture
from trainer.ngrams import NGrams

A, B, C, D = ngrams.WEIGHTS
VARIATIONS: dict[str, dict[str, Any]] = {
    "as they are": {},
    "contexts of one token": {"WEIGHTS": (A, 0, 0, 0)},
    "of one and two": {"WEIGHTS": (A, B, 0, 0)},
    "of one to three": {"WEIGHTS": (A, B, C, 0)},
    "of three and four": {"WEIGHTS": (0, 0, C, D)},
    "half the weights": {"WEIGHTS": (A / 2, B / 2, C / 2, D / 2)},
    "half as much again": {"WEIGHTS": (1.5 * A, 1.5 * B, 1.5 * C, 1.5 * D)},
    "a doubt of 1": {"DOUBT": 1.0},
    "a doubt of 4": {"DOUBT": 4.0},
    "all contexts of four": {"RARE": 1},
    "no rare ones of four": {"RARE": 3},
}
"""Names and constants of ``trainer.ngrams``."""


def trained(bench: Bench, parts: Parts) -> tuple[Base, runs.Data]:
    model = bench.load()
    own = Ours(model, parts, quiet)
    own.run()
    return model, own.data


def losses(model: Base, data: runs.Data, parts: Parts) -> Iterator[tuple[str, float, int]]:
    """Variation, nats a character of the test part, and bytes of the table."""
    yield "the network alone", loss_a_character(model, parts.test), 0
    for name, changes in VARIATIONS.items():
        with ExitStack() as stack:
            for constant, value in changes.items():
                stack.enter_context(patch.object(ngrams, constant, value))
            counted = NGrams.count(data.people)
            fit = Mixture(counted, data.held_out).fit(model, Slices(runs.EVALUATED_TOKENS))
            yield name, loss_a_character(model, parts.test, fit.ngrams), counted.bytes


def show(tables: Sequence[tuple[str, list[tuple[str, float, int]]]]) -> None:
    print(f"\n| n-grams | {' | '.join(handle for handle, _ in tables)} |")
    print(f"|---|{'---|' * len(tables)}")
    for number, (name, _, _) in enumerate(tables[0][1]):
        cells = [(rows[number][1], rows[0][1], rows[number][2]) for _, rows in tables]
        told = [f"{loss:.3f}, {loss / alone - 1:+.1%}, {size / 1e6:.1f} MB" for loss, alone, size in cells]
        print(f"| {name} | {' | '.join(told)} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("files", nargs="+", type=Path, help="timelines, each named for its handle: NASA.csv")
    given = parser.parse_args()
    bench, tables = Bench.of("starter", "cpu", shared=False), []
    for file in given.files:
        parts = Parts.read(file)
        tables.append((parts.handle, list(losses(*trained(bench, parts), parts))))
    show(tables)


if __name__ == "__main__":
    main()
