"""The console's transcript: whatever stands in the file, a notice is in it once."""

import json
from pathlib import Path

import pytest

from bot.front.console import Event, Transcript

READY = Event(1, "reply", "ready 🥖")


def notices(path: Path) -> list[str]:
    found = []
    for line in path.read_bytes().splitlines():
        try:
            found.append(json.loads(line)["notice"])
        except (ValueError, KeyError, TypeError):
            continue
    return found


def test_a_notice_is_written_once_over_all_sessions(tmp_path: Path) -> None:
    path = tmp_path / "console.jsonl"
    for expected in (True, False):
        transcript = Transcript(path)
        assert transcript.add("job-1", READY) is expected
        assert transcript.add("job-1", READY) is False
        transcript.close()
    assert notices(path) == ["job-1"]


@pytest.mark.parametrize(
    "torn", [b'{"notice": "job-1", "text": "\xf0\x9f', b"5\n", b'{"x": 1}\n', b"\xff\xfe\n", b"[]"]
)
def test_a_torn_file_is_gone_on_with(tmp_path: Path, torn: bytes) -> None:
    path = tmp_path / "console.jsonl"
    path.write_bytes(torn)
    transcript = Transcript(path)
    assert transcript.add("job-1", READY)
    transcript.close()
    again = Transcript(path)
    assert not again.add("job-1", READY)
    again.close()
    assert notices(path) == ["job-1"]
