"""The token loop: many rows through a causal language model at once, each with its own prompt, limits and dice."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

import torch
from torch import Tensor
from transformers import GPT2LMHeadModel, PreTrainedModel

from trainer import gpt2
from trainer.errors import UnusableBase


@dataclass(frozen=True)
class Row:
    """One continuation to be drawn."""

    prompt: Sequence[int]
    """At least one token."""
    dice: Tensor
    """Uniform draws in [0, 1), one for each token to come: its length is the most tokens that may be added."""
    temperature: float
    top_p: float
    top_k: int
    """0: no such limit."""
    at_least: int
    """Tokens to add before the row may end."""


@dataclass(frozen=True)
class Vocabulary:
    """What the loop must know of the tokens; both are boolean masks of the model's output size."""

    stops: Tensor
    """Tokens that end a row: the end of text, and all that hold a newline."""
    banned: Tensor
    """Never drawn: other special tokens, and numbers that no token has."""


def lay_out(model: PreTrainedModel) -> None:
    """Store the head by columns: with the few rows of a batch, MKL multiplies it up to twice as fast. Same values."""
    head = model.get_output_embeddings().weight
    if head.device.type == "cpu":
        head.data = head.data.t().contiguous().t()


@torch.inference_mode()
def continue_rows(model: PreTrainedModel, vocabulary: Vocabulary, rows: Sequence[Row]) -> list[list[int]]:
    """The tokens added to each row, the one that stopped it included. Raises UnusableBase where the model is broken."""
    ids, mask = _padded([row.prompt for row in rows], model.device)
    draw = _Draw(vocabulary, rows, model.device)
    limits = torch.tensor([len(row.dice) for row in rows], device=model.device)
    decoder = _decoder(model, mask, len(rows), ids.shape[1] + int(limits.max()))
    places = torch.arange(len(rows), device=model.device)
    added = ids.new_full((len(rows), int(limits.max())), -1)
    logits = decoder.feed(ids)
    if not logits.isfinite().all():
        raise UnusableBase("This persona's weights are damaged; train it again.")
    for step in range(added.shape[1]):
        tokens = draw(logits, step)
        added[places, step] = tokens
        going = ~vocabulary.stops[tokens] & (limits > step + 1)
        if not going.all():
            places, limits, tokens = places[going], limits[going], tokens[going]
            decoder.keep(going)
            draw.keep(going)
        if not len(places):
            break
        logits = decoder.feed(tokens[:, None])
    return [[token for token in row if token >= 0] for row in added.tolist()]


class _Draw:
    """Temperature, then top-k, then top-p, as transformers orders them; only the k best are ever sorted."""

    def __init__(self, vocabulary: Vocabulary, rows: Sequence[Row], device: torch.device) -> None:
        size = len(vocabulary.stops)
        self._stops = vocabulary.stops
        self._banned = vocabulary.banned.nonzero()[:, 0]
        self._ranks = min(size, max(row.top_k or size for row in rows))
        self._temperature = torch.tensor([[row.temperature] for row in rows], device=device)
        self._top_p = torch.tensor([[row.top_p] for row in rows], device=device)
        self._top_k = torch.tensor([[row.top_k or size] for row in rows], device=device)
        self._at_least = torch.tensor([row.at_least for row in rows], device=device)
        self._most_at_least = max(row.at_least for row in rows)
        self._dice = torch.nn.utils.rnn.pad_sequence([row.dice for row in rows]).to(device)
        self._worse = torch.arange(self._ranks, device=device) >= self._top_k

    def keep(self, going: Tensor) -> None:
        for name in ("_temperature", "_top_p", "_top_k", "_at_least", "_worse"):
            setattr(self, name, getattr(self, name)[going])
        self._dice = self._dice[:, going]

    def __call__(self, logits: Tensor, step: int) -> Tensor:
        """Tokens [rows] from logits [rows, vocabulary]."""
        logits = logits.float().index_fill(1, self._banned, -torch.inf)
        if step < self._most_at_least:
            logits = logits.masked_fill((self._at_least > step)[:, None] & self._stops, -torch.inf)
        best, tokens = logits.topk(self._ranks)
        chances = (best / self._temperature).masked_fill_(self._worse, -torch.inf).softmax(-1)
        sums = chances.cumsum(-1)
        kept = sums - chances < self._top_p
        mass = (chances * kept).sum(-1, keepdim=True)
        rank = (sums <= mass * self._dice[step][:, None]).logical_and_(kept).sum(-1, keepdim=True)
        rank = torch.minimum(rank, kept.sum(-1, keepdim=True) - 1)  # rounding may carry the sum past the last one kept
        return tokens.gather(1, rank)[:, 0]


class Decoder(Protocol):
    """A model with the keys and values of what it has read."""

    def feed(self, ids: Tensor) -> Tensor:
        """Logits [rows, vocabulary] after ids [rows, length]."""

    def keep(self, going: Tensor) -> None:
        """Go on with these rows only."""


def _decoder(model: PreTrainedModel, mask: Tensor | None, rows: int, room: int) -> Decoder:
    if gpt2.suits(model):
        return gpt2.Gpt2Decoder(cast(GPT2LMHeadModel, model), mask, rows, room)
    return AnyDecoder(model, mask)


class AnyDecoder:
    """The decoder of whatever ``transformers`` can load."""

    def __init__(self, model: PreTrainedModel, mask: Tensor | None) -> None:
        self._model = model
        self._mask = mask
        self._cache: Any = None

    def feed(self, ids: Tensor) -> Tensor:
        extra = {}
        if self._mask is not None:
            if self._cache is not None:
                self._mask = torch.cat((self._mask, self._mask.new_ones(len(ids), ids.shape[1])), 1)
            positions = (self._mask.cumsum(-1) - 1).clamp(min=0)
            extra = {"attention_mask": self._mask, "position_ids": positions[:, -ids.shape[1] :]}
        output = self._model(input_ids=ids, past_key_values=self._cache, use_cache=True, logits_to_keep=1, **extra)
        self._cache = output.past_key_values
        logits: Tensor = output.logits[:, -1]
        return logits

    def keep(self, going: Tensor) -> None:
        self._cache.batch_select_indices(going)
        if self._mask is not None:
            self._mask = self._mask[going]


def _padded(prompts: Sequence[Sequence[int]], device: torch.device) -> tuple[Tensor, Tensor | None]:
    """Prompts as [rows, longest], filled on the left, and the mask that hides the filling where there is any."""
    longest = max(len(prompt) for prompt in prompts)
    ids = torch.tensor([[prompt[0]] * (longest - len(prompt)) + list(prompt) for prompt in prompts], device=device)
    if all(len(prompt) == longest for prompt in prompts):
        return ids, None
    lengths = torch.tensor([len(prompt) for prompt in prompts], device=device)
    return ids, (torch.arange(longest, device=device) >= longest - lengths[:, None]).long()
