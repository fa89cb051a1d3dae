"""Muon, on matrices small enough to take apart."""

from copy import deepcopy

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from trainer.starter.muon import Muon, orthogonal

SHAPES = [(24, 8), (8, 24), (16, 16)]
NEAR_ONE = 0.65, 1.25
"""Where five rounds with the article's coefficients bring singular values that are within a factor of a hundred."""


@pytest.fixture(params=SHAPES, ids=str)
def parts(request: pytest.FixtureRequest) -> tuple[Tensor, Tensor, Tensor]:
    """Left vectors, singular values from 1 down to 0.01, and right vectors of a matrix."""
    rows, columns = request.param
    random = torch.Generator().manual_seed(0)
    left, _ = torch.linalg.qr(torch.randn(rows, min(rows, columns), generator=random))
    right, _ = torch.linalg.qr(torch.randn(columns, min(rows, columns), generator=random))
    return left, torch.logspace(0, -2, min(rows, columns)), right


def near_one(values: Tensor) -> bool:
    return NEAR_ONE[0] < values.min().item() and values.max().item() < NEAR_ONE[1]


def test_an_orthogonal_update_has_singular_values_near_one(parts: tuple[Tensor, Tensor, Tensor]) -> None:
    left, values, right = parts
    update = orthogonal(left @ values.diag() @ right.T)
    assert update.shape == (len(left), len(right))
    assert near_one(torch.linalg.svdvals(update))


def test_its_directions_are_those_of_the_gradient(parts: tuple[Tensor, Tensor, Tensor]) -> None:
    left, values, right = parts
    found = left.T @ orthogonal(left @ values.diag() @ right.T) @ right
    assert near_one(found.diag())
    assert torch.allclose(found, found.diag().diag(), atol=1e-4)


def test_the_gradients_size_does_not_matter_and_none_moves_nothing(parts: tuple[Tensor, Tensor, Tensor]) -> None:
    left, values, right = parts
    matrix = left @ values.diag() @ right.T
    assert torch.allclose(orthogonal(1000 * matrix), orthogonal(matrix), atol=1e-4)
    assert orthogonal(0 * matrix).count_nonzero() == 0


@pytest.mark.parametrize(("shape", "scale"), [((24, 8), 1.0), ((16, 16), 1.0), ((4, 16), 2.0)])
def test_a_step_is_as_long_as_its_rate_and_longer_for_a_wide_matrix(shape: tuple[int, int], scale: float) -> None:
    torch.manual_seed(0)
    matrix = torch.zeros(shape, requires_grad=True)
    matrix.grad = torch.eye(*shape) + 0.1 * torch.randn(shape)
    Muon([matrix], lr=0.02).step()
    assert near_one(torch.linalg.svdvals(-matrix.detach()) / (0.02 * scale))
    assert (matrix * matrix.grad).sum() < 0


class Line:
    """A linear regression, whose loss is nought at the right matrix."""

    def __init__(self) -> None:
        random = torch.Generator().manual_seed(1)
        self.given = torch.randn(64, 12, generator=random)
        self.wanted = self.given @ torch.randn(12, 20, generator=random)
        self.matrix = torch.zeros(12, 20, requires_grad=True)
        self.optimizer = Muon([self.matrix], lr=0.05)

    def loss(self) -> Tensor:
        return functional.mse_loss(self.given @ self.matrix, self.wanted)

    def steps(self, count: int) -> None:
        for _ in range(count):
            self.optimizer.zero_grad()
            self.loss().backward()
            self.optimizer.step()


def test_a_step_lowers_the_loss_and_many_lower_it_far() -> None:
    line = Line()
    before = line.loss().item()
    line.steps(1)
    assert line.loss().item() < before
    line.steps(199)
    assert line.loss().item() < before / 50


def test_momentum_goes_on_where_it_was_saved() -> None:
    whole, first, second = Line(), Line(), Line()
    whole.steps(6)
    first.steps(3)
    second.optimizer.load_state_dict(deepcopy(first.optimizer.state_dict()))
    second.matrix.data.copy_(first.matrix.data)
    second.steps(3)
    assert torch.equal(second.matrix, whole.matrix)


def test_momentum_carries_on_when_the_gradient_is_gone() -> None:
    line = Line()
    line.steps(1)
    before = line.matrix.detach().clone()
    assert line.matrix.grad is not None
    line.matrix.grad.zero_()
    line.optimizer.step()
    assert not torch.equal(line.matrix, before)
