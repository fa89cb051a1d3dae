"""Fine-tune a base model on people's tweets and publish the persona. Reads from top to bottom like a recipe."""

import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from trainer import base, card, child, disk, enough, loop, meta, onward, pictures, publish, runs, sampling, verbatim
from trainer.base import Base
from trainer.checkpoint import Checkpoints, was_begun
from trainer.child import Report
from trainer.enough import Amount
from trainer.errors import Cancelled, Failed
from trainer.memory import TOO_LITTLE
from trainer.protocol import FinetuneResult, FinetuneTask, GenerateTask
from trainer.runs import Run
from trainer.shortage import told_plainly
from trainer.tweets import Corpus

DRAWN, SHOWN = 10, 3
"""Tweets drawn for the card, and how many of them the person sees."""
STARTED_ANEW = "The training had been stopped before its first checkpoint, so it started anew."
HEARTBEAT = 4.0
"""Seconds between signs of life while a library works and does not tell how far it is."""


def main() -> None:
    import_module("trainer.runtime")  # draws the first tweets; a spare, which waits for its task, has the time for it
    child.serve(lambda task, report: finetune(FinetuneTask.read(task), report))


def finetune(task: FinetuneTask, report: Report) -> FinetuneResult:
    """Publish ``task.output`` and leave nothing else behind. Raises the errors of ``trainer.errors``.

    Killed before that, it leaves ``task.work``, and the same task asked again goes on from there.
    """
    if found := publish.read_meta(Path(task.output)):
        return _already_published(task, found)
    try:
        with told_plainly(TOO_LITTLE, "train again"):
            return _finetune(task, report)
    except Cancelled:
        shutil.rmtree(task.output, ignore_errors=True)  # it may have come just after the renaming
        raise
    finally:
        shutil.rmtree(task.work, ignore_errors=True)


def _finetune(task: FinetuneTask, report: Report) -> FinetuneResult:
    started = time.monotonic()
    work = Path(task.work)
    again = was_begun(work)
    work.mkdir(parents=True, exist_ok=True)

    with _heartbeat(report, "load"):
        corpora = [Corpus.load(Path(path)) for path in task.corpora]
        enough.check([Amount(each.handle, len(each.texts), each.characters) for each in corpora], task.force)
        base.prepare(task.seed)
        model = base.load(task.base, task.device)

    with _heartbeat(report, "tokenize"):
        sides, start = runs.sides_of(task, corpora)
        anew, before = runs.from_base(task, model, corpora, sides)
        further = runs.from_version(task, corpora, sides, start) if start else None

    if further:
        _train(further, task, _part(report, 0, len(anew.steps)), again)
    _train(anew, task, _part(report, len(further.steps), 0) if further else report, again)
    best = further if further and further.loss <= anew.loss else anew

    with _heartbeat(report, "evaluate"):
        if task.method == "lora":
            from trainer import adapter

            adapter.settle(best.model)
        measure = partial(best.mixture.fit, best.model, best.slices)
        fit = publish.round_weights(best.model, best.state.best_loss, measure)

    with _heartbeat(report, "publish"):
        unpublished = _fresh(work / "unpublished")
        publish.write_model(best.model, unpublished)
        if fit.ngrams:
            fit.ngrams.save(unpublished)
        onward.save(unpublished, [text for train, _ in sides for text in train], best.start)
        drawn, copied = _draw(task, best.model, corpora, unpublished)
        told = meta.describe(task, best.model, corpora, best.chosen, best.state)
        told["metrics"] = meta.metrics(best.state, best.data, before, fit, copied, time.monotonic() - started)
        told |= {"samples": drawn[:SHOWN], "resumed_from": best.resumed_from, "refresh": None}
        if further and further.start:
            told["refresh"] = meta.refresh(further.start.version, further.loss, anew.loss)
            told["notes"] = [*told["notes"], card.comparison(told["refresh"])]
        _write(unpublished, told)
        disk.publish(unpublished, Path(task.output))
    return _result(task, told)


def _train(run: Run, task: FinetuneTask, report: Report, again: bool) -> None:
    """From its checkpoint, if there is one; ``again``: it was begun before, and left none."""
    base.prepare(task.seed)
    if task.method == "lora":
        from trainer import adapter  # peft takes a second to import

        adapter.add(run.model, run.chosen)
    training = loop.Training(run.model, run.steps, run.mixture, run.chosen, run.slices, report)
    run.folder.mkdir(exist_ok=True)
    checkpoints = Checkpoints(run.folder, run.mark, run.chosen.checkpoint_seconds)
    run.resumed_from = _resume(training, checkpoints, again)
    training.run(checkpoints)
    run.state = training.state


def _part(report: Report, before: int, after: int) -> Report:
    """Reports of one of two trainings, with the steps of the other counted in."""

    def told(stage: str, *, step: int, steps: int, eta: float | None, **values: Any) -> None:
        report(stage, step=before + step, steps=before + steps + after, eta=None if after else eta, **values)

    return told


def _resume(training: loop.Training, checkpoints: Checkpoints, again: bool) -> int:
    """The step the training goes on from, told in its notes; 0 for a start, told if it is not the first."""
    snapshot, note = checkpoints.load()
    if snapshot:
        training.resume(snapshot)
        note = f"Resumed from step {training.state.step} of {training.steps}."
    elif again:
        note = STARTED_ANEW
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
