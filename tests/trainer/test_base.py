import shutil
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import pre_tokenizers
from transformers import AutoModelForCausalLM, AutoTokenizer, GPT2Tokenizer

from tests.trainer.conftest import END
from trainer import base
from trainer.errors import Failed, UnusableBase


@pytest.fixture
def copy(tiny_base: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_base, tmp_path / "copy"))


def test_a_local_directory_loads_in_single_precision(tiny_base: Path) -> None:
    found = base.load(str(tiny_base), "cpu")
    assert found.context == 64
    assert found.precision == "fp32"
    assert found.hub_id is None
    assert {each.dtype for each in found.model.parameters()} == {torch.float32}


def test_a_tokenizer_without_a_template_gets_end_of_text_before_every_prompt(tmp_path: Path) -> None:
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: number for number, token in enumerate([*letters, "is", END])}
    merges: Any = [("i", "s")]
    like_gpt2: Any = GPT2Tokenizer(vocab=vocabulary, merges=merges)
    bare = like_gpt2("My dream is")["input_ids"]
    assert bare[0] != like_gpt2.eos_token_id

    base.plain_tokenizer(like_gpt2, 64).save_pretrained(tmp_path / "saved")

    again = AutoTokenizer.from_pretrained(tmp_path / "saved")
    ids = again("My dream is")["input_ids"]
    assert ids[0] == again.eos_token_id == like_gpt2.eos_token_id
    assert ids[1:] == bare


@pytest.mark.parametrize("missing", ["config.json", "tokenizer.json", "model.safetensors"])
def test_a_base_without_one_of_its_files_is_refused_by_name(copy: Path, missing: str) -> None:
    (copy / missing).unlink()
    if missing == "tokenizer.json":
        (copy / "tokenizer_config.json").unlink()
    with pytest.raises(UnusableBase, match=r"copy.*another base|copy.*choose one"):
        base.load(str(copy), "cpu")


@pytest.mark.parametrize("damaged", ["config.json", "tokenizer.json", "model.safetensors"])
def test_a_base_with_a_truncated_file_is_refused_by_name(copy: Path, damaged: str) -> None:
    content = (copy / damaged).read_bytes()
    (copy / damaged).write_bytes(content[: len(content) // 2])
    with pytest.raises(UnusableBase, match=r"copy.*damaged or incomplete"):
        base.load(str(copy), "cpu")


def test_weights_that_lack_a_layer_are_refused_and_not_made_up(copy: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(copy)
    weights = {name: each for name, each in model.state_dict().items() if ".h.1." not in name and "lm_head" not in name}
    model.save_pretrained(copy, state_dict=weights)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(UnusableBase):
            base.load(str(copy), "cpu")


def test_a_base_with_pickled_weights_only_is_refused_with_the_reason(copy: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(copy)
    (copy / "model.safetensors").unlink()
    torch.save(model.state_dict(), copy / "pytorch_model.bin")
    with pytest.raises(UnusableBase, match="safetensors"):
        base.load(str(copy), "cpu")


def test_a_base_that_is_nowhere_names_what_to_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(UnusableBase, match=r"nobody/nothing.*network"):
        base.load("nobody/nothing", "cpu")


def test_a_device_that_is_not_there_is_refused(tiny_base: Path) -> None:
    with pytest.raises(Failed, match="cuda:99"):
        base.load(str(tiny_base), "cuda:99")
