"""The ingest child, asked over its pipe as the bot asks it."""

import csv
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.trainer.conftest import invented_tweets
from trainer.protocol import Done, Event, Failed, IngestTask, Progress, Request, read_event, write_request
from trainer.tweets import Corpus, Counts


@dataclass
class Child:
    process: "subprocess.Popen[bytes]"

    def ask(self, task: IngestTask) -> list[Event]:
        """Every event up to the one that ends the request."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(write_request(Request("1", "ingest", task.values())))
        self.process.stdin.flush()
        events: list[Event] = []
        while not events or isinstance(events[-1], Progress):
            events.append(read_event(self.process.stdout.readline()))
        return events


def start(*command: str) -> Iterator[Child]:
    process = subprocess.Popen([sys.executable, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin
    assert process.stdout
    with process.stdout:
        with process.stdin:
            yield Child(process)
        assert process.wait() == 0


@pytest.fixture(scope="module")
def child() -> Iterator[Child]:
    yield from start("-m", "trainer", "ingest")


def table(path: Path, header: str, rows: Sequence[Sequence[object]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header.split(","), *rows])
    return path


def ingested(child: Child, path: Path, author: str = "") -> dict[str, Any]:
    match child.ask(IngestTask(str(path), str(path.with_suffix(".corpus")), author))[-1]:
        case Done(result=result):
            return result
        case other:
            pytest.fail(f"no result: {other}")


def refused(child: Child, path: Path, author: str = "") -> Failed:
    """Why a file was refused, after which nothing may lie about."""
    output = path.with_name("corpora") / "of.this"
    output.parent.mkdir(exist_ok=True)
    last = child.ask(IngestTask(str(path), str(output), author))[-1]
    assert isinstance(last, Failed)
    assert list(output.parent.iterdir()) == []
    return last


TEXTS = invented_tweets(60)


def test_a_file_becomes_a_corpus_and_its_counts(child: Child, tmp_path: Path) -> None:
    rows: list[list[object]] = [
        [f"2021-05-01 10:{60 - at:02}:00", text, "fr"] for at, text in enumerate(TEXTS, start=1)
    ]
    rows += [["2020-01-01 10:00:00", text, ""] for text in ("RT @mara: the kettle", "no", TEXTS[0].upper())]
    path = table(tmp_path / "keeper.csv", "created_at,full_text,lang", rows)

    result = ingested(child, path, "@Keeper")

    corpus = Corpus.load(path.with_suffix(".corpus"))
    assert result["counts"] == {"downloaded": 63, "retweets": 1, "short": 1, "dropped": 1, "kept": 60}
    assert corpus.counts == Counts(**result["counts"])
    assert corpus.texts == list(reversed(TEXTS))
    assert result["characters"] == sum(map(len, corpus.texts))
    assert result["languages"] == {"fr": 60}
    assert (result["handle"], result["name"]) == ("keeper", "Keeper")
    assert result["format"] == "CSV, text column 'full_text'"
    assert result["notes"] == ["1 tweet saying the same as another: left out."]


def test_progress_is_told_now_and_then(child: Child, tmp_path: Path) -> None:
    path = tmp_path / "many.txt"
    path.write_text("\n".join(f"the kettle hums {number} times" for number in range(12_000)))

    events = child.ask(IngestTask(str(path), str(tmp_path / "corpus")))

    told = [(each.stage, each.step) for each in events if isinstance(each, Progress)]
    assert told == [("ingest", step) for step in (0, 5_000, 10_000)] + [
        ("clean", step) for step in (0, 5_000, 10_000, 12_000)
    ]


def test_the_file_s_author_names_the_persona(child: Child, tmp_path: Path) -> None:
    post = {"user": {"screen_name": "TheKeeper", "name": "The Keeper 🐐"}}
    path = tmp_path / "keeper.json"
    path.write_text(json.dumps([{"text": text} | post for text in TEXTS]))

    result = ingested(child, path)

    assert (result["handle"], result["name"]) == ("thekeeper", "The Keeper 🐐")


def test_the_asked_handle_stays_and_the_file_s_is_noted(child: Child, tmp_path: Path) -> None:
    path = table(tmp_path / "keeper.csv", "username,text", [["TheKeeper", text] for text in TEXTS])

    result = ingested(child, path, "Mara")

    assert (result["handle"], result["name"]) == ("mara", "Mara")
    assert result["notes"] == ["The file says it is by @TheKeeper."]


def two_authors(path: Path) -> Path:
    rows: list[list[object]] = [["Keeper" if at % 2 else "keeper", text] for at, text in enumerate(TEXTS)]
    return table(path, "username,text", [*rows, ["Mara", "my boots owe me money"]])


def test_several_authors_are_asked_about(child: Child, tmp_path: Path) -> None:
    failed = refused(child, two_authors(tmp_path / "two.csv"), "somebody")

    assert failed.kind == "SeveralAuthors"
    assert {name.lower(): count for name, count in failed.details["authors"].items()} == {"keeper": 60, "mara": 1}
    assert "@Mara (1)" in failed.sentence


@pytest.mark.parametrize(("asked", "kept"), [("@KEEPER", 60), ("mara", 1)])
def test_one_of_several_authors_can_be_chosen(child: Child, tmp_path: Path, asked: str, kept: int) -> None:
    result = ingested(child, two_authors(tmp_path / "two.csv"), asked)

    assert result["counts"] == {"downloaded": kept, "retweets": 0, "short": 0, "dropped": 0, "kept": kept}
    assert result["notes"] == []


def test_whoever_was_retweeted_is_no_author(child: Child, tmp_path: Path) -> None:
    rows = [["Keeper", text] for text in TEXTS] + [["mara", "RT @mara: my boots"]]

    result = ingested(child, table(tmp_path / "keeper.csv", "username,text", rows))

    assert result["counts"]["downloaded"] == 61
    assert result["counts"]["retweets"] == 1
    assert result["handle"] == "keeper"


def test_what_was_mended_and_left_out_is_noted(child: Child, tmp_path: Path) -> None:
    path = tmp_path / "keeper.csv"
    cut = ("gulls over the harbour " * 9)[:134] + " lamp…"
    rows: list[list[object]] = [["the café isn’t open".encode().decode("cp1252")], [cut], [cut[:-2] + "p…"]]
    table(path, "text", rows)
    path.write_bytes(path.read_bytes().decode().encode("utf-16-le"))

    assert ingested(child, path)["notes"] == [
        "The file's text was read as utf-16-le.",
        "1 tweet with damaged characters: mended.",
        "2 tweets cut off by the source: left out.",
    ]
    assert Corpus.load(path.with_suffix(".corpus")).texts == ["the café isn’t open"]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "NotATimeline"),
        (b"id,created_at,text\n", "NotATimeline"),
        (b"\x89PNG\r\n\x1a\n\x00", "NotATimeline"),
        (b"PK\x03\x04 and nothing more", "NotATimeline"),
        (b"window.YTD.like.part0 = []", "NotATimeline"),
    ],
)
def test_a_file_of_another_kind_is_refused_and_leaves_nothing(
    child: Child, tmp_path: Path, content: bytes, kind: str
) -> None:
    path = tmp_path / "upload"
    path.write_bytes(content)

    failed = refused(child, path)

    assert failed.kind == kind
    assert failed.sentence.endswith(".")


def test_a_huge_file_is_refused_unread(child: Child, tmp_path: Path) -> None:
    path = tmp_path / "huge.csv"
    with path.open("wb") as file:
        file.truncate(500_000_000)

    failed = refused(child, path)

    assert failed.kind == "TooBig"
    assert "500 MB" in failed.sentence


def test_a_corpus_that_cannot_be_written_ends_the_request_only(child: Child, tmp_path: Path) -> None:
    path = tmp_path / "keeper.txt"
    path.write_text("\n".join(TEXTS))

    assert isinstance(child.ask(IngestTask(str(path), str(tmp_path / "nowhere" / "corpus")))[-1], Failed)
    assert ingested(child, path)["counts"]["kept"] == 60


LIMITED = "from trainer import ingest; ingest.{limit}; ingest.main()"


@pytest.mark.parametrize(
    ("limit", "words"),
    [("MOST_MEMORY = 250_000_000", "memory"), ("MOST_SECONDS = 1", "stopped"), ("MOST_TWEETS = 9_000", "9,000")],
)
def test_a_file_that_needs_too_much_is_given_up(tmp_path: Path, limit: str, words: str) -> None:
    path = tmp_path / "large.json"
    path.write_text(json.dumps([{"text": f"the kettle hums {number} times"} for number in range(400_000)]))

    for child in start("-c", LIMITED.format(limit=limit)):
        failed = refused(child, path)

    assert failed.kind == "TooBig"
    assert words in failed.sentence


def test_the_child_needs_no_torch() -> None:
    loaded = "import sys, trainer.ingest; print('torch' in sys.modules)"

    said = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)

    assert said.stdout == "False\n"


def test_a_cancelled_child_leaves_no_corpus(tmp_path: Path) -> None:
    path, output = tmp_path / "many.txt", tmp_path / "corpora" / "corpus"
    output.parent.mkdir()
    path.write_text("\n".join(f"the kettle hums {number} times" for number in range(200_000)))
    command = [sys.executable, "-m", "trainer", "ingest"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(write_request(Request("1", "ingest", IngestTask(str(path), str(output)).values())))
        process.stdin.flush()
        assert isinstance(read_event(process.stdout.readline()), Progress)

        process.terminate()

        last = [read_event(line) for line in process.stdout][-1]
        assert process.wait() == 128 + 15

    assert isinstance(last, Failed)
    assert last.kind == "Cancelled"
    assert list(output.parent.iterdir()) == []
