"""The trainings of a job, ready to run: from the base, and where a version is refreshed also on from that version."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Self

from trainer import base, loop, meta, ngrams, recipe, speakers
from trainer.base import Base
from trainer.checkpoint import State, fingerprint
from trainer.corpus import Batch, HeldOut, Row, batches, epoch_tokens, split, tokenise, wanted
from trainer.errors import UnusableBase
from trainer.evaluate import people_loss
from trainer.memory import Slices
from trainer.mixture import Mixture
from trainer.ngrams import NGrams
from trainer.onward import Start
from trainer.protocol import FinetuneTask
from trainer.recipe import Recipe
from trainer.speakers import marked
from trainer.tweets import Corpus
from trainer.vocabulary import graft

log = logging.getLogger(__name__)

EVALUATED_TOKENS = 2048
"""In one pass without gradients."""

Sides = tuple[list[str], list[str]]
"""A person's training and held-out tweets."""


@dataclass
class Data:
    """Token rows of each person, and what is held out of each."""

    people: list[list[Row]]
    held_out: list[HeldOut]
    marks: list[int]
    """Of the people, in this order; none for one person."""
    new: list[list[Row]] = field(default_factory=list)
    """Where training goes on from a version: the rows of each person that it has not learnt from."""
    foreign: bool = False
    """Whether the base got tokens for the tweets' language. A version that is trained on from has them, and is learnt
    from as a base that knows the language.
    """

    @classmethod
    def of(cls, model: Base, sides: list[Sides], marks: Sequence[int] = ()) -> Self:
        """From each person's training and held-out tweets; the latter carry the marks, if there are any."""
        context = model.context - bool(marks)
        people = [tokenise(model.tokenizer, train, context) for train, _ in sides]
        rows = [tokenise(model.tokenizer, texts, context) for _, texts in sides]
        characters = [sum(map(len, model.tokenizer.batch_decode(each, skip_special_tokens=True))) for each in rows]
        if marks:
            rows = [[marked(row, mark) for row in each] for each, mark in zip(rows, marks, strict=True)]
        held_out = [batches(sorted(each, key=len), EVALUATED_TOKENS, marks) for each in rows]
        return cls(people, list(map(HeldOut, held_out, characters)), list(marks))

    @property
    def tokens_a_character(self) -> float:
        """The people's mean, as ``evaluate.mean_of_people`` wants it."""
        return fmean(each.tokens_a_character for each in self.held_out)

    @property
    def lessons(self) -> list[list[Row]]:
        """What is trained on."""
        return self.new or self.people


@dataclass
class Run:
    """One training: from the base, or on from a version."""

    model: Base
    data: Data
    mixture: Mixture
    chosen: Recipe
    steps: list[Batch]
    slices: Slices
    folder: Path
    """For its checkpoint."""
    mark: str
    """Fingerprint of all that shapes it."""
    start: Start | None
    state: State = field(default_factory=State)
    resumed_from: int = 0
    """The step."""

    @classmethod
    def of(
        cls,
        task: FinetuneTask,
        model: Base,
        data: Data,
        sides: list[Sides],
        slices: Slices,
        folder: Path,
        start: Start | None = None,
    ) -> Self:
        chosen = _choose(task, model, data)
        held_out = [texts for _, texts in sides]
        counted = ngrams.WEIGHTS, ngrams.DOUBT, ngrams.RARE, ngrams.MOST
        facts = (chosen, counted, task.seed, model.device, task.method, meta.hashes(task), held_out)
        mark = fingerprint(model.model.state_dict(), *facts)
        steps = loop.plan(data.lessons, data.marks, chosen, task.seed)
        mixture = Mixture(NGrams.count(data.people, data.marks), data.held_out)
        return cls(model, data, mixture, chosen, steps, slices, folder, mark, start)

    @property
    def loss(self) -> float:
        """Nats a character of the held-out tweets."""
        return self.state.best_loss * self.data.tokens_a_character


def sides_of(task: FinetuneTask, corpora: list[Corpus]) -> tuple[list[Sides], Start | None]:
    """Everybody's training and held-out tweets, and the version to train on from, if it can be compared.

    For that it must know none of the held-out tweets, and half as many as are wanted must be left of each person.
    """
    if start := Start.find(task.start):
        sides = [split(each.texts, task.seed, start.known(each.texts)) for each in corpora]
        if all(2 * len(held_out) >= wanted(each.texts) for each, (_, held_out) in zip(corpora, sides, strict=True)):
            return sides, start
    return [split(each.texts, task.seed) for each in corpora], None


def from_base(task: FinetuneTask, model: Base, corpora: list[Corpus], sides: list[Sides]) -> tuple[Run, float]:
    """The training from the base, and what the base's loss is before it, in nats a character."""
    data = Data.of(model, sides)
    slices = Slices(_choose(task, model, data).slice_tokens)
    before = people_loss(model, data.held_out, slices) * data.tokens_a_character
    grown = graft(model, [text for train, _ in sides for text in train]) if task.method == "full" else 0
    data = Data.of(model, sides, speakers.add(model, [corpus.handle for corpus in corpora]))
    data.foreign = grown > 0
    return Run.of(task, model, data, sides, slices, Path(task.work)), before


def from_version(task: FinetuneTask, corpora: list[Corpus], sides: list[Sides], start: Start) -> Run | None:
    """The training that goes on from a version with what is new to it; None where nothing is, or it does not load."""
    try:
        model = base.load(str(start.directory), task.device)
    except UnusableBase as error:
        log.warning("version %d: %s", start.version, error)
        return None
    model.name = task.base
    data = Data.of(model, sides, speakers.add(model, [corpus.handle for corpus in corpora]))
    known = [start.known(train) for train, _ in sides]
    data.new = [
        [row for number, row in enumerate(rows) if number not in old]
        for rows, old in zip(data.people, known, strict=True)
    ]
    if not any(data.new):
        return None
    slices = Slices(_choose(task, model, data).slice_tokens)
    return Run.of(task, model, data, sides, slices, Path(task.work, "onward"), start)


def _choose(task: FinetuneTask, model: Base, data: Data) -> Recipe:
    whole = epoch_tokens(data.people) if data.new else 0
    tokens = epoch_tokens(data.lessons)
    return recipe.choose(tokens, model.parameters, task.method, task.settings, whole, data.foreign)
