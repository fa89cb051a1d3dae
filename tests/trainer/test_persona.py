import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.trainer.conftest import logits
from trainer import graph, runtime, sampling
from trainer.persona import Persona
from trainer.protocol import GenerateTask

ROOT = Path(__file__).parents[2]
FRAMEWORKS = ["torch", "transformers", "peft", "huggingface_hub"]
DRAW = """
import sys
from pathlib import Path
from trainer import sampling
from trainer.protocol import GenerateTask

assert sampling.tweets(sampling.Persona.load(Path(sys.argv[1]), "cpu"), GenerateTask("", seed=1))
print([name for name in sys.argv[2:] if name in sys.modules])
"""


def test_a_tweet_of_gpt2_is_drawn_without_the_frameworks_that_take_seconds_to_import(tiny_base: Path) -> None:
    command = [sys.executable, "-c", DRAW, str(tiny_base), *FRAMEWORKS]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.fixture
def large(tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A persona that counts as large."""
    monkeypatch.setattr(runtime, "LARGE", 0)
    return Path(shutil.copytree(tiny_base, tmp_path / "large"))


@pytest.mark.parametrize(("adds_exactly", "bits"), [(True, 8), (False, 7)])
def test_a_large_model_is_held_in_as_many_bits_as_the_processor_adds_exactly(
    large: Path, monkeypatch: pytest.MonkeyPatch, adds_exactly: bool, bits: int
) -> None:
    monkeypatch.setattr(runtime, "adds_exactly", lambda _: adds_exactly)
    few = Persona.load(large, "cpu")
    monkeypatch.setattr(runtime, "LARGE", 10**9)
    whole = Persona.load(large, "cpu")
    assert isinstance(few.engine, runtime.Gpt2)
    assert isinstance(whole.engine, runtime.Gpt2)
    assert (few.engine.bits, whole.engine.bits) == (bits, 32)
    assert sampling.tweets(few, GenerateTask("", seed=1))


def test_weights_in_few_bits_are_kept_for_the_next_time(large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = [[0, 40, 41], [0, 7]]
    made = logits(Persona.load(large, "cpu"), ids)
    monkeypatch.setattr(graph, "build", None)
    assert np.array_equal(logits(Persona.load(large, "cpu"), ids), made)
    assert [path.name for path in (large / "cache").iterdir()] == [f"int{runtime.choose_bits(1)}.{runtime.LAYOUT}"]


def test_what_a_kill_left_of_them_is_made_anew(large: Path) -> None:
    (large / "cache" / "part").mkdir(parents=True)
    (large / "cache" / "part" / "model.onnx").write_bytes(b"half")
    Persona.load(large, "cpu")
    assert not (large / "cache" / "part").exists()


@pytest.mark.parametrize("name", ["model.onnx", "weights.bin"])
def test_what_is_damaged_of_them_is_made_anew(large: Path, name: str) -> None:
    ids = [[0, 40, 41], [0, 7]]
    expected = logits(Persona.load(large, "cpu"), ids)
    [file] = large.glob(f"cache/*/{name}")
    file.write_bytes(file.read_bytes()[:1000])
    assert np.array_equal(logits(Persona.load(large, "cpu"), ids), expected)
    assert not file.exists()
    Persona.load(large, "cpu")
    assert file.exists()


def test_where_they_cannot_be_kept_the_persona_speaks_all_the_same(large: Path) -> None:
    ids = [[0, 40, 41], [0, 7]]
    (large / "cache").write_bytes(b"no folder")
    found = logits(Persona.load(large, "cpu"), ids)
    (large / "cache").unlink()
    assert np.array_equal(logits(Persona.load(large, "cpu"), ids), found)


def test_what_is_held_in_fewer_bits_is_added_exactly() -> None:
    assert runtime.adds_exactly(7)
    assert runtime.adds_exactly(runtime.choose_bits(runtime.LARGE))


def test_personas_without_adapters_keep_to_themselves(tiny_base: Path) -> None:
    assert Persona.load(tiny_base, "cpu").company != Persona.load(tiny_base, "cpu").company


def test_what_is_known_of_the_tokens_is_held_once_for_personas_with_the_same(tiny_base: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(tiny_base, tmp_path / "copy"))
    one, other = (Persona.load(directory, "cpu") for directory in (tiny_base, copy))
    assert one.vocabulary is other.vocabulary
