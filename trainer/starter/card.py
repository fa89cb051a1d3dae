"""The starter's own card: what it is, what it was made of, how well it does, with its loss curve."""

from pathlib import Path
from typing import Any

CARD = """---
language: en
license: mit
library_name: transformers
pipeline_tag: text-generation
tags: [gpt2, tweets, mockingbird]
---

# Mockingbird's starter base

A GPT-2 of {parameters:.1f} million parameters that writes short plain English. It ships with Mockingbird so that a
persona can be trained in about a minute on two processor cores, with nothing to download. It is a base to fine-tune on
one person's tweets, not a model to ask questions of: what it says is often wrong and sometimes nonsense.

| | |
|---|---|
| architecture | GPT-2: {layers} layers of width {width}, {heads} heads, context of {context} tokens |
| tokenizer | byte-level BPE, {vocabulary:,} tokens, of the same text; the end-of-text token goes before a text |
| weights | half precision on the disk, computed in single precision |
| trained on | {tokens:,} tokens: post titles (40% of the text), first-person posts (38%), chat (22%) |
| optimiser | Muon at {muon:g} for the matrices, AdamW at {adam:g} for the rest; warm-up, plateau, linear to 0 |
| held-out loss | {loss:.3f} nats a token, {bits:.3f} bits a character |

![Loss over training](loss.png)

## Data

Post titles and first-person posts under PDDL 1.0, crowd-written conversations under BSD-3-Clause. Left out by rule:
addresses, mail addresses, telephone numbers, users' names, slurs, explicit words, a forum's own jargon, and texts that
are not mostly plain words (`corpus.py` beside `pretrain.py` holds the rules). Names of places and of well-known people
stay. What rules miss stays as well, so the base can still be rude or unfair: look before you publish what it writes.

## Made by

    python -m trainer.starter.pretrain --corpora DIR --out DIR --tokens {tokens} --seed {seed}

Interrupted, the same command goes on from its last checkpoint.
"""


def write(target: Path, recipe: dict[str, Any], parameters: int, loss: float, bits: float, log: list[Any]) -> None:
    """``README.md`` and ``loss.png``. ``log`` holds rows with step, loss and held_out (nats a token)."""
    words = CARD.format(**recipe, parameters=parameters / 1e6, loss=loss, bits=bits)
    (target / "README.md").write_text(words, encoding="utf-8")
    _plot(target / "loss.png", log, recipe["batch"] * recipe["context"])


def _plot(path: Path, log: list[Any], tokens_a_step: int) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4), dpi=110, layout="constrained")
    seen = [row["step"] * tokens_a_step / 1e6 for row in log]
    axes.plot(seen, [row["loss"] for row in log], color="#9db4c0", label="one batch")
    axes.plot(seen, [row["held_out"] for row in log], color="#253237", label="held out")
    axes.set(xlabel="million tokens", ylabel="nats a token", title="The starter base learns")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path)
    pyplot.close(figure)
