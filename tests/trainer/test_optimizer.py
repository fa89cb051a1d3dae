from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from trainer import base, recipe
from trainer.base import Base
from trainer.evaluate import loss_sum
from trainer.optimizer import Optimizer

Load = Callable[[], Base]
IDS = torch.arange(60).view(3, 20)


@pytest.fixture
def load(tiny_base: Path) -> Load:
    return lambda: base.load(str(tiny_base), "cpu")


def optimizer(tiny: Base, **settings: float) -> Optimizer:
    return Optimizer(tiny, recipe.choose(1000, 10_000, "full", settings))


def train(tiny: Base, optimizing: Optimizer, steps: int = 3) -> None:
    for _ in range(steps):
        optimizing.zero_grad()
        loss_sum(tiny.model, IDS[:, :-1], IDS[:, 1:]).backward()
        optimizing.step(1.0)


def weights(tiny: Base) -> dict[str, Tensor]:
    return {name: each.detach().clone() for name, each in tiny.model.named_parameters()}


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return all(torch.equal(each, other[name]) for name, each in one.items())


def test_every_weight_is_trained_and_all_but_the_matrices_of_layers_at_the_outer_rate(load: Load) -> None:
    moved = []
    for factor in (1.0, 100.0):
        tiny = load()
        before = weights(tiny)
        train(tiny, optimizer(tiny, outer_factor=factor, pull=0.0), 1)
        moved.append({name: (each - before[name]).norm() for name, each in weights(tiny).items()})
    assert min(moved[0].values()) > 0
    for name, each in weights(tiny).items():
        inner = ".h." in name and each.ndim == 2
        assert moved[1][name] / moved[0][name] == pytest.approx(1 if inner else 100, rel=0.05)


def test_the_average_lies_between_the_steps_and_the_last_weights_come_back(load: Load) -> None:
    tiny = load()
    optimizing = optimizer(tiny)
    steps = []
    for _ in range(4):
        train(tiny, optimizing, 1)
        steps.append(weights(tiny)["transformer.wpe.weight"])
    with optimizing.averaged():
        inside = weights(tiny)["transformer.wpe.weight"]
    assert torch.equal(weights(tiny)["transformer.wpe.weight"], steps[-1])
    last = steps[-1]
    assert (inside - last).norm() < max((each - last).norm() for each in steps[:2])
    assert not torch.equal(inside, last)


def test_the_pull_keeps_the_weights_near_where_they_began(load: Load) -> None:
    distances = []
    for pull in (0.0, 0.5):
        tiny = load()
        before, optimizing = weights(tiny), optimizer(tiny, pull=pull)
        train(tiny, optimizing)
        distances.append(sum(float((each - before[name]).norm()) for name, each in weights(tiny).items()))
    assert distances[1] < 0.7 * distances[0]


@pytest.mark.parametrize("averaged", [0.0, 1.0])
def test_from_its_state_it_goes_on_as_if_it_had_not_stopped(load: Load, averaged: float, tmp_path: Path) -> None:
    whole, part = load(), load()
    optimizing = optimizer(whole, averaged=averaged)
    train(whole, optimizing, 5)
    first = optimizer(part, averaged=averaged)
    train(part, first)
    torch.save(first.state_dict(), tmp_path / "state.pt")
    resumed = load()
    second = optimizer(resumed, averaged=averaged)
    resumed.model.load_state_dict(part.model.state_dict())
    state: dict[str, Any] = torch.load(tmp_path / "state.pt", weights_only=True)
    second.load_state_dict(state)
    train(resumed, second, 2)
    assert same(weights(resumed), weights(whole))
    with second.averaged(), optimizing.averaged():
        assert same(weights(resumed), weights(whole))


def test_without_an_average_the_last_weights_are_kept(load: Load) -> None:
    tiny = load()
    optimizing = optimizer(tiny, averaged=0.0)
    train(tiny, optimizing)
    last = weights(tiny)
    with optimizing.averaged():
        assert same(weights(tiny), last)
