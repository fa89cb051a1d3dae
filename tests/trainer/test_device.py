import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from trainer import device
from trainer.errors import Failed

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("asked", ["cpu", "auto"])
def test_a_machine_without_accelerator_is_known_without_importing_torch(asked: str) -> None:
    code = (
        f"import sys; from trainer.device import is_processor; print(is_processor({asked!r}), 'torch' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    answer, torch_came = said.split()
    assert torch_came == "False"
    assert answer == str(asked == "cpu" or device.find_device("auto").type == "cpu")


@pytest.mark.parametrize(("system", "machine", "accelerated"), [("Darwin", "arm64", True), ("Darwin", "x86_64", False)])
def test_a_mac_with_apples_own_chip_has_one(
    monkeypatch: pytest.MonkeyPatch, system: str, machine: str, accelerated: bool
) -> None:
    monkeypatch.setattr("platform.system", lambda: system)
    monkeypatch.setattr("platform.machine", lambda: machine)
    monkeypatch.setattr(device, "DRIVERS", ())
    assert device.is_processor("auto") != accelerated
    assert device.is_processor("cpu")
    assert not device.is_processor("cuda")


def test_a_device_that_is_not_there_is_told() -> None:
    with pytest.raises(Failed, match="no device 'flux'; set the device to auto or cpu"):
        device.find_device("flux")


@pytest.mark.parametrize(("told", "count"), [("3", 3), ("4,2", 4), ("", None), ("many", None), ("0", None)])
def test_as_many_threads_as_openmp_is_told_else_one_for_each_processor_that_may_be_used(
    monkeypatch: pytest.MonkeyPatch, told: str, count: int | None
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", told)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(7)), raising=False)
    assert device.threads() == (count or 7)


@pytest.mark.parametrize(
    ("kind", "multiplied", "emulated", "precision"),
    [
        ("cuda", True, True, "bf16"),
        ("cuda", False, True, "fp32"),  # older than 2020: torch answers yes, and computes it in software
        ("cuda", False, False, "fp32"),
        ("mps", True, True, "fp32"),
        ("cpu", True, True, "fp32"),
    ],
)
def test_half_precision_is_for_gpus_that_multiply_it_themselves(
    monkeypatch: pytest.MonkeyPatch, kind: str, multiplied: bool, emulated: bool, precision: str
) -> None:
    def supported(including_emulation: bool = True) -> bool:
        return emulated if including_emulation else multiplied

    monkeypatch.setattr("torch.cuda.is_bf16_supported", supported)
    assert device.find_precision(torch.device(kind)) == precision


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")
def test_this_machines_gpu_computes_in_what_was_found_for_it() -> None:
    found = device.find_device("auto")
    major, _ = torch.cuda.get_device_capability(found)
    assert device.find_precision(found) == ("bf16" if major >= 8 else "fp32")


@pytest.mark.parametrize(
    ("error", "short"),
    [
        (MemoryError(), True),
        (torch.OutOfMemoryError("too much"), True),
        (OSError(errno.ENOMEM, "no room"), True),
        (ValueError(os.strerror(errno.ENOMEM)), True),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 4 bytes"), True),
        (RuntimeError("MPS backend out of memory"), True),
        (RuntimeError("CUDA error: out of memory"), True),
        (Exception("std::bad_alloc"), True),
        (OSError(errno.ENOSPC, "no room"), False),
        (RuntimeError("shapes do not fit"), False),
    ],
)
def test_short_memory_is_known_by_whichever_library_tells_of_it(error: Exception, short: bool) -> None:
    assert device.out_of_memory(error) == short


def test_short_memory_is_known_without_importing_torch() -> None:
    code = "import sys; from trainer.device import out_of_memory as o; print(o(MemoryError()), 'torch' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert said.split() == ["True", "False"]
