"""What the trainer finds on this machine: torch, the device, and whether the base model can be used."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from trainer import child
from trainer.child import Report
from trainer.errors import TrainerError
from trainer.protocol import Wire


@dataclass(frozen=True)
class ExamineResult(Wire):
    findings: list[dict[str, Any]]
    """Each with ``what``, ``good`` and ``words``."""


def main() -> None:
    child.serve(examine)


def examine(task: dict[str, Any], report: Report) -> ExamineResult:
    """The task names a ``base`` and a ``device``."""
    import torch
    import transformers

    versions = f"torch {torch.__version__}, transformers {transformers.__version__}"
    found = [{"what": "libraries", "good": True, "words": versions}]
    found.append(_look("device", lambda: _device(task["device"])))
    found.append(_look("base model", lambda: _base(task["base"])))
    return ExamineResult(found)


def _look(what: str, find: Callable[[], str]) -> dict[str, Any]:
    try:
        return {"what": what, "good": True, "words": find()}
    except TrainerError as error:
        return {"what": what, "good": False, "words": error.sentence}


def _device(asked: str) -> str:
    import torch

    from trainer.device import find_device, find_precision

    device = find_device(asked)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else f"{torch.get_num_threads()} threads"
    return f"{device} ({name}), {find_precision(device)}"


def _base(name: str) -> str:
    from trainer.base import load

    return f"{name}, {load(name, 'cpu').parameters / 1e6:.1f} million parameters"
