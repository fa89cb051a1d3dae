"""What ``meta.json`` tells: how a persona came about and how good it is. Read without torch."""

import hashlib
import math
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from trainer import publish, quality, speakers
from trainer.base import Base
from trainer.checkpoint import State
from trainer.corpus import epoch_tokens
from trainer.evaluate import unigram_loss
from trainer.protocol import FinetuneTask
from trainer.recipe import Recipe
from trainer.tweets import Corpus

if TYPE_CHECKING:
    from trainer.mixture import Fit
    from trainer.runs import Data

POINTS = 100
"""Of the training loss's curve, at most."""


def describe(task: FinetuneTask, base: Base, corpora: list[Corpus], chosen: Recipe, state: State) -> dict[str, Any]:
    """Everything but what was measured."""
    return {
        "format": publish.FORMAT,
        "persona": task.persona,
        "version": task.version,
        "job": task.job,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "people": [_person(corpus) for corpus in corpora],
        "speakers": speakers.names(base.tokenizer),
        "base": base.name,
        "base_hub_id": base.hub_id,
        "parameters": base.parameters,
        "vocabulary": len(base.tokenizer),
        "method": task.method,
        "adapter": publish.adapted(base),
        "device": str(base.device),
        "precision": base.precision,
        "seed": task.seed,
        "hyperparameters": asdict(chosen),
        "corpora": hashes(task),
        "real": quality.describe([text for corpus in corpora for text in corpus.texts], task.seed),
        "versions": publish.library_versions(),
        "history": {"train": _curve(state.losses), "held_out": [list(point) for point in state.held_out]},
        "notes": state.notes,
    }


def metrics(state: State, data: "Data", before: float, fit: "Fit", copied: float, seconds: float) -> dict[str, Any]:
    """Losses on the held-out tweets; ``before`` the training in nats a character.

    The base's own tokenizer may have been coarser or finer: its loss a token is told in tokens of the trained one.
    """
    a_character = data.tokens_a_character
    recent = state.losses[: state.best_step][-20:]
    rows = [row for person in data.lessons for row in person]
    repeated = epoch_tokens(data.lessons) / sum(map(len, rows))
    return {
        "train_loss": sum(recent) / max(1, len(recent)),
        "held_out_loss": fit.loss,
        "network_held_out_loss": fit.network_loss,
        "base_held_out_loss": before / a_character,
        "held_out_loss_per_character": fit.loss * a_character,
        "network_held_out_loss_per_character": fit.network_loss * a_character,
        "base_held_out_loss_per_character": before,
        "unigram_held_out_loss_per_character": fmean(map(unigram_loss, data.people, data.held_out)),
        "ngram_strength": fit.strength,
        "perplexity": _perplexity(fit.loss),
        "best_step": state.best_step,
        "steps": state.step,
        "epochs": state.tokens / (repeated * sum(len(row) - 1 for row in rows)),
        "tokens": state.tokens,
        "training_seconds": round(state.seconds, 2),
        "seconds": round(seconds, 2),
        "tokens_per_second": round(state.tokens / max(state.seconds, 1e-6), 1),
        "verbatim_share": copied,
    }


def without_ngrams(told: dict[str, Any]) -> dict[str, Any]:
    """The same for who has the weights alone. What both together were found to be is left out."""
    metrics = told["metrics"]
    if not metrics.get("ngram_strength"):
        return told
    alone = {name: metrics[f"network_{name}"] for name in ("held_out_loss", "held_out_loss_per_character")}
    alone |= {"ngram_strength": 0.0, "perplexity": _perplexity(alone["held_out_loss"])}
    metrics = {name: value for name, value in metrics.items() if name != "verbatim_share"} | alone
    kept = {name: value for name, value in told.items() if name != "quality"}
    return kept | {"metrics": metrics, "refresh": None, "ngrams_left_out": True}


def refresh(version: int, onward: float, anew: float) -> dict[str, Any]:
    """How the two trainings of a refresh did, in nats a character of the same held-out tweets."""
    return {"version": version, "onward": onward, "anew": anew, "chosen": "onward" if onward <= anew else "anew"}


def hashes(task: FinetuneTask) -> list[str]:
    """SHA-256 of each corpus file."""
    return [hashlib.sha256(Path(path).read_bytes()).hexdigest() for path in task.corpora]


def _perplexity(loss: float) -> float:
    return math.exp(min(loss, 700.0))


def _person(corpus: Corpus) -> dict[str, Any]:
    return {
        "handle": corpus.handle,
        "name": corpus.name,
        "counts": asdict(corpus.counts),
        "characters": sum(map(len, corpus.texts)),
        "languages": corpus.languages,
    }


def _curve(losses: list[float]) -> list[list[float]]:
    """Step and mean loss of at most POINTS stretches of equal length."""
    stretch = max(1, -(-len(losses) // POINTS))
    starts = range(0, len(losses), stretch)
    means = [(start, losses[start : start + stretch]) for start in starts]
    return [[start + len(values) / 2 + 0.5, sum(values) / len(values)] for start, values in means]
