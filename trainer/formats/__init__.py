"""Files of tweets: what kind a file is, told by what it holds and not by its name."""

import re
import zipfile
from pathlib import Path

from trainer.errors import NotATimeline, TooBig
from trainer.formats import archive, encoding, lines, objects, tables
from trainer.formats.timeline import Timeline

MOST_BYTES = 200_000_000
"""Of a file that is read at all."""

_MARKUP = re.compile(r"\s*<(?:!doctype|!--|\?xml|html|head|body|svg|rss|\w+[\s>])", re.IGNORECASE)


def read(path: Path) -> Timeline:
    """The tweets of a file. Raises NotATimeline, TooBig or Unsafe with a sentence for the person who sent it."""
    size = path.stat().st_size
    if size == 0:
        raise NotATimeline("This file is empty: send an X archive, or tweets as CSV, JSON or text.")
    if size > MOST_BYTES:
        raise TooBig(
            f"This file has {size / 1e6:,.0f} MB, and {MOST_BYTES // 1_000_000} MB are allowed: "
            "of an X archive, send `data/tweets.js` alone."
        )
    try:
        return archive.read(path, read_bytes) if zipfile.is_zipfile(path) else read_bytes(path.read_bytes())
    except RecursionError as error:
        raise NotATimeline("This file is nested too deeply for a timeline: send an X archive or tweets.") from error


def read_bytes(data: bytes) -> Timeline:
    """The tweets of one file that is no zip."""
    if data.startswith(b"PK\x03\x04"):
        raise NotATimeline("This is a zip inside a zip, or a damaged one: unpack it and send what it holds.")
    text, kind = encoding.decode(data)
    if not text.strip():
        raise NotATimeline("This file is empty: send an X archive, or tweets as CSV, JSON or text.")
    timeline = read_text(text)
    if not kind.startswith("utf-8") or " " in kind:
        timeline.notes.insert(0, f"The file's text was read as {kind}.")
    return timeline


def read_text(text: str) -> Timeline:
    if _MARKUP.match(text):
        raise NotATimeline("This is a web page or other markup: send an X archive, or tweets as CSV, JSON or text.")
    found = archive.script(text)
    if found is None and text.lstrip()[:1] in ("[", "{"):
        found = objects.read(text)
    if found is None:
        lines.refuse_chats(text)
    return found or tables.read(text) or lines.read(text)
