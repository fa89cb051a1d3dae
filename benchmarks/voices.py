"""Whose voice is it? ``python -m benchmarks.voices FILE FILE…``, timelines named for their handles.

Trains a persona of each timeline with the bundled starter, in the real children, and one classifier on the tweets that
all of them were trained on. Prints how often it names the right person for real tweets held out, and for tweets drawn.
"""

import argparse
import tempfile
from pathlib import Path

from benchmarks.children import Child
from benchmarks.cyborg import SEED, Classifier, draw, show, train
from trainer.corpus import split


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("files", nargs="+", type=Path, help="two timelines or more: NASA.csv dog_rates.csv")
    parser.add_argument("--samples", type=int, default=200, help="to draw of each persona (default %(default)s)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        read, held_out, drawn = {}, {}, {}
        for file in given.files:
            own = Path(folder, file.stem)
            own.mkdir()
            model, [corpus], meta = train([file], own)
            print(
                f"@{corpus.handle}: {meta['metrics']['held_out_loss_per_character']:.3f} nats a character", flush=True
            )
            read[corpus.handle], held_out[corpus.handle] = split(corpus.texts, SEED)
            generate = Child("generate", "--device", "cpu")
            drawn[corpus.handle] = draw(generate, model, given.samples)
            generate.end()
    classifier = Classifier(read)
    real, ours = show(classifier, "real, held out", held_out), show(classifier, "drawn of", drawn)
    print(f"\nOf tweets drawn it knows {ours / real:.1%} of what it knows of real ones.")


if __name__ == "__main__":
    main()
