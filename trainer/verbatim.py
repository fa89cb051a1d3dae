"""Does a sample repeat a tweet the persona was trained on? Known by hashes, so that no tweet is kept beside a model.

A text becomes units: a word where words are written apart, a character where they are not (Chinese, Japanese, Thai).
Each unit is worth so many words, so that "a run of eight words" means the same amount of speech in every script. An
n-gram is the shortest run of units worth three words; the index knows for each n-gram of the corpus which tweets hold
it.
"""

import re
import unicodedata
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, Self
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint64]
Numbers = npt.NDArray[np.int64]

FILE = "seen.npz"

WORD = 4
"""Worth of a word, in quarters. Translators reckon about two Chinese or Japanese characters, and four to five Thai
ones, to an English word: such characters are worth 2 and 1."""
GRAM = 3 * WORD
RUN = 8 * WORD
"""So long a run out of one tweet is a quotation."""
ADDED = RUN // 2
"""So much of the run must be the model's own doing where a prompt was given: a prompt typed off a real tweet, or an
opening that happens to stand in one, is no fault of what follows."""
SHARE = 0.6
"""Of its n-grams in one tweet make a sample a copy with a few words changed."""
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
        words = _Words()
        read = [words.read(text) for text in texts]
        lengths = np.array([len(hashes) for hashes, _ in read], np.int64)
        hashes = np.concatenate([each for each, _ in read] or [np.empty(0, np.uint64)])
        worths = np.concatenate([each for _, each in read] or [np.empty(0, np.int64)])
        ends = np.cumsum(lengths)
        grams = _Grams.of(hashes, worths, np.repeat(ends, lengths))
        owners = np.repeat(np.arange(len(texts), dtype=np.uint32), lengths)[grams.starts]
        order = np.lexsort((owners, grams.hashes))
        tweets = _sums(hashes, ends - lengths, ends)[lengths > 0]
        return cls(grams.hashes[order], owners[order], np.unique(tweets))

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
        words = _Words()
        hashes, worths = words.read(text)
        given = _common(hashes, words.read(prompt)[0]) if prompt else 0
        if given == len(hashes):
            return Likeness(0.0, copied=False)
        end = np.array([len(hashes)])
        if np.isin(_sums(hashes, end - end, end), self.tweets, assume_unique=True)[0]:
            return Likeness(1.0, copied=True)
        grams = _Grams.of(hashes, worths, np.repeat(end, len(hashes)))
        tweets, places = self._find(grams.hashes)
        new = grams.ends[places] > given
        added = int(np.count_nonzero(grams.ends > given))
        share = _commonest(tweets[new]) / added if added else 0.0
        reach = np.concatenate(([0], np.cumsum(worths)))
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


@dataclass(frozen=True)
class _Grams:
    """N-grams by hash, with the units they begin at and end before."""

    hashes: Hashes
    starts: Numbers
    ends: Numbers

    @classmethod
    def of(cls, hashes: Hashes, worths: Numbers, limits: Numbers) -> Self:
        """All n-grams of one or more texts laid end to end; ``limits``: where the text of each unit ends."""
        reach = np.cumsum(worths)
        starts = np.arange(len(hashes))
        ends = np.searchsorted(reach, reach - worths + GRAM) + 1
        whole = ends <= limits
        return cls(_sums(hashes, starts[whole], ends[whole]), starts[whole], ends[whole])


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


def _common(one: Hashes, other: Hashes) -> int:
    """How many units both begin with."""
    size = min(len(one), len(other))
    different = np.flatnonzero(one[:size] != other[:size])
    return int(different[0]) if len(different) else size


def _commonest(tweets: Numbers) -> int:
    return int(np.unique(tweets, return_counts=True)[1].max(initial=0))


def _quotes(grams: _Grams, tweets: Numbers, places: Numbers, reach: Numbers, given: int) -> bool:
    """Whether n-grams that follow each other in the text, all in one tweet, make up a run long enough."""
    if not len(tweets):
        return False
    breaks = np.flatnonzero((np.diff(tweets) != 0) | (np.diff(places) != 1))
    firsts = grams.starts[places[np.concatenate(([0], breaks + 1))]]
    lasts = grams.ends[places[np.concatenate((breaks, [len(places) - 1]))]]
    long = reach[lasts] - reach[firsts] >= RUN
    own = reach[lasts] - reach[np.maximum(firsts, given)] >= min(ADDED, RUN)
    return bool(np.any(long & own))
