from pathlib import Path

import numpy as np
import pytest

from tests.trainer.conftest import invented_tweets
from trainer import base, corpus, speakers
from trainer.base import Base
from trainer.corpus import HeldOut
from trainer.engine import Wanted
from trainer.evaluate import held_out_loss, token_losses
from trainer.framework import AnyEngine
from trainer.memory import Slices
from trainer.mixture import Mixture
from trainer.ngrams import FILE, Trail
from trainer.runs import Data


@pytest.fixture
def tiny(tiny_base: Path) -> Base:
    return base.load(str(tiny_base), "cpu")


def drawn_from(tiny: Base, mixture: Mixture, row: list[int]) -> list[float]:
    """Nats of the row's tokens, as generating has their chances; a mark foretells nothing."""
    decoder, trail = AnyEngine(tiny.model).decoder([], len(row)), Trail([mixture.ngrams], [row[:1]])
    allowed, nats = np.ones((1, len(tiny.tokenizer)), np.float32), []
    start = 1
    if mixture.ngrams.split(row)[0]:
        start, trail = 2, Trail([mixture.ngrams], [row[:2]])
    for place in range(start, len(row)):
        fed = row[:place] if place == start else row[place - 1 : place]
        (scores,), (tokens,) = decoder.feed([fed], Wanted(allowed, len(tiny.tokenizer), trail.added()))
        nats.append(-float(scores[tokens == row[place]][0]))
        trail.follow(np.array([row[place]]))
    return nats


@pytest.mark.parametrize("people", [1, 2])
def test_the_loss_that_is_told_is_that_of_what_is_drawn_from(tiny: Base, people: int) -> None:
    sides = [(invented_tweets(150, seed), invented_tweets(4, seed + 10)) for seed in range(people)]
    marks = speakers.add(tiny, ["mara", "jon"][:people])
    data = Data.of(tiny, sides, marks)
    mixture = Mixture.of(tiny, data, Slices(128))
    rows = [corpus.tokenise(tiny.tokenizer, held_out, tiny.context - 1) for _, held_out in sides]
    if marks:
        rows = [[speakers.marked(row, mark) for row in each] for each, mark in zip(rows, marks, strict=True)]
    losses = [np.mean([nats for row in each for nats in drawn_from(tiny, mixture, row)]) for each in rows]
    weights = [each.tokens_a_character for each in data.held_out]
    assert mixture.strength == 1.0  # the network knows nothing yet
    assert mixture.loss == pytest.approx(np.average(losses, weights=weights), abs=1e-3)
    assert mixture.loss < 0.9 * held_out_loss(tiny, data.held_out[0].batches, Slices(128))


def test_where_they_do_not_help_there_are_none(tiny: Base, tmp_path: Path) -> None:
    data = Data.of(tiny, [(["the keeper of the light"] * 30, ["gulls", "nobody"])])
    mixture = Mixture.of(tiny, data, Slices(128))
    assert mixture.strength == 0
    assert mixture.loss == pytest.approx(held_out_loss(tiny, data.held_out[0].batches, Slices(128)))
    mixture.save(tmp_path)
    assert not (tmp_path / FILE).exists()


def test_losses_of_tokens_are_those_of_the_whole_and_come_once_though_memory_was_short(tiny: Base) -> None:
    rows = corpus.tokenise(tiny.tokenizer, invented_tweets(12), tiny.context)
    (batch,) = corpus.batches(rows, 2048)
    slices = Slices(10_000)
    forward, calls = tiny.model.forward, []

    def short(**given: object) -> object:
        calls.append(given)
        if len(calls) == 2:
            raise MemoryError
        return forward(**given)

    slices.tokens = batch.ids.numel() // 2
    tiny.model.forward = short
    losses = token_losses(tiny, batch, slices)
    assert len(calls) > 3
    assert len(losses) == batch.tokens
    assert losses.mean().item() == pytest.approx(held_out_loss(tiny, [batch], slices), rel=1e-5)
    assert HeldOut([batch], 1).tokens_a_character == batch.tokens
