"""The training loop: steps, evaluations, early stopping, checkpoints and progress."""

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager

import torch
from torch import Tensor, nn
from transformers.activations import NewGELUActivation

from trainer.base import Base
from trainer.checkpoint import Checkpoints, Snapshot, State
from trainer.child import Report
from trainer.corpus import Batch, Row, epoch
from trainer.errors import NotFinite
from trainer.memory import Slices
from trainer.mixture import Mixture
from trainer.optimizer import Optimizer
from trainer.recipe import Recipe
from trainer.replicas import Replicas

REPORT_SECONDS = 0.3
AFTERWARDS = 6.0
"""Seconds that evaluating, drawing and publishing take after the last step, at least."""


def plan(people: Sequence[Sequence[Row]], marks: Sequence[int], recipe: Recipe, seed: int) -> list[Batch]:
    """Every step's batch, all epochs after one another; the last may be a part."""
    epochs = [epoch(people, recipe.batch_tokens, seed, number, marks) for number in range(math.ceil(recipe.epochs))]
    missing = math.ceil(recipe.epochs) - recipe.epochs
    kept = max(1, round(len(epochs[-1]) * (1 - missing)))
    return [batch for each in epochs[:-1] for batch in each] + epochs[-1][:kept]


class Training:
    """Trains ``base`` in place. Afterwards it holds the weights that did best on the held-out tweets.

    They are the optimizer's average, where it keeps one, and so are those that are evaluated.
    """

    def __init__(
        self, base: Base, steps: list[Batch], mixture: Mixture, recipe: Recipe, slices: Slices, report: Report
    ) -> None:
        self._base, self._steps, self._mixture, self._recipe = base, steps, mixture, recipe
        _fuse(base.model)
        self._slices, self._report = slices, report
        self.state = State()
        self._trained = {name: each for name, each in base.model.named_parameters() if each.requires_grad}
        self._best: dict[str, Tensor] = {}
        self._optimizer, self._replicas = Optimizer(base, recipe), Replicas(base, recipe)
        self._recent: list[Tensor] = []
        self._reported = 0.0
        self._evaluating = 0.0
        self._started = time.monotonic()

    @property
    def steps(self) -> int:
        return len(self._steps)

    def averaged(self) -> AbstractContextManager[None]:
        """The base has the weights meanwhile that would be kept, were the training to end here."""
        return self._optimizer.averaged()

    def resume(self, snapshot: Snapshot) -> None:
        """Go on from a snapshot, as if the training had never stopped."""
        self.state, self._best = snapshot.state, snapshot.best
        if self.state.slice_tokens < self._slices.tokens:
            self._slices.tokens, self._slices.note = self.state.slice_tokens, self.state.slice_note
        self._load(snapshot.weights)
        self._optimizer.load_state_dict(snapshot.optimizer)
        self._started -= self.state.seconds

    def run(self, checkpoints: Checkpoints) -> None:
        """Train to the end or until it does not get better. Raises NotFinite and NoMemory."""
        self._base.model.train(self._recipe.dropout > 0)
        evaluations = set(self._evaluations())
        while self.state.step < len(self._steps) and self.state.stale < self._recipe.patience:
            self._step(self._steps[self.state.step])
            if self.state.step in evaluations:
                self._evaluate()
            if checkpoints.due():
                checkpoints.save(self._snapshot())
        checkpoints.save(self._snapshot())
        if self._slices.note:  # not before: a checkpoint has it beside its notes
            self.state.notes.append(self._slices.note)
        self._load(self._best)
        self._base.model.eval()

    def _step(self, batch: Batch) -> None:
        total = self._slices.total(batch, self._backward, self._optimizer.zero_grad)
        torch.nn.utils.clip_grad_norm_(self._trained.values(), self._recipe.clip)
        self._optimizer.step(self._factor(self.state.step))
        self._recent.append(total / batch.tokens)
        self.state.step += 1
        self.state.tokens += batch.tokens
        self._tell()

    def _backward(self, ids: Tensor, labels: Tensor) -> Tensor:
        loss = self._replicas.backward(ids, labels)
        self._tell()
        return loss

    def _evaluate(self) -> None:
        started = time.monotonic()
        with self.averaged():
            self._compare(self._mixture.loss(self._base, self._slices, self._tell))
        self._evaluating = time.monotonic() - started
        self._tell(now=True)

    def _compare(self, loss: float) -> None:
        """Keep the weights if their held-out loss is the best so far."""
        self._gather()
        if not math.isfinite(loss):
            raise not_finite()
        state = self.state
        state.held_out.append((state.step, loss))
        state.stale += 1
        if loss < state.best_loss:
            state.best_loss, state.best_step, state.stale = loss, state.step, 0
            self._best = {name: each.detach().to("cpu", copy=True) for name, each in self._trained.items()}

    def _evaluations(self) -> Iterator[int]:
        """Steps after which the held-out loss is taken, the last one always among them."""
        every = max(1, round(len(self._steps) / self._recipe.epochs / self._recipe.evaluations))
        yield from range(every, len(self._steps) - every // 2, every)
        yield len(self._steps)

    def _gather(self) -> None:
        """Bring the steps' losses from the device: waiting for it once in a while costs less than at every step."""
        if self._recent:
            self.state.losses += torch.stack(self._recent).tolist()
            self._recent.clear()
        if self.state.losses and not math.isfinite(self.state.losses[-1]):
            raise not_finite()

    def _tell(self, now: bool = False) -> None:
        if not now and time.monotonic() - self._reported < REPORT_SECONDS:
            return
        self._gather()
        state, seconds = self.state, self._seconds()
        speed = state.tokens / max(seconds, 1e-6)
        self._report(
            "train",
            step=state.step,
            steps=len(self._steps),
            loss=_mean(state.losses[-20:]),
            held_out=state.held_out[-1][1] if state.held_out else None,
            tokens_per_second=round(speed, 1),
            eta=round(self._eta(speed), 1) if state.step else None,
            note=self._slices.note,
        )
        self._reported = time.monotonic()

    def _eta(self, speed: float) -> float:
        """Seconds, were all steps done: an early stop comes as a present."""
        left = sum(batch.tokens for batch in self._steps[self.state.step :])
        return left / speed + AFTERWARDS + 3 * self._evaluating

    def _factor(self, step: int) -> float:
        """Of the learning rate: up in a line, down in a line."""
        steps = len(self._steps)
        rising = max(1, round(steps * self._recipe.warmup))
        return min((step + 1) / rising, (steps - step) / max(1, steps - rising))

    def _seconds(self) -> float:
        return time.monotonic() - self._started

    def _snapshot(self) -> Snapshot:
        self._gather()
        self.state.slice_tokens, self.state.slice_note = self._slices.tokens, self._slices.note
        self.state.seconds = self._seconds()
        weights = {name: each.detach() for name, each in self._trained.items()}
        return Snapshot(self.state, weights, self._best, self._optimizer.state_dict())

    @torch.no_grad()
    def _load(self, weights: dict[str, Tensor]) -> None:
        for name, each in self._trained.items():
            each.copy_(weights[name])


def _fuse(model: nn.Module) -> None:
    """GPT-2's activation is written out in eight passes over memory; torch has it in one."""
    for module in model.modules():
        for name, child in module.named_children():
            if isinstance(child, NewGELUActivation):
                setattr(module, name, nn.GELU(approximate="tanh"))


def not_finite() -> NotFinite:
    return NotFinite("The training went astray (its loss is not a number): try again with another seed or base.")


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
