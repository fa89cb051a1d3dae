"""Low-rank adapters beside a base that several personas share: one pass through the base serves all their rows."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor

from trainer.tensors import TensorFile

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
LAYER, TOKENS = "base_model.model.transformer.h.", "base_model.model.transformer.wte.token_adapter."
PLAIN = ("use_dora", "lora_bias", "modules_to_save", "alpha_pattern", "rank_pattern", "layer_replication")
"""Variations that must be off; a model with one of them is left to ``peft``."""


@dataclass(frozen=True, eq=False)
class Adapter:
    """What one persona adds to its base."""

    layers: dict[str, tuple[Tensor, Tensor]]
    """By place ("3.attn.c_attn") the matrices [in, rank] and [rank, out], in the precision of the file."""
    scale: float
    """Of what the layers add."""
    tokens: dict[int, Tensor]
    """Embeddings of its own, for tokens that it reads but never draws."""

    @classmethod
    def load(cls, directory: Path, device: torch.device, dtype: torch.dtype) -> Self | None:
        """None where it is of a kind unknown here. Raises what reading damaged files raises."""
        config = json.loads((directory / CONFIG).read_text("utf-8"))
        weights = {name: each.to(device) for name, each in TensorFile(directory / WEIGHTS).items()}
        if _varied(config, weights):
            return None
        tokens = {number: each.to(dtype) for number, each in _tokens(config, weights).items()}
        return cls(_layers(weights), _scale(config), tokens)

    @property
    def bytes(self) -> int:
        return sum(each.nbytes for pair in self.layers.values() for each in pair)

    @property
    def rank(self) -> int:
        return next(iter(self.layers.values()))[0].shape[1]


class Mix:
    """The adapters of a batch's rows, laid side by side; each row keeps what its own one gives."""

    def __init__(self, adapters: Sequence[Adapter], dtype: torch.dtype) -> None:
        """``adapters``: of each row; all stand beside the same layers."""
        self._dtype = dtype
        self._different = list(dict.fromkeys(adapters))
        self._layers = {name: self._beside(name) for name in self._different[0].layers}
        ranks = [each.rank for each in self._different]
        device = next(iter(self._layers.values()))[0].device
        owners = torch.repeat_interleave(torch.arange(len(ranks)), torch.tensor(ranks)).to(device)
        self._whose = torch.tensor([self._different.index(each) for each in adapters], device=device)
        self._own = self._whose[:, None] == owners

    def keep(self, rows: Tensor) -> None:
        self._whose, self._own = self._whose[rows], self._own[rows]

    def embed(self, ids: Tensor, hidden: Tensor) -> Tensor:
        """``hidden`` [rows, length, width] with the adapters' own embeddings in their places."""
        for number, adapter in enumerate(self._different):
            for token, row in adapter.tokens.items():
                places = (ids == token) & (self._whose == number)[:, None]
                hidden = torch.where(places[:, :, None], row, hidden)
        return hidden

    def add(self, name: str, hidden: Tensor, given: Tensor) -> Tensor:
        """What the base gave for ``hidden`` [rows * length, in], with the adapters' share."""
        down, up = self._layers[name]
        inner = hidden @ down
        if len(self._different) > 1:
            inner = (inner.view(len(self._own), -1, inner.shape[1]) * self._own[:, None]).view(inner.shape)
        return torch.addmm(given, inner, up)

    def _beside(self, name: str) -> tuple[Tensor, Tensor]:
        downs = [each.layers[name][0].to(self._dtype) for each in self._different]
        ups = [each.layers[name][1].to(self._dtype) * each.scale for each in self._different]
        return torch.cat(downs, 1), torch.cat(ups, 0)


def _varied(config: dict[str, Any], weights: dict[str, Tensor]) -> bool:
    known = all(name.startswith((LAYER, TOKENS)) for name in weights)
    plain = config["peft_type"] == "LORA" and config.get("bias", "none") == "none"
    return not (known and plain) or any(config.get(name) for name in PLAIN)


def _scale(config: dict[str, Any]) -> float:
    rank = config["r"]
    return float(config["lora_alpha"] / (rank**0.5 if config.get("use_rslora") else rank))


def _layers(weights: dict[str, Tensor]) -> dict[str, tuple[Tensor, Tensor]]:
    names = [name.removesuffix(".lora_A.weight") for name in weights if name.endswith(".lora_A.weight")]
    return {
        name.removeprefix(LAYER): (
            weights[f"{name}.lora_A.weight"].t().contiguous(),
            weights[f"{name}.lora_B.weight"].t().contiguous(),
        )
        for name in names
    }


def _tokens(config: dict[str, Any], weights: dict[str, Tensor]) -> dict[int, Tensor]:
    indices = config.get("trainable_token_indices") or []
    return dict(zip(indices, weights[f"{TOKENS}trainable_tokens_delta"], strict=True)) if indices else {}
