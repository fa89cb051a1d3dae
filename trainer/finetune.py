"""Fine-tune a base model on people's tweets and publish the persona. Reads from top to bottom like a recipe."""

import os
import shutil
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any, Self

from trainer import base, card, child, disk, enough, loop, meta, pictures, publish, recipe, sampling, speakers, verbatim
from trainer.base import Base
from trainer.checkpoint import Checkpoints, fingerprint
from trainer.child import Report
from trainer.corpus import HeldOut, Row, batches, epoch_tokens, marked, split, tokenise
from trainer.enough import Amount
from trainer.errors import Cancelled, Failed, NoSpace, TrainerError
from trainer.memory import Slices, no_memory, out_of_memory
from trainer.protocol import FinetuneResult, FinetuneTask, GenerateTask
from trainer.tweets import Corpus
from trainer.vocabulary import graft

DRAWN, SHOWN = 10, 3
"""Tweets drawn for the card, and how many of them the person sees."""
EVALUATED_TOKENS = 2048
"""In one pass without gradients."""
HEARTBEAT = 4.0
"""Seconds between signs of life while a library works and does not tell how far it is."""


@dataclass
class Data:
    """Token rows of each person, and what is held out of each."""

    people: list[list[Row]]
    held_out: list[HeldOut]
    marks: list[int]
    """Of the people, in this order; none for one person."""

    @classmethod
    def of(cls, model: Base, sides: list[tuple[list[str], list[str]]], marks: Sequence[int] = ()) -> Self:
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
        """The people's mean, as ``loop.people_loss`` wants it."""
        return fmean(each.tokens_a_character for each in self.held_out)


def main() -> None:
    os.nice(5)  # whoever chats meanwhile comes first
    child.serve(lambda task, report: finetune(FinetuneTask.read(task), report))


def finetune(task: FinetuneTask, report: Report) -> FinetuneResult:
    """Publish ``task.output`` and leave nothing else behind. Raises the errors of ``trainer.errors``.

    Killed before that, it leaves ``task.work``, and the same task asked again goes on from there.
    """
    if found := publish.read_meta(Path(task.output)):
        return _already_published(task, found)
    try:
        with _told_plainly():
            return _finetune(task, report)
    except Cancelled:
        shutil.rmtree(task.output, ignore_errors=True)  # it may have come just after the renaming
        raise
    finally:
        shutil.rmtree(task.work, ignore_errors=True)


def _finetune(task: FinetuneTask, report: Report) -> FinetuneResult:
    started = time.monotonic()
    work = Path(task.work)
    work.mkdir(parents=True, exist_ok=True)

    with _heartbeat(report, "load"):
        corpora = [Corpus.load(Path(path)) for path in task.corpora]
        enough.check([Amount(each.handle, len(each.texts), each.characters) for each in corpora], task.force)
        base.prepare(task.seed)
        model = base.load(task.base, task.device)

    with _heartbeat(report, "tokenize"):
        sides = [split(corpus.texts, task.seed) for corpus in corpora]
        data = Data.of(model, sides)
        slices = Slices(_choose(task, model, data).slice_tokens)
        before = loop.people_loss(model, data.held_out, slices) * data.tokens_a_character
        if task.method == "full":
            graft(model, [text for train, _ in sides for text in train])
        data = Data.of(model, sides, speakers.add(model, [corpus.handle for corpus in corpora]))
        chosen = _choose(task, model, data)
        mark = fingerprint(model.model.state_dict(), chosen, task.seed, model.device, task.method, meta.hashes(task))

    if task.method == "lora":
        from trainer import adapter  # peft takes a second to import

        adapter.add(model, chosen)
    steps = loop.plan(data.people, data.marks, chosen, task.seed)
    training = loop.Training(model, steps, data.held_out, chosen, slices, report)
    checkpoints = Checkpoints(work, mark, chosen.checkpoint_seconds)
    resumed_from = _resume(training, checkpoints)
    training.run(checkpoints)

    with _heartbeat(report, "evaluate"):
        if task.method == "lora":
            adapter.settle(model)
        after = publish.round_weights(
            model, training.state.best_loss, lambda: loop.people_loss(model, data.held_out, slices)
        )

    with _heartbeat(report, "publish"):
        unpublished = _fresh(work / "unpublished")
        publish.write_model(model, unpublished)
        drawn, copied = _draw(task, model, corpora, unpublished)
        told = meta.describe(task, model, corpora, chosen, training.state)
        told["metrics"] = meta.metrics(training.state, data, before, after, copied, time.monotonic() - started)
        told |= {"samples": drawn[:SHOWN], "resumed_from": resumed_from}
        _write(unpublished, told)
        disk.publish(unpublished, Path(task.output))
    return _result(task, told)


def _choose(task: FinetuneTask, model: Base, data: Data) -> recipe.Recipe:
    return recipe.choose(epoch_tokens(data.people), model.parameters, task.method, task.settings)


def _resume(training: loop.Training, checkpoints: Checkpoints) -> int:
    """The step the training goes on from, told in its notes; 0 for a fresh start."""
    snapshot, note = checkpoints.load()
    if snapshot:
        training.resume(snapshot)
        note = f"Resumed from step {training.state.step} of {training.steps}."
    if note:
        training.state.notes.append(note)
    return snapshot.state.step if snapshot else 0


def _draw(task: FinetuneTask, model: Base, corpora: list[Corpus], directory: Path) -> tuple[list[str], float]:
    """Tweets drawn from what is on disk, which shows that it loads, and how much it copies when nothing holds it back.

    That is the share of copies among twice as many tweets drawn with no copy replaced.
    """
    index = verbatim.Index.build([text for corpus in corpora for text in corpus.texts])
    index.save(directory)
    persona = sampling.Persona.load(directory, str(model.device))
    drawn = _texts(persona, task.seed)
    unchecked = replace(persona, index=verbatim.Index.build([]))
    free = _texts(unchecked, task.seed + 1) + _texts(unchecked, task.seed + 2)
    return drawn, sum(map(index.copied, free)) / max(1, len(free))


def _write(directory: Path, told: dict[str, Any]) -> None:
    """What is told beside the weights: meta.json, the card and the pictures."""
    publish.write_meta(directory, told)
    (directory / "README.md").write_text(card.card(told), "utf-8")
    pictures.draw(told, directory)


def _texts(persona: sampling.Persona, seed: int) -> list[str]:
    return [sample.text for sample in sampling.tweets(persona, GenerateTask("", count=DRAWN, seed=seed))]


def _already_published(task: FinetuneTask, found: dict[str, Any]) -> FinetuneResult:
    """The answer of a run whose asker died after the renaming. Raises Failed for another job's directory."""
    if found["job"] != task.job:
        raise Failed("Another training has already published this version: train again for a new one.")
    shutil.rmtree(task.work, ignore_errors=True)
    return _result(task, found)


def _result(task: FinetuneTask, told: dict[str, Any]) -> FinetuneResult:
    return FinetuneResult(task.output, told, told["samples"], told["resumed_from"], told["notes"])


def _fresh(directory: Path) -> Path:
    """The directory, empty: a killed run may have left a part of it."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    return directory


@contextmanager
def _told_plainly() -> Iterator[None]:
    """What any library throws when memory or disk run out becomes one sentence."""
    try:
        yield
    except (TrainerError, Cancelled):
        raise
    except Exception as error:
        if out_of_memory(error):
            raise no_memory() from error
        if disk.is_full(error):
            raise NoSpace("The disk is full: free some space, then train again.") from error
        raise


@contextmanager
def _heartbeat(report: Report, stage: str) -> Iterator[None]:
    """Report the stage at once, and again every few seconds until it is over."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(HEARTBEAT):
            report(stage)

    report(stage)
    thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
