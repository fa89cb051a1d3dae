import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer

from trainer import framework, speakers
from trainer.tokens import PlainTokens, Tokens


@pytest.fixture(scope="module")
def both(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[PlainTokens, Tokens]:
    """Ours and that of transformers, of a tokenizer with a mark."""
    directory = tmp_path_factory.mktemp("marked")
    tokenizer = AutoTokenizer.from_pretrained(tiny_base)
    tokenizer.add_special_tokens({"extra_special_tokens": ["<|@mara|>"]})
    tokenizer.save_pretrained(directory)
    plain = PlainTokens.load(directory)
    assert plain
    return plain, framework.load_tokens(directory)


@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=80))
def test_texts_become_the_same_tokens_and_back(both: tuple[PlainTokens, Tokens], text: str) -> None:
    plain, theirs = both
    ids = theirs.encode(f"{text} <|@mara|> 🐐", add_special_tokens=False)
    assert plain.encode(f"{text} <|@mara|> 🐐", add_special_tokens=False) == ids
    for skip in (False, True):
        assert plain.decode(ids, skip_special_tokens=skip) == theirs.decode(ids, skip_special_tokens=skip)


def test_it_knows_the_same_tokens_by_name(both: tuple[PlainTokens, Tokens]) -> None:
    plain, theirs = both
    numbers = list(range(len(theirs)))
    assert len(plain) == len(theirs)
    assert plain.convert_ids_to_tokens(numbers) == theirs.convert_ids_to_tokens(numbers)
    assert plain.bos_token_id == theirs.bos_token_id
    assert plain.eos_token_id == theirs.eos_token_id
    assert set(plain.all_special_ids) == set(theirs.all_special_ids)
    assert set(plain.all_special_tokens) == set(theirs.all_special_tokens)
    assert speakers.find(plain) == speakers.find(theirs) == {"mara": len(theirs) - 1}


@pytest.mark.parametrize("changed", [{"tokenizer_class": "GPT2Tokenizer"}, {"clean_up_tokenization_spaces": True}])
def test_a_tokenizer_that_does_more_than_its_file_says_is_left_alone(
    tiny_base: Path, tmp_path: Path, changed: dict[str, object]
) -> None:
    copy = Path(shutil.copytree(tiny_base, tmp_path / "copy"))
    config = json.loads((copy / "tokenizer_config.json").read_text())
    (copy / "tokenizer_config.json").write_text(json.dumps(config | changed))
    assert PlainTokens.load(copy) is None


def test_a_special_token_without_a_number_is_told(tiny_base: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(tiny_base, tmp_path / "copy"))
    config = json.loads((copy / "tokenizer_config.json").read_text())
    (copy / "tokenizer_config.json").write_text(json.dumps(config | {"eos_token": "<|stop|>"}))
    with pytest.raises(ValueError, match="stop"):
        PlainTokens.load(copy)


def test_tokenizers_of_the_same_content_are_held_once(tiny_base: Path, tmp_path: Path) -> None:
    copy, other = (Path(shutil.copytree(tiny_base, tmp_path / name)) for name in ("copy", "other"))
    config = json.loads((other / "tokenizer_config.json").read_text())
    (other / "tokenizer_config.json").write_text(json.dumps(config | {"extra_special_tokens": [config["eos_token"]]}))
    held = PlainTokens.load(tiny_base)
    assert PlainTokens.load(copy) is held
    assert PlainTokens.load(other) is not held
