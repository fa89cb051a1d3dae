"""Bytes to text: which encoding a file has, by what it holds."""

import codecs
import re

from trainer.errors import NotATimeline

_MARKS = [
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
]
_MAGIC = {
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"GIF8": "a GIF picture",
    b"%PDF": "a PDF document",
    b"MZ": "a program",
    b"\x7fELF": "a program",
    b"\xd0\xcf\x11\xe0": "an old Office document",
    b"\x1f\x8b": "a gzip file",
    b"7z\xbc\xaf": "a 7z archive",
    b"Rar!": "a RAR archive",
    b"SQLite format 3": "a database",
    b"{\\rtf": "a rich-text document",
    b"PAR1": "a Parquet table",
}
_SAMPLE = 200_000
"""Bytes that a guess looks at."""
_WHOLE = re.compile(rb"[\xc2-\xcb\xce-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
"""Characters of UTF-8, but for combining accents, which the letters of Mac Roman look like."""
_EIGHT_BIT = ["cp1252", "mac_roman", "cp1251"]
_EAST_ASIAN = {"shift_jis": "[\u3041-\u30ff]", "euc_kr": "[\uac00-\ud7a3]", "gb18030": "[\u4e00-\u9fff]"}


def decode(data: bytes) -> tuple[str, str]:
    """The text, with line ends as ``\\n`` and without NULs, and the encoding's name.

    UTF-8 with some foreign bytes stays UTF-8: those bytes are taken for the 8-bit encoding that suits them. Raises
    NotATimeline for what is no text.
    """
    refuse_known_binaries(data)
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _one_line_end(data[len(mark) :].decode(encoding, "replace")), encoding
    if encoding := _wide(data):
        return _one_line_end(data.decode(encoding, "replace")), encoding
    _refuse_binaries(data)
    try:
        return _one_line_end(data.decode("utf-8")), "utf-8"
    except UnicodeDecodeError:
        text, encoding = _not_utf8(data)
        return _one_line_end(text), encoding


def refuse_known_binaries(data: bytes) -> None:
    for magic, kind in _MAGIC.items():
        if data.startswith(magic):
            raise NotATimeline(f"This is {kind}, not a timeline: send an X archive, or tweets as CSV, JSON or text.")


def _refuse_binaries(data: bytes) -> None:
    sample = data[:_SAMPLE]
    codes = sum(sample.count(code) for code in [*range(9), *range(14, 27), *range(28, 32)])
    if codes * 100 > len(sample):
        raise NotATimeline("This is a binary file, not a timeline: send an X archive, or tweets as CSV, JSON or text.")


def _wide(data: bytes) -> str:
    """UTF-16 without its mark: half of the bytes of spaces, digits and line ends are zero, always the same half."""
    sample = data[: _SAMPLE // 2 * 2]
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    few = len(sample) // 200
    if odd > len(sample) // 20 and even <= few:
        return "utf-16-le"
    return "utf-16-be" if even > len(sample) // 20 and odd <= few else ""


def _not_utf8(data: bytes) -> tuple[str, str]:
    for encoding, letters in _EAST_ASIAN.items():
        if _is_east_asian(data, encoding, letters):
            return data.decode(encoding, "replace"), encoding
    strange = _WHOLE.sub(b"", data)
    if _high(strange) * 3 < _high(data):
        encoding = _likeliest(strange)
        return data.decode("utf-8", _FALLBACKS[encoding]), f"utf-8 with {encoding}"
    encoding = _likeliest(data)
    return data.decode(encoding, "replace"), encoding


def _high(data: bytes) -> int:
    return len(data) - len(data.translate(None, bytes(range(128, 256))))


def _likeliest(data: bytes) -> str:
    return max(_EIGHT_BIT, key=lambda encoding: _likely(data[:_SAMPLE], encoding))


def _is_east_asian(data: bytes, encoding: str, letters: str) -> bool:
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return False
    foreign = re.sub(r"[\x00-\x7f\u3000-\u303f\uff00-\uff60]", "", text[:_SAMPLE])
    share = len(re.findall(letters, foreign)) / max(1, len(foreign))
    alone = len(re.findall(rf"[A-Za-z]{letters}[a-z]", text[:_SAMPLE]))  # "caf\u9591": a Latin letter misread
    return share > (0.3 if encoding == "shift_jis" else 0.8) and alone * 20 < len(foreign)


def _likely(sample: bytes, encoding: str) -> float:
    """How much like written language the bytes over 127 read: Latin letters stand alone, Cyrillic ones in rows."""
    text = sample.decode(encoding, "replace")
    good = len(re.findall(r"(?<![^\W\d_a-zA-Z])[à-öø-ÿßœ](?![^\W\d_a-zA-Z])", text))
    good += len(re.findall(r"[‘’“”–—…«»¿¡€°]|[ÀÁÂÃÉÊÍÓÔÕÚÇÑÖÜ](?![a-z])", text))
    good += len(re.findall(r"(?<=[а-яА-Я])[а-я]|[а-яА-Я](?=[а-я])", text))
    good += 2 * len(re.findall(r"â€|Ã[\x80-\xbf©¨¡]|ðŸ", text))  # mojibake to be mended later
    bad = len(re.findall(r"(?<=[a-z])[À-ÖØ-ÞŠŽ](?=[a-z ])|[†‡•‰ˆ˜¤¦§¨¬¯¶¸\u0080-\u009f\ufffd∂∆∏∑√∫≈≠]", text))
    return good - bad


def _one_line_end(text: str) -> str:
    """Spreadsheets write ``\\r\\r\\n``, old Macs ``\\r``; elsewhere a lone ``\\r`` stands inside a tweet."""
    text = text.removeprefix("\ufeff").replace("\0", "").replace("\r\r\n", "\n").replace("\r\n", "\n")
    return text.replace("\r", "\n" if text.count("\r") > text.count("\n") else " ")


def _fallback(encoding: str) -> str:
    """Name of an error handler that reads what is no UTF-8 as ``encoding``."""

    def read(error: UnicodeError) -> tuple[str, int]:
        if not isinstance(error, UnicodeDecodeError):
            raise error
        return error.object[error.start : error.end].decode(encoding, "replace"), error.end

    name = f"mockingbird-{encoding}"
    codecs.register_error(name, read)
    return name


_FALLBACKS = {encoding: _fallback(encoding) for encoding in _EIGHT_BIT}
