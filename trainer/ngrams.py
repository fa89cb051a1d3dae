"""What somebody tends to say after their last words: n-grams of the tweets a persona was trained on, with its network.

A small network blurs names, places and turns of phrase that a table simply holds. So each context of one to ORDERS
tokens that the tweets have takes a share of the chances from what was foretold so far, the network first, and gives it
to the tokens that followed there (Witten and Bell's interpolation, IEEE Transactions on Information Theory 37(4), 1991;
with a network below: Mikolov et al., Interspeech 2011). No torch.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import repeat
from pathlib import Path
from typing import Any, Self
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

FILE = "ngrams.npz"

WEIGHTS, DOUBT = (0.07, 0.27, 0.4, 0.55), 2.0
"""A context that was seen n times before t different tokens takes ``weight * n / (n + DOUBT * t)``; weights by its
length. With half as much again held-out losses are up to 0.6 % lower, and more is copied."""
ORDERS = len(WEIGHTS)
RARE = 2
"""Times that a context of full length must have been seen: the others are a third of the table, for 0.2 % of the
loss."""
MOST = 400_000
"""Followers that are kept, those that give most: 4 MB."""
NOTHING = -1
"""In place of a token: before the first."""
MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)

Ids = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Added:
    """What n-grams do to the chances [rows, vocabulary] that a network gives."""

    kept: Floats
    """[rows or 1, 1]: what they are multiplied by."""
    places: Ids
    """[places, 2], row and token: where something is added then. None twice, for they are written side by side."""
    chances: Floats
    """[places]: how much."""


NONE = Added(np.ones((1, 1), np.float32), np.empty((0, 2), np.int64), np.empty(0, np.float32))


@dataclass(frozen=True, eq=False)
class NGrams:
    """Contexts of all lengths in one table, by hash, each with the tokens that followed it."""

    contexts: Hashes
    """Sorted."""
    ends: npt.NDArray[np.int32]
    """Where each context's followers end."""
    followers: npt.NDArray[Any]
    """Tokens, unsigned, in 16 bits where they fit."""
    shares: npt.NDArray[np.float16]
    """Of the chances, that each follower takes."""
    marks: Ids
    """Tokens of a cyborg's speakers: each has n-grams of their own."""

    @classmethod
    def count(cls, people: Sequence[Sequence[Sequence[int]]], marks: Sequence[int] = ()) -> Self:
        """Of people's rows of tokens, without the ``marks`` of who speaks, of which there is one each or none."""
        read = [windows(rows) for rows in people]
        last, tokens = (np.concatenate(each) for each in zip(*read, strict=True))
        voices = [mark + 1 for mark in marks] or [0] * len(people)
        keys = _keys(last, np.repeat(voices, [len(each) for _, each in read]))
        counted = [_count(order, keys, tokens, last) for order in range(ORDERS)]
        contexts, seen, followers, shares = (np.concatenate(each) for each in zip(*counted, strict=True))
        useful = np.argsort(-seen * shares, kind="stable")[:MOST]
        chosen = useful[np.argsort(contexts[useful], kind="stable")]
        every, sizes = np.unique(contexts[chosen], return_counts=True)
        kind = np.uint16 if followers.max() < 2**16 else np.uint32
        ends, marked = np.cumsum(sizes).astype(np.int32), np.array(marks, np.int64)
        return cls(every, ends, followers[chosen].astype(kind), shares[chosen].astype(np.float16), marked)

    def scaled(self, strength: float) -> Self:
        return replace(self, shares=(self.shares * strength).astype(np.float16))

    @property
    def bytes(self) -> int:
        return sum(each.nbytes for each in (self.contexts, self.ends, self.followers, self.shares))

    def save(self, directory: Path) -> None:
        np.savez(directory / FILE, **vars(self))

    @classmethod
    def load(cls, directory: Path, vocabulary: int) -> Self | None:
        """None where there are none. Raises OSError, or ValueError for a file that is damaged or another model's."""
        if not (directory / FILE).exists():
            return None
        try:
            with (directory / FILE).open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                found = cls(**arrays)
            whole = (
                len(found.contexts) == len(found.ends) and len(found.followers) == len(found.shares) == found.ends[-1]
            )
        except (BadZipFile, EOFError, IndexError, TypeError) as error:
            raise ValueError("the n-grams are damaged") from error
        if not whole or found.followers.max() >= vocabulary:
            raise ValueError("the n-grams are damaged, or of another model")
        return found

    def split(self, row: Sequence[int]) -> tuple[int, list[int]]:
        """Whose n-grams go on with a row, as a number, and the row without the mark that tells it."""
        marked = len(row) > 1 and row[1] in self.marks
        return (row[1] + 1, [row[0], *row[2:]]) if marked else (0, list(row))

    def shares_of(self, last: Ids, voices: Ids) -> tuple[Ids, Ids, Floats, Floats]:
        """The followers of each row's contexts: the number of the context, the token, and its share; and what each
        context [rows, ORDERS] leaves to the shorter ones.

        ``last``: tokens [rows, ORDERS], the latest first; ``voices`` [rows]: from ``split``. Contexts are numbered by
        row, in it by length.
        """
        keys = _keys(last, voices)
        places = np.minimum(np.searchsorted(self.contexts, keys), len(self.contexts) - 1)
        found = self.contexts[places] == keys
        starts = np.where(places > 0, self.ends[places - 1], 0)
        sizes = np.where(found, self.ends[places] - starts, 0).ravel()
        at = np.repeat(starts.ravel() - np.cumsum(sizes) + sizes, sizes) + np.arange(sizes.sum())
        contexts, shares = np.repeat(np.arange(sizes.size), sizes), self.shares[at].astype(np.float32)
        left = 1 - np.bincount(contexts, shares, sizes.size).reshape(last.shape)
        return contexts, self.followers[at].astype(np.int64), shares, left.astype(np.float32)

    def after(self, last: Ids, voices: Ids) -> tuple[Floats, Ids, Ids, Floats]:
        """What each row's chances are multiplied by [rows]; and rows, tokens, and what is added there."""
        contexts, tokens, shares, left = self.shares_of(last, voices)
        # A longer context comes after the shorter ones, and takes of what they gave.
        onward = np.cumprod(np.concatenate((np.ones((len(left), 1), np.float32), left[:, ::-1]), 1), 1, np.float32)
        rows, orders = np.divmod(contexts, ORDERS)
        return onward[:, -1], rows, tokens, shares * onward[rows, ORDERS - 1 - orders]


class Trail:
    """The last tokens of a batch's rows, and what each row's n-grams, if it has any, make of them."""

    def __init__(self, tables: Sequence[NGrams | None], prompts: Sequence[Sequence[int]]) -> None:
        self._tables = [each for each in dict.fromkeys(tables) if each]
        self._whose = np.array([self._tables.index(each) if each else NOTHING for each in tables])
        read = [each.split(row) if each else (0, list(row)) for each, row in zip(tables, prompts, strict=True)]
        self._voices = np.array([voice for voice, _ in read])
        self._last = np.array([[*row[::-1], *repeat(NOTHING, ORDERS)][:ORDERS] for _, row in read])

    def keep(self, rows: Ids) -> None:
        self._whose, self._voices, self._last = self._whose[rows], self._voices[rows], self._last[rows]

    def follow(self, tokens: Ids) -> None:
        """``tokens`` [rows] come next."""
        self._last = np.concatenate((tokens[:, None], self._last[:, :-1]), 1)

    def added(self, rows: Ids | None = None) -> Added:
        """To the chances of these rows, or all."""
        rows = np.arange(len(self._whose)) if rows is None else rows
        parts, kept = [], np.ones((len(rows), 1), np.float32)
        for number, table in enumerate(self._tables):
            (own,) = np.nonzero(self._whose[rows] == number)
            if len(own):
                kept[own, 0], of, tokens, chances = table.after(self._last[rows[own]], self._voices[rows[own]])
                parts.append((own[of] << 32 | tokens, chances))
        if not parts:
            return NONE
        codes, chances = (np.concatenate(each) for each in zip(*parts, strict=True))
        codes, which = np.unique(codes, return_inverse=True)
        chances = np.bincount(which, chances).astype(np.float32)
        return Added(kept, np.stack((codes >> 32, codes & 0xFFFFFFFF), 1), chances)


def windows(rows: Sequence[Sequence[int]]) -> tuple[Ids, Ids]:
    """Of each token but the rows' first: the ORDERS before it [tokens, ORDERS], the latest first; and itself."""
    flat = np.array([token for row in rows for token in (*repeat(NOTHING, ORDERS), *row)], np.int64)
    each = np.lib.stride_tricks.sliding_window_view(flat, ORDERS + 1)
    each = each[(each[:, -1] != NOTHING) & (each[:, -2] != NOTHING)]
    return each[:, -2::-1], each[:, -1]


def _keys(last: Ids, voices: Ids) -> Hashes:
    """A hash of the contexts of one to ORDERS tokens [rows, ORDERS]."""
    keys, hashed = np.empty(last.shape, np.uint64), voices.astype(np.uint64) * MULTIPLIER
    for order in range(ORDERS):
        hashed = (hashed ^ (last[:, order] + 1).astype(np.uint64)) * MULTIPLIER
        hashed ^= hashed >> np.uint64(32)
        keys[:, order] = hashed
    return keys


def _count(order: int, keys: Hashes, tokens: Ids, last: Ids) -> tuple[Hashes, Ids, Ids, Floats]:
    """For each follower of each context of a length: the context, how often it was seen, the follower, its share."""
    there = last[:, order] != NOTHING
    contexts, which = np.unique(keys[there, order], return_inverse=True)
    pairs, counts = np.unique(which << 32 | tokens[there], return_counts=True)
    which, followers = pairs >> 32, pairs & 0xFFFFFFFF
    seen, kinds = np.bincount(which, counts)[which], np.bincount(which)[which]
    shares = WEIGHTS[order] * counts / (seen + DOUBT * kinds)
    kept = (seen >= (RARE if order == ORDERS - 1 else 1)) & (shares > 0)
    return contexts[which][kept], seen[kept].astype(np.int64), followers[kept], shares[kept].astype(np.float32)
