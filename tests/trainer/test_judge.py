"""A persona of the tiny base, trained and judged in this process."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.trainer.conftest import invented_corpus
from trainer import finetune, publish, sampling
from trainer.errors import Failed
from trainer.judge import compare, judge
from trainer.protocol import FinetuneTask, GenerateTask, JudgeTask
from trainer.quality import describe
from trainer.verbatim import Index

TWEETS = [f"the night baker of pier {number} has opinions about gull number {number} again" for number in range(50)]


def quiet(stage: str, **values: Any) -> None:
    """Nobody is told."""


@pytest.fixture(scope="module")
def model(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("judged")
    invented_corpus(200).save(folder / "corpus")
    output, work = str(folder / "out"), str(folder / "work")
    settings = {"epochs": 6.0, "learning_rate": 3e-3, "batch_tokens": 512.0}
    task = FinetuneTask("j1", "keeper", [str(folder / "corpus")], output, work, str(tiny_base), settings=settings)
    finetune.finetune(task, quiet)
    return folder / "out"


def test_the_figures_are_told_and_kept_in_the_meta(model: Path) -> None:
    before = publish.read_meta(model)
    told = judge(JudgeTask(str(model), samples=25, device="cpu"), quiet).quality
    after = publish.read_meta(model)
    assert before
    assert after == before | {"quality": told}
    assert told["samples"] == 25
    assert told["held_out_loss_per_character"] < told["unigram_held_out_loss_per_character"]
    assert told["held_out_loss_per_character"] < told["base_held_out_loss_per_character"]
    assert told["real_lengths"] == after["real"]["lengths"]
    assert 0 <= told["verbatim_share"] <= 1
    assert 0 <= told["length_gap"] <= 1


def test_n_grams_lower_the_loss_and_are_drawn_from(model: Path) -> None:
    told = publish.read_meta(model)
    assert told
    assert told["metrics"]["held_out_loss"] < 0.99 * told["metrics"]["network_held_out_loss"]
    persona = sampling.Persona.load(model, "cpu")
    assert persona.ngrams
    alone = replace(persona, ngrams=None)
    drawn, plain = (sampling.tweets(each, GenerateTask("", count=5, seed=3)) for each in (persona, alone))
    assert drawn != plain
    assert persona.blocks.keys() - alone.blocks.keys() == {id(persona.ngrams)}


def test_the_same_seed_judges_the_same(model: Path) -> None:
    task = JudgeTask(str(model), samples=12, device="cpu")
    assert judge(task, quiet) == judge(task, quiet)


def test_progress_is_told_by_the_sample(model: Path) -> None:
    told: list[tuple[str, dict[str, Any]]] = []
    judge(JudgeTask(str(model), samples=12, device="cpu"), lambda stage, **values: told.append((stage, values)))
    assert told[-1] == ("evaluate", {"step": 12, "steps": 12})


def test_copies_among_the_samples_are_counted_and_none_is_replaced() -> None:
    own = [f"everybody at harbour {number} knows a song that nobody sang" for number in range(15)]
    found = compare(TWEETS[:5] + own, Index.build(TWEETS), describe(TWEETS, 1), seed=1)
    assert found["verbatim_share"] == 0.25
    assert found["samples"] == 20


def test_a_persona_whose_tweets_are_not_known_is_refused(tmp_path: Path) -> None:
    publish.write_meta(tmp_path, {"adopted": {"source": "somebody/model"}, "metrics": {}})
    with pytest.raises(Failed, match="train it anew"):
        judge(JudgeTask(str(tmp_path)), quiet)
