"""What texts say, as numbers that compare fast: hashes of their words and of the runs of words in them.

A text becomes units: a word where words are written apart, a character where they are not (Chinese, Japanese, Thai).
Each unit is worth so many words, so that "a run of eight words" means the same amount of speech in every script. An
n-gram is the shortest run of units worth so many words.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise
from typing import Any, Self

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint64]
Numbers = npt.NDArray[np.int64]

WORD = 4
"""Worth of a word, in quarters. Translators reckon about two Chinese or Japanese characters, and four to five Thai
ones, to an English word: such characters are worth 2 and 1."""
GRAM = 3 * WORD
RUN = 8 * WORD
"""So long a run out of one tweet is a quotation."""
SHARE = 0.6
"""Of its n-grams in one tweet make a text a copy with a few words changed."""
PHRASE = 5 * WORD
"""Shorter texts are common speech ("have a great day"): only a whole tweet makes them copies."""

CHARACTERS = [
    (1, [(0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF)]),  # Thai and Lao, Burmese, Khmer
    (2, [(0x3005, 0x3007), (0x3040, 0x30FF), (0x31F0, 0x31FF)]),  # Japanese
    (2, [(0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF)]),  # Han
]
"""Scripts written without spaces, with what a character of each is worth."""

MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Texts:
    """The units of texts laid end to end."""

    hashes: Hashes
    worths: Numbers
    lengths: Numbers
    """Units of each text."""

    @classmethod
    def read(cls, texts: Sequence[str]) -> Self:
        words = _Words()
        read = [words.read(text) for text in texts]
        hashes = np.concatenate([each for each, _ in read] or [np.empty(0, np.uint64)])
        worths = np.concatenate([each for _, each in read] or [np.empty(0, np.int64)])
        return cls(hashes, worths, np.array([len(each) for each, _ in read], np.int64))

    @property
    def ends(self) -> Numbers:
        """Where each text ends."""
        return np.cumsum(self.lengths)

    @property
    def owners(self) -> Numbers:
        """The number of each unit's text."""
        return np.repeat(np.arange(len(self.lengths)), self.lengths)

    @property
    def worth(self) -> Numbers:
        """What each text is worth."""
        return np.bincount(self.owners, self.worths, len(self.lengths)).astype(np.int64)

    @property
    def wholes(self) -> Hashes:
        """A hash of each text."""
        return _sums(self.hashes, self.ends - self.lengths, self.ends)

    def grams(self, worth: int) -> "Grams":
        """All n-grams within texts, in order."""
        reach = np.cumsum(self.worths)
        starts = np.arange(len(self.hashes))
        ends = np.searchsorted(reach, reach - self.worths + worth) + 1
        whole = ends <= np.repeat(self.ends, self.lengths)
        return Grams(_sums(self.hashes, starts[whole], ends[whole]), starts[whole], ends[whole])

    def divided(self, worth: int) -> list[list[int]]:
        """The hashes of each text's n-grams."""
        grams = self.grams(worth)
        hashes = grams.hashes.tolist()
        bounds = np.searchsorted(grams.starts, [0, *self.ends]).tolist()
        return [hashes[first:last] for first, last in pairwise(bounds)]


@dataclass(frozen=True)
class Grams:
    """N-grams by hash, with the units they begin at and end before."""

    hashes: Hashes
    starts: Numbers
    ends: Numbers


class _Words:
    """Splits texts and hashes their units, each distinct unit once."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, int]] = {}

    def read(self, text: str) -> tuple[Hashes, Numbers]:
        """Hashes of the text's units and their worth, in order."""
        known = [self._known.get(unit) or self._learn(unit) for unit in units(text)]
        return np.array([each[0] for each in known], np.uint64), np.array([each[1] for each in known], np.int64)

    def _learn(self, unit: str) -> tuple[int, int]:
        digest = blake2b(unit.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        self._known[unit] = int.from_bytes(digest, "little"), _worth(ord(unit[0]))
        return self._known[unit]


class _Fold(dict[int, Any]):
    """For ``str.translate``: keeps letters, marks and digits, parts characters that are units, drops the rest."""

    def __missing__(self, code: int) -> str | None:
        character = chr(code)
        kind = unicodedata.category(character)
        if kind[0] in "LMN":
            self[code] = character if _worth(code) == WORD else f" {character} "
        else:
            self[code] = None if character in "'’" or kind == "Cf" else " "
        return self[code]  # type: ignore[no-any-return]  # str.translate's table holds str and None


_FOLD = _Fold()


def units(text: str) -> list[str]:
    """The text's words and spaceless characters without case, punctuation and @mentions; if it has none, itself."""
    folded = re.sub(r"@\w+", " ", unicodedata.normalize("NFKC", text)).casefold()
    return folded.translate(_FOLD).split() or folded.split()


def _worth(code: int) -> int:
    for worth, ranges in CHARACTERS:
        if any(first <= code <= last for first, last in ranges):
            return worth
    return WORD


def _sums(hashes: Hashes, starts: Numbers, ends: Numbers) -> Hashes:
    """Hash of each run of units: a polynomial modulo 2^64, from prefix sums, so that a whole corpus takes one pass."""
    inverse = np.uint64(pow(int(MULTIPLIER), -1, 2**64))
    powers = np.cumprod(np.concatenate((_ONE, np.full(len(hashes), MULTIPLIER))))
    back = np.cumprod(np.concatenate((_ONE, np.full(len(hashes), inverse))))
    prefix = np.concatenate((np.zeros(1, np.uint64), np.cumsum(hashes * powers[:-1], dtype=np.uint64)))
    return np.asarray((prefix[ends] - prefix[starts]) * back[starts], np.uint64)


_ONE = np.ones(1, np.uint64)
