"""What an export holds, and that anybody's transformers loads it."""

import json
import resource
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, pipeline

from tests.trainer.conftest import invented_corpus, log_chances
from tests.trainer.old_models import write_old_model
from tests.trainer.test_hub import Child, closed_port
from trainer import finetune, publish
from trainer.adopt import adopt
from trainer.errors import Failed, NoSpace, UnusableModel
from trainer.export import export
from trainer.persona import Persona
from trainer.protocol import AdoptTask, Done, ExportTask, FinetuneTask
from trainer.tweets import Corpus


def ignore(stage: str, **values: Any) -> None:
    """Reports."""


@pytest.fixture(scope="module")
def version(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A whole model that was taken over from a directory, with an index as trained ones have."""
    folder = tmp_path_factory.mktemp("version")
    write_old_model(folder / "old", tiny_base)
    directory = adopt(AdoptTask(str(folder / "old"), str(folder / "1"), str(folder / "work")), ignore).directory
    (Path(directory) / "seen.npz").write_bytes(b"hashes of tweets")
    (Path(directory) / "ngrams.npz").write_bytes(b"tweets in pieces")
    (Path(directory) / "cache").mkdir()
    (Path(directory) / "cache" / "weights.bin").write_bytes(b"in eight bits")
    return directory


@pytest.fixture
def adapted(
    tiny_base: Path, tmp_path: Path, corpus_file: Callable[[Corpus], Path], monkeypatch: pytest.MonkeyPatch
) -> str:
    """A version that is an adapter on a base in a directory."""
    monkeypatch.setattr("trainer.adapter.MERGED_BELOW", 0)
    corpus, output, work = corpus_file(invented_corpus(200)), str(tmp_path / "1"), str(tmp_path / "work")
    task = FinetuneTask("j1", "keeper", [str(corpus)], output, work, str(tiny_base), method="lora")
    settings = {"epochs": 1.0, "batch_tokens": 512.0, "learning_rate": 1e-2}
    return finetune.finetune(FinetuneTask(**task.values() | {"settings": settings}), ignore).directory


def names(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


def test_a_plain_pipeline_loads_it_and_what_is_derived_stays_here(version: str, tmp_path: Path) -> None:
    result = export(ExportTask(version, str(tmp_path / "out")), ignore)
    assert names(tmp_path) == {"out"}
    assert names(tmp_path / "out") == names(Path(version)) - {"seen.npz", "ngrams.npz", "cache"}
    assert result.bytes == sum(path.stat().st_size for path in (tmp_path / "out").iterdir())
    generator: Any = pipeline("text-generation", model=result.path)
    assert generator("My dream is")[0]["generated_text"].startswith("My dream is")


def test_a_zip_file_holds_the_same_in_one_folder(version: str, tmp_path: Path) -> None:
    export(ExportTask(version, str(tmp_path / "out")), ignore)
    with Child("export", tmp_path / "home", closed_port()) as child:
        *_, done = child.ask(ExportTask(version, str(tmp_path / "anna.zip"), zip=True).values())
    assert isinstance(done, Done), done
    assert done.result["bytes"] == (tmp_path / "anna.zip").stat().st_size
    with zipfile.ZipFile(tmp_path / "anna.zip") as archive:
        packed = {name: archive.read(name) for name in archive.namelist()}
    assert packed == {f"anna/{path.name}": path.read_bytes() for path in (tmp_path / "out").iterdir()}


@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning")  # peft asks for it
def test_an_adapter_is_merged_into_its_base(adapted: str, tmp_path: Path) -> None:
    result = export(ExportTask(adapted, str(tmp_path / "out")), ignore)
    ids = [[0, 40, 41, 42]]
    expected = torch.from_numpy(log_chances(Persona.load(Path(adapted), "cpu"), ids))
    merged = AutoModelForCausalLM.from_pretrained(result.path)
    assert torch.allclose(merged(torch.tensor(ids)).logits[:, -1].log_softmax(-1), expected, atol=1e-4)
    assert not any("adapter" in name for name in names(Path(result.path)))
    assert "ngrams.npz" in names(Path(adapted)) - names(Path(result.path))
    told, exported = (publish.read_meta(Path(each)) for each in (adapted, result.path))
    assert told
    assert exported
    assert exported["metrics"]["held_out_loss"] == told["metrics"]["network_held_out_loss"]
    generator: Any = pipeline("text-generation", model=result.path)
    assert generator.preprocess("My dream is")["input_ids"][0, 0] == generator.tokenizer.eos_token_id


@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning")  # peft asks for it
def test_no_path_of_this_machine_is_told(adapted: str, version: str, tiny_base: Path, tmp_path: Path) -> None:
    for number, each in enumerate([adapted, version]):
        result = export(ExportTask(each, str(tmp_path / f"out{number}")), ignore)
        texts = [path.read_bytes() for path in Path(result.path).iterdir() if path.suffix in {".json", ".md"}]
        assert not any(str(tmp_path.parent).encode() in text for text in texts)
    assert json.loads((tmp_path / "out0" / "meta.json").read_text("utf-8"))["base"] == tiny_base.name


def test_what_is_there_already_is_not_touched(version: str, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine", "utf-8")
    with pytest.raises(Failed, match="out is there already"):
        export(ExportTask(version, str(tmp_path / "out")), ignore)
    assert (tmp_path / "out").read_text("utf-8") == "mine"


def test_a_version_that_is_gone_is_told(tmp_path: Path) -> None:
    with pytest.raises(UnusableModel, match="files are missing"):
        export(ExportTask(str(tmp_path / "gone"), str(tmp_path / "out")), ignore)
    assert names(tmp_path) == set()


@pytest.mark.parametrize("zipped", [False, True])
def test_a_full_disk_is_told_and_nothing_stays(version: str, tmp_path: Path, zipped: bool) -> None:
    largest = max(path.stat().st_size for path in Path(version).iterdir())
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(
        resource.RLIMIT_FSIZE, (largest + (1 if zipped else -1), hard)
    )  # ends writing as a full disk does
    try:
        with pytest.raises(NoSpace, match="export again"):
            export(ExportTask(version, str(tmp_path / "out"), zipped), ignore)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert names(tmp_path) == set()
