"""Low-rank adapters beside a base that several personas share: one pass through the base serves all their rows."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from trainer.tensors import Array, TensorFile

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
LAYER, TOKENS = "base_model.model.transformer.h.", "base_model.model.transformer.wte.token_adapter."
PLAIN = ("use_dora", "lora_bias", "modules_to_save", "alpha_pattern", "rank_pattern", "layer_replication")
"""Variations that must be off; a model with one of them is left to ``peft``."""


@dataclass(frozen=True, eq=False)
class Adapter:
    """What one persona adds to its base."""

    layers: dict[str, tuple[Array, Array]]
    """By place ("3.attn.c_attn") the matrices [in, rank] and [rank, out], in the precision of the file."""
    scale: float
    """Of what the layers add."""
    tokens: dict[int, Array]
    """Embeddings of its own, for tokens that it reads but never draws."""

    @classmethod
    def load(cls, directory: Path) -> Self | None:
        """None where it is of a kind unknown here. Raises what reading damaged files raises."""
        config = json.loads((directory / CONFIG).read_text("utf-8"))
        weights = TensorFile(directory / WEIGHTS)
        if _varied(config, weights):
            return None
        return cls(_layers(weights), _scale(config), _tokens(config, weights))

    @property
    def bytes(self) -> int:
        return sum(each.nbytes for pair in self.layers.values() for each in pair)

    @property
    def rank(self) -> int:
        return int(next(iter(self.layers.values()))[0].shape[1])


class Mix:
    """The adapters of a batch's rows, laid side by side; each row keeps what its own one gives."""

    def __init__(self, adapters: Sequence[Adapter]) -> None:
        """``adapters``: of each row; all stand beside the same layers."""
        self._different = list(dict.fromkeys(adapters))
        self._owners = np.repeat(np.arange(len(self._different)), [each.rank for each in self._different])
        self._whose = np.array([self._different.index(each) for each in adapters])

    @property
    def own(self) -> Array:
        """[rows, rank]: 1 for the ranks that are of a row's own adapter, else 0."""
        own: Array = self._whose[:, None] == self._owners
        return own.astype(np.float32)

    @property
    def own_tokens(self) -> bool:
        """Whether any of them has embeddings of its own."""
        return any(each.tokens for each in self._different)

    def keep(self, rows: npt.NDArray[np.int64]) -> None:
        self._whose = self._whose[rows]

    def embed(self, ids: npt.NDArray[np.int64], hidden: Array) -> None:
        """Put the adapters' own embeddings in their places in ``hidden`` [rows, length, width]."""
        for number, adapter in enumerate(self._different):
            for token, row in adapter.tokens.items():
                hidden[(ids == token) & (self._whose == number)[:, None]] = row

    def layers(self) -> Iterator[tuple[str, Array, Array]]:
        """Of each place the matrices [in, rank] and [rank, out] in single precision, with the scale in the second."""
        for name in self._different[0].layers:
            pairs = [(each.layers[name], each.scale) for each in self._different]
            down = np.concatenate([down for (down, _), _ in pairs], 1, dtype=np.float32)
            yield name, down, np.concatenate([up.astype(np.float32) * np.float32(scale) for (_, up), scale in pairs])


def _varied(config: dict[str, Any], weights: Mapping[str, Array]) -> bool:
    known = all(name.startswith((LAYER, TOKENS)) for name in weights)
    plain = config["peft_type"] == "LORA" and config.get("bias", "none") == "none"
    return not (known and plain) or any(config.get(name) for name in PLAIN)


def _scale(config: dict[str, Any]) -> float:
    rank = config["r"]
    return float(config["lora_alpha"] / (rank**0.5 if config.get("use_rslora") else rank))


def _layers(weights: Mapping[str, Array]) -> dict[str, tuple[Array, Array]]:
    names = [name.removesuffix(".lora_A.weight") for name in weights if name.endswith(".lora_A.weight")]
    return {
        name.removeprefix(LAYER): (
            np.ascontiguousarray(weights[f"{name}.lora_A.weight"].T),
            np.ascontiguousarray(weights[f"{name}.lora_B.weight"].T),
        )
        for name in names
    }


def _tokens(config: dict[str, Any], weights: Mapping[str, Array]) -> dict[int, Array]:
    indices = config.get("trainable_token_indices") or []
    return dict(zip(indices, weights[f"{TOKENS}trainable_tokens_delta"], strict=True)) if indices else {}
