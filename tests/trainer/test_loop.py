from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers.activations import NewGELUActivation

from tests.trainer.conftest import invented_tweets
from trainer import base, recipe
from trainer.base import Base
from trainer.checkpoint import Checkpoints
from trainer.child import Report
from trainer.corpus import HeldOut, batches, tokenise
from trainer.evaluate import held_out_loss, people_loss
from trainer.loop import Training
from trainer.memory import Slices
from trainer.mixture import Mixture
from trainer.ngrams import NGrams


@pytest.fixture(scope="module")
def tiny(tiny_base: Path) -> Base:
    return base.load(str(tiny_base), "cpu")


def held_out(tiny: Base, texts: list[str]) -> HeldOut:
    return HeldOut(batches(tokenise(tiny.tokenizer, texts, 64), 512), sum(map(len, texts)))


def mixture(tiny: Base, tweets: HeldOut) -> Mixture:
    return Mixture(NGrams.count([tokenise(tiny.tokenizer, invented_tweets(30), 64)]), [tweets])


def test_everybodys_nats_a_character_weigh_the_same_in_the_held_out_loss(tiny: Base) -> None:
    people = [held_out(tiny, invented_tweets(60)), held_out(tiny, ["灯台の猫", "港のかもめ"])]
    sizes = [each.tokens_a_character for each in people]
    nats = [held_out_loss(tiny, each.batches, Slices(512)) * each.tokens_a_character for each in people]
    assert people_loss(tiny, people, Slices(512)) * sum(sizes) / 2 == pytest.approx(sum(nats) / 2)


def test_one_persons_loss_is_that_of_the_tweets_exactly(tiny: Base) -> None:
    alone = held_out(tiny, invented_tweets(30))
    assert people_loss(tiny, [alone], Slices(512)) == held_out_loss(tiny, alone.batches, Slices(512))


def test_the_activation_is_put_in_its_fast_form_and_computes_the_same(tiny_base: Path) -> None:
    fresh = base.load(str(tiny_base), "cpu")
    tweets = held_out(fresh, invented_tweets(30))
    before = held_out_loss(fresh, tweets.batches, Slices(512))
    Training(
        fresh,
        tweets.batches,
        mixture(fresh, tweets),
        recipe.choose(1000, 10_000, "full", {}),
        Slices(512),
        lambda stage: None,
    )
    assert not any(isinstance(module, NewGELUActivation) for module in fresh.model.modules())
    assert held_out_loss(fresh, tweets.batches, Slices(512)) == pytest.approx(before, abs=1e-5)


class Killed(BaseException):
    """As sudden as SIGKILL."""


def test_a_training_that_goes_on_after_a_kill_still_tells_that_memory_was_short(
    tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trainer.loop.REPORT_SECONDS", 0)
    fresh = base.load(str(tiny_base), "cpu")
    tweets = held_out(fresh, invented_tweets(60))
    chosen, checkpoints = recipe.choose(1000, 10_000, "full", {}), Checkpoints(tmp_path, "mark", 0)

    def training(slices: Slices, report: Report) -> Training:
        return Training(fresh, tweets.batches, mixture(fresh, tweets), chosen, slices, report)

    def refuse(ids: Tensor, labels: Tensor) -> Tensor:
        if len(ids) > 4:
            raise MemoryError
        return torch.zeros(1)

    def kill(stage: str, **told: Any) -> None:
        if told["step"] == 2:
            raise Killed

    (short := Slices(512)).total(tweets.batches[0], refuse)
    with pytest.raises(Killed):
        training(short, kill).run(checkpoints)
    for step in (1, len(tweets.batches)):  # and once more, killed after the last step
        again, (snapshot, _) = training(Slices(512), lambda *_, **__: None), checkpoints.load()
        assert snapshot
        assert snapshot.state.step == step
        again.resume(snapshot)
        again.run(checkpoints)
        assert again.state.notes == [short.note]
