import shutil
import warnings
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
import torch
from tokenizers import pre_tokenizers
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    BloomConfig,
    GPT2Tokenizer,
    MambaConfig,
    PreTrainedConfig,
)

from tests.trainer.conftest import END, invented_corpus
from trainer import base, finetune
from trainer.errors import Failed, UnusableBase
from trainer.protocol import FinetuneTask


@pytest.fixture
def copy(tiny_base: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_base, tmp_path / "copy"))


def become(copy: Path, config: PreTrainedConfig) -> None:
    """Put a random model of another kind in the place of the weights."""
    (copy / "config.json").unlink()
    AutoModelForCausalLM.from_config(config).save_pretrained(copy)


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


@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning")  # peft asks for it
@pytest.mark.parametrize("method", ["full", "lora"])
def test_a_base_that_knows_no_places_by_number_is_trained_and_speaks(copy: Path, tmp_path: Path, method: str) -> None:
    become(copy, BloomConfig(vocab_size=512, hidden_size=32, n_layer=1, n_head=2, bos_token_id=0, eos_token_id=0))
    assert base.load(str(copy), "cpu").context == base.LONGEST_CONTEXT
    invented_corpus(120).save(tmp_path / "corpus")
    output, work, settings = str(tmp_path / "out"), str(tmp_path / "work"), {"epochs": 0.5, "batch_tokens": 1024.0}
    corpora = [str(tmp_path / "corpus")]
    task = FinetuneTask("j1", "keeper", corpora, output, work, str(copy), method, force=True, settings=settings)
    assert finetune.finetune(task, lambda *_, **__: None).samples


def test_a_base_that_cannot_be_drawn_from_is_refused_before_it_is_trained(copy: Path) -> None:
    become(copy, MambaConfig(vocab_size=512, hidden_size=32, num_hidden_layers=1, state_size=4))
    with pytest.raises(UnusableBase, match=r"copy.*no attention.*another base"):
        base.load(str(copy), "cpu")


def test_a_base_of_a_kind_that_nobody_foresaw_is_refused_by_name(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transformers.GPT2LMHeadModel.get_input_embeddings", lambda _: None)
    with pytest.raises(UnusableBase, match=r"copy.*another base"):
        base.load(str(copy), "cpu")


def test_short_memory_is_not_told_as_a_damaged_base(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainer.base._weights", Mock(side_effect=RuntimeError("can't allocate memory")))
    with pytest.raises(RuntimeError, match="allocate memory"):
        base.load(str(copy), "cpu")


def test_a_base_that_is_nowhere_names_what_to_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(UnusableBase, match=r"nobody/nothing.*network"):
        base.load("nobody/nothing", "cpu")


def test_a_device_that_is_not_there_is_refused(tiny_base: Path) -> None:
    with pytest.raises(Failed, match="cuda:99"):
        base.load(str(tiny_base), "cuda:99")
