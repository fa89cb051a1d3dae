"""GPT-2 as it stands on the disk, read without the frameworks whose import takes longer than drawing a tweet."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np

from trainer.tensors import Array, TensorFile

WEIGHTS = "model.safetensors"
PARTS = {"attn.c_attn": (1, 3), "attn.c_proj": (1, 1), "mlp.c_fc": (1, 4), "mlp.c_proj": (4, 1)}
"""The linear layers of a block: what comes in and goes out, in widths of the model."""


def suits(config: Mapping[str, Any]) -> bool:
    """Whether this is GPT-2 as published, without the variations that its ``config.json`` allows."""
    usual = {
        "model_type": "gpt2",
        "architectures": ["GPT2LMHeadModel"],
        "scale_attn_by_inverse_layer_idx": False,
        "reorder_and_upcast_attn": False,
        "add_cross_attention": False,
        "scale_attn_weights": True,
        "activation_function": "gelu_new",
        "tie_word_embeddings": True,
        "n_inner": None,
    }
    return "model_type" in config and all(config.get(name, value) == value for name, value in usual.items())


class Gpt2File:
    """The tensors, each looked at for its shape when it is read, in the precision of the file."""

    def __init__(self, config: Mapping[str, Any], tensors: Mapping[str, Array]) -> None:
        """Raises KeyError for a number that the config lacks, ValueError for one that cannot be."""
        self.width, self.heads, self.layers = config["n_embd"], config["n_head"], config["n_layer"]
        self.context, self.vocabulary = config["n_positions"], config["vocab_size"]
        self.epsilon = config["layer_norm_epsilon"]
        if self.heads < 1:
            raise ValueError(f"no GPT-2 has {self.heads} heads")
        self._tensors = tensors
        self._prefix = "transformer." if "transformer.wte.weight" in tensors else ""

    @classmethod
    def open(cls, directory: Path) -> Self | None:
        """None for another model, or one in several files. Raises what reading damaged files raises."""
        config = json.loads((directory / "config.json").read_text("utf-8"))
        if not suits(config) or (directory / f"{WEIGHTS}.index.json").exists():
            return None
        return cls(config, TensorFile(directory / WEIGHTS))

    @property
    def parameters(self) -> int:
        """About as many: biases and the like are not worth counting."""
        return int(self.vocabulary * self.width + 12 * self.layers * self.width**2)

    def tokens(self) -> Array:
        """Embeddings [vocabulary, width], which are the head's weights as well."""
        return self._take("wte", self.vocabulary, self.width)

    def places(self) -> Array:
        """Embeddings of the positions [context, width]."""
        return self._take("wpe", self.context, self.width)

    def norm(self, name: str) -> tuple[Array, Array]:
        """Weight and bias [width]."""
        return self._take(name, self.width), self._take(f"{name}.bias", self.width)

    def dense(self, block: int, name: str) -> tuple[Array, Array]:
        """Weight [in, out] and bias [out]; ``name``: one of PARTS."""
        shape = [each * self.width for each in PARTS[name]]
        place = f"h.{block}.{name}"
        return self._take(place, *shape), self._take(f"{place}.bias", shape[1])

    def _take(self, name: str, *shape: int) -> Array:
        """Raises KeyError for a missing tensor, ValueError for a shape that does not fit and a vector of no numbers."""
        full = self._prefix + (name if name.endswith(".bias") else f"{name}.weight")
        tensor = self._tensors[full]
        if tensor.shape != shape:
            raise ValueError(f"{full} has the shape {list(tensor.shape)} instead of {list(shape)}")
        if tensor.ndim == 1 and not np.isfinite(tensor).all():
            raise ValueError(f"{full} holds what is no number")
        return tensor
