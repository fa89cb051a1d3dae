import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from trainer.tensors import TensorFile


@pytest.fixture
def tensors() -> dict[str, torch.Tensor]:
    return {
        "matrix": torch.randn(3, 5),
        "half": torch.randn(7).half(),
        "brain": torch.randn(2, 2, 2).bfloat16(),
        "number": torch.tensor(3.5),
    }


@pytest.fixture
def path(tensors: dict[str, torch.Tensor], tmp_path: Path) -> Path:
    save_file(tensors, tmp_path / "weights", {"format": "pt"})
    return tmp_path / "weights"


def test_what_the_library_saved_is_read(path: Path, tensors: dict[str, torch.Tensor]) -> None:
    read = TensorFile(path)
    assert set(read) == set(tensors)
    assert len(read) == len(tensors)
    for name, each in read.items():
        expected = tensors[name].float() if name == "brain" else tensors[name]  # numpy has no bfloat16
        assert np.array_equal(each, expected.numpy())
        assert each.dtype == expected.numpy().dtype


def test_a_tensor_that_is_not_there_is_a_key_error(path: Path) -> None:
    with pytest.raises(KeyError):
        TensorFile(path)["bias"]


@pytest.mark.parametrize("size", [0, 4, 8, 20])
def test_a_file_without_a_whole_header_is_told(path: Path, size: int) -> None:
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(ValueError, match="damaged"):
        TensorFile(path)


def test_a_file_that_was_cut_off_is_told_at_the_tensor_that_is_missing(path: Path) -> None:
    last = max(TensorFile(path), key=lambda name: TensorFile(path)._entries[name]["data_offsets"])
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match="cut off"):
        TensorFile(path)[last]


def test_whether_a_tensor_is_there_is_known_without_reading_it(path: Path) -> None:
    found = TensorFile(path)
    name = next(iter(found))
    path.unlink()
    assert name in found
    assert "another" not in found


def test_a_shape_that_does_not_fit_its_data_is_told(tmp_path: Path) -> None:
    header = json.dumps({"a": {"dtype": "F32", "shape": [3], "data_offsets": [0, 8]}}).encode()
    (tmp_path / "a").write_bytes(len(header).to_bytes(8, "little") + header + bytes(8))
    with pytest.raises(ValueError, match="reshape"):
        TensorFile(tmp_path / "a")["a"]
