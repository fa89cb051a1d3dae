import math
import re
from typing import Any

import pytest
from huggingface_hub import ModelCard
from hypothesis import given
from hypothesis import strategies as st

from trainer.card import card, languages, safe
from trainer.corpus import HELD_OUT, MOST_HELD_OUT
from trainer.meta import without_ngrams


def person(handle: str = "keeper", name: str = "The Keeper", languages: dict[str, int] | None = None) -> dict[str, Any]:
    counts = {"downloaded": 135, "retweets": 9, "short": 4, "dropped": 2, "kept": 120}
    return {"handle": handle, "name": name, "counts": counts, "characters": 9000, "languages": languages or {"en": 120}}


def meta(*people: dict[str, Any], **changes: Any) -> dict[str, Any]:
    measured = {
        "train_loss": 2.9,
        "held_out_loss": 3.1,
        "base_held_out_loss": 4.8,
        "held_out_loss_per_character": 1.1,
        "base_held_out_loss_per_character": 1.7,
        "network_held_out_loss": 3.3,
        "network_held_out_loss_per_character": 1.2,
        "ngram_strength": 0.9,
        "perplexity": 22.2,
        "epochs": 3.0,
        "steps": 240,
        "best_step": 220,
        "seconds": 41.5,
    }
    chosen = {
        "learning_rate": 2e-3,
        "warmup": 0.05,
        "averaged": 1.0,
        "weight_decay": 0.0,
        "batch_tokens": 1024,
        "epochs": 3.2,
        "lora_rank": 16,
    }
    return {
        "people": list(people) or [person()],
        "base": "starter",
        "base_hub_id": None,
        "adapter": False,
        "method": "full",
        "parameters": 2_600_000,
        "seed": 7,
        "device": "cpu",
        "precision": "fp32",
        "hyperparameters": chosen,
        "metrics": measured,
        **changes,
    }


def front_matter(text: str) -> dict[str, Any]:
    """As the hub's own client reads it."""
    return {name: value for name, value in vars(ModelCard(text).data).items() if value is not None}


def test_the_front_matter_follows_the_hubs_rules() -> None:
    data = front_matter(card(meta(base="gpt2", base_hub_id="openai-community/gpt2")))
    assert data == {
        "language": ["en"],
        "library_name": "transformers",
        "pipeline_tag": "text-generation",
        "base_model": "openai-community/gpt2",
        "base_model_relation": "finetune",
        "thumbnail": "predictions.png",
        "tags": ["huggingtweets", "mockingbird"],
        "widget": [{"text": "My dream is"}],
    }


def test_a_base_that_is_not_on_the_hub_is_not_named_as_one() -> None:
    assert "base_model" not in front_matter(card(meta()))


def test_an_adapter_says_so() -> None:
    text = card(meta(adapter=True, method="lora", base="gpt2", base_hub_id="gpt2"))
    assert front_matter(text)["library_name"] == "peft"
    assert front_matter(text)["base_model_relation"] == "adapter"
    assert "LoRA of rank 16" in text


def test_languages_are_iso_codes_of_what_is_common() -> None:
    mixed = person(languages={"en": 80, "pt-BR": 15, "iw": 10, "und": 30, "qme": 40, "ja": 1})
    assert languages([mixed]) == ["en", "pt", "he"]


def test_an_unknown_language_is_left_out() -> None:
    assert "language" not in front_matter(card(meta(person(languages={"und": 120}))))


def test_norwegian_is_not_read_as_false() -> None:
    assert front_matter(card(meta(person(languages={"no": 120}))))["language"] == ["no"]


def test_the_sections_stand_in_order() -> None:
    headings = re.findall("^## (.*)$", card(meta()), re.MULTILINE)
    assert headings == [
        "How it works",
        "Training data",
        "Training procedure",
        "How to use",
        "Limitations and bias",
        "About",
    ]


def test_one_person_is_a_bot_and_several_are_a_cyborg_with_a_column_each() -> None:
    assert "🤖 AI BOT 🤖" in card(meta())
    text = card(meta(person(), person("mara", "Mara"), person("otto", "Otto")))
    assert "🤖 AI CYBORG 🤖" in text
    assert "| Data | The Keeper | Mara | Otto |" in text
    assert "| Duplicates and cut-off tweets | 2 | 2 | 2 |" in text
    assert "| Tweets kept | 120 | 120 | 120 |" in text


def test_a_cyborgs_card_tells_how_to_make_each_of_them_speak() -> None:
    marks = {"keeper": "<|@keeper|>", "mara": "<|@mara|>"}
    text = card(meta(person(), person("mara", "Mara"), speakers=marks))
    assert 'generator("<|@keeper|>My dream is")\ngenerator("<|@mara|>My dream is")\n```\n\n## Limitations' in text
    assert "<|@" not in card(meta(speakers={}))


def test_the_procedure_tells_hyperparameters_and_metrics() -> None:
    text = card(meta())
    for fact in ("0.002, linear", "3.00 of at most 3.20", "| Seed | 7 |", "3.100 nats a token", "4.800 nats a token"):
        assert fact in text


def test_what_n_grams_add_is_told_where_there_are_any() -> None:
    told = meta()
    text = card(told)
    assert "| Held-out loss | 3.100 nats a token, 1.100 a character |" in text
    assert "| The same, of the weights alone | 3.300 nats a token, 1.200 a character |" in text
    assert "`ngrams.npz`" in text
    assert "(`ngrams.npz`). Plain `transformers` draw from the weights alone." in text


def test_who_has_the_weights_alone_is_told_what_they_do() -> None:
    told = without_ngrams(meta(quality={"distinct_2": 0.5}, refresh={"version": 1, "onward": 1.1, "anew": 1.2}))
    text = card(told)
    assert "| Held-out loss | 3.300 nats a token, 1.200 a character |" in text
    assert f"| Held-out perplexity | {math.exp(3.3):.1f} |" in text
    assert "The table is not here" in text
    assert "ngrams.npz" not in text
    assert "Trained on from version" not in text
    assert "quality" not in told
    assert without_ngrams(told) == told


def test_the_card_tells_how_much_is_held_out() -> None:
    assert HELD_OUT == 0.1
    assert f"a tenth of each person's, {MOST_HELD_OUT} at most, is put aside" in card(meta())


@pytest.mark.parametrize(
    "name",
    [
        "a | b",
        "**bold** [link](https://example.org)",
        "<script>alert(1)</script></div>",
        "{{ handle }} {handle} %(x)s ${y}",
        "two\nlines\r\n---\n# heading",
        "`code` ``` fence",
        "\u202eevil\u2066",
        "\\| backslash",
        "",
        "👩‍🚀 Mara",
    ],
)
def test_a_hostile_name_changes_nothing_around_it(name: str) -> None:
    _harmless(name)


@given(st.text(max_size=80))
def test_no_name_at_all_changes_anything_around_it(name: str) -> None:
    _harmless(name)


def _harmless(name: str) -> None:
    """The card is that of a harmless name, but for the name, which adds no sign of Markdown or HTML."""
    shown = safe(name)
    assert not re.search(r"[<>|`*_\[\](){}\\~$!\n\r\u202a-\u202e\u2066-\u2069]", shown)
    assert re.fullmatch(r"(?:&#\d+;|[^&])*", shown)
    text, harmless = card(meta(person(name=name))), card(meta(person(name="QQQ")))
    assert text == harmless.replace("QQQ", shown or "keeper")
    assert front_matter(text) == front_matter(harmless)
