"""What a persona is on disk: weights, tokenizer, configs and meta.json, as plain ``transformers`` loads them."""

import json
import math
import platform
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter
from transformers import GenerationConfig

from trainer import speakers
from trainer.base import Base
from trainer.mixture import Fit

META = "meta.json"
FORMAT = 1
ROUNDING = 1e-3
"""Nats a token that half precision on disk may cost; beyond, weights stay in single precision."""
LONGEST = 160
"""Tokens of a generated tweet with its prompt, as huggingtweets had it."""


def round_weights(base: Base, loss: float, measure: Callable[[], Fit]) -> Fit:
    """Round what is published to what half precision holds, unless that harms what was the ``loss`` before.

    Gives what was measured of the weights that stay.
    """
    exact = {name: each.detach().clone() for name, each in _own(base)}
    _set(base, {name: each.half().float() for name, each in exact.items()})
    rounded = measure()
    if math.isfinite(rounded.loss) and rounded.loss < loss + ROUNDING:
        return rounded
    _set(base, exact)
    return measure()


def write_model(base: Base, directory: Path, settings: Mapping[str, float] | None = None) -> None:
    """Weights as safetensors, config, generation config and tokenizer; ``settings`` of sampling replace the usual."""
    model, tokenizer = base.model, base.tokenizer
    sampling = _sampling(base) | dict(settings or {})
    model.config.task_specific_params = {"text-generation": sampling | {"prefix": tokenizer.bos_token}}
    model.generation_config = GenerationConfig(
        **sampling,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        suppress_tokens=list(speakers.find(tokenizer).values()) or None,
    )
    # The config says float32 all the same, so that processors without fast half precision compute in single.
    model.save_pretrained(directory, state_dict=_on_disk(base))
    if adapted(base):
        model.generation_config.save_pretrained(directory)
    tokenizer.save_pretrained(directory)


def write_meta(directory: Path, meta: dict[str, Any]) -> None:
    """In one rename, for whoever reads it meanwhile."""
    unfinished = directory / f"{META}.tmp"
    unfinished.write_text(json.dumps(meta, indent=2, ensure_ascii=False, allow_nan=False) + "\n", "utf-8")
    unfinished.replace(directory / META)


def read_meta(directory: Path) -> dict[str, Any] | None:
    """What ``meta.json`` of a published persona holds; None where there is no such persona."""
    path = directory / META
    return dict(json.loads(path.read_text("utf-8"))) if path.exists() else None


def adapted(base: Base) -> bool:
    """Whether the model is an adapter on a base."""
    return hasattr(base.model, "peft_config")


def library_versions() -> dict[str, str]:
    names = ["torch", "transformers", "tokenizers", "safetensors", "peft"]
    return {"python": platform.python_version()} | {name: version(name) for name in names}


def _sampling(base: Base) -> dict[str, Any]:
    longest = min(LONGEST, base.context)
    return {
        "do_sample": True,
        "min_length": 10,
        "max_length": longest,
        "temperature": 1.0,
        "top_p": 0.95,
        "top_k": 50,
    }


def _on_disk(base: Base) -> dict[str, Tensor]:
    """Weights by name, tied ones once, in half precision where that loses nothing."""
    tied = set(getattr(base.model, "all_tied_weights_keys", {}))
    state = dict(_own(base)) if adapted(base) else base.model.state_dict()
    weights = {name: each.detach() for name, each in state.items() if name not in tied}
    halved = {name: each.half() if each.is_floating_point() else each for name, each in weights.items()}
    exact = all(torch.equal(halved[name].to(each.dtype), each) for name, each in weights.items())
    return halved if exact else weights


def _own(base: Base) -> Iterator[tuple[str, Parameter]]:
    """What is not in the base: of an adapted model, what was trained."""
    return ((name, each) for name, each in base.model.named_parameters() if each.requires_grad or not adapted(base))


@torch.no_grad()
def _set(base: Base, weights: dict[str, Tensor]) -> None:
    for name, each in _own(base):
        each.copy_(weights[name])
