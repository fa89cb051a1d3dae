"""The loss of a model on tweets it does not learn from."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from trainer.base import Base
from trainer.corpus import IGNORED, Batch, HeldOut, Row
from trainer.memory import Slices, nothing


def loss_sum(model: Any, ids: Tensor, labels: Tensor) -> Tensor:
    """Nats, summed over all labels that are not ignored; ids and labels are [rows, length]."""
    logits = model(input_ids=ids, use_cache=False).logits
    return cross_entropy(logits.flatten(0, 1).float(), labels.flatten(), ignore_index=IGNORED, reduction="sum")


@torch.no_grad()
def token_losses(base: Base, batch: Batch, slices: Slices, tick: Callable[[], None] = nothing) -> Tensor:
    """Nats of each label that is not ignored, row after row, dropout off; on the processor. Raises NoMemory."""
    parts: list[Tensor] = []

    def work(ids: Tensor, labels: Tensor) -> Tensor:
        tick()
        labels = labels.to(base.device).flatten()
        with base.autocast():
            logits = base.model(input_ids=ids.to(base.device), use_cache=False).logits
        nats = cross_entropy(logits.flatten(0, 1).float(), labels, ignore_index=IGNORED, reduction="none")
        parts.append(nats[labels != IGNORED].cpu())
        return nats.sum()

    training = base.model.training
    base.model.eval()
    slices.total(batch, work, parts.clear)
    base.model.train(training)
    return torch.cat(parts)


def unigram_loss(rows: Sequence[Row], held_out: HeldOut) -> float:
    """Nats a character of held-out tweets when each token is foretold by its frequency in the training ``rows`` alone.

    Add-one smoothing, with one more token for all that were never seen. What a model knows beyond this is its own.
    """
    labels = torch.cat([batch.labels[batch.labels != IGNORED] for batch in held_out.batches])
    seen = torch.tensor([token for row in rows for token in row[1:]])
    size = 1 + int(max(labels.max(), seen.max()))
    counts = torch.bincount(seen, minlength=size)
    total = len(seen) + int((counts > 0).sum()) + 1
    return float(-torch.log((counts[labels] + 1) / total).sum() / max(1, held_out.characters))


def people_loss(base: Base, people: Sequence[HeldOut], slices: Slices) -> float:
    """Nats a token of people's held-out tweets, ``mean_of_people``. Raises NoMemory."""
    return mean_of_people(people, [held_out_loss(base, each.batches, slices) for each in people])


def mean_of_people(people: Sequence[HeldOut], losses: Sequence[float]) -> float:
    """Of each person's nats a token, such that everybody's nats a character weigh the same: the result, times the
    people's mean of tokens a character, is the mean of their nats a character.
    """
    sizes = [each.tokens_a_character for each in people]
    return float(sum(size / sum(sizes) * loss for size, loss in zip(sizes, losses, strict=True)))


def held_out_loss(base: Base, batches: Sequence[Batch], slices: Slices) -> float:
    """Nats a token over all batches, dropout off. Raises NoMemory."""
    return float(torch.cat([token_losses(base, each, slices) for each in batches]).mean())
