"""The whole recipe on a tiny base, in this process where that shows the same, in a real child where it must."""

import json
import os
import resource
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch.nn.modules.module import register_module_forward_pre_hook

from tests.trainer.conftest import END, invented_corpus
from trainer import finetune, protocol, publish
from trainer.errors import Failed, NoSpace, NotFinite, TooLittleText, UnusableBase
from trainer.protocol import Done, Event, FinetuneResult, FinetuneTask, Progress, Request
from trainer.tweets import Corpus

QUICK = {"epochs": 2.0, "learning_rate": 3e-3, "batch_tokens": 512.0}

Make = Callable[..., FinetuneTask]


class Told(list[tuple[str, dict[str, Any]]]):
    """Collects reports."""

    def __call__(self, stage: str, **values: Any) -> None:
        self.append((stage, values))

    @property
    def stages(self) -> list[str]:
        return list(dict.fromkeys(stage for stage, _ in self))


class Child:
    """A real ``python -m trainer finetune`` with one request under way."""

    def __init__(self, task: FinetuneTask) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "trainer", "finetune"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self.process.stdin is not None
        self.process.stdin.write(protocol.write_request(Request("7", "finetune", task.values())))
        self.process.stdin.flush()

    def events(self) -> Iterator[Event]:
        assert self.process.stdout is not None
        return map(protocol.read_event, self.process.stdout)

    def until_step(self, step: int) -> None:
        next(event for event in self.events() if isinstance(event, Progress) and (event.step or 0) >= step)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()


@pytest.fixture
def child() -> Iterator[Callable[[FinetuneTask], Child]]:
    started: list[Child] = []

    def start(task: FinetuneTask) -> Child:
        started.append(Child(task))
        return started[-1]

    yield start
    for each in started:
        each.close()


@pytest.fixture
def make(tiny_base: Path, tmp_path: Path, corpus_file: Callable[[Corpus], Path]) -> Make:
    """Tasks on the tiny base, with settings in place of fields where they are settings."""

    def task(*corpora: Corpus, settings: dict[str, float] | None = None, **fields: Any) -> FinetuneTask:
        paths = [str(corpus_file(corpus)) for corpus in corpora or (invented_corpus(200),)]
        output, work = str(tmp_path / "models" / "keeper" / "1"), str(tmp_path / "work")
        plain = FinetuneTask(
            "j1", "keeper", paths, output, work, base=str(tiny_base), settings=QUICK | (settings or {})
        )
        return replace(plain, **fields)

    return task


@pytest.fixture
def little_memory() -> Iterator[None]:
    """A machine that holds four tweets at once."""

    def refuse(module: torch.nn.Module, given: tuple[torch.Tensor, ...]) -> None:
        if isinstance(module, torch.nn.Embedding) and len(given[0]) > 4:
            raise torch.OutOfMemoryError("more than four tweets")

    with register_module_forward_pre_hook(refuse):
        yield


@pytest.fixture(scope="module")
def persona(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[FinetuneResult, Told]:
    """One published persona, for all that only looks at it."""
    folder, told = tmp_path_factory.mktemp("persona"), Told()
    invented_corpus(200).save(folder / "corpus")
    task = FinetuneTask(
        "j1", "keeper", [str(folder / "corpus")], str(folder / "out"), str(folder / "work"), str(tiny_base)
    )
    return finetune.finetune(replace(task, settings=QUICK | {"epochs": 6.0}), told), told


def weights(directory: str) -> dict[str, torch.Tensor]:
    return load_file(Path(directory) / "model.safetensors")


def left(task: FinetuneTask) -> list[str]:
    """What stands in the folder of work and of models."""
    return [str(path) for folder in (task.work, task.output) for path in [Path(folder)] if path.exists()]


def test_the_stages_come_in_order_and_training_tells_where_it_stands(persona: tuple[FinetuneResult, Told]) -> None:
    _, told = persona
    assert told.stages == ["load", "tokenize", "train", "evaluate", "publish"]
    last = [values for stage, values in told if stage == "train"][-1]
    assert last["step"] == last["steps"]
    assert last["loss"] > 0
    assert last["held_out"] > 0
    assert last["tokens_per_second"] > 0
    assert last["eta"] > 0


def test_the_held_out_loss_falls_clearly_below_the_bases(persona: tuple[FinetuneResult, Told]) -> None:
    metrics = persona[0].meta["metrics"]
    assert metrics["held_out_loss"] < 0.8 * metrics["base_held_out_loss"]
    assert metrics["held_out_loss_per_character"] < metrics["held_out_loss"]


def test_the_directory_is_whole(persona: tuple[FinetuneResult, Told]) -> None:
    result, _ = persona
    names = {path.name for path in Path(result.directory).iterdir()}
    assert names >= {"model.safetensors", "config.json", "generation_config.json", "tokenizer.json", "README.md"}
    assert names >= {"meta.json", "training.png", "predictions.png"}
    assert len(result.samples) == finetune.SHOWN


def test_meta_is_what_the_file_holds_and_needs_no_torch(persona: tuple[FinetuneResult, Told]) -> None:
    result, _ = persona
    assert json.loads((Path(result.directory) / "meta.json").read_text("utf-8")) == result.meta
    assert result.meta["people"][0]["counts"]["downloaded"] == 215
    assert result.meta["versions"]["torch"] == torch.__version__
    assert result.meta["seed"] == 1


def test_weights_are_half_on_disk_and_single_in_memory(persona: tuple[FinetuneResult, Told]) -> None:
    from transformers import AutoModelForCausalLM

    directory = persona[0].directory
    assert {each.dtype for each in weights(directory).values()} == {torch.float16}
    assert AutoModelForCausalLM.from_pretrained(directory).dtype == torch.float32


def test_a_plain_pipeline_continues_a_prompt_without_a_prefix_or_a_warning(
    persona: tuple[FinetuneResult, Told], caplog: pytest.LogCaptureFixture
) -> None:
    from transformers import pipeline

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        generator: Any = pipeline("text-generation", model=persona[0].directory)
        answers = generator("My dream is", num_return_sequences=5)
    assert len(answers) == 5
    assert all(answer["generated_text"].startswith("My dream is") for answer in answers)
    assert not caplog.records
    ids = generator.preprocess("My dream is")["input_ids"][0].tolist()
    assert generator.tokenizer.convert_ids_to_tokens(ids)[0] == END
    assert END not in generator.tokenizer.convert_ids_to_tokens(ids)[1:]


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(make: Make) -> None:
    finetune.finetune(task := make(), Told())
    again = replace(task, output=task.output + "-again")
    other = replace(task, output=task.output + "-other", seed=2)
    finetune.finetune(again, Told())
    finetune.finetune(other, Told())
    first, second, third = (Path(each.output, "model.safetensors").read_bytes() for each in (task, again, other))
    assert first == second
    assert first != third


def test_a_killed_training_goes_on_and_ends_with_the_same_weights(
    make: Make, child: Callable[[FinetuneTask], Child]
) -> None:
    task = make(settings={"checkpoint_seconds": 0.0, "epochs": 12.0, "patience": 99.0})
    whole = replace(task, output=task.output + "-whole", work=task.work + "-whole")
    killed = child(task)
    killed.until_step(20)

    os.kill(killed.process.pid, signal.SIGKILL)
    killed.process.wait()
    result = finetune.finetune(task, Told())

    assert result.resumed_from >= 19  # the report of step 20 comes before its checkpoint
    assert result.notes == [f"Resumed from step {result.resumed_from} of {result.meta['metrics']['steps']}."]
    finetune.finetune(whole, Told())
    expected = weights(whole.output)
    assert all(torch.equal(each, expected[name]) for name, each in weights(task.output).items())
    assert not Path(task.work).exists()


def test_a_training_killed_before_its_first_checkpoint_starts_anew_and_says_so(
    make: Make, child: Callable[[FinetuneTask], Child]
) -> None:
    task = make(settings={"checkpoint_seconds": 600.0, "epochs": 12.0, "patience": 99.0})
    killed = child(task)
    killed.until_step(2)

    os.kill(killed.process.pid, signal.SIGKILL)
    killed.process.wait()
    result = finetune.finetune(replace(task, settings=QUICK), Told())

    assert result.resumed_from == 0
    assert result.notes == [finetune.STARTED_ANEW]


def test_cancelled_training_leaves_nothing_and_says_so(make: Make, child: Callable[[FinetuneTask], Child]) -> None:
    task = make(settings={"epochs": 60.0})
    running = child(task)
    running.until_step(2)

    running.process.terminate()

    *_, last = running.events()
    assert isinstance(last, protocol.Failed)
    assert last.kind == "Cancelled"
    assert running.process.wait(timeout=5) == 128 + signal.SIGTERM
    assert left(task) == []


def test_a_child_serves_the_request_and_leaves_when_the_bot_does(
    make: Make, child: Callable[[FinetuneTask], Child]
) -> None:
    running = child(make())
    done = next(event for event in running.events() if not isinstance(event, Progress))
    assert isinstance(done, Done)
    assert Path(done.result["directory"], "model.safetensors").exists()
    assert running.process.stdin is not None
    running.process.stdin.close()
    assert running.process.wait(timeout=20) == 0


def test_what_this_job_has_published_already_is_answered_at_once(make: Make) -> None:
    first = finetune.finetune(task := make(), Told())
    told = Told()
    assert finetune.finetune(task, told) == first
    assert told == []


def test_what_another_job_has_published_is_not_touched(make: Make) -> None:
    finetune.finetune(task := make(), Told())
    before = Path(task.output, "meta.json").read_bytes()
    with pytest.raises(Failed, match="train again"):
        finetune.finetune(replace(task, job="j2"), Told())
    assert Path(task.output, "meta.json").read_bytes() == before


def test_people_together_are_all_on_the_card(make: Make) -> None:
    people = invented_corpus(200), invented_corpus(60, seed=5, handle="mara", name="Mara | of <the> Pier")
    result = finetune.finetune(make(*people, force=True), Told())
    assert [person["handle"] for person in result.meta["people"]] == ["keeper", "mara"]
    assert "AI CYBORG" in Path(result.directory, "README.md").read_text("utf-8")


@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning")  # peft asks for it
def test_lora_on_a_small_base_is_published_as_a_plain_model(make: Make) -> None:
    result = finetune.finetune(make(method="lora", settings={"learning_rate": 1e-2}), Told())
    assert result.meta["metrics"]["held_out_loss"] < result.meta["metrics"]["base_held_out_loss"]
    assert not Path(result.directory, "adapter_config.json").exists()
    assert not any("lora" in name for name in weights(result.directory))


@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning")  # peft asks for it
def test_lora_on_a_large_base_stays_an_adapter_that_a_plain_pipeline_loads(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import pipeline

    monkeypatch.setattr("trainer.adapter.MERGED_BELOW", 0)
    result = finetune.finetune(make(method="lora", settings={"learning_rate": 1e-2}), Told())
    assert not Path(result.directory, "model.safetensors").exists()
    adapter = load_file(Path(result.directory, "adapter_model.safetensors"))
    assert {each.dtype for each in adapter.values()} == {torch.float16}
    generator: Any = pipeline("text-generation", model=result.directory)
    assert len(generator("My dream is", num_return_sequences=2, max_new_tokens=10)) == 2
    assert generator.preprocess("My dream is")["input_ids"][0, 0] == generator.tokenizer.eos_token_id


def test_training_stops_when_it_does_not_get_better_and_keeps_the_best(make: Make) -> None:
    result = finetune.finetune(make(settings={"epochs": 60.0, "learning_rate": 0.05, "patience": 2.0}), Told())
    metrics, points = result.meta["metrics"], result.meta["history"]["held_out"]
    best = min(points, key=lambda point: point[1])
    assert metrics["steps"] < 60 * metrics["steps"] / metrics["epochs"]
    assert metrics["best_step"] == best[0] < metrics["steps"]
    assert metrics["held_out_loss"] == pytest.approx(best[1], abs=publish.ROUNDING)


def test_a_loss_that_is_not_finite_is_told_and_nothing_stays(make: Make) -> None:
    task = make(settings={"learning_rate": 1e30, "clip": 1e30})
    with pytest.raises(NotFinite, match="another seed or base"):
        finetune.finetune(task, Told())
    assert left(task) == []


def test_a_full_disk_is_told_and_nothing_stays(make: Make) -> None:
    task = make()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, hard))  # ends writing as a full disk does
    try:
        with pytest.raises(NoSpace, match="free some space"):
            finetune.finetune(task, Told())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert left(task) == []


@pytest.mark.usefixtures("little_memory")
def test_short_memory_is_told_at_once_and_with_the_result(make: Make) -> None:
    result = finetune.finetune(make(), told := Told())
    (note,) = result.notes
    assert note.startswith("Memory was short: batches of ")
    assert {values["note"] for stage, values in told if stage == "train"} == {note}


def test_an_unusable_base_is_told_and_nothing_stays(make: Make, tmp_path: Path) -> None:
    task = make(base=str(tmp_path))
    with pytest.raises(UnusableBase):
        finetune.finetune(task, Told())
    assert left(task) == []


def test_too_little_text_is_told_before_the_base_is_loaded(make: Make) -> None:
    with pytest.raises(TooLittleText) as told:
        finetune.finetune(make(invented_corpus(60), base="nobody/nothing"), Told())
    assert told.value.details["force"] is True
