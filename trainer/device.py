"""Where the numbers are crunched, and how precisely."""

import torch

from trainer.errors import Failed


def find_device(asked: str) -> torch.device:
    """CUDA, else Apple's MPS, else the CPU, for "auto". Raises Failed for a device this machine lacks."""
    if asked == "auto":
        best = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
        return torch.device(best)
    try:
        device = torch.device(asked)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise Failed(f"This machine has no device {asked!r}; set the device to auto or cpu.") from error
    return device


def find_precision(device: torch.device) -> str:
    """bf16 where the hardware multiplies it; elsewhere fp32, because CPUs and older GPUs emulate it far slower."""
    return "bf16" if device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
