"""GPT-2 without the framework around it, which takes more of a small model's time than the arithmetic does."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor
from torch.nn.functional import embedding, gelu, layer_norm, pad, scaled_dot_product_attention

from trainer import dense
from trainer.dense import Dense, Int8, Make, Plain
from trainer.lora import Adapter, Mix
from trainer.tensors import TensorFile

WEIGHTS = "model.safetensors"
Read = Callable[[str], Tensor]
"""From the name of a tensor, without "transformer.", to its values in the precision of the file."""


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


@dataclass(frozen=True)
class Norm:
    weight: Tensor
    bias: Tensor
    epsilon: float

    def __call__(self, hidden: Tensor) -> Tensor:
        return layer_norm(hidden, self.weight.shape, self.weight, self.bias, self.epsilon)


@dataclass(frozen=True)
class Block:
    """A layer, its parts named as in the file."""

    place: str
    ln_1: Norm
    ln_2: Norm
    parts: dict[str, Dense]


class Table:
    """The tokens' embeddings, which are the head's weights as well."""

    def __init__(self, weight: Tensor, make: Make) -> None:
        """``weight``: [vocabulary, width]."""
        self.size = len(weight)
        self._scales: Tensor | None = None
        nothing = weight.new_zeros(self.size)
        if make == Int8.of:
            self._rows, self._scales = dense.eight_bits(weight)
            self._head: Dense = Int8(self._rows, self._scales, nothing)
        else:
            self._head = make(weight.t(), nothing)
            self._rows = self._head.weight.t() if isinstance(self._head, Plain) else weight
        self.bytes = self._head.bytes + (0 if isinstance(self._head, Plain) else self._rows.nbytes)

    def look_up(self, ids: Tensor) -> Tensor:
        rows = embedding(ids, self._rows)
        return rows.float() * embedding(ids, self._scales[:, None]) if self._scales is not None else rows

    def logits(self, hidden: Tensor) -> Tensor:
        """[rows, vocabulary] from [rows, width]."""
        return self._head(hidden)


class Gpt2:
    """The weights, ready to draw with. An ``Engine``."""

    def __init__(self, config: Mapping[str, Any], read: Read, device: torch.device, dtype: torch.dtype) -> None:
        """Raises KeyError for a tensor that is missing, ValueError for a shape that does not fit."""
        self.device, self.heads, self.context = device, config["n_head"], config["n_positions"]
        parts = _Parts(config, read, device, dtype)
        self.table = Table(parts.take("wte.weight", config["vocab_size"], parts.width), parts.make)
        self.places = parts.take("wpe.weight", self.context, parts.width).to(device, dtype)
        self.blocks = [parts.block(str(number)) for number in range(config["n_layer"])]
        self.last = parts.norm("ln_f")

    @classmethod
    def load(cls, directory: Path, device: torch.device, dtype: torch.dtype) -> Self | None:
        """None for another model, or one in several files. Raises what reading damaged files raises."""
        config = json.loads((directory / "config.json").read_text("utf-8"))
        if not suits(config) or (directory / f"{WEIGHTS}.index.json").exists():
            return None
        return cls(config, read_from(directory / WEIGHTS), device, dtype)

    @property
    def bytes(self) -> int:
        parts = sum(each.bytes for block in self.blocks for each in block.parts.values())
        return parts + self.table.bytes + self.places.nbytes

    @property
    def vocabulary(self) -> int:
        return self.table.size

    def decoder(self, mask: Tensor | None, adapters: Sequence[Adapter], rows: int, room: int) -> "Gpt2Decoder":
        return Gpt2Decoder(self, mask, Mix(adapters, self.places.dtype) if adapters else None, rows, room)


class _Parts:
    """Makes the parts of the tensors of a file, each looked at for its shape."""

    def __init__(self, config: Mapping[str, Any], read: Read, device: torch.device, dtype: torch.dtype) -> None:
        self.width, self._epsilon = config["n_embd"], config["layer_norm_epsilon"]
        self._read, self._device, self._dtype = read, device, dtype
        parameters = config["vocab_size"] * self.width + 12 * config["n_layer"] * self.width**2
        halved = read("wte.weight").dtype == torch.float16
        self.make = dense.choose(device, dtype, parameters, halved=halved)

    def take(self, name: str, *shape: int) -> Tensor:
        tensor = self._read(name)
        if tensor.shape != shape:
            raise ValueError(f"{name} has the shape {list(tensor.shape)} instead of {list(shape)}")
        return tensor

    def norm(self, name: str) -> Norm:
        weight, bias = (self.take(f"{name}.{each}", self.width) for each in ("weight", "bias"))
        return Norm(weight.to(self._device, self._dtype), bias.to(self._device, self._dtype), self._epsilon)

    def block(self, place: str) -> Block:
        width = self.width
        shapes = {
            "attn.c_attn": (width, 3 * width),
            "attn.c_proj": (width, width),
            "mlp.c_fc": (width, 4 * width),
            "mlp.c_proj": (4 * width, width),
        }
        dense = {name: self._dense(f"h.{place}.{name}", *shape) for name, shape in shapes.items()}
        return Block(place, self.norm(f"h.{place}.ln_1"), self.norm(f"h.{place}.ln_2"), dense)

    def _dense(self, name: str, width: int, outputs: int) -> Dense:
        return self.make(self.take(f"{name}.weight", width, outputs), self.take(f"{name}.bias", outputs))


class Gpt2Decoder:
    """The model with the keys and values of what it has read; ``room``: the most tokens it will read."""

    def __init__(self, model: Gpt2, mask: Tensor | None, mix: Mix | None, rows: int, room: int) -> None:
        self._model, self._mix = model, mix
        width = model.places.shape[1]
        shape = (2, rows, model.heads, room, width // model.heads)
        self._cache = [model.places.new_empty(shape) for _ in model.blocks]
        self._seen = 0
        self._visible = None if mask is None else pad(mask.bool(), (0, room - mask.shape[1]), value=True)

    def feed(self, ids: Tensor) -> Tensor:
        """Logits [rows, vocabulary] after ids [rows, length]."""
        return self.logits(self.read(ids)[:, -1])

    def logits(self, hidden: Tensor) -> Tensor:
        """[rows, vocabulary] from [rows, width]."""
        return self._model.table.logits(hidden)

    def read(self, ids: Tensor) -> Tensor:
        """What the head sees at each place, [rows, length, width]."""
        model, past = self._model, self._seen
        self._seen += ids.shape[1]
        hidden = model.table.look_up(ids)
        if self._mix:
            hidden = self._mix.embed(ids, hidden)
        hidden = hidden + self._positions(past)
        mask = self._attention_mask(past)
        for block, cache in zip(model.blocks, self._cache, strict=True):
            hidden = hidden + self._attend(block, cache, block.ln_1(hidden), past, mask)
            inner = gelu(self._dense(block, "mlp.c_fc", block.ln_2(hidden)), approximate="tanh")
            hidden = hidden + self._dense(block, "mlp.c_proj", inner)
        return model.last(hidden)

    def keep(self, rows: Tensor) -> None:
        for place, cache in enumerate(self._cache):
            kept = cache[:, rows, :, : self._seen]
            self._cache[place] = cache.new_empty(2, kept.shape[1], *cache.shape[2:])
            self._cache[place][:, :, :, : self._seen] = kept
        if self._visible is not None:
            self._visible = self._visible[rows]
        if self._mix:
            self._mix.keep(rows)

    def _dense(self, block: Block, name: str, hidden: Tensor) -> Tensor:
        flat = hidden.reshape(-1, hidden.shape[-1])
        given = block.parts[name](flat)
        if self._mix:
            given = self._mix.add(f"{block.place}.{name}", flat, given)
        return given.view(*hidden.shape[:-1], -1)

    def _positions(self, past: int) -> Tensor:
        """Embeddings of the places [rows or 1, length, width]; the filling on the left has none of its own."""
        table = self._model.places
        if self._visible is None:
            return table[past : self._seen]
        places = self._visible[:, : self._seen].cumsum(-1)[:, past:] - 1
        return embedding(places.clamp(0, len(table) - 1), table)  # rows that have ended may run past it

    def _attention_mask(self, past: int) -> Tensor | None:
        """What each token may look at [rows, 1, length, seen]; None: all before it."""
        if self._visible is None:
            return None
        columns = torch.arange(self._seen, device=self._visible.device)
        lines = columns[past:, None]
        # The filling looks at itself: a softmax over nothing is no number, and would spread.
        return ((columns <= lines) & self._visible[:, None, None, : self._seen]) | (columns == lines)

    def _attend(self, block: Block, cache: Tensor, hidden: Tensor, past: int, mask: Tensor | None) -> Tensor:
        rows, length, width = hidden.shape
        joint = self._dense(block, "attn.c_attn", hidden).view(rows, length, 3, self._model.heads, -1)
        joint = joint.permute(2, 0, 3, 1, 4)
        cache[:, :, :, past : self._seen] = joint[1:]
        keys, values = cache[:, :, :, : self._seen]
        causal = mask is None and length > 1
        mixed = scaled_dot_product_attention(joint[0], keys, values, mask, is_causal=causal)
        return self._dense(block, "attn.c_proj", mixed.transpose(1, 2).reshape(rows, length, width))


def read_from(file: Path) -> Read:
    """Reads the tensors of a file. Raises what reading damaged files raises."""
    tensors = TensorFile(file)
    prefix = "transformer." if "transformer.wte.weight" in tensors else ""
    return lambda name: tensors[prefix + name]
