"""New tokens for invented tweets in a script that the tiny base has never seen."""

import random
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from tests.trainer.conftest import END, invented_corpus, invented_tweets
from trainer import base, finetune, runs, vocabulary
from trainer.base import Base
from trainer.corpus import split, tokenise
from trainer.evaluate import held_out_loss
from trainer.memory import Slices
from trainer.protocol import FinetuneTask
from trainer.tweets import Corpus, Counts

SUBJECTS = ["灯台の猫", "古いやかん", "となりの船長", "夜のパン屋", "左の長靴", "港のかもめ"]
VERBS = ["がまた歌う", "は帰らない", "に雨が降る", "を数えている", "へ手紙を書く", "と朝まで話す"]
ENDINGS = ["おはよう", "チクタク！", "それでいい🐐", "スープください", "なんて一週間だ", "もう一回"]


def foreign_tweets(count: int) -> list[str]:
    choose = random.Random(3)
    parts = SUBJECTS, VERBS, ENDINGS
    tweets = {"、".join(choose.choice(part) for part in parts) + str(choose.randrange(10_000)) for _ in range(count)}
    return sorted(tweets)


def foreign_corpus() -> Corpus:
    texts = foreign_tweets(400)
    return Corpus("minato", "港", Counts(len(texts), 0, 0, 0, len(texts)), texts, {"ja": len(texts)})


def quiet(stage: str, **values: object) -> None:
    """Nobody listens to the progress here."""


@pytest.fixture
def model(tiny_base: Path) -> Base:
    return base.load(str(tiny_base), "cpu")


@pytest.fixture
def task(tiny_base: Path, tmp_path: Path, corpus_file: Callable[[Corpus], Path]) -> FinetuneTask:
    paths = [str(corpus_file(foreign_corpus()))]
    settings = {"epochs": 2.0, "learning_rate": 3e-3, "batch_tokens": 512.0}
    output, work = str(tmp_path / "out"), str(tmp_path / "work")
    return FinetuneTask("j1", "minato", paths, output, work, str(tiny_base), settings=settings, force=True)


def ids(model: Base, text: str) -> list[int]:
    return list(model.tokenizer.encode(text, add_special_tokens=False))


def test_a_foreign_script_takes_far_fewer_tokens_and_reads_the_same(model: Base) -> None:
    train, unseen = split(foreign_tweets(400), seed=1)
    before = [ids(model, text) for text in unseen]

    assert vocabulary.graft(model, train) > 50

    after = [ids(model, text) for text in unseen]
    assert sum(map(len, after)) < 0.4 * sum(map(len, before))
    assert [model.tokenizer.decode(row) for row in after] == unseen


def test_what_the_base_reads_well_stays_as_it_is(model: Base) -> None:
    before, rows = model.tokenizer.backend_tokenizer.to_str(), model.parameters
    assert vocabulary.graft(model, invented_tweets(300)) == 0
    assert (model.tokenizer.backend_tokenizer.to_str(), model.parameters) == (before, rows)


def test_a_large_base_stays_as_it_is(model: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vocabulary, "MERGED_BELOW", model.parameters)
    assert vocabulary.graft(model, foreign_tweets(300)) == 0


def test_tokens_and_vectors_of_other_text_stay(model: Base) -> None:
    texts = [text.rstrip("0123456789") for text in invented_tweets(40, seed=9)]  # digits stand in both languages
    before = tokenise(model.tokenizer, texts, model.context)
    vectors = model.model.get_input_embeddings().weight.detach().clone()

    vocabulary.graft(model, foreign_tweets(400))

    assert tokenise(model.tokenizer, texts, model.context) == before
    assert torch.equal(model.model.get_input_embeddings().weight[: len(vectors)], vectors)


def test_a_new_token_starts_as_the_mean_of_its_two_parts(model: Base) -> None:
    first = len(model.tokenizer)
    count = vocabulary.graft(model, foreign_tweets(400))
    weight = model.model.get_input_embeddings().weight
    assert weight.shape[0] == first + count == model.model.config.vocab_size
    assert model.model.get_output_embeddings().weight is weight
    vectors = {name: weight[number] for name, number in model.tokenizer.get_vocab().items()}
    for name in [name for name, number in model.tokenizer.get_vocab().items() if number >= first]:
        cuts = [(vectors.get(name[:cut]), vectors.get(name[cut:])) for cut in range(1, len(name))]
        means = [(left + right) / 2 for left, right in cuts if left is not None and right is not None]
        assert any(torch.equal(vectors[name], mean) for mean in means)


def test_a_pair_that_is_rare_makes_no_token(model: Base) -> None:
    assert vocabulary.graft(model, ["灯台"] * (vocabulary.LEAST_COUNT - 1)) == 0
    assert vocabulary.graft(model, ["灯台"] * vocabulary.LEAST_COUNT) > 0
    assert len(ids(model, "灯台")) == 1


def test_no_more_tokens_are_made_than_allowed_and_the_most_frequent_first(
    model: Base, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vocabulary, "MOST", 5)
    assert vocabulary.graft(model, ["灯台"] * 40 + ["かもめ"] * 10) == 5
    assert len(ids(model, "灯台")) == 1
    assert len(ids(model, "かもめ")) > 1


def test_the_same_texts_give_the_same_tokens(tiny_base: Path) -> None:
    models = [base.load(str(tiny_base), "cpu") for _ in range(2)]
    for each in models:
        vocabulary.graft(each, foreign_tweets(400))
    first, second = (each.tokenizer.backend_tokenizer.to_str() for each in models)
    assert first == second


def test_an_end_of_text_that_is_spelled_out_is_text_like_any_other(model: Base) -> None:
    vocabulary.graft(model, [f"灯台{END}猫"] * 40)
    [row] = tokenise(model.tokenizer, [f"灯台{END}猫"], model.context)
    assert row.count(model.tokenizer.eos_token_id) == 2
    assert len(row) == 7  # 灯台, <|, endoftext, |> and 猫 became one token each


def test_a_persona_with_new_tokens_loads_as_a_plain_model(task: FinetuneTask) -> None:
    result = finetune.finetune(task, quiet)
    tokenizer = AutoTokenizer.from_pretrained(result.directory)
    model = AutoModelForCausalLM.from_pretrained(result.directory)
    assert len(tokenizer) == model.config.vocab_size == result.meta["vocabulary"] > 512
    assert result.meta["hyperparameters"]["pull"] == 0  # the base has nothing to hold on to
    text = foreign_tweets(1)[0]
    assert tokenizer.tokenize(END + text)[0] == END
    assert tokenizer.decode(tokenizer.encode(text), skip_special_tokens=True) == text


def test_losses_before_and_after_are_told_in_the_same_unit(task: FinetuneTask) -> None:
    metrics = finetune.finetune(task, quiet).meta["metrics"]
    model = base.load(task.base, "cpu")
    data = runs.Data.of(model, [split(Corpus.load(Path(path)).texts, task.seed) for path in task.corpora])
    expected = held_out_loss(model, data.held_out[0].batches, Slices(1024)) * data.tokens_a_character
    assert metrics["base_held_out_loss_per_character"] == pytest.approx(expected, rel=1e-4)
    a_token = metrics["held_out_loss"] / metrics["base_held_out_loss"]
    a_character = metrics["held_out_loss_per_character"] / metrics["base_held_out_loss_per_character"]
    assert a_token == pytest.approx(a_character)


def test_held_out_tweets_give_no_tokens(model: Base, task: FinetuneTask) -> None:
    train, _ = split(foreign_corpus().texts, task.seed)
    vocabulary.graft(model, train)
    result = finetune.finetune(task, quiet)
    assert AutoTokenizer.from_pretrained(result.directory).get_vocab() == model.tokenizer.get_vocab()


def test_people_together_share_the_new_tokens(task: FinetuneTask, corpus_file: Callable[[Corpus], Path]) -> None:
    both = replace(task, corpora=[*task.corpora, str(corpus_file(invented_corpus(60)))])
    result = finetune.finetune(both, quiet)
    assert result.meta["vocabulary"] > 512
    assert list(result.meta["speakers"]) == ["minato", "keeper"]


def test_a_training_with_new_tokens_goes_on_from_its_checkpoint(task: FinetuneTask, tmp_path: Path) -> None:
    left = tmp_path / "left"

    def leave(stage: str, **values: Any) -> None:
        """Keep the work as a run killed after its first evaluation leaves it."""
        if values.get("held_out") and not left.exists():
            shutil.copytree(task.work, left)

    task = replace(task, settings=task.settings | {"checkpoint_seconds": 0.0})
    whole = finetune.finetune(task, leave)
    again = replace(task, output=str(tmp_path / "again"), work=str(left))

    result = finetune.finetune(again, quiet)

    assert 0 < result.resumed_from < whole.meta["metrics"]["steps"]
    expected = load_file(Path(whole.directory) / "model.safetensors")
    found = load_file(Path(result.directory) / "model.safetensors")
    assert all(torch.equal(each, expected[name]) for name, each in found.items())
