"""Reading a safetensors file one tensor at a time.

The format's own library maps the file into memory: on a virtual machine each page of it costs a fault, and all that was
read stays counted as the process's memory.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

TYPES = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
LONGEST_HEADER = 100_000_000
"""Bytes; the format's own limit."""


class TensorFile(Mapping[str, Tensor]):
    """Floating-point tensors by name, read anew at each look.

    The format: the header's length in 8 bytes, the header as JSON, then the tensors, each from one offset to another.
    """

    def __init__(self, path: Path) -> None:
        """Raises OSError, or ValueError or KeyError for a damaged file."""
        self._path = path
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 0 < length <= min(LONGEST_HEADER, path.stat().st_size - 8):
                raise ValueError(f"{path.name} is damaged")
            self._entries: dict[str, Any] = json.loads(file.read(length))
        self._entries.pop("__metadata__", None)
        self._start = 8 + length

    def __getitem__(self, name: str) -> Tensor:
        entry = self._entries[name]
        first, end = entry["data_offsets"]
        data = torch.empty(end - first, dtype=torch.uint8)
        with self._path.open("rb", buffering=0) as file:
            file.seek(self._start + first)
            if file.readinto(data.numpy().data) != len(data):
                raise ValueError(f"{self._path.name} is cut off")
        return data.view(TYPES[entry["dtype"]]).view(entry["shape"])

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)
