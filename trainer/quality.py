"""How tweets differ from the real ones in numbers: how varied they are, and how long. No torch."""

import random
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from trainer.grams import units

PAIRS = 1_000
"""Pairs of words on which variety is measured: the share of distinct ones falls with their number, so that figures
compare only over as many."""
TENTHS = [tenth / 10 for tenth in range(11)]


def describe(texts: Sequence[str], seed: int) -> dict[str, Any]:
    """``distinct_2`` and ``lengths`` of the texts; PAIRS of a random part of them, if there are so many."""
    drawn = random.Random(seed).sample(list(texts), len(texts))
    return {"distinct_2": round(distinct_pairs(drawn), 4), "lengths": lengths(texts)}


def distinct_pairs(texts: Sequence[str]) -> float:
    """Distinct-2 (Li et al., arXiv:1510.03055): distinct pairs of neighbouring words, as a share of the first PAIRS."""
    pairs = [pair for text in texts for pair in pairwise(units(text))][:PAIRS]
    return len(set(pairs)) / max(1, len(pairs))


def lengths(texts: Sequence[str]) -> list[float]:
    """Characters of the shortest text, of those at each tenth, and of the longest."""
    return [float(each) for each in np.quantile([len(text) for text in texts], TENTHS, method="inverted_cdf")]


def gap(texts: Sequence[str], real: Sequence[float]) -> float:
    """Kolmogorov's distance between the texts' lengths and ``real`` ones, taken at the tenths that are known of these.

    0 where they are alike, 1 where all texts are shorter or all are longer.
    """
    ordered = np.sort([len(text) for text in texts])
    shares = np.searchsorted(ordered, real, "right") / len(ordered)
    below = np.searchsorted(ordered, real, "left") / len(ordered)
    outside = np.maximum(below - TENTHS, TENTHS - shares)[1:-1]
    return float(max(0.0, outside.max(), below[0], 1 - shares[-1]))
