"""How good a persona is: ``mockingbird evaluate``. Draws tweets with nothing held back and compares them to real ones.

What needs the held-out tweets was measured when it was trained and stands in its meta.json.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from trainer import child, publish, quality, sampling, verbatim
from trainer.child import Report
from trainer.errors import Failed
from trainer.protocol import GenerateTask, JudgeResult, JudgeTask

AT_ONCE = 10
"""Tweets of a request, as chats ask for them at most."""


def main() -> None:
    child.serve(lambda task, report: judge(JudgeTask.read(task), report))


def judge(task: JudgeTask, report: Report) -> JudgeResult:
    """Writes what it finds into the version's meta.json as well. Raises Failed, and what ``Persona.load`` raises."""
    directory = Path(task.model)
    told = publish.read_meta(directory)
    if not told or not told.get("real"):
        raise Failed("Of this persona's own tweets nothing is known to judge it by: train it anew.")
    persona = sampling.Persona.load(directory, task.device)
    texts = []
    for text in draw(persona, task.samples, task.seed):
        texts.append(text)
        report("evaluate", step=len(texts), steps=task.samples)
    found = losses(told["metrics"]) | compare(texts, persona.index, told["real"], task.seed)
    publish.write_meta(directory, told | {"quality": found})
    return JudgeResult(found)


def draw(persona: sampling.Persona, count: int, seed: int) -> Iterator[str]:
    """Tweets as the model writes them, copies too; fewer where it repeats itself."""
    unchecked = replace(persona, index=verbatim.Index.build([]))
    for first in range(0, count, AT_ONCE):
        task = GenerateTask("", count=min(AT_ONCE, count - first), seed=seed + first)
        yield from (sample.text for sample in sampling.tweets(unchecked, task))


def losses(metrics: dict[str, Any]) -> dict[str, float]:
    """On the held-out tweets, in nats a character: the persona's, its base's, and that of its tokens' frequencies."""
    names = ("held_out_loss_per_character", "base_held_out_loss_per_character", "unigram_held_out_loss_per_character")
    return {name: metrics[name] for name in names}


def compare(texts: list[str], index: verbatim.Index, real: dict[str, Any], seed: int) -> dict[str, Any]:
    """``real`` is what ``quality.describe`` says of the tweets it was trained on."""
    drawn = quality.describe(texts, seed)
    return {
        "samples": len(texts),
        "verbatim_share": round(sum(map(index.copied, texts)) / len(texts), 4),
        "distinct_2": drawn["distinct_2"],
        "real_distinct_2": real["distinct_2"],
        "lengths": drawn["lengths"],
        "real_lengths": real["lengths"],
        "length_gap": round(quality.gap(texts, real["lengths"]), 4),
    }
