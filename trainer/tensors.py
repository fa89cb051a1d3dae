"""Reading a safetensors file one tensor at a time.

The format's own library maps the file into memory: on a virtual machine each page of it costs a fault, and all that was
read stays counted as the process's memory.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}
LONGEST_HEADER = 100_000_000
"""Bytes; the format's own limit."""


class TensorFile(Mapping[str, Array]):
    """Floating-point tensors by name, read anew at each look; bfloat16, which numpy lacks, as the same in float32.

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

    def __getitem__(self, name: str) -> Array:
        entry = self._entries[name]
        first, end = entry["data_offsets"]
        data = np.empty(end - first, np.uint8)
        with self._path.open("rb", buffering=0) as file:
            file.seek(self._start + first)
            if file.readinto(data.data) != len(data):
                raise ValueError(f"{self._path.name} is cut off")
        numbers = data.view(TYPES[entry["dtype"]]).reshape(entry["shape"])
        # bfloat16 is the upper half of a float32.
        return (numbers.astype("<u4") << 16).view("<f4") if entry["dtype"] == "BF16" else numbers

    def __contains__(self, name: object) -> bool:
        return name in self._entries  # a mapping's own would read the tensor

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)
