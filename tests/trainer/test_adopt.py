"""Models of others become personas: from a directory in this process, from a hub with a real child and client."""

import json
import os
import pickle
import resource
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from tests.servers.hub import Hub
from tests.trainer.conftest import END
from tests.trainer.old_models import SETTINGS, write_old_model
from tests.trainer.test_hub import Child, Touch, closed_port, downloads
from trainer import pickled
from trainer.adopt import adopt
from trainer.errors import Cancelled, Failed, NoSpace, UnusableModel
from trainer.protocol import AdoptTask, Done, Event, Progress
from trainer.protocol import Failed as FailedEvent

Take = Callable[..., AdoptTask]


def ignore(stage: str, **values: Any) -> None:
    """Reports."""


@pytest.fixture
def take(tmp_path: Path) -> Take:
    """Tasks whose files are all in one place."""

    def task(source: object, **fields: Any) -> AdoptTask:
        output, work = tmp_path / "models" / "anna" / "1", tmp_path / "work"
        return replace(AdoptTask(str(source), str(output), str(work), job="j1"), **fields)

    return task


@pytest.fixture
def old(tiny_base: Path, tmp_path: Path) -> Path:
    write_old_model(tmp_path / "old", tiny_base)
    return tmp_path / "old"


@pytest.fixture(scope="module")
def adopter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Child, Hub]]:
    """One child for all that ask the hub."""
    with (
        Hub(tmp_path_factory.mktemp("hub")) as served,
        Child("adopt", tmp_path_factory.mktemp("home"), served.url) as child,
    ):
        yield child, served


@pytest.fixture
def child(adopter: tuple[Child, Hub]) -> Child:
    return adopter[0]


@pytest.fixture
def hub(adopter: tuple[Child, Hub]) -> Iterator[Hub]:
    served = adopter[1]
    served.requests.clear()
    yield served
    served.cut = served.unavailable = 0
    assert served.unknown == []


@pytest.fixture
def name(hub: Hub, old: Path, tmp_path: Path) -> str:
    """An old model on the hub that no test has asked for before."""
    shutil.copytree(old, hub.folder / "someone" / tmp_path.name)
    return f"someone/{tmp_path.name}"


def last(events: Iterator[Event]) -> Event:
    *_, event = events
    return event


def refusal(child: Child, task: AdoptTask) -> str:
    """The sentence, and nothing is left behind."""
    event = last(child.ask(task.values()))
    assert isinstance(event, FailedEvent)
    assert event.kind == "UnusableModel"
    assert not Path(task.work).exists()
    assert not Path(task.output).exists()
    return event.sentence


def test_an_old_model_loads_in_plain_transformers_with_its_weights_unchanged(
    tiny_base: Path, take: Take, tmp_path: Path
) -> None:
    from transformers import AutoModelForCausalLM, pipeline

    weights = write_old_model(tmp_path / "old", tiny_base)
    result = adopt(take(tmp_path / "old"), ignore)
    loaded = AutoModelForCausalLM.from_pretrained(result.directory).state_dict()
    assert all(torch.equal(loaded[name], each) for name, each in weights.items())
    generator: Any = pipeline("text-generation", model=result.directory)
    ids = generator.preprocess("My dream is")["input_ids"][0].tolist()
    assert generator.tokenizer.convert_ids_to_tokens(ids)[0] == END
    assert generator("My dream is")[0]["generated_text"].startswith("My dream is")


def test_its_card_tells_who_it_is(old: Path, take: Take) -> None:
    result = adopt(take(old, version=3), ignore)
    assert result.handles == ["anna_anchor", "bo_buoy"]
    assert result.name == "Anna & her Anchor & Bo 🛟"
    assert len(result.samples) == 3
    meta = json.loads((Path(result.directory) / "meta.json").read_text("utf-8"))
    assert meta == result.meta
    assert (meta["persona"], meta["version"], meta["base"]) == ("anna_anchor-bo_buoy", 3, "gpt2")
    assert "AI CYBORG" in (Path(result.directory) / "README.md").read_text("utf-8")
    assert (Path(result.directory) / "predictions.png").exists()


def test_its_makers_settings_of_sampling_are_kept(old: Path, take: Take) -> None:
    result = adopt(take(old), ignore)
    kept = json.loads((Path(result.directory) / "generation_config.json").read_text("utf-8"))
    assert {name: kept[name] for name in SETTINGS if name != "prefix"} == {
        name: value for name, value in SETTINGS.items() if name != "prefix"
    }


def test_settings_that_make_no_sense_are_not_taken_over(old: Path, take: Take) -> None:
    config = json.loads((old / "config.json").read_text("utf-8"))
    mad = {"temperature": 99, "top_p": "much", "min_length": -1, "top_k": 7.0, "max_length": 1000}
    config["task_specific_params"] = {"text-generation": mad}
    (old / "config.json").write_text(json.dumps(config), "utf-8")
    result = adopt(take(old), ignore)
    kept = json.loads((Path(result.directory) / "generation_config.json").read_text("utf-8"))
    assert (kept["temperature"], kept["top_p"], kept["min_length"], kept["top_k"]) == (1.0, 0.95, 10, 7)
    assert kept["max_length"] == 64  # all it can see


def test_the_generator_serves_it(old: Path, take: Take, tmp_path: Path) -> None:
    result = adopt(take(old), ignore)
    with Child("generate", tmp_path / "home", closed_port()) as generator:
        done = last(generator.ask({"model": result.directory, "prompt": "my dream is", "count": 2, "seed": 1}))
    assert isinstance(done, Done), done
    assert [each["nearness"] for each in done.result["samples"]] == [0.0, 0.0]
    assert all(each["text"].startswith("my dream is") for each in done.result["samples"])


def test_old_weights_in_several_files_are_put_together(tiny_base: Path, take: Take, tmp_path: Path) -> None:
    weights = write_old_model(old := tmp_path / "old", tiny_base)
    (old / "pytorch_model.bin").unlink()
    files = {name: f"pytorch_model-0000{number % 2 + 1}-of-00002.bin" for number, name in enumerate(weights)}
    for file in set(files.values()):
        torch.save({name: weights[name] for name in weights if files[name] == file}, old / file)
    (old / "pytorch_model.bin.index.json").write_text(json.dumps({"metadata": {}, "weight_map": files}), "utf-8")
    result = adopt(take(old), ignore)
    kept = load_file(Path(result.directory) / "model.safetensors")
    assert torch.equal(kept["transformer.h.1.ln_1.weight"], weights["transformer.h.1.ln_1.weight"])


def test_a_pickle_that_would_run_code_is_refused_and_does_not_run(old: Path, take: Take, tmp_path: Path) -> None:
    (old / "pytorch_model.bin").write_bytes(pickle.dumps(Touch(tmp_path / "executed"), protocol=2))
    with pytest.raises(UnusableModel, match="more than plain numbers"):
        adopt(take(old), ignore)
    torch.save({"weight": Touch(tmp_path / "executed")}, old / "pytorch_model.bin")
    with pytest.raises(UnusableModel, match="more than plain numbers"):
        adopt(take(old), ignore)
    assert not (tmp_path / "executed").exists()


def test_weights_that_swell_when_they_are_read_are_refused(tmp_path: Path) -> None:
    torch.save({"transformer.wte.weight": torch.zeros(1).expand(10**6)}, tmp_path / "pytorch_model.bin")
    with pytest.raises(ValueError, match="larger than their file"):
        pickled.convert(tmp_path)


@pytest.mark.parametrize("config", [{}, [], {"model_type": ["gpt2"]}, {"model_type": "gpt2", "architectures": 7}])
def test_a_config_of_no_language_model_is_told(old: Path, take: Take, config: object) -> None:
    (old / "config.json").write_text(json.dumps(config), "utf-8")
    with pytest.raises(UnusableModel, match="no causal language model"):
        adopt(take(old), ignore)


@pytest.mark.parametrize("file", ["pytorch_model.bin", "config.json", "vocab.json"])
def test_a_damaged_file_is_told(old: Path, take: Take, file: str) -> None:
    (old / file).write_bytes((old / file).read_bytes()[:99])
    with pytest.raises(UnusableModel):
        adopt(task := take(old), ignore)
    assert not Path(task.work).exists()


def test_a_model_without_weights_is_told(old: Path, take: Take) -> None:
    (old / "pytorch_model.bin").unlink()
    with pytest.raises(UnusableModel, match="has no weights"):
        adopt(take(old), ignore)


def test_a_model_that_is_too_large_is_told_before_it_is_read(old: Path, take: Take) -> None:
    os.truncate(old / "pytorch_model.bin", 9_000_000_000)  # a hole: it takes no room on the disk
    with pytest.raises(UnusableModel, match="too large: 8 GB"):
        adopt(take(old), ignore)


def test_a_full_disk_is_told_and_nothing_stays(old: Path, take: Take) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, hard))  # ends writing as a full disk does
    try:
        with pytest.raises(NoSpace, match="free some space"):
            adopt(task := take(old), ignore)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not Path(task.work).exists()
    assert not Path(task.output).exists()


def test_cancelled_at_any_stage_it_leaves_nothing(old: Path, take: Take) -> None:
    for last_stage in ("load", "publish"):

        def cancel(stage: str, last_stage: str = last_stage, **values: Any) -> None:
            if stage == last_stage:
                raise Cancelled

        with pytest.raises(Cancelled):
            adopt(task := take(old), cancel)
        assert not Path(task.work).exists()
        assert not Path(task.output).exists()


def test_what_this_job_has_published_is_answered_at_once_and_anothers_is_not_touched(old: Path, take: Take) -> None:
    first = adopt(take(old), ignore)
    shutil.rmtree(old)
    assert adopt(take(old), ignore) == first
    with pytest.raises(Failed, match="ask again"):
        adopt(take(old, job="j2"), ignore)
    assert Path(first.directory, "model.safetensors").exists()


def test_from_the_hub_the_files_it_needs_are_downloaded_with_progress_and_no_others(
    child: Child, hub: Hub, name: str, take: Take
) -> None:
    *events, done = child.ask(take(name, persona="anna").values())
    assert isinstance(done, Done), done
    told = [event for event in events if isinstance(event, Progress) and event.stage == "download"]
    assert len(told) > 2
    assert told[-1].step == told[-1].steps
    assert {each.rpartition("/")[2] for each in hub.downloads} == {
        "README.md", "config.json", "merges.txt", "pytorch_model.bin", "special_tokens_map.json",
        "tokenizer_config.json", "vocab.json",
    }  # fmt: skip
    assert done.result["meta"]["adopted"]["commit"] == hub.commit(name)
    assert done.result["meta"]["persona"] == "anna"


def test_without_a_card_a_model_is_of_whom_its_name_says(child: Child, hub: Hub, old: Path, take: Take) -> None:
    shutil.copytree(old, hub.folder / "huggingtweets" / "cleo-dan")
    (hub.folder / "huggingtweets" / "cleo-dan" / "README.md").unlink()
    done = last(child.ask(take("huggingtweets/cleo-dan").values()))
    assert isinstance(done, Done), done
    assert done.result["handles"] == ["cleo", "dan"]
    assert done.result["notes"] == ["The model's card does not tell whose tweets it learnt from."]


def test_a_model_that_the_hub_does_not_have_is_told(child: Child, hub: Hub, take: Take) -> None:
    assert refusal(child, take("nobody/nothing")).startswith("The hub has no model 'nobody/nothing'")


def test_a_gated_model_is_told_as_that(child: Child, hub: Hub, name: str, take: Take) -> None:
    hub.gated.add(name)
    assert f"{name!r} is open only to those its makers let in" in refusal(child, take(name))


def test_a_name_that_is_no_name_is_told_as_that(child: Child, hub: Hub, take: Take) -> None:
    assert "'models/of/mine' is neither a directory" in refusal(child, take("models/of/mine"))


def test_what_is_no_causal_language_model_is_told_before_its_weights_are_downloaded(
    child: Child, hub: Hub, name: str, take: Take
) -> None:
    config = {"model_type": "bert", "architectures": ["BertForMaskedLM"]}
    (hub.folder / name / "config.json").write_text(json.dumps(config), "utf-8")
    assert f"{name!r} is no causal language model" in refusal(child, take(name))
    assert downloads(hub, ".bin") == 0


def test_a_download_that_is_cut_is_taken_up_where_it_ended(child: Child, hub: Hub, name: str, take: Take) -> None:
    hub.cut = 1
    assert isinstance(last(child.ask(take(name).values())), Done)
    assert downloads(hub, "pytorch_model.bin") == 2


def test_a_download_after_a_kill_goes_on_with_the_next_file(
    child: Child, hub: Hub, name: str, take: Take, tmp_path: Path
) -> None:
    with Child("adopt", tmp_path / "home", hub.url) as killed:
        next(killed.ask(take(name).values()))
    assert isinstance(last(child.ask(take(name).values())), Done)
    assert downloads(hub, "README.md") == 1


def test_a_hub_that_does_not_answer_is_told(child: Child, hub: Hub, name: str, take: Take) -> None:
    hub.unavailable = 1000
    assert f"{name!r} cannot be downloaded now" in refusal(child, take(name))
