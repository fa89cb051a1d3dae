"""Where the numbers are crunched, and how precisely. torch, which takes long to import, only where it must be asked."""

import ctypes
import errno
import os
import platform
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from trainer.errors import Failed

if TYPE_CHECKING:
    import torch

DRIVERS = ("libcuda.so.1", "nvcuda.dll")
"""NVIDIA's, by system."""
SHORT = ("allocate memory", "bad_alloc", "out of memory")
"""What libraries say when memory is short that have no error of their own for it: the processor's side of torch, ONNX
Runtime, torch on Apple's MPS."""


def find_device(asked: str) -> "torch.device":
    """CUDA, else Apple's MPS, else the CPU, for "auto". Raises Failed for a device this machine lacks."""
    import torch

    if asked == "auto":
        best = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
        return torch.device(best)
    try:
        device = torch.device(asked)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise Failed(f"This machine has no device {asked!r}; set the device to auto or cpu.") from error
    return device


def is_processor(asked: str) -> bool:
    """Whether that device is the CPU, as far as can be told without torch."""
    return asked == "cpu" or (asked == "auto" and not _may_have_accelerator())


def _may_have_accelerator() -> bool:
    apple = platform.system() == "Darwin" and platform.machine() == "arm64"
    return apple or Path("/dev/kfd").exists() or any(map(_drives, DRIVERS))  # kfd: AMD's driver


def _drives(driver: str) -> bool:
    """Whether NVIDIA's driver is there and finds a GPU (cuInit)."""
    with suppress(OSError):
        return int(ctypes.CDLL(driver).cuInit(0)) == 0
    return False


def threads() -> int:
    """To compute with: as many as OMP_NUM_THREADS tells, else one for each processor that this process may use."""
    told = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    if told.isdigit() and int(told):
        return int(told)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def find_precision(device: "torch.device") -> str:
    """bf16 where the hardware multiplies it; elsewhere fp32, because CPUs and older GPUs emulate it far slower."""
    import torch

    return "bf16" if device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"


def out_of_memory(error: BaseException) -> bool:
    """Whether it says that memory is short: of the processor or a GPU, by whichever library."""
    torch = sys.modules.get("torch")
    kinds = (MemoryError, torch.OutOfMemoryError) if torch else MemoryError
    if isinstance(error, kinds) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
        return True
    return any(words in str(error).lower() for words in SHORT)
