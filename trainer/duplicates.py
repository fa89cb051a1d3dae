"""Tweets that say nearly the same, found in time that grows with their number and not with its square."""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from trainer.grams import GRAM, PHRASE, RUN, SHARE, Texts

Link = tuple[int, int]
"""Numbers of two texts that belong together."""

BOILERPLATE = 50
"""Texts that hold an n-gram. More are not compared one by one, which would take long: where all n-grams of a text but
40 % are in so many, those are taken to be alike. Timelines of people have hardly any such, those of machines many."""


def quoting(texts: Sequence[str]) -> list[list[int]]:
    """Indices in groups: texts that are equal or share a run of eight words, directly or through others."""
    return _groups(len(texts), _quotations(Texts.read(texts)))


def alike(texts: Sequence[str]) -> list[list[int]]:
    """As ``quoting``, and with texts of five words or more that have 60 % of their n-grams in another text."""
    read = Texts.read(texts)
    return _groups(len(texts), chain(_quotations(read), _variations(read)))


def _quotations(read: Texts) -> Iterator[Link]:
    runs = read.grams(RUN)
    for numbers, hashes in ((range(len(read.lengths)), read.wholes), (read.owners[runs.starts].tolist(), runs.hashes)):
        first: dict[int, int] = {}
        for number, run in zip(numbers, hashes.tolist(), strict=True):
            yield number, first.setdefault(run, number)


def _variations(read: Texts) -> Iterator[Link]:
    """A text that holds 60 % of n n-grams holds one of the rarest n - 60 % + 1: only texts that do are compared.

    Prefix filtering: Chaudhuri, Ganti and Kaushik, ICDE 2006.
    """
    said = read.divided(GRAM)
    held = [set(grams) for grams in said]
    holders: defaultdict[int, list[int]] = defaultdict(list)
    for number, kinds in enumerate(held):
        for gram in kinds:
            holders[gram].append(number)
    common: set[int] = set()
    for number in (read.worth >= PHRASE).nonzero()[0].tolist():
        grams = said[number]
        least = math.ceil(SHARE * len(grams))
        rarest = sorted(grams, key=lambda gram: len(holders[gram]))[: len(grams) - least + 1]
        common.update(gram for gram in rarest if len(holders[gram]) > BOILERPLATE)
        others = {other for gram in rarest if gram not in common for other in holders[gram]}
        yield from ((number, other) for other in others if sum(gram in held[other] for gram in grams) >= least)
    yield from ((holders[gram][0], other) for gram in common for other in holders[gram])


def _groups(count: int, links: Iterable[Link]) -> list[list[int]]:
    """Union and find."""
    parent = list(range(count))

    def root(number: int) -> int:
        while parent[number] != number:
            parent[number] = parent[parent[number]]
            number = parent[number]
        return number

    for one, other in links:
        parent[root(one)] = root(other)
    groups: defaultdict[int, list[int]] = defaultdict(list)
    for number in range(count):
        groups[root(number)].append(number)
    return list(groups.values())
