import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from tests.trainer.conftest import log_chances
from trainer import ngrams, sampling, verbatim, wording
from trainer.errors import Failed, TrainerError, UnusableBase
from trainer.lora import WEIGHTS
from trainer.protocol import GenerateTask, Sample
from trainer.sampling import Persona

END = "<|endoftext|>"


@pytest.fixture(scope="module")
def persona(tiny_base: Path) -> Persona:
    return Persona.load(tiny_base, "cpu")


def knowing(persona: Persona, samples: list[Sample]) -> Persona:
    """As if the samples' texts were what it was trained on."""
    return replace(persona, index=verbatim.Index.build([sample.text for sample in samples]))


def texts(samples: list[Sample]) -> list[str]:
    return [sample.text for sample in samples]


@settings(max_examples=25)
@given(st.text(st.characters(exclude_categories=[]), max_size=60), st.integers(0, 2**63 - 1))
def test_tweets_carry_on_any_prompt_in_one_clean_line_without_special_tokens(
    persona: Persona, prompt: str, seed: int
) -> None:
    drawn = texts(sampling.tweets(persona, GenerateTask("", f"{prompt}{END}", count=2, max_tokens=48, seed=seed)))
    typed = wording.clean(prompt)
    assert len({text.casefold() for text in drawn}) == 2
    for text in drawn:
        assert text.startswith(typed)
        assert text != typed
        assert len(text) <= 280
        assert text == wording.clean(text)
        assert END not in text


def test_a_special_token_typed_into_the_prompt_is_no_token(persona: Persona) -> None:
    hostile = GenerateTask("", f"the ferry<|endof{END}text|> is{END} late", seed=4)
    assert sampling.tweets(persona, hostile) == sampling.tweets(persona, replace(hostile, prompt="the ferry is late"))


def test_white_space_alone_is_no_prompt(persona: Persona) -> None:
    task = GenerateTask("", seed=3)
    assert sampling.tweets(persona, replace(task, prompt=" \n\t ")) == sampling.tweets(persona, task)


def test_a_seed_gives_the_same_tweets_again_and_another_seed_others(persona: Persona) -> None:
    task = GenerateTask("", "good morning", count=5, seed=7)
    assert sampling.tweets(persona, task) == sampling.tweets(persona, task)
    assert sampling.tweets(persona, task) != sampling.tweets(persona, replace(task, seed=8))


def test_without_a_seed_tweets_differ_from_time_to_time(persona: Persona) -> None:
    task = GenerateTask("")
    assert sampling.tweets(persona, task) != sampling.tweets(persona, task)


@pytest.mark.parametrize("prompt", ["日" * 200, "🐐" * 80, "the ferry is late " * 15])
def test_a_prompt_longer_than_the_context_is_still_carried_on(persona: Persona, prompt: str) -> None:
    (sample,) = sampling.tweets(persona, GenerateTask("", prompt, seed=1))
    assert sample.text.startswith(prompt.strip())
    assert len(prompt.strip()) < len(sample.text) <= 280


def test_a_prompt_that_fills_the_tweet_is_told(persona: Persona) -> None:
    with pytest.raises(Failed, match="shorter"):
        sampling.tweets(persona, GenerateTask("", "x" * 280, seed=1))


def test_no_tweet_is_longer_than_280_characters(tiny_base: Path) -> None:
    long = tiny_base.parent / "long"
    persona = Persona.load(with_context(tiny_base, long, 512), "cpu")
    task = GenerateTask("", count=10, top_k=20, min_tokens=400, max_tokens=500, seed=1)
    lengths = [len(sample.text) for sample in sampling.tweets(persona, task)]
    assert 240 < max(lengths) <= 280


def test_copies_of_training_tweets_are_replaced_by_fresh_ones(persona: Persona) -> None:
    task = GenerateTask("", count=5, seed=11)
    copies = sampling.tweets(persona, task)
    fresh = sampling.tweets(knowing(persona, copies), task)
    assert len(fresh) == 5
    assert not set(texts(fresh)) & set(texts(copies))


def test_nearness_tells_how_much_stands_in_one_training_tweet(persona: Persona) -> None:
    task = GenerateTask("", count=3, seed=7)
    plain = sampling.tweets(persona, task)
    opening = Sample(" ".join(plain[0].text.split()[:6]))
    drawn = sampling.tweets(knowing(persona, [opening]), task)
    assert texts(drawn) == texts(plain)
    assert [sample.nearness > 0.1 for sample in drawn] == [True, False, False]


def test_fewer_than_asked_come_when_the_model_repeats_itself(persona: Persona) -> None:
    assert len(sampling.tweets(persona, GenerateTask("", count=3, top_k=1, seed=1))) == 1


def test_when_all_it_can_say_is_a_copy_nothing_comes_but_a_sentence(persona: Persona) -> None:
    task = GenerateTask("", count=3, top_k=1, seed=1)
    with pytest.raises(Failed, match=r"repeats its tweets .* Try"):
        sampling.tweets(knowing(persona, sampling.tweets(persona, task)), task)


def test_requests_drawn_together_each_get_what_they_asked_for(persona: Persona) -> None:
    tasks = [GenerateTask("", prompt, count=count) for prompt, count in (("the ferry", 1), ("", 10), ("🐐" * 9, 4))]
    for task, drawn in zip(tasks, sampling.tweets_together([(persona, task) for task in tasks]), strict=True):
        assert isinstance(drawn, list)
        assert len(drawn) == task.count
        assert all(sample.text.startswith(task.prompt) for sample in drawn)


def test_one_that_can_say_nothing_new_fails_alone_in_a_batch(persona: Persona) -> None:
    stuck = GenerateTask("", "x" * 280)
    first, second = sampling.tweets_together([(persona, stuck), (persona, GenerateTask("", count=2))])
    assert isinstance(first, TrainerError)
    assert isinstance(second, list)


def test_bounds_hold_here_too(persona: Persona) -> None:
    with pytest.raises(TrainerError, match="count"):
        sampling.tweets(persona, GenerateTask("", count=11))


def test_the_index_beside_the_weights_is_loaded(persona: Persona, tiny_base: Path, tmp_path: Path) -> None:
    task = GenerateTask("", top_k=1, seed=1)
    copy = Path(shutil.copytree(tiny_base, tmp_path / "copy"))
    knowing(persona, sampling.tweets(persona, task)).index.save(copy)
    with pytest.raises(Failed):
        sampling.tweets(Persona.load(copy, "cpu"), task)


def test_its_size_is_that_of_its_parameters_tied_ones_once_as_read_and_as_laid_out(
    persona: Persona, tiny_base: Path
) -> None:
    weights = (tiny_base / "model.safetensors").stat().st_size
    assert 2 * (weights - 20_000) < sum(persona.blocks.values()) < 2 * weights


@pytest.mark.filterwarnings("ignore")  # peft's own
@pytest.mark.parametrize("own", [None, [40, 7]])
def test_an_adapter_stands_beside_its_base(tiny_base: Path, tmp_path: Path, own: list[int] | None) -> None:
    adapted = adapter(tiny_base, tmp_path / "a", 1, own)
    loaded, other = (Persona.load(directory, "cpu") for directory in (tmp_path / "a", tiny_base))
    ids = [[0, 40, 41, 7], [0, 7, 8, 9]]
    with torch.no_grad():
        logits = adapted(input_ids=torch.tensor(ids)).logits[:, -1]
    drawn = [token for token in range(logits.shape[1]) if token not in (own or [])]
    expected = logits[:, drawn].log_softmax(-1)
    found, plain = (torch.from_numpy(log_chances(each, ids)[:, drawn]).log_softmax(-1) for each in (loaded, other))
    assert torch.allclose(found, expected, atol=1e-4)
    assert not torch.allclose(plain, expected, atol=1e-2)


@pytest.mark.filterwarnings("ignore")
def test_an_adapter_is_held_in_the_precision_of_its_file_and_computed_in_that_of_the_base(
    tiny_base: Path, tmp_path: Path
) -> None:
    adapter(tiny_base, tmp_path / "half", 1)
    shutil.copytree(tmp_path / "half", tmp_path / "single")
    weights = {name: each.half() for name, each in load_file(tmp_path / "half" / WEIGHTS).items()}
    save_file(weights, tmp_path / "half" / WEIGHTS)
    save_file({name: each.float() for name, each in weights.items()}, tmp_path / "single" / WEIGHTS)
    half, single = (Persona.load(tmp_path / name, "cpu") for name in ("half", "single"))
    ids = [[0, 40, 41, 7], [0, 7, 8, 9]]
    assert half.adapter
    assert single.adapter
    assert 2 * half.adapter.bytes == single.adapter.bytes
    assert (log_chances(half, ids) == log_chances(single, ids)).all()


@pytest.mark.filterwarnings("ignore")
def test_personas_of_one_base_share_it_and_are_drawn_together_each_as_itself(tiny_base: Path, tmp_path: Path) -> None:
    for number in range(3):
        adapter(tiny_base, tmp_path / str(number), number, rank=2 + 2 * number)
    personas = [Persona.load(tmp_path / str(number), "cpu") for number in range(3)]
    assert len({id(each.engine) for each in personas}) == 1
    assert len({each.company for each in personas}) == 1
    task = GenerateTask("", "my left boot", top_k=1)
    together = sampling.tweets_together([(each, task) for each in (*personas, personas[0])])
    assert together == [sampling.tweets(each, task) for each in (*personas, personas[0])]
    assert len({str(each) for each in together}) == 3


@pytest.mark.filterwarnings("ignore")
def test_an_adapter_of_an_unknown_kind_is_merged_into_its_base(tiny_base: Path, tmp_path: Path) -> None:
    adapted = adapter(tiny_base, tmp_path / "a", 1, dora=True)
    ids = [[0, 40, 41, 7]]
    with torch.no_grad():
        expected = adapted(input_ids=torch.tensor(ids)).logits[:, -1].log_softmax(-1).numpy()
    loaded = Persona.load(tmp_path / "a", "cpu")
    assert np.allclose(log_chances(loaded, ids), expected, atol=1e-4)
    assert sampling.tweets(loaded, GenerateTask("", count=2, seed=1))


def adapter(
    base: Path, directory: Path, seed: int, own: list[int] | None = None, rank: int = 4, dora: bool = False
) -> Any:
    """Saves a random adapter beside the base, with embeddings of its own for some tokens; gives peft's model of it."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(seed)
    config = LoraConfig(
        r=rank,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
        init_lora_weights=False,
        trainable_token_indices=own,
        use_dora=dora,
        fan_in_fan_out=True,
    )
    adapted: Any = get_peft_model(AutoModelForCausalLM.from_pretrained(base), config)
    for name, each in adapted.named_parameters():
        if "trainable_tokens" in name:
            torch.nn.init.normal_(each)
    adapted.save_pretrained(str(directory))
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(base / name, directory / name)
    return adapted.eval()


@pytest.mark.filterwarnings("ignore")
def test_an_adapter_without_its_base_names_the_base(tiny_base: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(tiny_base, tmp_path / "copy"))
    (copy / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": str(tmp_path / "gone")}))
    with pytest.raises(UnusableBase, match=r"gone.* train the persona again"):
        Persona.load(copy, "cpu")


def test_a_missing_directory_is_told(tmp_path: Path) -> None:
    with pytest.raises(UnusableBase, match="missing; train it again"):
        Persona.load(tmp_path / "gone", "cpu")


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json", verbatim.FILE, ngrams.FILE])
@pytest.mark.parametrize("damage", [b"", b'{"half": '])
def test_damaged_files_are_told(tiny_base: Path, tmp_path: Path, name: str, damage: bytes) -> None:
    copy = Path(shutil.copytree(tiny_base, tmp_path / "copy"))
    (copy / name).write_bytes(damage)
    with pytest.raises(UnusableBase, match="damaged; train it again"):
        Persona.load(copy, "cpu")


def test_weights_that_lack_a_layer_are_told(tiny_base: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(tiny_base, tmp_path / "copy"))
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | {"n_layer": 3}))
    with pytest.raises(UnusableBase, match="damaged"):
        Persona.load(copy, "cpu")


def with_context(base: Path, directory: Path, positions: int) -> Path:
    """The base's tokenizer with a random model that sees so many tokens."""
    from transformers import AutoConfig, AutoModelForCausalLM

    shutil.copytree(base, directory)
    config = AutoConfig.from_pretrained(base)
    config.n_positions = positions
    torch.manual_seed(0)
    AutoModelForCausalLM.from_config(config).save_pretrained(directory)
    return directory
