"""The base model: found, loaded, checked, and put on the device with the precision that suits it."""

import inspect
import os
import random
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Before transformers and the hub's client read them.
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
os.environ.setdefault("HF_HUB_DISABLE_XET", "1")  # plain HTTP has limits on time and retries, and HF_ENDPOINT holds
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it cuBLAS is not deterministic

import numpy
import torch
from safetensors import SafetensorError
from tokenizers.processors import TemplateProcessing
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerFast
from transformers.utils import logging as transformers_logging

from trainer import hub, starter
from trainer.device import find_device, find_precision, out_of_memory, threads
from trainer.disk import is_full
from trainer.errors import UnusableBase

LONGEST_CONTEXT = 1024
"""Tokens. A tweet has at most a few hundred; a longer context only costs memory."""
BROKEN = (OSError, ValueError, RuntimeError, KeyError, AttributeError, TypeError, ImportError, SafetensorError)
"""What the libraries throw at a damaged base, or at one whose kind they do not foresee."""


@dataclass
class Base:
    """A causal language model with its tokenizer, ready to train."""

    name: str
    """As asked for: "starter", a hub id or a directory."""
    model: Any
    """A ``PreTrainedModel``, or peft's wrapper around one."""
    tokenizer: PreTrainedTokenizerFast
    device: torch.device
    precision: str
    """"bf16" (autocast over float32 weights) or "fp32"."""

    @property
    def context(self) -> int:
        return min(positions(self.model), LONGEST_CONTEXT)

    @property
    def parameters(self) -> int:
        return sum(each.numel() for each in self.model.parameters())

    @property
    def place(self) -> str:
        """What ``from_pretrained`` takes: a directory's full path, or a hub id."""
        return find_place(self.name)

    @property
    def hub_id(self) -> str | None:
        """The hub's name of the base, unless it is a directory or the one that ships."""
        return None if self.name == "starter" or Path(self.name).exists() else self.name

    def autocast(self) -> AbstractContextManager[object]:
        return torch.autocast(self.device.type, torch.bfloat16) if self.precision == "bf16" else nullcontext()


def load(name: str, device: str) -> Base:
    """Raises UnusableBase with what to do about it, or Failed for a device that is not there."""
    transformers_logging.disable_progress_bar()
    found = find_device(device)
    directory = find_place(name) if is_here(name) else hub.fetch(name)
    with _told_plainly(name):
        # Left out, a model with code of its own would make transformers ask, and read the answer from the bot's pipe.
        tokenizer = AutoTokenizer.from_pretrained(directory, trust_remote_code=False)
        model, loading = _weights(directory)
        if loading["missing_keys"] or loading["mismatched_keys"]:
            raise ValueError("its weights do not fit its config")
        if "past_key_values" not in inspect.signature(model.forward).parameters:  # which drawing keeps between tokens
            raise UnusableBase(f"The base model {name!r} has no attention, as Mamba and RWKV: choose another base.")
        if len(tokenizer) > model.get_input_embeddings().num_embeddings:
            raise ValueError("its tokenizer has tokens that its weights do not know")
        wrapped = plain_tokenizer(tokenizer, positions(model))
    return Base(name, model.to(found), wrapped, found, find_precision(found))


def _weights(directory: str) -> tuple[Any, dict[str, Any]]:
    """The model in single precision, and what of its weights was missing."""
    loaded: Any = AutoModelForCausalLM.from_pretrained(
        directory,
        use_safetensors=True,
        trust_remote_code=False,
        dtype=torch.float32,
        output_loading_info=True,
    )
    return loaded[0], loaded[1]


def positions(model: Any) -> int:
    """Tokens that it can tell apart by their place; of a model that knows no places by number, all that we want."""
    return int(getattr(model.config, "max_position_embeddings", LONGEST_CONTEXT))


def is_here(name: str) -> bool:
    return name == "starter" or Path(name).is_dir()


def find_place(name: str) -> str:
    path = starter.MODEL if name == "starter" else Path(name)
    return str(path.resolve()) if path.exists() or name == "starter" else name


def plain_tokenizer(tokenizer: Any, context: int) -> PreTrainedTokenizerFast:
    """The same tokens; a begin token goes before every prompt, so that callers need no prefix.

    The class is the plain one, because some model-specific ones (GPT-2's) rebuild what stands before the prompt.
    """
    backend = getattr(tokenizer, "backend_tokenizer", None)
    end = tokenizer.eos_token
    if backend is None or end is None or not backend.encode("tweet", add_special_tokens=False).ids:
        raise ValueError("its tokenizer has no fast form, no end-of-text token, or no vocabulary")
    begin = tokenizer.bos_token or end
    number = tokenizer.convert_tokens_to_ids(begin)
    backend.post_processor = TemplateProcessing(
        single=f"{begin} $A", pair=f"{begin} $A $B", special_tokens=[(begin, number)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, bos_token=begin, eos_token=end, pad_token=end, model_max_length=context
    )


def prepare(seed: int) -> None:
    """Seeds, deterministic kernels where there are any, and all processors."""
    random.seed(seed)
    numpy.random.seed(seed % 2**32)
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True, warn_only=True)
    # Nothing reads it, and filling it takes 4 % of a training.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # of the module's class
    torch.set_float32_matmul_precision("high")  # TF32 on GPUs that have it
    torch.set_num_threads(threads())


@contextmanager
def _told_plainly(name: str) -> Iterator[None]:
    """Turn what the libraries throw at a damaged base into one sentence."""
    try:
        yield
    except BROKEN as error:
        if is_full(error) or out_of_memory(error):
            raise
        raise _unusable(name, error) from error


def _unusable(name: str, error: Exception) -> UnusableBase:
    if "no file named model.safetensors" in str(error):
        return hub.without_safetensors(name)
    return UnusableBase(f"The base model {name!r} is damaged or incomplete: fetch it again or choose another base.")
