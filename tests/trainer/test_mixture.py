from pathlib import Path

import numpy as np
import pytest

from tests.trainer.conftest import invented_tweets
from trainer import base, corpus, speakers
from trainer.base import Base
from trainer.engine import Wanted
from trainer.evaluate import held_out_loss, people_loss, token_losses
from trainer.framework import AnyEngine
from trainer.memory import Slices
from trainer.mixture import Mixture
from trainer.ngrams import NGrams, Trail
from trainer.runs import Data


@pytest.fixture
def tiny(tiny_base: Path) -> Base:
    return base.load(str(tiny_base), "cpu")


def drawn_from(tiny: Base, table: NGrams, row: list[int]) -> list[float]:
    """Nats of the row's tokens after its begin token and its mark, by the chances that drawing has."""
    begun = 2 if table.split(row)[0] else 1
    decoder, trail = AnyEngine(tiny.model).decoder([], len(row)), Trail([table], [row[:begun]])
    fed, nats = row[:begun], []
    for token in row[begun:]:
        allowed = np.ones((1, len(tiny.tokenizer)), np.float32)
        (scores,), (tokens,) = decoder.feed([fed], Wanted(allowed, len(tiny.tokenizer), trail.added()))
        nats.append(-float(scores[tokens == token][0]))
        trail.follow(np.array([token]))
        fed = [token]
    return nats


@pytest.mark.parametrize("people", [1, 2])
def test_the_loss_that_is_told_is_that_of_what_is_drawn_from(tiny: Base, people: int) -> None:
    sides = [(invented_tweets(150, seed), invented_tweets(4, seed + 10)) for seed in range(people)]
    marks = speakers.add(tiny, ["mara", "jon"][:people])
    data = Data.of(tiny, sides, marks)
    mixture = Mixture(NGrams.count(data.people, marks), data.held_out)
    fit = mixture.fit(tiny, Slices(128))
    assert fit.ngrams
    assert fit.strength == 1.0  # the network knows nothing yet
    rows = [corpus.tokenise(tiny.tokenizer, held_out, tiny.context - 1) for _, held_out in sides]
    if marks:
        rows = [[speakers.marked(row, mark) for row in each] for each, mark in zip(rows, marks, strict=True)]
    losses = [np.mean([nats for row in each for nats in drawn_from(tiny, fit.ngrams, row)]) for each in rows]
    weights = [each.tokens_a_character for each in data.held_out]
    assert fit.loss == pytest.approx(np.average(losses, weights=weights), abs=1e-3)
    assert fit.loss == mixture.loss(tiny, Slices(2048)) < 0.9 * fit.network_loss
    assert fit.network_loss == pytest.approx(people_loss(tiny, data.held_out, Slices(128)))


def test_where_they_do_not_help_there_are_none(tiny: Base) -> None:
    data = Data.of(tiny, [(["the keeper of the light"] * 30, ["gulls", "nobody"])])
    fit = Mixture(NGrams.count(data.people), data.held_out).fit(tiny, Slices(128))
    assert (fit.ngrams, fit.strength) == (None, 0)
    assert fit.loss == fit.network_loss == pytest.approx(people_loss(tiny, data.held_out, Slices(128)))


def test_losses_of_tokens_are_those_of_the_whole_and_come_once_though_memory_was_short(tiny: Base) -> None:
    rows = corpus.tokenise(tiny.tokenizer, invented_tweets(12), tiny.context)
    (batch,) = corpus.batches(rows, 2048)
    slices = Slices(batch.ids.numel() // 2)
    forward, calls = tiny.model.forward, 0

    def short(**given: object) -> object:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise MemoryError
        return forward(**given)

    tiny.model.forward = short
    losses = token_losses(tiny, batch, slices)
    assert calls > 3
    assert len(losses) == batch.tokens
    assert losses.mean().item() == pytest.approx(held_out_loss(tiny, [batch], slices), rel=1e-5)
