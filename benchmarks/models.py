"""Personas to measure with: a really trained one on the starter, and others of GPT-2's size with random weights."""

import json
import os
import shutil
from functools import cache
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from trainer import finetune, ingest, starter, verbatim
from trainer.lora import CONFIG, WEIGHTS
from trainer.protocol import FinetuneTask, IngestTask

PEOPLE = starter.MODEL.parent / "people"
VOCABULARY = 50_257


def quiet(stage: str, **values: Any) -> None:
    """Progress, to nobody."""


def trained(folder: Path, handle: str) -> tuple[Path, Path]:
    """A persona of a bundled person on the starter, by the real training; and its corpus."""
    corpus = folder / f"{handle}.jsonl.gz"
    ingest.ingest(IngestTask(str(PEOPLE / f"{handle}.jsonl"), str(corpus), handle), quiet)
    output = folder / handle
    work = str(folder / f"{handle}.work")
    task = FinetuneTask("benchmark", handle, [str(corpus)], str(output), work, "starter", seed=1, force=True)
    finetune.finetune(task, quiet)
    return output, corpus


def base(folder: Path) -> Path:
    """GPT-2's architecture and size, in single precision as the hub has it."""
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    directory = folder / "base"
    GPT2LMHeadModel(GPT2Config(bos_token_id=0, eos_token_id=0)).save_pretrained(directory)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(starter.MODEL / name, directory)
    tokenizer = json.loads((directory / "tokenizer.json").read_text("utf-8"))
    words = tokenizer["model"]["vocab"]
    words |= {f"{number}Ġ": number for number in range(len(words), VOCABULARY)}
    (directory / "tokenizer.json").write_text(json.dumps(tokenizer), "utf-8")
    return directory


def whole(folder: Path, dressed: Path, base: Path) -> Path:
    """A persona of all weights, in half precision as they are published, else like ``dressed``."""
    directory = _dress(folder / "whole", dressed, base)
    weights = {name: each.half() for name, each in load_file(base / "model.safetensors").items()}
    save_file(weights, directory / "model.safetensors", {"format": "pt"})
    return directory


def adapted(folder: Path, dressed: Path, base: Path, count: int) -> list[Path]:
    """Personas of rank 16 beside ``base``, in half precision as they are published.

    The random weights of all after the first eight are one of those.
    """
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    settings: dict[str, Any] = {"r": 16, "lora_alpha": 32, "target_modules": "all-linear", "fan_in_fan_out": True}
    model: Any = get_peft_model(
        AutoModelForCausalLM.from_pretrained(base), LoraConfig(task_type="CAUSAL_LM", **settings)
    )
    model.peft_config["default"].base_model_name_or_path = str(base)
    directories = [_dress(folder / f"adapted{number}", dressed, base) for number in range(count)]
    for number, directory in enumerate(directories):
        (directory / "config.json").unlink()
        if number >= 8:
            for name in (CONFIG, WEIGHTS):
                os.link(directories[number % 8] / name, directory / name)
            continue
        for name, each in model.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(each.data, std=0.01)
        halved = {name: each.half() for name, each in model.state_dict().items() if "lora_" in name}
        model.save_pretrained(directory, state_dict=halved)
    return directories


def copies(directory: Path, count: int) -> list[Path]:
    """Of a persona that was loaded before, with all that is kept for the next time; by hard links."""
    places = [directory.with_name(f"{directory.name}{number}") for number in range(count)]
    return [Path(shutil.copytree(directory, each, copy_function=os.link)) for each in places]


def size(directory: Path) -> int:
    """Bytes of its files."""
    return sum(file.stat().st_size for file in directory.rglob("*") if file.is_file())


@cache
def _others() -> verbatim.Index:
    lines = (PEOPLE / "professor_gull.jsonl").read_text("utf-8").splitlines()
    return verbatim.Index.build([json.loads(line)["full_text"] for line in lines])


def _dress(directory: Path, dressed: Path, base: Path) -> Path:
    """The files of a persona that are not weights, with the config and tokenizer of ``base``.

    Beside random weights n-grams say all there is, so that most of it is copied. The check has another's tweets to look
    for: then nothing is drawn twice.
    """
    shutil.copytree(dressed, directory, ignore=shutil.ignore_patterns("model.safetensors"))
    _others().save(directory)
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        shutil.copy(base / name, directory)
    return directory
