import subprocess
import sys
from pathlib import Path

import pytest

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
