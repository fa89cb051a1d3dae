"""Linear layers as generating needs them: few rows at a time, so that reading the weights takes most of the time.

On the CPU a large model is held in fewer bytes a weight. A small one stays in the processor's cache, whatever its
bytes: there the plain layer wins.
"""

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

LARGE = 50_000_000
"""Parameters from which on fewer bytes a weight pay."""
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
    """Weights in eight bits with a scale for each output, inputs in eight bits between each row's extremes.

    Vector-wise quantisation with a zero point (Dettmers et al., arXiv:2208.07339): with a scale for all rows, one that
    reaches far would take the others' bits. What a row gives depends on no other row, for sums of integers are exact.
    """

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        numbers, self._scales = eight_bits(weight.t())
        self._sums = numbers.sum(1, dtype=torch.int32) * self._scales
        self._zeros = torch.zeros(len(numbers), dtype=torch.int32)
        self._packed = torch.ops.onednn.qlinear_prepack(numbers, None)
        self._bias = bias.float()
        self.bytes = numbers.nbytes + 4 * self._sums.nbytes

    def __call__(self, hidden: Tensor) -> Tensor:
        low, high = hidden.aminmax(dim=1, keepdim=True)
        step = (high - low).clamp_(min=1e-9) / 255
        # The half makes rounding of the cut that turns a number into an integer.
        bits = torch.addcmul(0.5 - low / step, hidden, 1 / step).to(torch.uint8)
        product = torch.ops.onednn.qlinear_pointwise(
            bits, 1.0, 0, self._packed, self._scales, self._zeros, None, 1.0, 0, torch.float32, "none", [], ""
        )
        return torch.addcmul(torch.addcmul(self._bias, low, self._sums), product, step)


def eight_bits(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """Integers from -127 to 127 like ``matrix`` [rows, columns], and the scale of each row."""
    parts = [_eight_bits(part.float()) for part in matrix.split(CHUNK)]
    return torch.cat([numbers for numbers, _ in parts]), torch.cat([scales for _, scales in parts])


def _eight_bits(matrix: Tensor) -> tuple[Tensor, Tensor]:
    low, high = matrix.aminmax(dim=1)
    scales = (torch.maximum(high, -low) / 127).clamp_(min=1e-12)
    return matrix.div(scales[:, None]).round_().to(torch.int8), scales


def choose(device: torch.device, dtype: torch.dtype, parameters: int, *, halved: bool) -> Make:
    """The fastest that keeps its quality; ``halved``: the weights are exact in half precision.

    Eight bits only where the processor multiplies them without overflow (VNNI).
    """
    if device.type == "cpu" and parameters >= LARGE:
        if torch.cpu._is_vnni_supported():
            return Int8
        if halved and "fbgemm" in torch.backends.quantized.supported_engines:
            return Half
    return lambda weight, bias: Plain(weight.to(device, dtype).contiguous(), bias.to(device, dtype))
