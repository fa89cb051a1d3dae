"""Linear layers as generating needs them: few rows at a time, so that reading the weights takes most of the time.

On the CPU a large model is held in fewer bytes a weight. A small one stays in the processor's cache, whatever its
bytes: there the plain layer wins.
"""

from collections.abc import Callable
from typing import Protocol, Self

import torch
from torch import Tensor

LARGE = 50_000_000
"""Parameters from which on fewer bytes a weight pay."""
LARGEST, ZERO = 127, 128
"""Of eight bits: the largest number with a sign, and what stands for 0 where there is none."""
CHUNK = 4096
"""Rows turned into eight bits at a time: all at once would take the memory that is to be saved."""


class Dense(Protocol):
    @property
    def bytes(self) -> int:
        """Memory it takes."""

    def __call__(self, hidden: Tensor) -> Tensor:
        """[rows, in] to [rows, out]."""


Make = Callable[[Tensor, Tensor], Dense]
"""From a weight [in, out] and a bias [out], of any precision."""


class Plain:
    """As it is, on any device."""

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        self.weight, self._bias = weight, bias

    @property
    def bytes(self) -> int:
        return self.weight.nbytes + self._bias.nbytes

    def __call__(self, hidden: Tensor) -> Tensor:
        return torch.addmm(self._bias, hidden, self.weight)


class Half:
    """Half precision in memory, single in the arithmetic: exact for weights that were published in half precision."""

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        self._packed = torch.ops.quantized.linear_prepack_fp16(weight.t().float().contiguous(), bias.float())
        self.bytes = 2 * weight.numel() + bias.nbytes

    def __call__(self, hidden: Tensor) -> Tensor:
        product: Tensor = torch.ops.quantized.linear_dynamic_fp16(hidden, self._packed)
        return product


class Int8:
    """Weights in eight bits with a scale for each output, inputs in eight bits with a scale for each row.

    Vector-wise quantisation (Dettmers et al., arXiv:2208.07339): with a scale for all rows, one that reaches far would
    take the others' bits. What a row gives depends on no other row, for sums of integers are exact.
    """

    def __init__(self, numbers: Tensor, scales: Tensor, bias: Tensor) -> None:
        """``numbers`` [out, in] and ``scales`` [out] as ``eight_bits`` gives them."""
        self._scales = scales
        self._zeros = torch.zeros(len(numbers), dtype=torch.int32)
        self._packed = torch.ops.onednn.qlinear_prepack(numbers, None)
        self._bias = bias.float()
        self.bytes = numbers.nbytes + 3 * self._scales.nbytes

    @classmethod
    def of(cls, weight: Tensor, bias: Tensor) -> Self:
        return cls(*eight_bits(weight.t()), bias)

    def __call__(self, hidden: Tensor) -> Tensor:
        # Of the ways to write this the quickest: aminmax, or a number divided by a tensor, take four times as long.
        step = hidden.abs().amax(1, keepdim=True).clamp_min_(1e-9).div_(LARGEST)
        # The processor multiplies unsigned by signed: ZERO stands for 0, and the half makes rounding of the cut that
        # turns a number into an integer.
        bits = (hidden / step).add_(ZERO + 0.5).to(torch.uint8)
        product = torch.ops.onednn.qlinear_pointwise(
            bits, 1.0, ZERO, self._packed, self._scales, self._zeros, None, 1.0, 0, torch.float32, "none", [], ""
        )
        return torch.addcmul(self._bias, product, step)


def eight_bits(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """Integers from -LARGEST to LARGEST like ``matrix`` [rows, columns], and the scale of each row."""
    numbers, scales = torch.empty(matrix.shape, dtype=torch.int8), torch.empty(len(matrix))
    for first in range(0, len(matrix), CHUNK):
        rows = slice(first, first + CHUNK)
        part = matrix[rows].float()
        scales[rows] = (part.abs().amax(1) / LARGEST).clamp_(min=1e-12)
        numbers[rows] = (part / scales[rows, None]).round_()
    return numbers, scales


def choose(device: torch.device, dtype: torch.dtype, parameters: int, *, halved: bool) -> Make:
    """The fastest that keeps its quality; ``halved``: the weights are exact in half precision.

    Eight bits only where the processor multiplies them without overflow (VNNI).
    """
    if device.type == "cpu" and parameters >= LARGE:
        if torch.cpu._is_vnni_supported():
            return Int8.of
        if halved and "fbgemm" in torch.backends.quantized.supported_engines:
            return Half
    return lambda weight, bias: Plain(weight.to(device, dtype).contiguous(), bias.to(device, dtype))
