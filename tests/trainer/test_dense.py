import pytest
import torch
from torch import Tensor

from trainer import dense
from trainer.dense import Dense, Half, Int8, Make, Plain

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def weight() -> Tensor:
    """[in, out], exact in half precision."""
    return torch.randn(96, 64, generator=torch.Generator().manual_seed(1)).half().float()


@pytest.fixture(scope="module")
def hidden() -> Tensor:
    """Rows of very different reach, off centre as what follows a GELU."""
    rows = torch.randn(5, 96, generator=torch.Generator().manual_seed(2)) + 0.5
    return rows * torch.tensor([[0.01], [1.0], [1.0], [30.0], [1000.0]])


def lost(make: Make, weight: Tensor, hidden: Tensor) -> float:
    """Largest error of a row, as a share of what it should give."""
    expected = hidden.double() @ weight.double() + 1
    return float(((make(weight, torch.ones(64))(hidden) - expected).norm(dim=1) / expected.norm(dim=1)).max())


@pytest.mark.parametrize("make", [Plain, Half])
def test_weights_that_half_precision_holds_lose_nothing(make: Make, weight: Tensor, hidden: Tensor) -> None:
    assert lost(make, weight, hidden) < 1e-6


def test_eight_bits_lose_little_in_each_row_whatever_the_reach_of_the_others(weight: Tensor, hidden: Tensor) -> None:
    assert 1e-6 < lost(Int8.of, weight, hidden) < 0.02


def test_eight_bits_round_to_the_nearest(hidden: Tensor) -> None:
    identity = Int8.of(torch.eye(96), torch.zeros(96))
    step = hidden.abs().amax(1, keepdim=True) / 127
    assert ((identity(hidden) - hidden).abs() <= 0.51 * step).all()


def test_with_eight_bits_a_row_gives_the_same_alone_and_in_company(weight: Tensor, hidden: Tensor) -> None:
    layer = Int8.of(weight, torch.ones(64))
    assert torch.equal(layer(hidden), torch.cat([layer(row[None]) for row in hidden]))


def test_eight_bits_bear_a_row_and_an_output_of_nothing_but_zeros(weight: Tensor) -> None:
    hollow = weight.clone()
    hollow[:, 3] = 0
    assert torch.equal(Int8.of(hollow, torch.ones(64))(torch.zeros(2, 96)), torch.ones(2, 64))


@pytest.mark.parametrize(("make", "share"), [(Plain, 1), (Half, 0.52), (Int8.of, 0.32)])
def test_fewer_bits_take_less_memory(make: Make, share: float, weight: Tensor) -> None:
    assert make(weight, torch.ones(64)).bytes <= share * (weight.nbytes + 256)


@pytest.mark.parametrize(
    ("parameters", "vnni", "halved", "expected"),
    [
        (dense.LARGE, True, False, Int8),
        (dense.LARGE, False, True, Half),
        (dense.LARGE, False, False, Plain),
        (dense.LARGE - 1, True, True, Plain),
    ],
)
def test_the_kind_suits_size_processor_and_weights(
    parameters: int, vnni: bool, halved: bool, expected: type[Dense], weight: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cpu._is_vnni_supported", lambda: vnni)
    make = dense.choose(CPU, torch.float32, parameters, halved=halved)
    assert type(make(weight, torch.ones(64))) is expected


def test_weights_are_turned_into_eight_bits_part_by_part_as_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    matrix = torch.randn(100, 16, generator=torch.Generator().manual_seed(3))
    numbers, scales = dense.eight_bits(matrix)
    monkeypatch.setattr(dense, "CHUNK", 7)
    assert all(map(torch.equal, dense.eight_bits(matrix), (numbers, scales)))
    assert torch.allclose(numbers * scales[:, None], matrix, atol=float(scales.max()) / 2 + 1e-6)
