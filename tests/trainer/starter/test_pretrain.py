"""The script that made the starter base, whole, with a recipe of seconds."""

import io
import json
import math
import resource
from contextlib import redirect_stdout
from pathlib import Path

import pytest
import torch
from huggingface_hub import ModelCard
from safetensors.torch import load_file
from tokenizers import Tokenizer

from tests.trainer.conftest import END, invented_tweets
from trainer import base
from trainer.starter.corpus import SHARES, mix
from trainer.starter.pretrain import Recipe, blocks, main

TINY = Recipe(tokens=960, vocabulary=320, context=16, width=16, layers=1, heads=2, batch=4, held_out=8, every=4, seed=3)
LOGGED = [4, 8, 12, 15]
"""Its steps with a checkpoint: every fourth and the last."""


class Terminal(io.StringIO):
    """Somebody presses Ctrl-C at the sight of these words."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self._words = words

    def write(self, text: str) -> int:
        if self._words in text:
            raise KeyboardInterrupt
        return super().write(text)


@pytest.fixture(scope="module")
def corpora(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpora")
    for seed, name in enumerate(SHARES):
        (folder / f"{name}.txt").write_text("\n".join(invented_tweets(120, seed)), "utf-8")
    return folder


@pytest.fixture(scope="module")
def made(corpora: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What an unbroken run leaves."""
    out = tmp_path_factory.mktemp("made") / "new"
    assert steps_of(corpora, out) == LOGGED
    return out


def steps_of(corpora: Path, out: Path, *words: str) -> list[int]:
    """The steps that a run tells of."""
    with redirect_stdout(io.StringIO()) as told:
        main(["--corpora", str(corpora), "--out", str(out), *words], TINY)
    return [json.loads(line)["step"] for line in told.getvalue().splitlines()]


def weights(out: Path) -> bytes:
    return (out / "model" / "model.safetensors").read_bytes()


def test_the_model_is_whole_and_a_base_to_train_from(made: Path) -> None:
    loaded = base.load(str(made / "model"), "cpu")
    assert loaded.context == TINY.context
    assert json.loads((made / "model" / "config.json").read_text())["dtype"] == "float32"
    assert loaded.tokenizer("the gull").input_ids[0] == loaded.tokenizer.eos_token_id == 0
    assert loaded.tokenizer.decode(loaded.tokenizer("the gull 🐐").input_ids) == f"{END}the gull 🐐"
    assert {each.dtype for each in load_file(made / "model" / "model.safetensors").values()} == {torch.float16}


def test_the_base_learns(made: Path) -> None:
    rows = [json.loads(line) for line in (made / "log.jsonl").read_text().splitlines()]
    losses = [row["held_out"] for row in rows]
    assert losses[-1] < losses[0]
    assert losses[-1] < math.log(TINY.vocabulary) - 0.2


def test_the_card_tells_what_was_made_and_how_well_it_does(corpora: Path, made: Path) -> None:
    card = ModelCard.load(made / "model" / "README.md")
    assert (card.data.license, card.data.language, card.data.pipeline_tag) == ("mit", "en", "text-generation")
    for words in ("1 layers of width 16, 2 heads, context of 16 tokens", "320 tokens", "--tokens 960 --seed 3"):
        assert words in card.text
    _, held_out = blocks(corpora, made, TINY)
    tokenizer = Tokenizer.from_file(str(made / "tokenizer.json"))
    characters = sum(len(tokenizer.decode(row[1:].tolist(), skip_special_tokens=True)) for row in held_out)
    loss = json.loads((made / "log.jsonl").read_text().splitlines()[-1])["held_out"]
    bits = loss / math.log(2) * TINY.held_out * TINY.context / characters
    assert f"{loss:.3f} nats a token, {bits:.3f} bits a character" in card.text
    assert (made / "model" / "loss.png").read_bytes().startswith(b"\x89PNG")


def test_a_stopped_run_goes_on_and_ends_with_the_same_weights(corpora: Path, made: Path, tmp_path: Path) -> None:
    with redirect_stdout(Terminal('"step": 12')), pytest.raises(KeyboardInterrupt):
        main(["--corpora", str(corpora), "--out", str(tmp_path)], TINY)
    (tmp_path / "checkpoint.tmp").write_bytes(b"half of one")
    assert steps_of(corpora, tmp_path) == [12, 15]
    assert weights(tmp_path) == weights(made)
    assert (tmp_path / "model" / "tokenizer.json").read_bytes() == (made / "model" / "tokenizer.json").read_bytes()


def test_a_finished_run_only_publishes_again(corpora: Path, made: Path) -> None:
    before = weights(made)
    (made / "model" / "stale.txt").touch()
    assert steps_of(corpora, made) == []
    assert weights(made) == before
    assert not (made / "model" / "stale.txt").exists()


def test_another_seed_makes_another_base(corpora: Path, made: Path, tmp_path: Path) -> None:
    assert steps_of(corpora, tmp_path, "--seed", "4") == LOGGED
    assert weights(tmp_path) != weights(made)


def test_a_run_ends_with_the_number_of_tokens_asked_for(corpora: Path, tmp_path: Path) -> None:
    assert steps_of(corpora, tmp_path, "--tokens", "320") == [4, 5]


def test_blocks_follow_one_another_and_none_is_both_trained_on_and_held_out(corpora: Path, made: Path) -> None:
    train, held_out = blocks(corpora, made, TINY)
    rows = torch.cat([held_out, train])
    assert held_out.shape == (TINY.held_out, TINY.context + 1)
    assert torch.equal(rows[1:, 0], rows[:-1, -1])
    tokenizer = Tokenizer.from_file(str(made / "tokenizer.json"))
    row = tokenizer.decode(rows[:, :-1].flatten().tolist(), skip_special_tokens=False)
    assert "".join(END + text for text in mix(corpora, TINY.characters, TINY.seed)).startswith(row)


def test_tokens_cut_short_by_a_full_disk_are_made_again(corpora: Path, made: Path, tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    limit = ((made / "tokenizer.json").stat().st_size + (made / "tokens.npy").stat().st_size) // 2
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))  # ends writing as a full disk does
    try:
        with pytest.raises(OSError, match="written"):
            blocks(corpora, tmp_path, TINY)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    train, _ = blocks(corpora, tmp_path, TINY)
    assert torch.equal(train, blocks(corpora, made, TINY)[0])
