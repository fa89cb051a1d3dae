"""Weights in eight bits with a scale for each output."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from trainer.tensors import Array

OUTPUTS = 1024
"""Turned at a time: in single precision all at once would take the memory that is to be saved."""


def eight_bits(matrix: Array, bits: int) -> tuple[npt.NDArray[np.int8], Array]:
    """Integers of so many bits, at most 8, like ``matrix`` [in, out], and the scale of each output.

    Raises ValueError for a matrix that holds what is no number.
    """
    numbers, scales = np.empty(matrix.shape, np.int8), np.empty(matrix.shape[1], np.float32)

    def turn(first: int) -> None:
        part = np.s_[first : first + OUTPUTS]
        single = matrix[:, part].astype(np.float32)
        reach = np.maximum(single.max(0), -single.min(0))
        if not np.isfinite(reach).all():
            raise ValueError("a matrix holds what is no number")
        scales[part] = np.maximum(reach / (2 ** (bits - 1) - 1), 1e-12)
        np.divide(single, scales[part], out=single)
        numbers[:, part] = np.rint(single, out=single)

    with ThreadPoolExecutor() as pool:  # numpy computes on all cores, if it is asked from several threads
        list(pool.map(turn, range(0, matrix.shape[1], OUTPUTS)))
    return numbers, scales
