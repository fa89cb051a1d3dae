"""Does a sample repeat a tweet the persona was trained on? Known by hashes.

The index knows for each n-gram of the corpus, three words long, which tweets hold it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Self
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from trainer.grams import GRAM, PHRASE, RUN, SHARE, Grams, Hashes, Numbers, Texts

FILE = "seen.npz"

ADDED = RUN // 2
"""So much of the run must be the model's own doing where a prompt was given: a prompt typed off a real tweet, or an
opening that happens to stand in one, is no fault of what follows."""


@dataclass(frozen=True)
class Likeness:
    """What a text shares with the training tweet that it is nearest to."""

    nearness: float
    """Largest share of its n-grams in one tweet, 0 to 1; those of the prompt alone do not count."""
    copied: bool


@dataclass(frozen=True)
class Index:
    """The n-grams of a corpus and the numbers of the tweets that hold them, as parallel arrays sorted by n-gram."""

    grams: Hashes
    owners: npt.NDArray[np.uint32]
    tweets: Hashes
    """Whole tweets, sorted."""

    @classmethod
    def build(cls, texts: list[str]) -> Self:
        read = Texts.read(texts)
        grams = read.grams(GRAM)
        owners = read.owners[grams.starts].astype(np.uint32)
        order = np.lexsort((owners, grams.hashes))
        return cls(grams.hashes[order], owners[order], np.unique(read.wholes[read.lengths > 0]))

    def save(self, directory: Path) -> None:
        np.savez(directory / FILE, grams=self.grams, owners=self.owners, tweets=self.tweets)

    @classmethod
    def load(cls, directory: Path) -> Self:
        """A directory without an index gives an empty one. Raises OSError or ValueError for a damaged file."""
        if not (directory / FILE).exists():
            return cls.build([])
        try:
            with (directory / FILE).open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                return cls(arrays["grams"], arrays["owners"], arrays["tweets"])
        except (BadZipFile, EOFError, KeyError) as error:
            raise ValueError("the index of training tweets is damaged") from error

    def nearness(self, text: str, prompt: str = "") -> float:
        return self.compare(text, prompt).nearness

    def copied(self, text: str, prompt: str = "") -> bool:
        return self.compare(text, prompt).copied

    def compare(self, text: str, prompt: str = "") -> Likeness:
        """Judge what ``text`` adds to the ``prompt`` it begins with."""
        read = Texts.read([text])
        given = _common(read.hashes, Texts.read([prompt]).hashes) if prompt else 0
        if given == len(read.hashes):
            return Likeness(0.0, copied=False)
        if np.isin(read.wholes, self.tweets, assume_unique=True)[0]:
            return Likeness(1.0, copied=True)
        grams = read.grams(GRAM)
        tweets, places = self._find(grams.hashes)
        new = grams.ends[places] > given
        added = int(np.count_nonzero(grams.ends > given))
        share = _commonest(tweets[new]) / added if added else 0.0
        reach = np.concatenate(([0], np.cumsum(read.worths)))
        long = reach[-1] >= PHRASE
        return Likeness(share, bool(long and share >= SHARE) or _quotes(grams, tweets, places, reach, given))

    def _find(self, grams: Hashes) -> tuple[Numbers, Numbers]:
        """Pairs of a tweet's number and a place in ``grams``, sorted by tweet and place."""
        first = np.searchsorted(self.grams, grams, "left")
        counts = np.searchsorted(self.grams, grams, "right") - first
        places = np.repeat(np.arange(len(grams)), counts)
        offsets = np.arange(len(places)) - np.repeat(np.cumsum(counts) - counts, counts)
        owners = self.owners[np.repeat(first, counts) + offsets].astype(np.int64)
        return np.divmod(np.unique(owners * len(grams) + places), max(len(grams), 1))


def _common(one: Hashes, other: Hashes) -> int:
    """How many units both begin with."""
    size = min(len(one), len(other))
    different = np.flatnonzero(one[:size] != other[:size])
    return int(different[0]) if len(different) else size


def _commonest(tweets: Numbers) -> int:
    return int(np.unique(tweets, return_counts=True)[1].max(initial=0))


def _quotes(grams: Grams, tweets: Numbers, places: Numbers, reach: Numbers, given: int) -> bool:
    """Whether n-grams that follow each other in the text, all in one tweet, make up a run long enough."""
    if not len(tweets):
        return False
    breaks = np.flatnonzero((np.diff(tweets) != 0) | (np.diff(places) != 1))
    firsts = grams.starts[places[np.concatenate(([0], breaks + 1))]]
    lasts = grams.ends[places[np.concatenate((breaks, [len(places) - 1]))]]
    long = reach[lasts] - reach[firsts] >= RUN
    own = reach[lasts] - reach[np.maximum(firsts, given)] >= min(ADDED, RUN)
    return bool(np.any(long & own))
