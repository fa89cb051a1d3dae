"""Invented timelines and the files they could come in."""

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pytest

from tests.trainer.conftest import invented_tweets
from trainer import formats
from trainer.tweets import Tweet

TEXTS = [f"{text}, they say “so”" for text in invented_tweets(24)]
IDS = [str(1_400_000_000_000_000_000 + index * 10**12) for index in range(24)]
TIMES = [f"2021-05-{index + 1:02} 10:00:0{index % 10}" for index in range(24)]

Read = Callable[[str | bytes], list[Tweet]]


def table(rows: Iterable[Sequence[object]], header: str = "", delimiter: str = ",") -> str:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter)
    if header:
        writer.writerow(header.split(","))
    writer.writerows(rows)
    return text.getvalue()


def usual_rows() -> list[tuple[str, str, str]]:
    return list(zip(IDS, TIMES, TEXTS, strict=True))


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Reads a file with the given content."""

    def tweets(content: str | bytes) -> list[Tweet]:
        path = tmp_path / "upload"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return list(formats.read(path).tweets)

    return tweets
