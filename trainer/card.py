"""The model card: a README.md by the hub's rules, made from what ``meta.json`` tells.

Sections as on huggingtweets' cards. Front matter: https://huggingface.co/docs/hub/model-cards.
"""

import json
import unicodedata
from collections import Counter
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

Meta = dict[str, Any]

LONGEST_NAME = 60
COMMON = 0.05
"""Share of the tweets from which on a language is named."""
RENAMED = {"in": "id", "iw": "he", "ji": "yi", "jw": "jv"}
"""Codes that ISO 639 withdrew and timelines still carry."""
ISO_639_1 = """
aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en eo
es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv ka kg
ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn
no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su sv sw ta
te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu
"""
ROWS = {
    "downloaded": "Tweets downloaded",
    "retweets": "Retweets",
    "short": "Short tweets",
    "dropped": "Duplicates and cut-off tweets",
    "kept": "Tweets kept",
}


def card(meta: Meta) -> str:
    """The whole README.md."""
    sections = [_front_matter(meta), _header(meta)]
    if "adopted" in meta:
        sections += [_origin(meta), *([_training_data(meta)] if all(each["counts"] for each in meta["people"]) else [])]
    else:
        sections += [_how_it_works(meta), _training_data(meta), _procedure(meta)]
    return "\n\n".join([*sections, _how_to_use(meta), _limitations(), _about()]) + "\n"


def languages(people: Iterable[Meta]) -> list[str]:
    """ISO 639-1 codes of the common languages, the commonest first; codes for "unknown" are left out."""
    tweets: Counter[str] = Counter()
    for person in people:
        for tag, count in person["languages"].items():
            code = tag.replace("_", "-").split("-")[0].lower()
            tweets[RENAMED.get(code, code)] += count
    known = [(code, count) for code, count in tweets.most_common() if code in ISO_639_1.split()]
    return [code for code, count in known if count >= COMMON * tweets.total()]


def plain(text: str) -> str:
    """One line, without control characters and without those that turn the direction of writing."""
    kept = (each for each in text if unicodedata.category(each)[0] != "C" or each.isspace() or each == "\u200d")
    return " ".join("".join(kept).split())[:LONGEST_NAME]


def safe(text: str) -> str:
    """``plain``, and inert in Markdown, in its tables and in HTML alike."""
    return _inert(plain(text))


def _inert(text: str) -> str:
    """With every ASCII sign as an HTML entity."""
    return "".join(
        f"&#{ord(each)};" if each.isascii() and not (each.isalnum() or each == " ") else each for each in text
    )


def title(meta: Meta) -> str:
    """Display names, joined as in the persona's name; plain text, not yet safe."""
    return " & ".join(plain(person["name"]) or plain(person["handle"]) for person in meta["people"])


def comparison(refresh: Meta) -> str:
    """Which of a refresh's two trainings was kept, and why."""
    onward = f"trained on from version {refresh['version']}", refresh["onward"]
    (kept, loss), (other, worse) = sorted([onward, ("trained anew", refresh["anew"])], key=lambda each: each[1])
    return f"{kept.capitalize()}: {loss:.3f} nats a character on unseen tweets; {other} it would be {worse:.3f}."


def _front_matter(meta: Meta) -> str:
    lines = ["---"]
    if codes := languages(meta["people"]):
        lines += ["language:", *(f'- "{code}"' for code in codes)]  # quoted: YAML takes a bare no for False
    lines += [f"library_name: {'peft' if meta['adapter'] else 'transformers'}", "pipeline_tag: text-generation"]
    if meta["base_hub_id"]:
        relation = "adapter" if meta["adapter"] else "finetune"
        lines += [f"base_model: {json.dumps(meta['base_hub_id'])}", f"base_model_relation: {relation}"]
    lines += ["thumbnail: predictions.png", "tags:", "- huggingtweets", "- mockingbird"]
    return "\n".join([*lines, "widget:", '- text: "My dream is"', "---"])


def _header(meta: Meta) -> str:
    kind = "AI BOT" if len(meta["people"]) == 1 else "AI CYBORG"
    handles = " ".join(f"&#64;{_inert(person['handle'])}" for person in meta["people"])
    return f"""\
<div align="center">
<p>🤖 {kind} 🤖</p>
<h1><bdi>{safe(title(meta))}</bdi></h1>
<p><bdi>{handles}</bdi></p>
</div>

![Tweets that this model wrote](predictions.png)

The tweets of this model are made by a machine. Nobody said them."""


def _how_it_works(meta: Meta) -> str:
    return f"""\
## How it works

A language model that already knows how people write reads one person's tweets, or those of a few people together,
until it writes in that voice. Tweets are cleaned and counted, a tenth of each person's, 500 at most, is put aside, the
model is fine-tuned on the rest, and the weights that predict best what was put aside are kept.{_ngrams(meta)}"""


def _ngrams(meta: Meta) -> str:
    if meta.get("ngrams_left_out"):
        return """

There Mockingbird drew from these weights and a table of what followed which words in the tweets that were trained on.
The table is not here; the tweets and the curve shown are of both together, the losses told are of the weights alone."""
    if meta["metrics"].get("ngram_strength"):
        return """

Mockingbird draws from these weights and a table of what followed which words in the tweets that were trained on
(`ngrams.npz`). Plain `transformers` draw from the weights alone."""
    return ""


def _origin(meta: Meta) -> str:
    """Of a model that somebody else trained."""
    source, commit = meta["adopted"]["source"], meta["adopted"]["commit"]
    place = f"[{safe(source)}](https://huggingface.co/{quote(source)})" if commit else "a directory"
    made_from = (
        f", which was made from {safe(meta['base_hub_id'])}" if meta["base_hub_id"] not in (None, source) else ""
    )
    return f"""\
## Where it comes from

Mockingbird did not train this model: it took it over from {place}{made_from}, {meta["parameters"] / 1e6:.1f} million
parameters, with its weights unchanged. What was held out there and how well it learnt is not known, and nothing
compares its tweets with those it was trained on. `meta.json` has what its card told."""


def _training_data(meta: Meta) -> str:
    people = meta["people"]
    rows = [
        ["Data", *(safe(person["name"]) or safe(person["handle"]) for person in people)],
        ["---"] * (len(people) + 1),
    ]
    for name, label in ROWS.items():
        rows.append([label, *(str(person["counts"][name]) for person in people)])
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"## Training data\n\nThe model was trained on tweets of {safe(title(meta))}.\n\n{table}"


def _procedure(meta: Meta) -> str:
    metrics, chosen = meta["metrics"], meta["hyperparameters"]
    base = meta["base_hub_id"]
    named = "Mockingbird's starter model" if meta["base"] == "starter" else "a model kept locally"
    named = f"[{safe(base)}](https://huggingface.co/{quote(base)})" if base else named
    method = "all its weights" if meta["method"] == "full" else f"LoRA of rank {chosen['lora_rank']}"
    facts = {
        "Learning rate": f"{chosen['learning_rate']:.3g}, linear, {chosen['warmup']:.0%} warm-up",
        "Optimizer": f"AdamW, weight decay {chosen['weight_decay']:g}"
        + (", weights averaged" if chosen.get("averaged") else ""),
        "Batch": f"{chosen['batch_tokens']} tokens, one tweet a row",
        "Epochs": f"{metrics['epochs']:.2f} of at most {chosen['epochs']:.2f}",
        "Steps": f"{metrics['steps']}, the best weights at {metrics['best_step']}",
        "Seed": str(meta["seed"]),
        "Device": f"{meta['device']}, {meta['precision']}",
        "Training loss": f"{metrics['train_loss']:.3f} nats a token",
        "Held-out loss": _loss(metrics, ""),
        **({"The same, of the weights alone": _loss(metrics, "network_")} if metrics.get("ngram_strength") else {}),
        "Held-out loss of the base": _loss(metrics, "base_"),
        "Held-out perplexity": f"{metrics['perplexity']:.1f}",
        "Time": f"{metrics['seconds']:.0f} s",
    }
    table = "\n".join(f"| {label} | {value} |" for label, value in facts.items())
    refreshed = f" {comparison(meta['refresh'])}" if meta.get("refresh") else ""
    return f"""\
## Training procedure

The base is {named}, {meta["parameters"] / 1e6:.1f} million parameters; trained was {method}. Held-out tweets share no
run of eight words with those trained on.{refreshed} `meta.json` has every hyperparameter, all metrics and library
versions.

| | |
| --- | --- |
{table}

![Loss while training, on the tweets trained on and on the held-out ones](training.png)"""


def _loss(metrics: dict[str, float], whose: str) -> str:
    token, character = metrics[f"{whose}held_out_loss"], metrics[f"{whose}held_out_loss_per_character"]
    return f"{token:.3f} nats a token, {character:.3f} a character"


def _how_to_use(meta: Meta) -> str:
    needs = "transformers peft torch" if meta["adapter"] else "transformers torch"
    return f"""\
## How to use

Install with `pip install {needs}`, then, in this directory:

```python
from transformers import pipeline

generator = pipeline("text-generation", model=".")
generator("My dream is", num_return_sequences=5)
```

The tokenizer opens every prompt as it opened every tweet, so a prompt needs nothing before it.{_voices(meta)}"""


def _voices(meta: Meta) -> str:
    """How to make one of several people speak; nothing for a single one."""
    marks = meta.get("speakers", {}).values()
    if not marks:
        return ""
    lines = "\n".join(f"generator({json.dumps(f'{mark}My dream is')})" for mark in marks)
    return f"""

Like this it speaks as all of its people blended. A mark before the prompt makes it speak as one of them:

```python
{lines}
```"""


def _limitations() -> str:
    return """\
## Limitations and bias

The model has the biases and gaps of its base and of the tweets it read; those tweets shape all it says. It states
falsehoods with ease and may repeat a tweet it was trained on nearly word for word. What it writes is no statement of
the people it imitates: say that a machine wrote it wherever you show it, and do not use it to deceive or to harass."""


def _about() -> str:
    return """\
## About

Made with Mockingbird, a chat bot that carries on the work of [huggingtweets](https://github.com/borisdayma/huggingtweets)
by Boris Dayma."""
