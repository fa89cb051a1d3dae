"""Who of a cyborg spoke? ``python -m benchmarks.cyborg FILE FILE…``, timelines named for their handles.

Trains a cyborg of the timelines with the bundled starter, in the real children, and a classifier on the tweets that the
cyborg was trained on. Prints how often the classifier names the right person, for real tweets held out and for tweets
drawn as each of them, and whom it hears in the blend.
"""

import argparse
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.children import Child
from trainer.corpus import split
from trainer.protocol import FinetuneTask, GenerateTask, IngestTask
from trainer.tweets import Corpus

SEED, COUNT = 1, 10
"""Of the training and the split; tweets a request."""


class Classifier:
    """Multinomial naive Bayes over runs of one to five characters, everybody as likely beforehand."""

    LONGEST, SMOOTHING = 5, 0.1

    def __init__(self, people: dict[str, list[str]]) -> None:
        counts = [Counter(gram for text in texts for gram in self._grams(text)) for texts in people.values()]
        self._handles = list(people)
        self._columns = {gram: column for column, gram in enumerate(sorted(set().union(*counts)))}
        seen = np.array([[count[gram] for gram in self._columns] for count in counts]) + self.SMOOTHING
        self._logs = np.log(seen / seen.sum(1, keepdims=True))

    def name(self, text: str) -> str:
        columns = [self._columns[gram] for gram in self._grams(text) if gram in self._columns]
        return self._handles[int(self._logs[:, columns].sum(1).argmax())]

    def share(self, texts: Sequence[str]) -> dict[str, float]:
        """Of the texts, each person's."""
        named = Counter(map(self.name, texts))
        return {handle: named[handle] / len(texts) for handle in self._handles}

    def _grams(self, text: str) -> Iterator[str]:
        for length in range(1, self.LONGEST + 1):
            yield from (text[start : start + length] for start in range(len(text) - length + 1))


def train(files: list[Path], folder: Path) -> tuple[str, list[Corpus], dict[str, Any]]:
    """Directory of the cyborg, the people's corpora, and what its meta.json holds."""
    corpora = [str(folder / f"{file.stem}.jsonl.gz") for file in files]
    ingest = Child("ingest")
    ingest.ask(*(IngestTask(str(file), path, file.stem.lower()) for file, path in zip(files, corpora, strict=True)))
    ingest.end()
    output, work = str(folder / "cyborg"), str(folder / "work")
    finetune = Child("finetune")
    [result] = finetune.ask(
        FinetuneTask("benchmark", "cyborg", corpora, output, work, "starter", seed=SEED, force=True)
    )
    finetune.end()
    return output, [Corpus.load(Path(path)) for path in corpora], result["meta"]


def draw(generate: Child, model: str, samples: int, speaker: str = "") -> list[str]:
    seeds = range(-(-samples // COUNT))
    answers = generate.ask(*(GenerateTask(model, count=COUNT, seed=seed, speaker=speaker) for seed in seeds))
    return [sample["text"] for answer in answers for sample in answer["samples"]][:samples]


def show(classifier: Classifier, title: str, spoken: dict[str, list[str]]) -> float:
    """Whom the classifier names, one row for each who really spoke; gives how often it is right."""
    print(f"\n| {title} | tweets | {' | '.join(f'named @{handle}' for handle in spoken)} |")
    print(f"|---{'|---' * (len(spoken) + 1)}|")
    right = 0.0
    for handle, texts in spoken.items():
        shares = classifier.share(texts)
        right += shares[handle] / len(spoken)
        print(f"| @{handle} | {len(texts)} | {' | '.join(f'{shares[each]:.1%}' for each in spoken)} |")
    error = 1.96 * (right * (1 - right) / sum(map(len, spoken.values()))) ** 0.5
    print(f"\nRight: {right:.1%} (± {error:.1%} at 95 %), chance {1 / len(spoken):.1%}.")
    return right


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "files", nargs="+", type=Path, help="two timelines or more, each named for its handle: NASA.csv"
    )
    parser.add_argument("--samples", type=int, default=200, help="to draw as each person (default %(default)s)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        model, corpora, meta = train(arguments.files, Path(folder))
        sides = {corpus.handle: split(corpus.texts, SEED) for corpus in corpora}
        classifier = Classifier({handle: read for handle, (read, _) in sides.items()})
        generate = Child("generate", "--device", "cpu")
        drawn = {handle: draw(generate, model, arguments.samples, handle) for handle in sides}
        blended = draw(generate, model, arguments.samples * len(sides))
        generate.end()
    metrics = meta["metrics"]
    print(f"Trained in {metrics['seconds']:.0f} s, {metrics['epochs']:.2f} epochs, to a held-out loss of")
    print(f"{metrics['held_out_loss_per_character']:.3f} nats a character")
    show(classifier, "real, held out", {handle: held_out for handle, (_, held_out) in sides.items()})
    show(classifier, "drawn as", drawn)
    shares = ", ".join(f"@{handle} {share:.1%}" for handle, share in classifier.share(blended).items())
    print(f"\nOf {len(blended)} tweets of the blend: {shares}.")


if __name__ == "__main__":
    main()
