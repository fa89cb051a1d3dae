"""A refresh trains on from the version before and anew, and keeps what does better on tweets that neither has seen."""

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from tests.trainer.conftest import invented_corpus
from tests.trainer.test_finetune import Child, Told
from tests.trainer.test_speakers import fruit_corpus
from trainer import finetune, onward, runs
from trainer.grams import Texts
from trainer.mixture import Mixture
from trainer.ngrams import NGrams
from trainer.protocol import FinetuneResult, FinetuneTask
from trainer.tweets import Corpus

QUICK = {"epochs": 2.0, "learning_rate": 3e-3, "batch_tokens": 512.0}
WELL, BADLY = QUICK | {"epochs": 12.0}, QUICK | {"epochs": 0.1, "learning_rate": 1e-9}

First = Callable[..., FinetuneTask]


@pytest.fixture(scope="module")
def first(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> First:
    """Trains a first version once for each settings, and gives the task of its refresh with fifty tweets more."""
    done: dict[str, FinetuneTask] = {}

    def task(settings: dict[str, float], **fields: Any) -> FinetuneTask:
        if (key := f"{settings} {fields}") not in done:
            folder = tmp_path_factory.mktemp("first")
            old, new = folder / "old", folder / "new"
            some(150).save(old)
            some(200).save(new)
            plain = FinetuneTask("j1", "keeper", [str(old)], str(folder / "1"), str(folder / "work"), str(tiny_base))
            trained = finetune.finetune(replace(plain, settings=settings, **fields), Told())
            done[key] = replace(
                plain,
                job="j2",
                version=2,
                corpora=[str(new)],
                seed=2,
                settings=QUICK,
                start=trained.directory,
                **fields,
            )
        return done[key]

    return task


@pytest.fixture
def better(first: First, tmp_path: Path) -> FinetuneTask:
    """A refresh whose version is well trained, which anew is not."""
    return replace(first(WELL), output=str(tmp_path / "2"), work=str(tmp_path / "work"))


def some(count: int) -> Corpus:
    """The first of the same two hundred tweets."""
    whole = invented_corpus(200)
    return replace(invented_corpus(count), texts=whole.texts[:count])


def hashes(texts: list[str]) -> Any:
    return Texts.read(texts).wholes


def refreshed(task: FinetuneTask) -> tuple[FinetuneResult, dict[str, Any]]:
    result = finetune.finetune(task, Told())
    return result, result.meta["refresh"]


def test_training_goes_on_from_a_version_where_that_does_better(better: FinetuneTask) -> None:
    result, told = refreshed(better)
    assert (told["version"], told["chosen"]) == (1, "onward")
    assert told["onward"] < told["anew"]
    metrics = result.meta["metrics"]
    assert metrics["held_out_loss_per_character"] == pytest.approx(told["onward"], abs=1e-3)
    assert metrics["held_out_loss"] < metrics["base_held_out_loss"]
    assert result.notes == [
        f"Trained on from version 1: {told['onward']:.3f} nats a character on unseen tweets; "
        f"trained anew it would be {told['anew']:.3f}."
    ]
    assert result.notes[0] in Path(result.directory, "README.md").read_text("utf-8")
    assert len(result.samples) == finetune.SHOWN


def test_it_is_trained_anew_where_that_does_better(first: First, tmp_path: Path) -> None:
    task = replace(first(BADLY), output=str(tmp_path / "2"), work=str(tmp_path / "work"))
    result, told = refreshed(task)
    assert (told["version"], told["chosen"]) == (1, "anew")
    assert told["anew"] < told["onward"]
    assert result.notes[0].startswith(f"Trained anew: {told['anew']:.3f} nats a character on unseen tweets; ")
    assert result.meta["metrics"]["held_out_loss_per_character"] == pytest.approx(told["anew"], abs=1e-3)


def test_what_is_held_out_no_version_before_has_learnt_from(better: FinetuneTask, tmp_path: Path) -> None:
    corpora = [Corpus.load(Path(path)) for path in better.corpora]
    [(train, held_out)], start = runs.sides_of(better, corpora)
    assert start
    assert len(held_out) == 20
    assert not np.isin(hashes(held_out), start.learnt).any()
    assert np.isin(hashes(corpora[0].texts), start.learnt).sum() == 135, "a version notes nine tenths of its tweets"
    run = runs.from_version(better, corpora, [(train, held_out)], start)
    assert run
    assert len(run.data.new[0]) == 200 - 135 - 20, "only what is new is trained on"
    everything = Mixture(NGrams.count([run.data.people[0]]), run.data.held_out).loss(run.model, run.slices)
    assert run.mixture.loss(run.model, run.slices) == everything, "n-grams are of all"

    finetune.finetune(better, Told())
    learnt = onward.Start.find(better.output)
    assert learnt
    assert set(learnt.learnt) == {*start.learnt, *hashes(train)}
    again = replace(better, start=better.output, seed=3)
    [(_, held_out)], _ = runs.sides_of(again, corpora)
    assert not np.isin(hashes(held_out), [*start.learnt, *hashes(train)]).any()


def test_with_nothing_new_a_version_is_trained_anew(better: FinetuneTask) -> None:
    old = [str(Path(better.corpora[0]).with_name("old"))]
    result, told = refreshed(replace(better, corpora=old))
    assert told is None
    assert result.notes == []


@pytest.mark.parametrize("damaged", ["learnt.npy", "model.safetensors", "meta.json"])
def test_a_version_that_cannot_be_gone_on_from_is_trained_anew(better: FinetuneTask, damaged: str) -> None:
    start = Path(better.work).with_name("start")
    start.mkdir()
    for path in Path(better.start).iterdir():
        (start / path.name).write_bytes(path.read_bytes()[: 20 if path.name == damaged != "meta.json" else None])
    (start / "meta.json").unlink() if damaged == "meta.json" else None
    result, told = refreshed(replace(better, start=str(start)))
    assert told is None
    assert len(result.samples) == finetune.SHOWN


@pytest.fixture
def child(better: FinetuneTask) -> Iterator[Child]:
    running = Child(replace(better, settings=QUICK | {"checkpoint_seconds": 0.0}))
    yield running
    running.close()


def test_a_refresh_that_is_killed_goes_on_and_ends_with_the_same_weights(
    better: FinetuneTask, child: Child, tmp_path: Path
) -> None:
    task = replace(better, settings=QUICK | {"checkpoint_seconds": 0.0})
    child.until_step(13)  # of the second training: the first has 12 steps

    os.kill(child.process.pid, signal.SIGKILL)
    child.process.wait()
    told = Told()
    result = finetune.finetune(task, told)

    steps = [(values["step"], values["steps"]) for stage, values in told if stage == "train"]
    assert steps == sorted(steps)
    assert steps[0][0] >= 12
    whole = finetune.finetune(replace(task, output=str(tmp_path / "whole"), work=str(tmp_path / "other")), Told())
    assert result.meta["refresh"] == whole.meta["refresh"]
    expected = load_file(Path(whole.directory, "model.safetensors"))
    found = load_file(Path(result.directory, "model.safetensors"))
    assert all(torch.equal(each, expected[name]) for name, each in found.items())
    assert not Path(task.work).exists()


@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning")  # peft asks for it
def test_an_adapter_that_was_merged_is_gone_on_with_by_another(first: First, tmp_path: Path) -> None:
    fast = WELL | {"learning_rate": 1e-2}
    task = replace(first(fast, method="lora"), output=str(tmp_path / "2"), work=str(tmp_path / "work"))
    assert refreshed(task)[1]["chosen"] == "onward"


def test_a_cyborg_of_whom_one_has_said_nothing_new_keeps_its_voices(tiny_base: Path, tmp_path: Path) -> None:
    for name, corpus in {"old": some(150), "new": some(200), "orchard": fruit_corpus()}.items():
        corpus.save(tmp_path / name)
    paths = {name: [str(tmp_path / name), str(tmp_path / "orchard")] for name in ("old", "new")}
    task = FinetuneTask("j1", "a-b", paths["old"], str(tmp_path / "1"), str(tmp_path / "work"), str(tiny_base))
    before = finetune.finetune(replace(task, settings=WELL, force=True), Told())
    after, told = refreshed(
        replace(
            task, job="j2", corpora=paths["new"], output=str(tmp_path / "2"), start=before.directory, settings=QUICK,
            force=True, seed=2,
        )
    )  # fmt: skip
    assert told["chosen"] == "onward"
    assert after.meta["speakers"] == before.meta["speakers"] == {"keeper": "<|@keeper|>", "orchard": "<|@orchard|>"}
