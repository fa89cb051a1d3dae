"""Old weights, pickled by torch, become safetensors. Nothing that a pickle may ask for is run."""

import json
import zipfile
from pathlib import Path
from pickle import UnpicklingError

import torch
from safetensors.torch import save_file
from torch import Tensor

INDEX = "pytorch_model.bin.index.json"
SWOLLEN = 2
"""Times the file's size that its tensors may take, as tied ones stand in the file once. More is a trick."""


def convert(folder: Path) -> None:
    """Write each ``pytorch_model*.bin`` as safetensors beside it. Raises ValueError for anything but plain tensors."""
    for path in sorted(folder.glob("pytorch_model*.bin")):
        save_file(_tensors(path), folder / _renamed(path.name), {"format": "pt"})
    if (folder / INDEX).exists():
        index = json.loads((folder / INDEX).read_text("utf-8"))
        index["weight_map"] = {name: _renamed(str(file)) for name, file in index["weight_map"].items()}
        (folder / _renamed(INDEX)).write_text(json.dumps(index), "utf-8")


def _tensors(path: Path) -> dict[str, Tensor]:
    """By name; each with memory of its own, as safetensors want it."""
    try:
        # Mapped, the file's parts cannot be compressed: a small file stays small.
        loaded = torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
        weights = {str(name): each.detach() for name, each in loaded.items()}
        size = sum(each.numel() * each.element_size() for each in weights.values())
    except (UnpicklingError, RuntimeError, EOFError, LookupError, AttributeError, TypeError) as error:
        raise ValueError("its weights are damaged, or hold more than tensors") from error
    if size > SWOLLEN * path.stat().st_size:
        raise ValueError("its weights are larger than their file")
    return {name: each.clone(memory_format=torch.contiguous_format) for name, each in weights.items()}


def _renamed(name: str) -> str:
    return name.replace("pytorch_model", "model", 1).replace(".bin", ".safetensors", 1)
