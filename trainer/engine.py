"""The token loop: many rows through a causal language model at once, each with its own prompt, limits and dice."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from trainer.errors import UnusableBase
from trainer.lora import Adapter
from trainer.ngrams import NONE, Added, NGrams, Trail

Ids = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float32]

PRUNE_BELOW = 0.75
"""Share of a batch's rows still going at which the others are taken out: that copies all keys and values."""


@dataclass(frozen=True)
class Row:
    """One continuation to be drawn."""

    prompt: Sequence[int]
    """At least one token."""
    dice: Floats
    """Uniform draws in [0, 1), one for each token to come: its length is the most tokens that may be added."""
    temperature: float
    top_p: float
    top_k: int
    """0: no such limit."""
    at_least: int
    """Tokens to add before the row may end."""
    ngrams: NGrams | None = None
    """Of its persona, if it has any."""


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """What the loop must know of the tokens; both are masks of the model's output size."""

    stops: Bools
    """Tokens that end a row: the end of text, and all that hold a newline."""
    banned: Bools
    """Never drawn: other special tokens, and numbers that no token has."""


@dataclass(frozen=True)
class Wanted:
    """Which of the chances the loop wants to see."""

    allowed: Floats
    """[rows or 1, vocabulary]: 1, or 0 for what may not be drawn."""
    best: int
    """So many of the highest."""
    added: Added = NONE
    """What n-grams make of the chances that the model gives."""


class Decoder(Protocol):
    """A model with the keys and values of what it has read."""

    def feed(self, ids: Sequence[Sequence[int]] | Ids, wanted: Wanted) -> tuple[Floats, Ids]:
        """The logarithms of the best chances [rows, best] after each row's next tokens, highest first, and whose they
        are.

        The first time the rows may differ in length, and have at least one token; then each has one.
        """

    def keep(self, rows: Ids) -> None:
        """Go on with these rows only: their numbers, in which one may come more than once."""


class Engine(Protocol):
    """A model as generating needs it."""

    @property
    def bytes(self) -> int:
        """Memory its parameters take."""

    @property
    def context(self) -> int:
        """Tokens that it can see at once."""

    @property
    def vocabulary(self) -> int:
        """Size of its output."""

    def decoder(self, adapters: Sequence[Adapter], room: int) -> Decoder:
        """``adapters``: of each row, or none at all; ``room``: the most tokens a row will have."""


def continue_rows(
    engine: Engine, vocabulary: Vocabulary, rows: Sequence[Row], adapters: Sequence[Adapter] = ()
) -> list[list[int]]:
    """The tokens added to each row, the one that stopped it included. Raises UnusableBase where the model is broken."""
    draw = _Draw(vocabulary, rows)
    longest = max(len(row.dice) for row in rows)
    limits, places = np.array([len(row.dice) for row in rows]), np.arange(len(rows))
    added = np.full((len(rows), longest), -1)
    going = np.ones(len(rows), bool)
    decoder, best = _read_prompts(engine, rows, adapters, longest, draw)
    if not np.isfinite(best[0][:, 0]).all():
        raise UnusableBase("This persona's weights are damaged; train it again.")
    for step in range(longest):
        tokens = draw(*best, step)
        added[places, step] = np.where(going, tokens, -1)
        going &= ~vocabulary.stops[tokens] & (limits > step + 1)
        if np.count_nonzero(going) <= PRUNE_BELOW * len(places):
            if not going.any():
                break
            (left,) = going.nonzero()
            places, limits, tokens, going = places[left], limits[left], tokens[left], going[left]
            decoder.keep(left)
            draw.keep(left)
        draw.follow(tokens)
        if step + 1 < longest:
            best = decoder.feed(tokens[:, None], draw.wanted(step + 1))
    return [[token for token in row if token >= 0] for row in added.tolist()]


def _read_prompts(
    engine: Engine, rows: Sequence[Row], adapters: Sequence[Adapter], longest: int, draw: "_Draw"
) -> tuple[Decoder, tuple[Floats, Ids]]:
    """A decoder that has read the rows' prompts, and the best chances after; what rows have in common is read once."""
    beside: Sequence[Adapter | None] = adapters or [None] * len(rows)
    asked = [(tuple(row.prompt), row.at_least > 0, row.ngrams, each) for row, each in zip(rows, beside, strict=True)]
    first = {each: number for number, each in reversed(list(enumerate(asked)))}
    different = sorted(first.values())
    prompts = [rows[number].prompt for number in different]
    own = [adapters[number] for number in different] if adapters else []
    decoder = engine.decoder(own, max(map(len, prompts)) + longest)
    scores, tokens = decoder.feed(prompts, draw.wanted(0, np.array(different)))
    if len(different) < len(rows):
        owners = np.array([different.index(first[each]) for each in asked])
        decoder.keep(owners)
        scores, tokens = scores[owners], tokens[owners]
    return decoder, (scores, tokens)


class _Draw:
    """Temperature, then top-k, then top-p, as transformers orders them; only the k best are ever looked at."""

    def __init__(self, vocabulary: Vocabulary, rows: Sequence[Row]) -> None:
        size = len(vocabulary.stops)
        self._allowed = _allowed(vocabulary.banned)
        self._early = _allowed(vocabulary.banned | vocabulary.stops)
        self._ranks = min(size, max(row.top_k or size for row in rows))
        self._temperature = _column([row.temperature for row in rows])
        self._top_p = _column([row.top_p for row in rows])
        self._at_least = np.array([row.at_least for row in rows])
        self._worse = np.arange(self._ranks) >= _column([row.top_k or size for row in rows])
        self._dice = np.zeros((len(rows), max(len(row.dice) for row in rows)), np.float32)
        for place, row in enumerate(rows):
            self._dice[place, : len(row.dice)] = row.dice
        self._trail = Trail([row.ngrams for row in rows], [row.prompt for row in rows])

    def follow(self, tokens: Ids) -> None:
        """``tokens`` [rows] were drawn and are read next."""
        self._trail.follow(tokens)

    def keep(self, rows: Ids) -> None:
        self._trail.keep(rows)
        for name in ("_temperature", "_top_p", "_at_least", "_worse", "_dice"):
            setattr(self, name, getattr(self, name)[rows])

    def wanted(self, step: int, rows: Ids | None = None) -> Wanted:
        """For these rows, or all; those that have not reached their least length may not end."""
        early = (self._at_least if rows is None else self._at_least[rows]) > step
        if early.all() or not early.any():
            allowed = self._early if early.all() else self._allowed
        else:
            allowed = np.where(early[:, None], self._early, self._allowed)
        return Wanted(allowed, self._ranks, self._trail.added(rows))

    def __call__(self, scores: Floats, tokens: Ids, step: int) -> Ids:
        """Tokens [rows] from the logarithms of the best chances and whose they are."""
        chances = np.where(self._worse, -np.inf, scores - scores[:, :1]) / self._temperature
        chances = np.exp(chances, out=chances)
        chances /= chances.sum(1, keepdims=True)
        sums = chances.cumsum(1)
        kept = sums - chances < self._top_p
        mass = (chances * kept).sum(1, keepdims=True)
        ranks = np.count_nonzero((sums <= mass * self._dice[:, step, None]) & kept, axis=1)
        ranks = np.minimum(ranks, np.count_nonzero(kept, axis=1) - 1)  # rounding may carry the sum past the last kept
        drawn: Ids = np.take_along_axis(tokens, ranks[:, None], 1)[:, 0]
        return drawn


def _allowed(barred: Bools) -> Floats:
    return (~barred).astype(np.float32)[None]


def _column(values: Sequence[float]) -> npt.NDArray[Any]:
    return np.array(values)[:, None]
