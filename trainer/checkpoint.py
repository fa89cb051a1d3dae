"""Checkpoints of a training, so that a killed job goes on where it was."""

import hashlib
import logging
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor

log = logging.getLogger(__name__)

FILE = "checkpoint.pt"
SHARE = 0.05
"""Of the time that may go into writing checkpoints."""


@dataclass
class State:
    """Where a training stands, weights and optimizer aside. Losses are nats a token."""

    step: int = 0
    best_step: int = 0
    best_loss: float = float("inf")
    stale: int = 0
    """Evaluations since the best one."""
    losses: list[float] = field(default_factory=list)
    """Of every step."""
    held_out: list[tuple[int, float]] = field(default_factory=list)
    """Step and loss of every evaluation."""
    tokens: int = 0
    seconds: float = 0.0
    """Spent in training and evaluating."""
    slice_tokens: int = 0
    """What memory allows at once."""
    slice_note: str = ""
    """For the person, if that became less."""
    notes: list[str] = field(default_factory=list)


@dataclass
class Snapshot:
    """All that a training needs to go on exactly as if it had not stopped."""

    state: State
    weights: dict[str, Tensor]
    best: dict[str, Tensor]
    optimizer: dict[str, Any]


class Checkpoints:
    """One file in ``folder``, replaced whole. It need not survive a power cut: a damaged one is ignored."""

    def __init__(self, folder: Path, fingerprint: str, seconds: float) -> None:
        self._path = folder / FILE
        self._fingerprint = fingerprint
        self._seconds = seconds
        self._last, self._cost = time.monotonic(), 0.0

    def due(self) -> bool:
        return time.monotonic() - self._last >= max(self._seconds, self._cost / SHARE if self._seconds else 0.0)

    def save(self, snapshot: Snapshot) -> None:
        started = time.monotonic()
        values = {
            "fingerprint": self._fingerprint,
            "state": asdict(snapshot.state),
            "weights": snapshot.weights,
            "best": snapshot.best,
            "optimizer": snapshot.optimizer,
            "random": torch.get_rng_state(),
            "random_cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        }
        unfinished = self._path.with_suffix(".tmp")
        with unfinished.open("wb") as file:  # not by its name: torch would keep the reason of a failure to itself
            torch.save(values, file)
        unfinished.replace(self._path)
        self._last = time.monotonic()
        self._cost = self._last - started

    def load(self) -> tuple[Snapshot | None, str]:
        """The snapshot, if there is one that fits, and a note where there is one that does not.

        Restores torch's random state.
        """
        if not self._path.exists():
            return None, ""
        try:
            values = torch.load(self._path, map_location="cpu", weights_only=True)
            if values["fingerprint"] != self._fingerprint:
                return None, "The checkpoint found was of another training, so this one started anew."
            snapshot = Snapshot(State(**values["state"]), values["weights"], values["best"], values["optimizer"])
            torch.set_rng_state(values["random"])
            if values["random_cuda"]:
                torch.cuda.set_rng_state_all(values["random_cuda"])
        except (OSError, RuntimeError, EOFError, ValueError, KeyError, TypeError, UnpicklingError) as error:
            log.warning("damaged checkpoint: %s", error)
            return None, "The checkpoint found was damaged, so the training started anew."
        return snapshot, ""


def was_begun(work: Path) -> bool:
    """Whether a training was stopped in this folder before its first checkpoint."""
    return work.exists() and not any(work.rglob(FILE))


def fingerprint(weights: dict[str, Tensor], *facts: object) -> str:
    """Hex digest of the base's weights and of all else that shapes a training."""
    digest = hashlib.blake2b(repr(facts).encode(), digest_size=16)
    for name, weight in weights.items():
        digest.update(name.encode())
        digest.update(weight.detach().cpu().contiguous().view(torch.uint8).numpy().data)
    return digest.hexdigest()
