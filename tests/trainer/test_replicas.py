from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor

from trainer import base, recipe
from trainer.base import Base
from trainer.evaluate import loss_sum
from trainer.optimizer import Optimizer
from trainer.replicas import Replicas

Load = Callable[[], Base]


@pytest.fixture(params=[1, 2, 3])
def load(request: pytest.FixtureRequest, tiny_base: Path) -> Iterator[Load]:
    before = torch.get_num_threads()

    def load() -> Base:
        torch.manual_seed(1)
        loaded = base.load(str(tiny_base), "cpu")
        loaded.model.eval()
        return loaded

    torch.set_num_threads(request.param)
    yield load
    torch.set_num_threads(before)


def replicas(tiny: Base, **settings: float) -> Replicas:
    return Replicas(tiny, recipe.choose(1000, tiny.parameters, "full", {"batch_tokens": 64, **settings}))


def tokens(rows: int) -> tuple[Tensor, Tensor]:
    ids = torch.arange(rows * 21).view(rows, 21) % 90
    return ids[:, :-1], ids[:, 1:]


def gradients(tiny: Base) -> list[Tensor]:
    return [each.grad.clone() for each in tiny.model.parameters() if each.grad is not None]


@pytest.mark.parametrize("rows", [1, 2, 5, 8])
def test_together_they_have_the_gradients_of_the_base_alone_and_its_loss(load: Load, rows: int) -> None:
    tiny, alone = load(), load()
    own = replicas(tiny)
    for _ in range(2):  # what the first left behind would be in the second
        loss = own.backward(*tokens(rows))
        expected = loss_sum(alone.model, *tokens(rows))
        (expected / 64).backward()
    assert loss.item() == pytest.approx(expected.item())
    torch.testing.assert_close(gradients(tiny), gradients(alone))


def test_all_learn_when_the_base_does(load: Load) -> None:
    losses = []
    for side_by_side in (True, False):
        tiny = load()
        chosen = recipe.choose(1000, tiny.parameters, "full", {"batch_tokens": 64})
        optimizer, own = Optimizer(tiny, chosen), Replicas(tiny, chosen)
        for _ in range(5):
            optimizer.zero_grad()
            if side_by_side:
                loss = own.backward(*tokens(4))
            else:
                loss = loss_sum(tiny.model, *tokens(4))
                (loss / 64).backward()
            optimizer.step(1.0)
        losses.append(loss.item())
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)


def test_the_same_again_is_the_same_to_the_last_bit(load: Load) -> None:
    first, second = load(), load()
    for each in (first, second):
        replicas(each).backward(*tokens(7))
    assert all(torch.equal(one, other) for one, other in zip(gradients(first), gradients(second), strict=True))


def test_what_one_of_them_raises_is_raised_and_the_next_batch_is_right(load: Load) -> None:
    tiny, alone = load(), load()
    own = replicas(tiny)
    ids, labels = tokens(4)
    broken = ids.clone()
    broken[-1, 0] = 10**6
    with pytest.raises(IndexError):
        own.backward(broken, labels)
    tiny.model.zero_grad()
    own.backward(ids, labels)
    (loss_sum(alone.model, ids, labels) / 64).backward()
    torch.testing.assert_close(gradients(tiny), gradients(alone))


def test_with_dropout_the_base_is_alone_so_that_numbers_are_drawn_in_one_order(load: Load) -> None:
    tiny = load()
    tiny.model.train()
    own = replicas(tiny, dropout=1)
    torch.manual_seed(3)
    loss = own.backward(*tokens(8))
    torch.manual_seed(3)
    assert loss.item() == loss_sum(tiny.model, *tokens(8)).item()
