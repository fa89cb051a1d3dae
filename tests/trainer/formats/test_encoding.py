"""Bytes become text, whatever wrote them."""

import pytest

from tests.trainer.formats.conftest import TEXTS, Read, table, usual_rows
from trainer.errors import NotATimeline
from trainer.formats.encoding import decode

FRENCH = [f"Le café d’été près de la jetée a rouvert, où “tout” est gâté — n° {number}" for number in range(30)]


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "mac_roman"],
)
def test_western_text_is_read_in_every_encoding(encoding: str) -> None:
    text = "\n".join(FRENCH)

    assert decode(text.encode(encoding))[0] == text


@pytest.mark.parametrize(
    ("encoding", "line"),
    [
        ("latin-1", "A manhã à beira do cais é de névoa; não há ninguém"),
        ("cp1251", "Сегодня маяк опять гудит у причала"),
        ("shift_jis", "今日も灯台がとてもうるさいですね"),
        ("euc_kr", "오늘도 등대는 아주 시끄럽습니다"),
        ("gb18030", "今天灯塔又很吵我们都睡不着觉"),
    ],
)
def test_other_scripts_are_read_in_their_encodings(encoding: str, line: str) -> None:
    text = "\n".join([line] * 9)

    assert decode(text.encode(encoding))[0] == text


def test_a_few_foreign_bytes_do_not_spoil_utf8() -> None:
    text, encoding = decode("\n".join(FRENCH).encode() + "\nà la plage".encode("cp1252"))

    assert text == "\n".join([*FRENCH, "à la plage"])
    assert encoding == "utf-8 with cp1252"


def test_a_file_that_was_read_wrongly_and_saved_as_mac_roman_is_told() -> None:
    damaged = "\n".join(FRENCH).encode().decode("cp1252", "replace").encode("mac_roman", "replace")

    assert "â€™" in decode(damaged)[0]


def test_a_table_in_utf16_without_its_mark_is_read_whole(read: Read) -> None:
    assert [tweet.text for tweet in read(table(usual_rows(), "id,created_at,text").encode("utf-16-le"))] == TEXTS


@pytest.mark.parametrize(
    "content",
    [
        b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
        b"%PDF-1.7\nwords and words",
        b"MZ\x90\x00\x03",
        b"\x7fELF\x02\x01",
        b"\x1f\x8b\x08\x00",
        b"SQLite format 3\x00",
        bytes(range(256)) * 20,
        b"\x00" * 5000,
    ],
)
def test_binary_files_are_refused(content: bytes) -> None:
    with pytest.raises(NotATimeline, match="not a timeline"):
        decode(content)
