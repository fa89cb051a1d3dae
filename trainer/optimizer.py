"""What a step makes of the gradients, and which weights are kept."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import compress
from operator import not_
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import AdamW

from trainer.base import Base
from trainer.recipe import Recipe

RECENT = 5
"""The average's weight of step n is RECENT / (n + RECENT): older steps count ever less (polynomial decay: Shamir and
Zhang, arXiv:1212.1824)."""


class Optimizer:
    """AdamW. It may draw the weights back to where they began, and keep the average of those of all steps."""

    def __init__(self, base: Base, recipe: Recipe) -> None:
        self._weights = [each for each in base.model.parameters() if each.requires_grad]
        self._recipe, tables = recipe, _tables(base.model)
        inner = [each.ndim == 2 and id(each) not in tables for each in self._weights]
        groups = [
            {"params": list(compress(self._weights, inner)), "factor": 1.0},
            {"params": list(compress(self._weights, map(not_, inner))), "factor": recipe.outer_factor},
        ]
        fused = base.device.type != "mps"
        self._adamw = AdamW(groups, lr=recipe.learning_rate, weight_decay=recipe.weight_decay, fused=fused)
        self._origin = self._copies() if recipe.pull else []
        self._average = self._copies() if recipe.averaged else []
        self._steps = 0

    def zero_grad(self) -> None:
        self._adamw.zero_grad()

    @torch.no_grad()
    def step(self, factor: float) -> None:
        """With ``factor`` times the recipe's learning rate."""
        for group in self._adamw.param_groups:
            group["lr"] = self._recipe.learning_rate * group["factor"] * factor
        self._adamw.step()
        self._steps += 1
        if self._origin:
            torch._foreach_lerp_(self._weights, self._origin, self._recipe.pull * factor)
        if self._average:
            torch._foreach_lerp_(self._average, self._weights, RECENT / (self._steps + RECENT))

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """The base has its average weights meanwhile, where an average is kept."""
        last = self._copies() if self._average else []
        self._set(self._average)
        try:
            yield
        finally:
            self._set(last)

    def state_dict(self) -> dict[str, Any]:
        return {"adamw": self._adamw.state_dict(), "average": self._average, "steps": self._steps}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._adamw.load_state_dict(state["adamw"])
        for average, saved in zip(self._average, state["average"], strict=True):
            average.copy_(saved)
        self._steps = state["steps"]

    def _copies(self) -> list[Tensor]:
        return [each.detach().clone() for each in self._weights]

    @torch.no_grad()
    def _set(self, values: Sequence[Tensor]) -> None:
        for weight, value in zip(self._weights, values, strict=False):
            weight.copy_(value)


def _tables(model: nn.Module) -> set[int]:
    """Identities of the weights of embeddings and the head."""
    head: Any = model.get_output_embeddings()  # type: ignore[operator]  # of a PreTrainedModel
    return {id(each.weight) for each in [*model.modules(), head] if isinstance(each, nn.Embedding) or each is head}
