import pytest
import torch
from torch import Tensor

from trainer.corpus import Batch, batches
from trainer.errors import NoMemory
from trainer.memory import Slices


@pytest.fixture
def batch() -> Batch:
    (made,) = batches([[1, 2, 3, 4]] * 16, 64)
    return made


def counting(ids: Tensor, labels: Tensor) -> Tensor:
    return torch.tensor(float(len(ids)))


def test_a_batch_within_the_limit_runs_at_once(batch: Batch) -> None:
    seen: list[int] = []

    def work(ids: Tensor, labels: Tensor) -> Tensor:
        seen.append(len(ids))
        return counting(ids, labels)

    assert Slices(64).total(batch, work).item() == 16
    assert seen == [16]


def test_short_memory_halves_the_slices_until_they_fit_and_says_so(batch: Batch) -> None:
    restarts: list[None] = []

    def work(ids: Tensor, labels: Tensor) -> Tensor:
        if len(ids) > 4:
            torch.empty(2**60)  # more than any machine has: the allocator's own error
        return counting(ids, labels)

    slices = Slices(64)
    assert slices.total(batch, work, lambda: restarts.append(None)).item() == 16
    assert len(restarts) == 3
    assert slices.note == "Memory was short: batches of 4 instead of 16."


def test_slices_stay_small_once_memory_was_short(batch: Batch) -> None:
    slices = Slices(64)
    seen: list[int] = []

    def work(ids: Tensor, labels: Tensor) -> Tensor:
        seen.append(len(ids))
        if len(ids) > 8:
            raise MemoryError
        return counting(ids, labels)

    slices.total(batch, work)
    slices.total(batch, work)
    assert seen == [16, 8, 8, 8, 8]


def test_before_it_tries_with_less_it_frees_what_apples_gpu_keeps(
    batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And knows that GPU's error, which has no kind of its own."""
    freed: list[int] = []
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: True)
    monkeypatch.setattr("torch.mps.empty_cache", lambda: freed.append(1))

    def work(ids: Tensor, labels: Tensor) -> Tensor:
        if len(ids) > 4:
            raise RuntimeError("MPS backend out of memory (MPS allocated: 8.00 GB, max allowed: 9.07 GB)")
        return counting(ids, labels)

    assert Slices(64).total(batch, work).item() == 16
    assert len(freed) == 2


def test_when_not_one_row_fits_the_person_hears_what_to_do(batch: Batch) -> None:
    def work(ids: Tensor, labels: Tensor) -> Tensor:
        raise MemoryError

    with pytest.raises(NoMemory, match="smaller base"):
        Slices(64).total(batch, work)


def test_other_errors_are_not_taken_for_short_memory(batch: Batch) -> None:
    def work(ids: Tensor, labels: Tensor) -> Tensor:
        raise RuntimeError("shapes do not fit")

    with pytest.raises(RuntimeError, match="shapes"):
        Slices(64).total(batch, work)
