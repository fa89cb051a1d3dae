"""A row of a file to a Tweet, once it is known which column holds what."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from trainer.formats import times
from trainer.formats.timeline import Row
from trainer.tweets import Tweet

NOTHING = {"", "nan", "none", "null", "false", "0", "0.0", "[]", "{}", "na", "n/a", "undefined", "f", "no"}
"""How files write that there is no value, in lower case."""
TRUE = {"true", "t", "yes", "1", "1.0"}
STATUS_LINK = re.compile(r"(?:twitter|x|nitter\.\w+)\.\w+/@?(\w{1,30})/status(?:es)?/\d+")
BYTES = re.compile(r"""b(['"])(.*)\1""", re.DOTALL)
"""How Python writes bytes."""

_KINDS_OF_RETWEET = {"retweet", "retweeted", "rt", "repost"}
_NO_LANGUAGE = re.compile(r"und|zxx|art|nan|q\w+")
_RENAMED = {"in": "id", "iw": "he", "ji": "yi"}
"""Codes that X kept from an older standard."""
_HANDLE_IN_OBJECT = re.compile(r"""["'](?:screen_?name|user_?name)["']:\s*["'](\w+)["']""", re.IGNORECASE)
_BARE_ID = re.compile(r"\d{1,20}")
_ESCAPE = re.compile(rb"\\(?:x([0-9a-fA-F]{2})|(.))", re.DOTALL)
_ESCAPED = {b"n": b"\n", b"r": b"\r", b"t": b"\t"}


@dataclass
class Roles:
    """Column names by what they hold; empty where no column does."""

    text: list[str]
    """The first that a row has, counts."""
    id: str = ""
    time: str = ""
    language: str = ""
    author: str = ""
    name: str = ""
    flag: str = ""
    kind: str = ""
    retweet: list[str] = field(default_factory=list)
    """A value in any of these marks a retweet."""
    cut: str = ""
    bytes_literals: bool = False
    """Texts stand as Python wrote bytes: b'caf\\xc3\\xa9'."""
    link: bool = False
    """The author is read from the tweet's address."""


def handle(value: object) -> str:
    """A handle as its column gives it, without @, address or object around it."""
    text = str(value).strip()
    if text.startswith("{") and (found := _HANDLE_IN_OBJECT.search(text)):
        return found[1]
    if "//" in text:
        text = text.rstrip("/").rpartition("/")[2]
    return text.lstrip("@'").strip()


def tweets(rows: Iterable[Row], roles: Roles) -> Iterator[Tweet]:
    """One tweet a row that holds anything."""
    return (tweet(row, roles) for row in rows)


def tweet(row: Row, roles: Roles) -> Tweet:
    text = _text(row, roles)
    number = str(_value(row, roles.id)).strip().lstrip("'")
    return Tweet(
        unescaped_bytes(text) if roles.bytes_literals else text,
        id=number if _BARE_ID.fullmatch(number) else "",  # a spreadsheet's 8.92E+17 names many tweets
        time=times.parse(_value(row, roles.time)) or times.of_id(number),
        language=_language(str(_value(row, roles.language))),
        author=_author_of(row, roles),
        retweet=is_retweet(row, roles),
        truncated=str(_value(row, roles.cut)).casefold() in TRUE,
    )


def _text(row: Row, roles: Roles) -> str:
    return next((str(row[name]) for name in roles.text if row.get(name) not in (None, "")), "")


def _value(row: Row, name: str) -> object:
    value = row.get(name) if name else None
    return "" if value is None else value


def _author_of(row: Row, roles: Roles) -> str:
    value = _value(row, roles.author)
    if roles.link:
        found = STATUS_LINK.search(str(value))
        return found[1] if found else ""
    return "" if str(value).casefold() in NOTHING else handle(value)


def is_retweet(row: Row, roles: Roles) -> bool:
    """By the flag, by what was retweeted, or by the prefix: files miss half of them by any one mark.

    Not by a column "retweeted", which tells whether the one who asked X for the file has retweeted the tweet.
    """
    if _text(row, roles)[2 * roles.bytes_literals :].lstrip().startswith("RT @"):
        return True
    if str(_value(row, roles.flag)).strip().casefold() in TRUE:
        return True
    if str(_value(row, roles.kind)).strip().casefold() in _KINDS_OF_RETWEET:
        return True
    if "'retweeted'" in (referenced := str(row.get("referenced_tweets") or "")) or '"retweeted"' in referenced:
        return True
    return any(str(_value(row, name)).strip().casefold() not in NOTHING for name in roles.retweet)


def _language(value: str) -> str:
    code = value.strip().casefold()
    if not re.fullmatch(r"[a-z]{2,3}(?:-[a-z]+)?", code) or _NO_LANGUAGE.fullmatch(code):
        return ""
    return _RENAMED.get(code, code)


def unescaped_bytes(text: str) -> str:
    """The text of a Python bytes literal, taken apart by hand."""
    if not (literal := BYTES.fullmatch(text.strip())):
        return text

    def read(found: re.Match[bytes]) -> bytes:
        return bytes([int(found[1], 16)]) if found[1] else _ESCAPED.get(found[2], found[2])

    return _ESCAPE.sub(read, literal[2].encode()).decode("utf-8", "replace")


def display_names(rows: Iterable[Row], roles: Roles) -> dict[str, str]:
    """The commonest display name of each author among rows that are no retweets."""
    if not roles.name:
        return {}
    seen: dict[str, Counter[str]] = {}
    for row in rows:
        if (author := _author_of(row, roles).casefold()) and not is_retweet(row, roles):
            seen.setdefault(author, Counter())[str(_value(row, roles.name)).strip()] += 1
    return {author: names.most_common(1)[0][0] for author, names in seen.items()}
