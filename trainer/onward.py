"""Training on from a version instead of from its base: what it has learnt from, and so what is new to it.

Both ways can be compared on tweets only that neither has learnt from; a version's own held-out tweets are such, and
whatever came since.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from trainer import publish
from trainer.grams import Hashes, Texts

FILE = "learnt.npy"


@dataclass(frozen=True)
class Start:
    """A version to train on from."""

    directory: Path
    version: int
    learnt: Hashes
    """Whole tweets that its weights were trained on, and those that they were trained on from."""

    @classmethod
    def find(cls, directory: str) -> Self | None:
        """None for no directory, a version of which nobody knows what it learnt from, or an adapter beside its base."""
        meta = publish.read_meta(Path(directory)) if directory else None
        try:
            learnt = np.load(Path(directory, FILE), allow_pickle=False)
        except (OSError, ValueError, EOFError):  # it was taken over from the hub, or deleted meanwhile
            return None
        return cls(Path(directory), meta["version"], learnt) if meta and not meta["adapter"] else None

    def known(self, texts: Sequence[str]) -> set[int]:
        """Numbers of the texts that it has learnt from."""
        return set(np.isin(Texts.read(texts).wholes, self.learnt).nonzero()[0].tolist())


def save(directory: Path, texts: Sequence[str], start: Start | None) -> None:
    """Note that the version in ``directory`` has learnt from the texts, and from all that ``start`` had."""
    before = [start.learnt] if start else []
    np.save(directory / FILE, np.unique(np.concatenate([Texts.read(texts).wholes, *before])))
