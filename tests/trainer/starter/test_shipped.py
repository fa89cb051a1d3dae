"""What ships: the base, its card and the people of the demo."""

import json
import re
import tomllib
from dataclasses import asdict
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard
from safetensors import safe_open

from trainer import base, starter
from trainer.ingest import ingest
from trainer.protocol import IngestResult, IngestTask
from trainer.starter.card import CARD
from trainer.starter.pretrain import SHIPPED

ROOT = Path(__file__).parents[3]
CONFIG = json.loads((starter.MODEL / "config.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> dict[str, IngestResult]:
    """As they are read for a training, by the names of their files."""
    folder = tmp_path_factory.mktemp("people")
    tasks = {path.stem: IngestTask(str(path), str(folder / path.stem)) for path in starter.PEOPLE.iterdir()}
    return {name: ingest(task, lambda stage, **values: None) for name, task in tasks.items()}


def test_the_base_is_at_most_thirty_megabytes_of_half_precision() -> None:
    assert sum(path.stat().st_size for path in starter.MODEL.iterdir()) <= 30_000_000
    with safe_open(starter.MODEL / "model.safetensors", "pt") as weights:
        assert {weights.get_slice(name).get_dtype() for name in weights.keys()} == {"F16"}  # noqa: SIM118


def test_the_base_is_a_gpt2_of_the_recipe_and_reads_256_tokens() -> None:
    loaded = base.load("starter", "cpu")
    assert loaded.context == SHIPPED.context >= 256
    assert len(loaded.tokenizer) == CONFIG["vocab_size"] == SHIPPED.vocabulary
    assert (CONFIG["n_layer"], CONFIG["n_embd"], CONFIG["n_head"]) == (SHIPPED.layers, SHIPPED.width, SHIPPED.heads)
    assert CONFIG["model_type"] == "gpt2"


def test_its_card_is_what_the_hubs_client_reads() -> None:
    data = ModelCard.load(starter.MODEL / "README.md").data.to_dict()
    assert data == {
        "language": "en",
        "license": "mit",
        "library_name": "transformers",
        "pipeline_tag": "text-generation",
        "tags": ["gpt2", "tweets", "mockingbird"],
    }


def test_its_card_is_the_recipes_word_for_word() -> None:
    text = (starter.MODEL / "README.md").read_text("utf-8")
    found = re.search(r"([\d.]+) nats a token, ([\d.]+) bits a character", text)
    assert found
    with safe_open(starter.MODEL / "model.safetensors", "np") as weights:
        parameters = sum(weights.get_tensor(name).size for name in weights.keys())  # noqa: SIM118
    measured: dict[str, Any] = {"parameters": parameters / 1e6, "loss": float(found[1]), "bits": float(found[2])}
    assert text == CARD.format(**asdict(SHIPPED), **measured)
    assert all((starter.MODEL / picture).exists() for picture in re.findall(r"!\[.*?\]\((.*?)\)", text))


def test_three_people_have_three_hundred_tweets_each_under_their_own_name(people: dict[str, IngestResult]) -> None:
    assert len(people) >= 3
    assert all(result.counts["kept"] >= 300 for result in people.values())
    assert all(result.handle == name for name, result in people.items())


def test_one_of_them_does_not_write_english(people: dict[str, IngestResult]) -> None:
    languages = {max(result.languages, key=lambda code: result.languages[code]) for result in people.values()}
    assert "en" in languages
    assert languages != {"en"}


def test_the_package_holds_the_base_and_the_people() -> None:
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]
    assert any(fnmatch("trainer.starter", pattern) for pattern in setuptools["packages"]["find"]["include"])
    packed = {
        path for pattern in setuptools["package-data"]["trainer.starter"] for path in starter.FOLDER.glob(pattern)
    }
    assert packed == {*starter.MODEL.iterdir(), *starter.PEOPLE.iterdir()}
    assert len(packed) >= 10
