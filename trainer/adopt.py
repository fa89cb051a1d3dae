"""Take a model that somebody else trained, on the hub or on this machine, and publish it as a persona."""

import json
import os
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from trainer import base, bounds, card, child, disk, oldcard, pickled, pictures, publish, sampling, speakers
from trainer.base import Base
from trainer.child import Report
from trainer.device import out_of_memory
from trainer.errors import Cancelled, Failed, UnusableModel
from trainer.handles import persona_name
from trainer.oldcard import Told
from trainer.protocol import AdoptResult, AdoptTask, GenerateTask
from trainer.shortage import told_plainly
from trainer.source import Meter, Source

SHOWN = 3
"""Tweets drawn."""
SETTINGS = {
    "min_length": bounds.WHOLE["min_tokens"],
    "max_length": bounds.WHOLE["max_tokens"],
    "temperature": bounds.REAL["temperature"],
    "top_p": bounds.REAL["top_p"],
    "top_k": bounds.WHOLE["top_k"],
}
"""Of sampling that are taken over from ``task_specific_params``, and their bounds."""


def main() -> None:
    os.nice(5)  # whoever chats meanwhile comes first
    child.serve(lambda task, report: adopt(AdoptTask.read(task), report))


def adopt(task: AdoptTask, report: Report) -> AdoptResult:
    """Publish ``task.output`` and leave nothing else behind. Raises the errors of ``trainer.errors``.

    Killed before that, it leaves ``task.work``, and the same task asked again does not download its files again.
    """
    if found := publish.read_meta(Path(task.output)):
        return _already_published(task, found)
    try:
        with told_plainly(f"There is not enough memory for {task.source!r}: choose a smaller model.", "try again"):
            return _adopt(task, report)
    except Cancelled:
        shutil.rmtree(task.output, ignore_errors=True)  # it may have come just after the renaming
        raise
    finally:
        shutil.rmtree(task.work, ignore_errors=True)


def _adopt(task: AdoptTask, report: Report) -> AdoptResult:
    folder, unpublished = Path(task.work, "source"), Path(task.work, "unpublished")
    folder.mkdir(parents=True, exist_ok=True)
    source = Source.find(task.source)
    source.check(folder)
    meter = Meter(report, source.bytes)
    source.bring(source.beside, folder, meter)
    source.check_config(folder)
    source.bring(source.weights, folder, meter)

    report("load")
    told = _convert(task, source, folder, unpublished)

    report("publish")
    told["samples"] = _draw(unpublished)
    publish.write_meta(unpublished, told)
    (unpublished / "README.md").write_text(card.card(told), "utf-8")
    pictures.draw_predictions(told, unpublished / "predictions.png")
    disk.publish(unpublished, Path(task.output))
    return _result(task, told)


def _convert(task: AdoptTask, source: Source, folder: Path, unpublished: Path) -> dict[str, Any]:
    """Write the model as we keep them; returns what is known of it."""
    model = _load(folder, task.source)
    shutil.rmtree(unpublished, ignore_errors=True)
    unpublished.mkdir()
    publish.write_model(model, unpublished, _settings(folder, model.context))
    return _describe(task, source, model, _read_card(folder))


def _load(folder: Path, name: str) -> Base:
    try:
        pickled.convert(folder)
        model = base.load(str(folder), "cpu")
        speakers.restore(model, folder)
        return model
    except Exception as error:  # the tokenizers' library, for one, throws nothing narrower
        if out_of_memory(error) or disk.is_full(error):
            raise
        raise UnusableModel(
            f"{name!r} cannot be used: its weights or its tokenizer are damaged, incomplete or more than plain numbers;"
            " choose another model."
        ) from error


def _settings(folder: Path, context: int) -> dict[str, float]:
    """How its maker sampled from it, as far as the model can."""
    match json.loads((folder / "config.json").read_text("utf-8")):
        case {"task_specific_params": {"text-generation": {} as given}}:
            pass
        case _:
            given = {}
    found = {
        name: type(low)(given[name])
        for name, (low, high) in SETTINGS.items()
        if type(given.get(name)) in (int, float) and low <= given[name] <= high
    }
    return {name: min(value, context) if name.endswith("length") else value for name, value in found.items()}


def _read_card(folder: Path) -> Told:
    path = folder / "README.md"
    return oldcard.read(path.read_text("utf-8", errors="replace")) if path.exists() else Told()


def _describe(task: AdoptTask, source: Source, model: Base, told: Told) -> dict[str, Any]:
    """The keys of a trained version; what only its trainer knows is null or empty."""
    people = told.people or [oldcard.person(each, each, {}) for each in _handles(task)]
    notes = [] if told.people else ["The model's card does not tell whose tweets it learnt from."]
    return {
        "format": publish.FORMAT,
        "persona": task.persona or persona_name(each["handle"] for each in people),
        "version": task.version,
        "job": task.job,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "people": people,
        "speakers": speakers.names(model.tokenizer),
        "base": told.base or task.source,
        "base_hub_id": told.base or (task.source if source.commit else None),
        "parameters": model.parameters,
        "vocabulary": len(model.tokenizer),
        "method": "full",
        "adapter": False,
        "device": None,
        "precision": None,
        "seed": None,
        "hyperparameters": {},
        "corpora": [],
        "versions": publish.library_versions(),
        "history": {"train": [], "held_out": []},
        "metrics": {},
        "adopted": {"source": task.source, "commit": source.commit, "avatars": told.avatars},
        "notes": notes,
        "resumed_from": 0,
    }


def _handles(task: AdoptTask) -> list[str]:
    """As the model is called, where its card tells nobody: ``huggingtweets/a-b`` is of a and b."""
    owner, _, name = task.source.rstrip("/").rpartition("/")
    if owner == "huggingtweets":
        return name.lower().split("-")
    return [task.persona or re.sub(r"\W+", "_", name.lower())]


def _draw(directory: Path) -> list[str]:
    """Tweets drawn from what is on disk, which shows that it loads."""
    persona = sampling.Persona.load(directory, "cpu")
    try:
        return [sample.text for sample in sampling.tweets(persona, GenerateTask("", count=SHOWN, seed=1))]
    except Failed:  # it has nothing to say without a prompt
        return []


def _already_published(task: AdoptTask, found: dict[str, Any]) -> AdoptResult:
    """The answer to an asker who died after the renaming. Raises Failed for another task's directory."""
    if found["job"] != task.job or found.get("adopted", {}).get("source") != task.source:
        raise Failed("Another job has already published this version: ask again for a new one.")
    shutil.rmtree(task.work, ignore_errors=True)
    return _result(task, found)


def _result(task: AdoptTask, told: dict[str, Any]) -> AdoptResult:
    handles = [person["handle"] for person in told["people"]]
    return AdoptResult(task.output, told, handles, card.title(told), told["samples"], told["notes"])
