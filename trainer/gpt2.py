"""GPT-2 without the framework around it, which takes more of a small model's time than the arithmetic does."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import LayerNorm
from torch.nn.functional import embedding, gelu, layer_norm, linear, pad, scaled_dot_product_attention
from transformers import GPT2LMHeadModel, PreTrainedModel
from transformers.pytorch_utils import Conv1D


def suits(model: PreTrainedModel) -> bool:
    """Whether this is GPT-2 as published, without the variations that its config allows."""
    if type(model) is not GPT2LMHeadModel:
        return False
    config = model.config
    varied = config.scale_attn_by_inverse_layer_idx or config.reorder_and_upcast_attn or config.add_cross_attention
    plain = config.scale_attn_weights and config.activation_function == "gelu_new" and config.tie_word_embeddings
    return bool(plain and not varied)


class Gpt2Decoder:
    """The model with the keys and values of what it has read; ``room``: the most tokens it will read."""

    def __init__(self, model: GPT2LMHeadModel, mask: Tensor | None, rows: int, room: int) -> None:
        config, self._body = model.config, model.transformer
        self._blocks: list[Any] = list(self._body.h)
        self._heads = config.n_head
        shape = (config.n_layer, 2, rows, config.n_head, room, config.n_embd // config.n_head)
        self._cache = self._body.wte.weight.new_empty(shape)
        self._seen = 0
        self._visible = None if mask is None else pad(mask.bool(), (0, room - mask.shape[1]), value=True)

    def feed(self, ids: Tensor) -> Tensor:
        """Logits [rows, vocabulary] after ids [rows, length]."""
        body, past = self._body, self._seen
        self._seen += ids.shape[1]
        hidden = embedding(ids, body.wte.weight) + self._positions(past)
        mask = self._attention_mask(past)
        for block, cache in zip(self._blocks, self._cache, strict=True):
            hidden = hidden + self._attend(block, cache, _normal(hidden, block.ln_1), past, mask)
            inner = gelu(_dense(_normal(hidden, block.ln_2), block.mlp.c_fc), approximate="tanh")
            hidden = hidden + _dense(inner, block.mlp.c_proj)
        return linear(_normal(hidden[:, -1], body.ln_f), body.wte.weight)

    def keep(self, going: Tensor) -> None:
        self._cache = self._cache[:, :, going]
        if self._visible is not None:
            self._visible = self._visible[going]

    def _positions(self, past: int) -> Tensor:
        """Embeddings of the places [rows or 1, length, width]; the filling on the left has none of its own."""
        table = self._body.wpe.weight
        if self._visible is None:
            return table[past : self._seen]
        places = self._visible[:, : self._seen].cumsum(-1)[:, past:] - 1
        return embedding(places.clamp(min=0), table)

    def _attention_mask(self, past: int) -> Tensor | None:
        """What each token may look at [rows, 1, length, seen]; None: all before it."""
        if self._visible is None:
            return None
        columns = torch.arange(self._seen, device=self._visible.device)
        lines = columns[past:, None]
        # The filling looks at itself: a softmax over nothing is no number, and would spread.
        return ((columns <= lines) & self._visible[:, None, None, : self._seen]) | (columns == lines)

    def _attend(self, block: Any, cache: Tensor, hidden: Tensor, past: int, mask: Tensor | None) -> Tensor:
        rows, length, width = hidden.shape
        joint = _dense(hidden, block.attn.c_attn).view(rows, length, 3, self._heads, -1)
        query, *new = joint.permute(2, 0, 3, 1, 4)
        for kept, each in zip(cache, new, strict=True):
            kept[:, :, past : self._seen] = each
        keys, values = cache[:, :, :, : self._seen]
        causal = mask is None and length > 1
        mixed = scaled_dot_product_attention(query, keys, values, mask, is_causal=causal)
        return _dense(mixed.transpose(1, 2).reshape(rows, length, width), block.attn.c_proj)


def _dense(hidden: Tensor, layer: Conv1D) -> Tensor:
    flat = torch.addmm(layer.bias, hidden.reshape(-1, hidden.shape[-1]), layer.weight)
    return flat.view(*hidden.shape[:-1], -1)


def _normal(hidden: Tensor, layer: LayerNorm) -> Tensor:
    return layer_norm(hidden, layer.normalized_shape, layer.weight, layer.bias, layer.eps)
