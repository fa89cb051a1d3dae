import errno
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
from onnxruntime.capi.onnxruntime_pybind11_state import RuntimeException  # type: ignore[import-untyped]
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer, decoders, models
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast

from tests.trainer.conftest import log_chances
from trainer import disk, graph, runtime, sampling
from trainer.errors import NoMemory, UnusableBase
from trainer.framework import AnyEngine
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
    made = log_chances(Persona.load(large, "cpu"), ids)
    monkeypatch.setattr(graph, "build", None)
    assert np.array_equal(log_chances(Persona.load(large, "cpu"), ids), made)
    assert [path.name for path in (large / "cache").iterdir()] == [f"int{runtime.choose_bits(1)}.{runtime.LAYOUT}"]


def test_what_a_kill_left_of_them_is_made_anew(large: Path) -> None:
    for name in ("tmp1", "int8.0"):
        (large / "cache" / name).mkdir(parents=True)
        (large / "cache" / name / "model.onnx").write_bytes(b"half")
    Persona.load(large, "cpu")
    [kept] = (large / "cache").iterdir()
    assert sorted(path.name for path in kept.iterdir()) == [graph.MODEL, graph.WEIGHTS]


def test_a_persona_that_is_deleted_while_it_loads_leaves_nothing(large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep = runtime._keep

    def delete_first(*given: Any) -> None:
        shutil.rmtree(large)
        keep(*given)

    monkeypatch.setattr(runtime, "_keep", delete_first)
    with pytest.raises(UnusableBase):
        Persona.load(large, "cpu")
    assert not large.exists()


def test_of_two_processes_that_keep_them_at_once_one_has_its_way(large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build = graph.build

    def let_the_other_first(*given: Any, **named: Any) -> graph.Graph:
        monkeypatch.setattr(graph, "build", build)
        Persona.load(large, "cpu")
        return build(*given, **named)

    monkeypatch.setattr(graph, "build", let_the_other_first)
    assert sampling.tweets(Persona.load(large, "cpu"), GenerateTask("", seed=1))
    [kept] = (large / "cache").iterdir()
    monkeypatch.setattr(graph, "build", None)
    Persona.load(large, "cpu")
    assert kept.exists()


@pytest.mark.parametrize("error", [RuntimeException("std::bad_alloc"), OSError(errno.ENOMEM, "no memory")])
def test_short_memory_is_told_and_harms_nothing_that_is_kept(
    large: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    Persona.load(large, "cpu")
    [kept] = (large / "cache").iterdir()
    place = "InferenceSession" if isinstance(error, RuntimeException) else "_head"
    monkeypatch.setattr(runtime, place, Mock(side_effect=error))
    with pytest.raises(NoMemory):
        Persona.load(large, "cpu")
    assert kept.exists()


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOMEM, "no room"), RuntimeError("DefaultCPUAllocator: can't allocate memory")]
)
def test_short_memory_while_a_file_is_read_is_not_told_as_damage(
    tiny_base: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr("trainer.gpt2.Gpt2File.open", Mock(side_effect=error))
    with pytest.raises(NoMemory, match="try again later"):
        Persona.load(tiny_base, "cpu")


@pytest.mark.parametrize("name", ["model.onnx", "weights.bin"])
def test_what_is_damaged_of_them_is_made_anew(large: Path, name: str) -> None:
    ids = [[0, 40, 41], [0, 7]]
    expected = log_chances(Persona.load(large, "cpu"), ids)
    [file] = large.glob(f"cache/*/{name}")
    file.write_bytes(file.read_bytes()[:1000])
    assert np.array_equal(log_chances(Persona.load(large, "cpu"), ids), expected)
    assert not file.exists()
    Persona.load(large, "cpu")
    assert file.exists()


def test_where_they_cannot_be_kept_the_persona_speaks_all_the_same(large: Path) -> None:
    ids = [[0, 40, 41], [0, 7]]
    (large / "cache").write_bytes(b"no folder")
    found = log_chances(Persona.load(large, "cpu"), ids)
    (large / "cache").unlink()
    assert np.array_equal(log_chances(Persona.load(large, "cpu"), ids), found)


def test_a_disk_that_is_full_keeps_nothing_of_them(large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "sync", Mock(side_effect=OSError(errno.ENOSPC, "no space left")))
    assert sampling.tweets(Persona.load(large, "cpu"), GenerateTask("", seed=1))
    assert list((large / "cache").iterdir()) == []


def test_what_is_held_in_fewer_bits_is_added_exactly() -> None:
    assert runtime.adds_exactly(7)
    assert runtime.adds_exactly(runtime.choose_bits(runtime.LARGE))


def test_personas_without_adapters_keep_to_themselves(tiny_base: Path) -> None:
    assert Persona.load(tiny_base, "cpu").company != Persona.load(tiny_base, "cpu").company


def test_what_is_known_of_the_tokens_is_held_once_for_personas_with_the_same(tiny_base: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(tiny_base, tmp_path / "copy"))
    one, other = (Persona.load(directory, "cpu") for directory in (tiny_base, copy))
    assert one.vocabulary is other.vocabulary


def test_tokens_that_hold_a_newline_end_a_tweet_in_byte_level_vocabularies(tiny_base: Path) -> None:
    persona = Persona.load(tiny_base, "cpu")
    ids = range(len(persona.tokenizer))
    newlines = [each for each in ids if "\n" in persona.tokenizer.decode([each])]
    assert newlines
    assert np.flatnonzero(persona.vocabulary.stops).tolist() == sorted([persona.tokenizer.eos_token_id, *newlines])


def test_and_in_those_that_fall_back_to_bytes_where_numbers_without_a_token_are_never_drawn(
    tiny_base: Path, tmp_path: Path
) -> None:
    names = ["</s>", "<unk>", "<0x0A>", "<0x0B>", "a"]
    backend = Tokenizer(models.BPE({name: number for number, name in enumerate(names)}, [], byte_fallback=True))
    backend.decoder = decoders.ByteFallback()
    directory = Path(shutil.copytree(tiny_base, tmp_path / "copy"))
    PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="</s>").save_pretrained(directory)
    persona = Persona.load(directory, "cpu")
    assert np.flatnonzero(persona.vocabulary.stops).tolist() == [0, 2]
    assert np.flatnonzero(persona.vocabulary.banned).tolist() == list(range(len(names), persona.engine.vocabulary))


@pytest.mark.parametrize(
    "change", [{"n_head": 0}, {"n_head": 3}, {"layer_norm_epsilon": 0}, {"layer_norm_epsilon": "x"}]
)
def test_a_config_that_no_gpt2_can_have_is_told_as_damage(
    tiny_base: Path, tmp_path: Path, change: dict[str, Any]
) -> None:
    copy = Path(shutil.copytree(tiny_base, tmp_path / "copy"))
    config = json.loads((copy / "config.json").read_text("utf-8"))
    (copy / "config.json").write_text(json.dumps(config | change), "utf-8")
    with pytest.raises(UnusableBase, match="damaged"):
        Persona.load(copy, "cpu")


@pytest.mark.parametrize(
    "name", ["transformer.h.0.ln_1.weight", "transformer.h.1.mlp.c_fc.bias", "transformer.wte.weight"]
)
def test_one_number_that_is_none_is_told_as_damage_also_in_few_bits(large: Path, name: str) -> None:
    weights = load_file(large / "model.safetensors")
    weights[name].reshape(-1)[3] = np.inf
    save_file(weights, large / "model.safetensors", {"format": "pt"})
    with pytest.raises(UnusableBase, match="damaged"):
        Persona.load(large, "cpu")


def test_gpt2_with_heads_that_the_runtime_does_not_take_is_drawn_by_the_framework(
    tiny_base: Path, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(tiny_base, tmp_path / "copy"))
    config = AutoConfig.from_pretrained(copy, n_embd=60, n_head=5)
    AutoModelForCausalLM.from_config(config).save_pretrained(copy)
    persona = Persona.load(copy, "cpu")
    assert isinstance(persona.engine, AnyEngine)
    assert sampling.tweets(persona, GenerateTask("", seed=1))
