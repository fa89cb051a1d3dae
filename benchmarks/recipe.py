"""Which numbers train best, by amount of text: ``python -m benchmarks.recipe FILE… --tweets 500 --rates 1e-3 2e-3``.

Trains on the last so many tweets of each timeline with every combination of the numbers given, others as the recipe has
them, and prints the loss on the validation part. The test part, on which trainings are compared, is not looked at.
"""

import argparse
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path

from benchmarks.training import Bench, Parts, Results, Run, ours

NUMBERS = {
    "rates": "learning_rate",
    "epochs": "epochs",
    "batches": "batch_tokens",
    "outer": "outer_factor",
    "pulls": "pull",
    "averaged": "averaged",
    "ranks": "lora_rank",
}
"""Options and what they set."""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("files", nargs="+", type=Path, help="timelines, each named for its handle: NASA.csv")
    parser.add_argument("--tweets", type=int, nargs="+", default=[10**6], help="to train on (default: all)")
    for name, number in NUMBERS.items():
        parser.add_argument(f"--{name}", type=float, nargs="+", default=[None], help=f"values of {number}")
    parser.add_argument("--method", default="full", choices=["full", "lora"], help="(default %(default)s)")
    parser.add_argument("--layers", type=int, default=0, help="train only so many of the last (default: all)")
    parser.add_argument("--base", default="starter", help="(default %(default)s)")
    parser.add_argument("--device", default="cpu", help="(default %(default)s)")
    parser.add_argument("--shared", action="store_true", help="one thread, and its processor time: others compute too")
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/recipe.json"))
    given = parser.parse_args()
    bench, results = Bench.of(given.base, given.device, given.shared), Results(given.json)
    print("| timeline | tweets | trained | numbers | validation loss | seconds | tokens |")
    print("|---|---|---|---|---|---|---|")
    for file, tweets, *numbers in product(given.files, given.tweets, *(getattr(given, name) for name in NUMBERS)):
        settings = {name: value for name, value in zip(NUMBERS.values(), numbers, strict=True) if value is not None}
        trained = f"last {given.layers} layers" if given.layers else given.method
        parts = Parts.read(file)
        parts = replace(parts, train=parts.train[-tweets:])
        train = partial(ours, bench, parts, given.method, given.layers, **settings)
        print(_row(parts, trained, settings, results.get(_key(parts, trained, settings), train)), flush=True)


def _key(parts: Parts, trained: str, settings: dict[str, float]) -> str:
    return " ".join(
        [parts.handle, str(len(parts.train)), trained, *(f"{name}={value:g}" for name, value in settings.items())]
    )


def _row(parts: Parts, trained: str, settings: dict[str, float], run: Run) -> str:
    numbers = ", ".join(f"{name} {value:g}" for name, value in settings.items()) or "the recipe's"
    return (
        f"| {parts.handle} | {len(parts.train):,} | {trained} | {numbers} | {run.validation:.3f}"
        f" | {run.seconds:.0f} | {run.tokens:,} |"
    )


if __name__ == "__main__":
    main()
