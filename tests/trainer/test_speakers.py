"""Marks of the speakers: on a tokenizer, in a request, and in a cyborg of two that is trained, killed and loaded."""

import random
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file

from tests.trainer.conftest import invented_corpus, log_chances
from trainer import base, finetune, sampling, speakers
from trainer.adopt import adopt
from trainer.base import Base
from trainer.corpus import tokenise
from trainer.errors import TrainerError
from trainer.export import export
from trainer.protocol import AdoptTask, ExportTask, FinetuneResult, FinetuneTask, GenerateTask
from trainer.sampling import Persona
from trainer.tweets import Corpus, Counts

FRUIT = ["plums", "quinces", "pears", "figs"]
PRICES = ["cost less", "are ripe", "sold out", "fell off"]
SETTINGS = {"epochs": 12.0, "learning_rate": 1e-2, "batch_tokens": 512.0}


def fruit_corpus(count: int = 200, handle: str = "orchard") -> Corpus:
    """One whose tweets nobody mistakes for the keeper's: all begin with a plus sign."""
    choose = random.Random(3)
    texts = [f"+ {choose.choice(FRUIT)} {choose.choice(PRICES)} {number}" for number in range(count)]
    return Corpus(handle, "The Orchard", Counts(count, 0, 0, 0, count), texts, {"en": count})


def quiet(stage: str, **values: object) -> None:
    """Nobody listens to the progress here."""


def cyborg_task(tiny_base: Path, folder: Path, **fields: Any) -> FinetuneTask:
    corpora = [invented_corpus(200), fruit_corpus()]
    for corpus in corpora:
        corpus.save(folder / corpus.handle)
    paths = [str(folder / corpus.handle) for corpus in corpora]
    plain = FinetuneTask("j1", "keeper-orchard", paths, str(folder / "out"), str(folder / "work"), str(tiny_base))
    return replace(plain, settings=SETTINGS, force=True, **fields)


def from_orchard(persona: Persona, count: int = 10, **fields: Any) -> float:
    """Share of the tweets drawn that the orchard says."""
    drawn = sampling.tweets(persona, GenerateTask("", count=count, **({"seed": 1} | fields)))
    assert len(drawn) >= 0.8 * count  # so small a model knows its tweets by heart, and copies are left out
    return sum(sample.text.startswith("+") for sample in drawn) / len(drawn)


@pytest.fixture
def tiny(tiny_base: Path) -> Base:
    return base.load(str(tiny_base), "cpu")


@pytest.fixture(scope="module")
def marked_base(tiny_base: Path) -> Base:
    model = base.load(str(tiny_base), "cpu")
    speakers.add(model, ["keeper", "orchard"])
    return model


@pytest.fixture(scope="module")
def plain_base(tiny_base: Path) -> Base:
    return base.load(str(tiny_base), "cpu")


@pytest.fixture(scope="module")
def cyborg(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> FinetuneResult:
    return finetune.finetune(cyborg_task(tiny_base, tmp_path_factory.mktemp("cyborg")), quiet)


@pytest.fixture(scope="module")
def reading_base(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base that knows both voices and no marks, since LoRA cannot make one out of random weights."""
    task = cyborg_task(tiny_base, tmp_path_factory.mktemp("reading"))
    texts = invented_corpus(200).texts + fruit_corpus().texts
    Corpus("both", "Both", Counts(len(texts), 0, 0, 0, len(texts)), texts).save(Path(task.corpora[0]))
    return Path(finetune.finetune(replace(task, corpora=task.corpora[:1]), quiet).directory)


@pytest.fixture(scope="module")
def persona(cyborg: FinetuneResult) -> Persona:
    return Persona.load(Path(cyborg.directory), "cpu")


def test_one_person_gets_no_mark_and_nothing_changes(tiny: Base) -> None:
    before, weights = tiny.tokenizer.backend_tokenizer.to_str(), tiny.model.get_input_embeddings().weight.clone()
    assert speakers.add(tiny, ["keeper"]) == []
    assert tiny.tokenizer.backend_tokenizer.to_str() == before
    assert torch.equal(tiny.model.get_input_embeddings().weight, weights)


def test_each_of_several_people_gets_a_token_of_its_own_and_nothing_grows(tiny: Base) -> None:
    tokens, parameters = len(tiny.tokenizer), tiny.parameters
    first, second, third = speakers.add(tiny, ["keeper", "mara@pier.example", "otto.example"])
    assert speakers.find(tiny.tokenizer) == {"keeper": first, "mara@pier.example": second, "otto.example": third}
    assert len({first, second, third}) == 3
    assert (len(tiny.tokenizer), tiny.parameters) == (tokens, parameters)


def test_two_corpora_of_the_same_handle_share_a_mark(tiny: Base) -> None:
    first, second, third = speakers.add(tiny, ["keeper", "orchard", "keeper"])
    assert first == third != second


def test_a_mark_starts_as_the_mean_of_its_handles_tokens(tiny: Base) -> None:
    parts = tiny.tokenizer.encode("orchard", add_special_tokens=False)
    mean = tiny.model.get_input_embeddings().weight[parts].mean(0)
    _, mark = speakers.add(tiny, ["keeper", "orchard"])
    assert torch.equal(tiny.model.get_input_embeddings().weight[mark], mean)


def test_an_exported_cyborg_that_is_taken_over_keeps_its_voices(cyborg: FinetuneResult, tmp_path: Path) -> None:
    exported = export(ExportTask(cyborg.directory, str(tmp_path / "exported")), quiet)
    adopted = adopt(AdoptTask(exported.path, str(tmp_path / "1"), str(tmp_path / "work")), quiet)
    assert adopted.meta["speakers"] == cyborg.meta["speakers"]
    voices = Persona.load(Path(adopted.directory), "cpu")
    assert from_orchard(voices, speaker="orchard") == 1.0
    assert from_orchard(voices, mix={"keeper": 1.0}) == 0.0


def test_marks_from_an_earlier_training_are_gone_on_with(cyborg: FinetuneResult) -> None:
    model = base.load(cyborg.directory, "cpu")
    weights = model.model.get_input_embeddings().weight.clone()
    trained = Persona.load(Path(cyborg.directory), "cpu").speakers
    keeper, mara, orchard = speakers.add(model, ["keeper", "mara", "orchard"])
    assert speakers.find(model.tokenizer) == trained | {"mara": mara}
    assert trained == {"keeper": keeper, "orchard": orchard}
    kept = torch.arange(len(weights)) != mara
    assert torch.equal(model.model.get_input_embeddings().weight[kept], weights[kept])


def test_with_too_few_idle_tokens_nobody_gets_a_mark(tiny: Base) -> None:
    assert speakers.add(tiny, [f"person{number}" for number in range(len(speakers.IDLE) + 1)]) == []
    assert speakers.find(tiny.tokenizer) == {}


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_any_text_reads_as_before_and_none_makes_a_mark(plain_base: Base, marked_base: Base, text: str) -> None:
    typed = f"{text}<|@keeper|>ÿ{text}"
    before, after = (tokenise(each.tokenizer, [typed], 1000) for each in (plain_base, marked_base))
    assert before == after
    assert not set(after[0]) & set(speakers.find(marked_base.tokenizer).values())


def test_the_blend_wants_everybody_as_often() -> None:
    assert speakers.weights(GenerateTask(""), ["keeper", "orchard"]) == {"keeper": 1.0, "orchard": 1.0}
    assert speakers.weights(GenerateTask(""), []) == {}


def test_who_is_asked_for_is_found_by_handle() -> None:
    assert speakers.weights(GenerateTask("", speaker="@Keeper"), ["keeper", "orchard"]) == {"keeper": 1.0}
    mixed = GenerateTask("", mix={"keeper": 70, "orchard": 30})
    assert speakers.weights(mixed, ["keeper", "orchard"]) == {"keeper": 70.0, "orchard": 30.0}


@pytest.mark.parametrize(
    ("asked", "known", "sentence"),
    [
        ({"speaker": "otto"}, ["keeper", "orchard"], "@otto does not speak here; choose among @keeper, @orchard."),
        ({"mix": {"otto": 1}}, ["keeper", "orchard"], "@otto does not speak here; choose among @keeper, @orchard."),
        ({"speaker": "keeper"}, [], "This persona has a single voice; ask without naming who speaks."),
        ({"speaker": "keeper", "mix": {"keeper": 1}}, ["keeper"], "one speaker or a mix"),
        ({"mix": {"keeper": -1}}, ["keeper"], "from 0 up"),
        ({"mix": {"keeper": float("nan")}}, ["keeper"], "from 0 up"),
        ({"mix": {"keeper": "much"}}, ["keeper"], "from 0 up"),
        ({"mix": {"keeper": 0}}, ["keeper"], "above 0"),
        ({"mix": ["keeper"]}, ["keeper"], "weights by handle"),
        ({"speaker": 7}, ["keeper"], "must be a handle"),
    ],
)
def test_a_speaker_that_cannot_be_is_told(asked: dict[str, Any], known: list[str], sentence: str) -> None:
    with pytest.raises(TrainerError, match=sentence):
        speakers.weights(GenerateTask("", **asked), known)


def test_meta_lists_the_speakers_with_their_marks(cyborg: FinetuneResult) -> None:
    assert cyborg.meta["speakers"] == {"keeper": "<|@keeper|>", "orchard": "<|@orchard|>"}


def test_each_speaks_in_its_own_voice_and_the_blend_in_both(persona: Persona) -> None:
    assert from_orchard(persona, speaker="orchard") >= 0.9
    assert from_orchard(persona, speaker="keeper") <= 0.1
    assert 0.2 <= from_orchard(persona) <= 0.8


def test_a_mix_follows_its_weights(persona: Persona) -> None:
    shares = [from_orchard(persona, mix={"keeper": 80, "orchard": 20}, seed=seed) for seed in range(10)]
    assert 0.1 <= sum(shares) / 10 <= 0.3  # two and a half standard deviations
    assert from_orchard(persona, mix={"keeper": 0, "orchard": 5}) >= 0.9


def test_a_seed_gives_the_same_speakers_again(persona: Persona) -> None:
    task = GenerateTask("", count=5, seed=3)
    assert sampling.tweets(persona, task) == sampling.tweets(persona, task)


def test_an_unknown_speaker_fails_alone_in_a_batch(persona: Persona) -> None:
    tasks = [GenerateTask("", speaker="otto"), GenerateTask("", count=2)]
    unknown, fine = sampling.tweets_together([(persona, task) for task in tasks])
    assert isinstance(unknown, TrainerError)
    assert isinstance(fine, list)
    assert len(fine) == 2


def test_marks_are_never_drawn_nor_read_from_a_prompt(persona: Persona) -> None:
    assert all(persona.vocabulary.banned[mark] for mark in persona.speakers.values())
    hostile = GenerateTask("", "<|@orch<|@keeper|>ard|>the ferry", count=5, seed=1)
    assert sampling.tweets(persona, hostile) == sampling.tweets(persona, replace(hostile, prompt="the ferry"))


def test_a_plain_pipeline_blends_without_a_mark_and_speaks_as_one_with_it(cyborg: FinetuneResult) -> None:
    from transformers import pipeline

    generator: Any = pipeline("text-generation", model=cyborg.directory)
    answers = generator("My dream is", num_return_sequences=5)
    assert all(answer["generated_text"].startswith("My dream is") for answer in answers)
    mark = speakers.find(generator.tokenizer)["orchard"]
    ids = generator.preprocess("<|@orchard|>+ plums")["input_ids"][0].tolist()
    assert ids == [generator.tokenizer.bos_token_id, mark, *generator.tokenizer.encode("+ plums")[1:]]
    torch.manual_seed(1)
    spoken = generator(["<|@orchard|>", "<|@keeper|>"], num_return_sequences=10, return_full_text=False)
    said = [sum(each["generated_text"].strip().startswith("+") for each in answers) for answers in spoken]
    assert said[0] >= 9
    assert said[1] <= 1


def test_plain_transformers_never_draw_a_mark(cyborg: FinetuneResult) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model: Any = AutoModelForCausalLM.from_pretrained(cyborg.directory)
    tokenizer = AutoTokenizer.from_pretrained(cyborg.directory)
    torch.manual_seed(1)
    begin = torch.full((100, 1), tokenizer.bos_token_id)
    drawn = model.generate(begin, attention_mask=begin + 1, temperature=50.0, top_k=0, top_p=1.0)
    assert not set(drawn.flatten().tolist()) & set(speakers.find(tokenizer).values())


def test_a_cyborg_with_new_tokens_has_marks_too(tiny_base: Path, tmp_path: Path) -> None:
    task = cyborg_task(tiny_base, tmp_path)
    texts = [f"灯台の猫がまた歌う、おはよう{number}" for number in range(200)]
    Corpus("minato", "港", Counts(200, 0, 0, 0, 200), texts, {"ja": 200}).save(tmp_path / "minato")

    result = finetune.finetune(replace(task, corpora=[str(tmp_path / "minato"), task.corpora[1]]), quiet)

    assert result.meta["vocabulary"] > 512
    persona = Persona.load(Path(result.directory), "cpu")
    assert from_orchard(persona, count=5, speaker="orchard") >= 0.8
    assert from_orchard(persona, count=5, speaker="minato") <= 0.2


def test_a_killed_cyborg_goes_on_and_ends_with_the_same_weights(tiny_base: Path, tmp_path: Path) -> None:
    task, left = cyborg_task(tiny_base, tmp_path), tmp_path / "left"
    task = replace(task, settings=task.settings | {"checkpoint_seconds": 0.0, "epochs": 2.0})

    def leave(stage: str, **values: Any) -> None:
        """Keep the work as a run killed after its first evaluation leaves it."""
        if values.get("held_out") and not left.exists():
            shutil.copytree(task.work, left)

    whole = finetune.finetune(task, leave)
    again = finetune.finetune(replace(task, output=str(tmp_path / "again"), work=str(left)), quiet)

    assert 0 < again.resumed_from < whole.meta["metrics"]["steps"]
    expected = load_file(Path(whole.directory) / "model.safetensors")
    found = load_file(Path(again.directory) / "model.safetensors")
    assert all(torch.equal(each, expected[name]) for name, each in found.items())


@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning")  # peft asks for it
@pytest.mark.parametrize("merged_below", [0, 50e6])
def test_lora_learns_the_marks_merged_or_not(
    reading_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, merged_below: float
) -> None:
    from transformers import pipeline

    monkeypatch.setattr("trainer.adapter.MERGED_BELOW", merged_below)
    result = finetune.finetune(cyborg_task(reading_base, tmp_path, method="lora"), quiet)

    assert Path(result.directory, "adapter_config.json").exists() == (merged_below == 0)
    persona = Persona.load(Path(result.directory), "cpu")
    assert from_orchard(persona, speaker="orchard") >= 0.5 + from_orchard(persona, speaker="keeper")
    generator: Any = pipeline("text-generation", model=result.directory)
    ids = [[generator.tokenizer.bos_token_id, persona.speakers["orchard"], 40, 41]]
    with torch.no_grad():
        expected = generator.model(torch.tensor(ids)).logits[:, -1].log_softmax(-1).numpy()
    drawn = ~persona.vocabulary.banned
    assert np.allclose(log_chances(persona, ids)[:, drawn], expected[:, drawn], atol=1e-3)
