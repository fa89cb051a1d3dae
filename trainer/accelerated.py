"""GPT-2 on an accelerator, by torch without the framework around it, which takes more of a small model's time."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import embedding, gelu, layer_norm, pad, scaled_dot_product_attention

from trainer.engine import Floats, Ids, Wanted
from trainer.gpt2 import PARTS, Gpt2File
from trainer.lora import Adapter, Mix
from trainer.tensors import Array


@dataclass(frozen=True)
class Block:
    """A layer: weight and bias of each part, by its name in the file."""

    norms: list[tuple[Tensor, Tensor]]
    dense: dict[str, tuple[Tensor, Tensor]]


class Gpt2:
    """The weights, ready to draw with. An ``Engine``."""

    def __init__(self, file: Gpt2File, device: torch.device, dtype: torch.dtype) -> None:
        self.device, self.dtype = device, dtype
        self.heads, self.width, self.context, self.epsilon = file.heads, file.width, file.context, file.epsilon
        self.tokens, self.places = self.tensor(file.tokens()), self.tensor(file.places())
        self.blocks = [
            Block(
                [self._pair(file.norm(f"h.{number}.{name}")) for name in ("ln_1", "ln_2")],
                {name: self._pair(file.dense(number, name)) for name in PARTS},
            )
            for number in range(file.layers)
        ]
        self.last = self._pair(file.norm("ln_f"))

    @classmethod
    def load(cls, directory: Path, device: torch.device, dtype: torch.dtype) -> Self | None:
        """None for another model, or one in several files. Raises what reading damaged files raises."""
        file = Gpt2File.open(directory)
        return cls(file, device, dtype) if file else None

    @property
    def bytes(self) -> int:
        dense = sum(each.nbytes for block in self.blocks for pair in block.dense.values() for each in pair)
        return dense + self.tokens.nbytes + self.places.nbytes

    @property
    def vocabulary(self) -> int:
        return len(self.tokens)

    def decoder(self, adapters: Sequence[Adapter], room: int) -> "Gpt2Decoder":
        return Gpt2Decoder(self, Mix(adapters) if adapters else None, room)

    def tensor(self, array: Array) -> Tensor:
        """On the device, in the precision there."""
        return torch.from_numpy(array).to(self.device, self.dtype)

    def norm(self, hidden: Tensor, pair: tuple[Tensor, Tensor]) -> Tensor:
        return layer_norm(hidden, (self.width,), *pair, self.epsilon)

    def _pair(self, pair: tuple[Array, Array]) -> tuple[Tensor, Tensor]:
        return self.tensor(pair[0]), self.tensor(pair[1])


class Gpt2Decoder:
    """The model with the keys and values of what it has read; ``room``: the most tokens of a row."""

    def __init__(self, model: Gpt2, mix: Mix | None, room: int) -> None:
        self._model, self._mix, self._room = model, mix, room
        layers = mix.layers() if mix else ()
        self._adapters = {name: (model.tensor(down), model.tensor(up)) for name, down, up in layers}
        self._own = model.tensor(mix.own)[:, None] if mix else None
        self._cache: list[Tensor] = []
        self._visible: Tensor | None = None
        self._seen = 0

    @torch.inference_mode()
    def feed(self, ids: Sequence[Sequence[int]] | Ids, wanted: Wanted) -> tuple[Floats, Ids]:
        model = self._model
        padded, mask = fill_left(ids)
        if not self._cache:
            self._begin(torch.from_numpy(mask).to(model.device))
        last = model.norm(self._read(padded)[:, -1], model.last)
        return pick(last @ model.tokens.T, wanted)

    def keep(self, rows: Ids) -> None:
        kept = torch.from_numpy(rows).to(self._model.device)
        self._cache = [cache[:, kept] for cache in self._cache]
        if self._visible is not None:
            self._visible = self._visible[kept]
        if self._mix:
            self._mix.keep(rows)
            self._own = self._model.tensor(self._mix.own)[:, None]

    def _begin(self, mask: Tensor) -> None:
        model = self._model
        shape = 2, len(mask), model.heads, self._room, model.width // model.heads
        self._cache = [model.tokens.new_empty(shape) for _ in model.blocks]
        if not mask.all():
            self._visible = pad(mask, (0, self._room - mask.shape[1]), value=True)

    def _read(self, ids: Ids) -> Tensor:
        """What the last norm sees at each place, [rows, length, width]."""
        model, past = self._model, self._seen
        self._seen += ids.shape[1]
        hidden = self._embed(ids) + self._positions(past)
        mask = self._attention_mask(past)
        for number, (block, cache) in enumerate(zip(model.blocks, self._cache, strict=True)):
            hidden = hidden + self._attend(number, cache, model.norm(hidden, block.norms[0]), past, mask)
            inner = gelu(self._dense(number, "mlp.c_fc", model.norm(hidden, block.norms[1])), approximate="tanh")
            hidden = hidden + self._dense(number, "mlp.c_proj", inner)
        return hidden

    def _embed(self, ids: Ids) -> Tensor:
        model = self._model
        hidden = embedding(torch.from_numpy(ids).to(model.device), model.tokens)
        if self._mix and self._mix.own_tokens:
            changed = hidden.float().cpu().numpy()
            self._mix.embed(ids, changed)
            return model.tensor(changed)
        return hidden

    def _dense(self, number: int, name: str, hidden: Tensor) -> Tensor:
        weight, bias = self._model.blocks[number].dense[name]
        given = torch.addmm(bias, hidden.flatten(0, 1), weight).view(*hidden.shape[:-1], -1)
        if self._own is None or f"{number}.{name}" not in self._adapters:
            return given
        down, up = self._adapters[f"{number}.{name}"]
        return given + (hidden @ down * self._own) @ up

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

    def _attend(self, number: int, cache: Tensor, hidden: Tensor, past: int, mask: Tensor | None) -> Tensor:
        rows, length, width = hidden.shape
        joint = self._dense(number, "attn.c_attn", hidden).view(rows, length, 3, self._model.heads, -1)
        joint = joint.permute(2, 0, 3, 1, 4)
        cache[:, :, :, past : self._seen] = joint[1:]
        keys, values = cache[:, :, :, : self._seen]
        causal = mask is None and length > 1
        mixed = scaled_dot_product_attention(joint[0], keys, values, mask, is_causal=causal)
        return self._dense(number, "attn.c_proj", mixed.transpose(1, 2).reshape(rows, length, width))


def fill_left(ids: Sequence[Sequence[int]] | Ids) -> tuple[Ids, "np.typing.NDArray[np.bool_]"]:
    """Rows as [rows, longest], filled on the left, and which of them is no filling."""
    lengths = np.array([len(each) for each in ids])
    longest = int(lengths.max())
    filled = np.array([[0] * (longest - len(each)) + list(each) for each in ids])
    return filled, np.arange(longest) >= longest - lengths[:, None]


def pick(logits: Tensor, wanted: Wanted) -> tuple[Floats, Ids]:
    """Logarithms of the best chances that logits [rows, vocabulary] and n-grams give, and whose they are."""
    added = wanted.added
    allowed, kept, given = (
        torch.from_numpy(each).to(logits.device) for each in (wanted.allowed, added.kept, added.chances)
    )
    rows, tokens = torch.from_numpy(added.places).to(logits.device).T
    chances = logits.float().softmax(-1) * kept
    chances[rows, tokens] += given
    best, tokens = (chances * allowed).topk(wanted.best)
    return best.log().cpu().numpy(), tokens.cpu().numpy()
