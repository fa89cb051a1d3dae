"""How much n-grams of the training tweets help to foretell the held-out ones, beside what the network learnt."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from trainer.corpus import IGNORED, Batch, HeldOut
from trainer.evaluate import token_losses
from trainer.ngrams import ORDERS, Floats, NGrams, windows

if TYPE_CHECKING:
    from trainer.base import Base
    from trainer.memory import Slices
    from trainer.runs import Data

STRENGTHS = [tenth / 10 for tenth in range(11)]
"""Times the weights of the n-grams. One number, chosen on hundreds of held-out tokens, hardly flatters their loss."""
MOST_NATS = 700.0
"""Of a token: e to this power is still a number."""


@dataclass(frozen=True)
class Mixture:
    """N-grams in the strength that foretells the held-out tweets best."""

    ngrams: NGrams
    strength: float
    """0 where they do not help."""
    loss: float
    """Nats a token of the held-out tweets, everybody's nats a character weighing the same."""

    @classmethod
    def of(cls, base: "Base", data: "Data", slices: "Slices") -> Self:
        """Raises NoMemory."""
        counted = NGrams.count(data.people, data.marks)
        people = [Foretold.of(base, each, counted, slices) for each in data.held_out]
        sizes = [each.tokens_a_character for each in data.held_out]
        losses = [float(np.average([each.loss(tried) for each in people], weights=sizes)) for tried in STRENGTHS]
        loss, strength = min(zip(losses, STRENGTHS, strict=True))
        return cls(counted.scaled(strength), strength, loss)

    def save(self, directory: Path) -> None:
        if self.strength:
            self.ngrams.save(directory)


@dataclass(frozen=True)
class Foretold:
    """Held-out tokens: the chance that the network gave each, and what its contexts of each length take of all chances
    and give to it.
    """

    chance: Floats
    """[tokens]."""
    taken: Floats
    """[tokens, ORDERS]."""
    given: Floats
    """[tokens, ORDERS]."""

    @classmethod
    def of(cls, base: "Base", held_out: HeldOut, ngrams: NGrams, slices: "Slices") -> Self:
        """Raises NoMemory."""
        parts = [_foretell(base, batch, ngrams, slices) for batch in held_out.batches]
        return cls(*(np.concatenate(each) for each in zip(*parts, strict=True)))

    def loss(self, strength: float = 1.0) -> float:
        """Nats a token."""
        chance = self.chance
        for taken, given in zip(self.taken.T, self.given.T, strict=True):
            chance = chance * (1 - strength * taken) + strength * given
        return float(-np.log(chance).mean())


def _foretell(base: "Base", batch: Batch, ngrams: NGrams, slices: "Slices") -> tuple[Floats, Floats, Floats]:
    chance = np.exp(-np.minimum(token_losses(base, batch, slices).double().numpy(), MOST_NATS))
    voices, rows = zip(*map(ngrams.split, _rows(batch)), strict=True)
    last, tokens = windows(rows)
    contexts, followers, shares, left = ngrams.shares_of(last, np.repeat(voices, [len(row) - 1 for row in rows]))
    right = followers == tokens[contexts // ORDERS]
    given = np.bincount(contexts[right], shares[right], left.size).astype(np.float32).reshape(left.shape)
    return chance, 1 - left, given


def _rows(batch: Batch) -> list[list[int]]:
    """As they were before they became a batch."""
    return [_row(*each) for each in zip(batch.ids.tolist(), batch.labels.tolist(), strict=True)]


def _row(ids: list[int], labels: list[int]) -> list[int]:
    last = max(place for place, label in enumerate(labels) if label != IGNORED)
    return [*ids[: last + 1], labels[last]]
