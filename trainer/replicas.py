"""Gradients of a batch; of a small base on several cores at once, each of which takes some of the rows by itself."""

import copy
from concurrent.futures import ThreadPoolExecutor, wait

import torch
from torch import Tensor, nn

from trainer.base import Base
from trainer.evaluate import loss_sum
from trainer.recipe import Recipe

SMALL = 10_000_000
"""Parameters of a base whose matrices are too small for torch to share out each of them well, as long as idle threads
do not spin, which the bot sees to. With 2.6 M on two cores replicas are 1.3 to 1.6 times as fast (docs/benchmarks.md).
"""
MOST = 4
"""Replicas: a step's Python, five milliseconds, runs in one thread at a time. More than two were not measured."""


class Replicas:
    """Models that share the base's weights, each with gradients of its own: they are added up in the same order every
    time, so that a seed gives the same result on as many cores.
    """

    def __init__(self, base: Base, recipe: Recipe) -> None:
        self._base, self._recipe = base, recipe
        self._models = [base.model, *(_sharing(base.model) for _ in range(_count(base, recipe) - 1))]
        threads = max(1, torch.get_num_threads() // len(self._models))
        self._pool = ThreadPoolExecutor(len(self._models), "replica", torch.set_num_threads, (threads,))

    def backward(self, ids: Tensor, labels: Tensor) -> Tensor:
        """Adds the gradients to the base's; gives the sum of the loss. Ids and labels are [rows, length].

        Raises what any of the replicas raises, once all have ended.
        """
        count = len(self._models)
        if count == 1:
            return self._part(self._base.model, ids, labels)
        parts = zip(self._models, ids.chunk(count), labels.chunk(count), strict=False)  # there may be fewer rows
        running = [self._pool.submit(self._part, *each) for each in parts]
        wait(running)
        self._gather()
        return torch.stack([each.result() for each in running]).sum()

    def _part(self, model: nn.Module, ids: Tensor, labels: Tensor) -> Tensor:
        with self._base.autocast():
            loss = loss_sum(model, ids.to(self._base.device), labels.to(self._base.device))
        # Over the same number everywhere, not the batch's own: every token weighs the same, in whatever bucket.
        (loss / self._recipe.batch_tokens).backward()
        return loss.detach()

    @torch.no_grad()
    def _gather(self) -> None:
        for model in self._models[1:]:
            for own, each in zip(self._base.model.parameters(), model.parameters(), strict=True):
                if each.grad is not None:
                    own.grad = each.grad if own.grad is None else own.grad.add_(each.grad)
                    each.grad = None


def _count(base: Base, recipe: Recipe) -> int:
    # Dropout would draw its numbers in whichever thread comes first.
    alone = base.device.type != "cpu" or base.parameters >= SMALL or recipe.dropout > 0
    return 1 if alone else min(MOST, torch.get_num_threads())


def _sharing(model: nn.Module) -> nn.Module:
    replica = copy.deepcopy(model).eval()
    for own, each in zip(model.parameters(), replica.parameters(), strict=True):
        each.data = own.data
    return replica
