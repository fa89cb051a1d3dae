from pathlib import Path

import pytest
import torch

from trainer.checkpoint import Checkpoints, Snapshot, State, fingerprint, was_begun


@pytest.fixture
def snapshot() -> Snapshot:
    weights = {"a": torch.arange(1000.0)}
    state = State(step=7, best_step=5, best_loss=2.5, losses=[3.0, 2.0], held_out=[(5, 2.5)], notes=["hello"])
    return Snapshot(state, weights, {"a": torch.ones(1000)}, {"state": {0: {"step": torch.tensor(7.0)}}})


def test_what_was_saved_comes_back(tmp_path: Path, snapshot: Snapshot) -> None:
    Checkpoints(tmp_path, "mark", 10).save(snapshot)
    found, note = Checkpoints(tmp_path, "mark", 10).load()
    assert found is not None
    assert note == ""
    assert found.state.step == 7
    assert found.state.notes == ["hello"]
    assert torch.equal(found.weights["a"], snapshot.weights["a"])


def test_the_random_state_comes_back_too(tmp_path: Path, snapshot: Snapshot) -> None:
    checkpoints = Checkpoints(tmp_path, "mark", 10)
    checkpoints.save(snapshot)
    expected = torch.rand(3)
    checkpoints.load()
    assert torch.equal(torch.rand(3), expected)


def test_no_checkpoint_is_nothing_to_speak_of(tmp_path: Path) -> None:
    assert Checkpoints(tmp_path, "mark", 10).load() == (None, "")


def test_a_training_was_begun_where_its_folder_is_and_no_checkpoint(tmp_path: Path, snapshot: Snapshot) -> None:
    work = tmp_path / "work"
    assert not was_begun(work)
    (work / "onward").mkdir(parents=True)
    assert was_begun(work)
    Checkpoints(work / "onward", "mark", 10).save(snapshot)
    assert not was_begun(work)


def test_a_checkpoint_of_another_training_is_ignored_and_told(tmp_path: Path, snapshot: Snapshot) -> None:
    Checkpoints(tmp_path, "mark", 10).save(snapshot)
    found, note = Checkpoints(tmp_path, "other", 10).load()
    assert found is None
    assert "another training" in note


@pytest.mark.parametrize("kept", [0, 100, 3000])
def test_a_damaged_checkpoint_is_ignored_and_told(tmp_path: Path, snapshot: Snapshot, kept: int) -> None:
    checkpoints = Checkpoints(tmp_path, "mark", 10)
    checkpoints.save(snapshot)
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:kept])
    found, note = checkpoints.load()
    assert found is None
    assert "damaged" in note


def test_a_checkpoint_cannot_run_code(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path.touch, (tmp_path / "sprung",)  # type: ignore[return-value]

    torch.save({"fingerprint": Trap()}, tmp_path / "checkpoint.pt")
    found, _ = Checkpoints(tmp_path, "mark", 10).load()
    assert found is None
    assert not (tmp_path / "sprung").exists()


def test_the_fingerprint_changes_with_weights_and_facts() -> None:
    weights = {"a": torch.ones(3)}
    assert fingerprint(weights, 1, "full") == fingerprint(weights, 1, "full")
    assert fingerprint(weights, 1, "full") != fingerprint(weights, 2, "full")
    assert fingerprint(weights, 1) != fingerprint({"a": torch.zeros(3)}, 1)
