"""The token loop: many rows through a causal language model at once, each with its own prompt, limits and dice."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from trainer.errors import UnusableBase
from trainer.lora import Adapter

PRUNE_BELOW = 0.75
"""Share of a batch's rows still going at which the others are taken out: that copies all keys and values."""
LOOKS = {"cuda": 8}
"""Steps between two looks at whether rows have ended. On a GPU each look waits for all that was queued."""


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


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """What the loop must know of the tokens; both are boolean masks of the model's output size."""

    stops: Tensor
    """Tokens that end a row: the end of text, and all that hold a newline."""
    banned: Tensor
    """Never drawn: other special tokens, and numbers that no token has."""


class Decoder(Protocol):
    """A model with the keys and values of what it has read."""

    def feed(self, ids: Tensor) -> Tensor:
        """Logits [rows, vocabulary] after ids [rows, length]."""

    def keep(self, rows: Tensor) -> None:
        """Go on with these rows only: a mask, or numbers, in which a row may come more than once."""


class Engine(Protocol):
    """A model as generating needs it."""

    device: torch.device

    @property
    def bytes(self) -> int:
        """Memory its parameters take."""

    @property
    def context(self) -> int:
        """Tokens that it can see at once."""

    @property
    def vocabulary(self) -> int:
        """Size of its output."""

    def decoder(self, mask: Tensor | None, adapters: Sequence[Adapter], rows: int, room: int) -> Decoder:
        """``mask``: [rows, length] of the prompts, zeros hide the filling; ``adapters``: of each row, or none at all;
        ``room``: the most tokens a row will have."""


@torch.inference_mode()
def continue_rows(
    engine: Engine, vocabulary: Vocabulary, rows: Sequence[Row], adapters: Sequence[Adapter] = ()
) -> list[list[int]]:
    """The tokens added to each row, the one that stopped it included. Raises UnusableBase where the model is broken."""
    draw = _Draw(vocabulary, rows, engine.device)
    longest = max(len(row.dice) for row in rows)
    limits = torch.tensor([len(row.dice) for row in rows], device=engine.device)
    places = torch.arange(len(rows), device=engine.device)
    added = places.new_full((len(rows), longest), -1)
    going = torch.ones_like(places, dtype=torch.bool)
    decoder, logits = _read_prompts(engine, rows, adapters, longest)
    if not logits.isfinite().all():
        raise UnusableBase("This persona's weights are damaged; train it again.")
    for step in range(longest):
        tokens = draw(logits, step)
        added[places, step] = torch.where(going, tokens, -1)
        going = going & ~vocabulary.stops[tokens] & (limits > step + 1)
        if step % LOOKS.get(engine.device.type, 1) == 0 and (left := int(going.sum())) <= PRUNE_BELOW * len(places):
            if not left:
                break
            places, limits, tokens = places[going], limits[going], tokens[going]
            decoder.keep(going)
            draw.keep(going)
            going = going[going]
        if step + 1 < longest:
            logits = decoder.feed(tokens[:, None])
    return [[token for token in row if token >= 0] for row in added.tolist()]


def _read_prompts(
    engine: Engine, rows: Sequence[Row], adapters: Sequence[Adapter], longest: int
) -> tuple[Decoder, Tensor]:
    """A decoder that has read the rows' prompts, each different one once, and the logits [rows, vocabulary] after."""
    beside: Sequence[Adapter | None] = adapters or [None] * len(rows)
    asked = list(zip((tuple(row.prompt) for row in rows), beside, strict=True))
    different = list(dict.fromkeys(asked))
    ids, mask = _padded([prompt for prompt, _ in different], engine.device)
    own = [adapter for _, adapter in different if adapter]
    decoder = engine.decoder(mask, own, len(different), ids.shape[1] + longest)
    logits = decoder.feed(ids)
    if len(different) < len(rows):
        owners = torch.tensor([different.index(each) for each in asked], device=engine.device)
        decoder.keep(owners)
        logits = logits[owners]
    return decoder, logits


class _Draw:
    """Temperature, then top-k, then top-p, as transformers orders them; only the k best are ever sorted."""

    def __init__(self, vocabulary: Vocabulary, rows: Sequence[Row], device: torch.device) -> None:
        size = len(vocabulary.stops)
        self._stops = vocabulary.stops.nonzero()[:, 0]
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
        logits = logits.float().index_fill_(1, self._banned, -torch.inf)
        if step < self._most_at_least:
            early = (self._at_least > step)[:, None]
            logits[:, self._stops] = logits[:, self._stops].masked_fill(early, -torch.inf)
        best, tokens = logits.topk(self._ranks)
        chances = (best / self._temperature).masked_fill_(self._worse, -torch.inf).softmax(-1)
        sums = chances.cumsum(-1)
        kept = sums - chances < self._top_p
        mass = (chances * kept).sum(-1, keepdim=True)
        rank = (sums <= mass * self._dice[step][:, None]).logical_and_(kept).sum(-1, keepdim=True)
        rank = torch.minimum(rank, kept.sum(-1, keepdim=True) - 1)  # rounding may carry the sum past the last one kept
        return tokens.gather(1, rank)[:, 0]


def _padded(prompts: Sequence[Sequence[int]], device: torch.device) -> tuple[Tensor, Tensor | None]:
    """Prompts as [rows, longest], filled on the left, and the mask that hides the filling where there is any."""
    longest = max(len(prompt) for prompt in prompts)
    ids = torch.tensor([[prompt[0]] * (longest - len(prompt)) + list(prompt) for prompt in prompts], device=device)
    if all(len(prompt) == longest for prompt in prompts):
        return ids, None
    lengths = torch.tensor([len(prompt) for prompt in prompts], device=device)
    return ids, (torch.arange(longest, device=device) >= longest - lengths[:, None]).long()
