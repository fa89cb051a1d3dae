"""What more tweets cost: ``python -m benchmarks.growth elonmusk.csv``.

The real training child, once for each number of the timeline's first tweets: seconds from its start to the published
persona, the most memory that it held, and what it published.
"""

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from benchmarks.children import Child
from benchmarks.models import quiet, size
from trainer.ingest import ingest
from trainer.protocol import FinetuneTask, IngestTask
from trainer.tweets import Corpus, Counts

MEGABYTE = 1_000_000


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("file", type=Path, help="a long timeline")
    parser.add_argument(
        "--tweets", type=int, nargs="+", default=[100, 1_000, 5_000, 24_000], help="(default: %(default)s)"
    )
    given = parser.parse_args()
    print("| tweets | characters | seconds | of them training | epochs | most memory | persona on disk |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ingest(IngestTask(str(given.file), str(folder / "corpus"), "grown"), quiet)
        whole = Corpus.load(folder / "corpus")
        for tweets in given.tweets:
            texts = whole.texts[:tweets]
            first = replace(whole, texts=texts, counts=Counts(len(texts), 0, 0, 0, len(texts)), languages={})
            print(row(first, folder / str(tweets)), flush=True)


def row(corpus: Corpus, folder: Path) -> str:
    folder.mkdir()
    corpus.save(folder / "corpus")
    out = folder / "out"
    task = FinetuneTask("j", "grown", [str(folder / "corpus")], str(out), str(folder / "work"), "starter", force=True)
    started = time.monotonic()
    child = Child("finetune")
    [result] = child.ask(task)
    peak, seconds = child.end(), time.monotonic() - started
    metrics = result["meta"]["metrics"]
    return (
        f"| {len(corpus.texts):,} | {corpus.characters:,} | {seconds:.0f} | {metrics['training_seconds']:.0f}"
        f" | {metrics['epochs']:.1f} | {peak / MEGABYTE:,.0f} MB | {size(out) / MEGABYTE:.1f} MB |"
    )


if __name__ == "__main__":
    main()
