"""A network and n-grams of the tweets that it is trained on: how well they foretell the held-out ones together."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from trainer.base import Base
from trainer.corpus import IGNORED, Batch, HeldOut
from trainer.evaluate import mean_of_people, token_losses
from trainer.memory import Slices, nothing
from trainer.ngrams import ORDERS, Floats, NGrams, windows

STRENGTHS = [tenth / 10 for tenth in range(11)]
"""Times the weights of the n-grams. One number, chosen on hundreds of held-out tokens, hardly flatters their loss; the
two tweets that are held out of twenty it may flatter."""
MOST_NATS = 700.0
"""Of a token: e to this power is still a number."""


@dataclass(frozen=True)
class Fit:
    """N-grams in the strength that foretells the held-out tweets best; losses in nats a token."""

    ngrams: NGrams | None
    """None where they do not help."""
    strength: float
    loss: float
    network_loss: float
    """Without n-grams."""


class Mixture:
    """Measures a base in training. In its losses everybody's nats a character weigh the same."""

    def __init__(self, ngrams: NGrams, held_out: Sequence[HeldOut]) -> None:
        self._ngrams, self._held_out = ngrams, held_out
        self._people = [[_Foretold.of(ngrams, batch) for batch in each.batches] for each in held_out]

    def loss(self, base: Base, slices: Slices, tick: Callable[[], None] = nothing) -> float:
        """Nats a token in the best strength. ``tick`` is called now and then. Raises NoMemory."""
        return min(self._losses(base, slices, tick))

    def fit(self, base: Base, slices: Slices) -> Fit:
        """Raises NoMemory."""
        losses = self._losses(base, slices, nothing)
        loss, strength = min(zip(losses, STRENGTHS, strict=True))
        return Fit(self._ngrams.scaled(strength) if strength else None, strength, loss, losses[0])

    def _losses(self, base: Base, slices: Slices, tick: Callable[[], None]) -> list[float]:
        """By STRENGTHS."""
        people = [[(each, each.network(base, slices, tick)) for each in person] for person in self._people]
        return [
            mean_of_people(
                self._held_out,
                [np.concatenate([each.nats(chance, tried) for each, chance in person]).mean() for person in people],
            )
            for tried in STRENGTHS
        ]


@dataclass(frozen=True)
class _Foretold:
    """What n-grams make of the tokens of a held-out batch."""

    batch: Batch
    taken: Floats
    """[tokens, ORDERS]: what a token's contexts of each length take of all chances."""
    given: Floats
    """[tokens, ORDERS]: and give to the token."""

    @classmethod
    def of(cls, ngrams: NGrams, batch: Batch) -> "_Foretold":
        voices, rows = zip(*map(ngrams.split, _rows(batch)), strict=True)
        last, tokens = windows(rows)
        contexts, followers, shares, left = ngrams.shares_of(last, np.repeat(voices, [len(row) - 1 for row in rows]))
        right = followers == tokens[contexts // ORDERS]
        given = np.bincount(contexts[right], shares[right], left.size).astype(np.float32).reshape(left.shape)
        return cls(batch, 1 - left, given)

    def network(self, base: Base, slices: Slices, tick: Callable[[], None]) -> Floats:
        """The chance of each token by the network alone."""
        nats = token_losses(base, self.batch, slices, tick).double().numpy()
        chances: Floats = np.exp(-np.minimum(nats, MOST_NATS))
        return chances

    def nats(self, chance: Floats, strength: float) -> Floats:
        for taken, given in zip(self.taken.T, self.given.T, strict=True):
            chance = chance * (1 - strength * taken) + strength * given
        return -np.log(chance)


def _rows(batch: Batch) -> list[list[int]]:
    """As they were before they became a batch."""
    return [_row(*each) for each in zip(batch.ids.tolist(), batch.labels.tolist(), strict=True)]


def _row(ids: list[int], labels: list[int]) -> list[int]:
    last = max(place for place, label in enumerate(labels) if label != IGNORED)
    return [*ids[: last + 1], labels[last]]
