"""The hyperparameters, as a function of how much text there is, how large the base is, and the method.

Where the numbers come from. For a 2.6 M-parameter base, sweeps on two timelines, checked on two others
(docs/benchmarks.md, "Recipe"). For 124 M parameters, the rate that huggingtweets found by a sweep, 1.372e-4. LoRA
wanted five times the rate at which the small base was trained best when all weights had one rate and the last ones were
kept. Between and beyond the two sizes a power law joins these rates; there nothing was swept, and LoRA's rate at 124 M
(7e-4) only agrees with what is usual.
"""

import math
from dataclasses import dataclass, fields, replace

from trainer.errors import Failed

SMALL, SMALL_RATE = 2.6e6, 2e-3
LARGE, LARGE_RATE = 124e6, 1.372e-4
LORA_FACTOR = 5.0
ONWARD_FACTOR = 0.5
"""Of the rate, where training goes on from a version with what is new to it."""
FULL_RATE_TOKENS = 75_000
"""About 2,500 English tweets: with less text the rate falls, to half of it at 15,000 tokens (500 tweets), and down to a
quarter at 3,000."""
TRAINING_TOKENS, MOST_TOKENS, MOST_EPOCHS = 180_000, 270_000, 6.0
"""Over all epochs. More only to see a larger corpus once."""
EPOCH_STEPS = 75
"""At least, where batches are not yet at their smallest: 135 tweets in batches of 256 tokens reached a held-out loss of
2.9 nats a token where batches of 1,024 at the same rate stayed above 3.1."""
SMALLEST_BATCH, LARGEST_BATCH = 256, 1024
"""Tokens of an optimizer step; the largest is one block of huggingtweets."""
AVERAGED_BELOW = 10e6
"""Parameters of a base that is trained at a high rate, held back by the pull and evened out by the average: larger ones
were not measured. One of 2.6 M ended 1 % lower so than with AdamW alone at its best rate."""
AVERAGED_RATE, OUTER_FACTOR, PULL = 4e-3, 2.5, 0.02
AVERAGED_TOKENS, AVERAGED_EPOCHS, AVERAGED_BATCH = 120_000, 2.5, 512
"""At most: 30 s of a 2.6 M-parameter base on two cores. Beside n-grams half as many again lower the loss by 0.4 %. In a
language new to the base it still falls at six epochs, and the pull holds it back: 1.61 nats a character of 370
Portuguese tweets with a pull and three epochs, 1.55 with neither."""
ABOVE_ZERO = {"epochs", "batch_tokens", "slice_tokens", "evaluations", "patience", "lora_rank"}
"""Settings without which there is no training; others may be off."""
MERGED_BELOW = 50e6
"""Parameters. A smaller base is published whole: an adapter would save little and break when its base moves."""


@dataclass(frozen=True)
class Recipe:
    """Numbers of one training. Any of them can be set by name in ``FinetuneTask.settings``."""

    learning_rate: float
    epochs: float
    """May end within an epoch."""
    dropout: float
    """0 or 1: whether the base's own dropout is on."""
    batch_tokens: int
    """An optimizer step's tokens, padding included."""
    slice_tokens: int
    """What goes through the model at once; gradients accumulate to ``batch_tokens``."""
    warmup: float = 0.05
    """Share of the steps over which the rate rises; then it falls linearly to 0."""
    outer_factor: float = 1.0
    """Times the rate, for all but the matrices of the layers: embeddings, norms, biases."""
    pull: float = 0.0
    """Share of the way back to where they began that the weights are drawn at each step, at the full rate (L2-SP: Li et
    al., arXiv:1802.01483): they learn less by heart."""
    averaged: float = 0.0
    """0 or 1: whether the average of all steps' weights is evaluated and kept, not the last ones."""
    weight_decay: float = 0.0
    clip: float = 1.0
    """Largest norm of the gradient."""
    evaluations: float = 2.0
    """An epoch."""
    patience: int = 3
    """Evaluations without a better held-out loss before the training stops."""
    lora_rank: int = 16
    lora_alpha: int = 32
    checkpoint_seconds: float = 2.0
    """At least this long between two checkpoints."""


def choose(
    tokens: int, parameters: int, method: str, settings: dict[str, float], whole: int = 0, foreign: bool = False
) -> Recipe:
    """``tokens`` of one epoch and ``parameters`` of the base; ``settings`` have the last word. Raises Failed.

    ``whole``: tokens of all tweets, where training goes on from a version and ``tokens`` are only what is new to it:
    that is gone through as often as all would be. ``foreign``: the base had to get tokens for the tweets' language.
    """
    averaged = method == "full" and parameters < AVERAGED_BELOW
    held_back = averaged and not foreign
    factor = (LORA_FACTOR if method == "lora" else 1.0) * (ONWARD_FACTOR if whole else 1.0)
    recipe = Recipe(
        learning_rate=(AVERAGED_RATE if averaged else _rate(parameters)) * _fall(tokens) * factor,
        epochs=_epochs(
            whole or tokens,
            AVERAGED_TOKENS if averaged else TRAINING_TOKENS,
            AVERAGED_EPOCHS if held_back else MOST_EPOCHS,
        ),
        dropout=float(parameters >= MERGED_BELOW and method == "full"),
        batch_tokens=min(AVERAGED_BATCH if averaged else LARGEST_BATCH, max(SMALLEST_BATCH, tokens // EPOCH_STEPS)),
        # Half a GPT-2 step: a step must not outlast a cancel.
        slice_tokens=min(LARGEST_BATCH, max(64, int(6e10 / parameters))),
        evaluations=4.0 if tokens < FULL_RATE_TOKENS / 2 else 2.0,
    )
    if averaged:
        # An average moves slowly: looking at it twice an epoch finds the same weights as four times would.
        recipe = replace(
            recipe, outer_factor=OUTER_FACTOR, pull=PULL * held_back, averaged=1.0, evaluations=2.0, patience=2
        )
    kinds = {each.name: type(getattr(recipe, each.name)) for each in fields(recipe)}
    if unknown := settings.keys() - kinds:
        raise Failed(f"There is no training setting {sorted(unknown)[0]!r}; choose among {', '.join(kinds)}.")
    for name, value in settings.items():
        _check(name, value, kinds[name])
    return replace(recipe, **{name: kinds[name](value) for name, value in settings.items()})


def _check(name: str, value: float, kind: type) -> None:
    """Raises Failed for a setting that no training can have."""
    least = "a number from 0 up" if name not in ABOVE_ZERO else "a number above 0" if kind is float else "1 or more"
    if not math.isfinite(value) or value < 0 or (name in ABOVE_ZERO and not kind(value)):
        raise Failed(f"The training setting {name!r} cannot be {value:g}: choose {least}.")


def _epochs(tokens: int, trained: int, most: float) -> float:
    return min(most, max(trained / tokens, min(1.0, MOST_TOKENS / tokens)))


def _rate(parameters: int) -> float:
    exponent = math.log(LARGE_RATE / SMALL_RATE) / math.log(LARGE / SMALL)
    return SMALL_RATE * math.pow(max(parameters, SMALL) / SMALL, exponent)


def _fall(tokens: int) -> float:
    return min(1.0, max(0.25, math.pow(tokens / FULL_RATE_TOKENS, 0.43)))
