"""Text as Telegram measures and marks it: in UTF-16 code units."""

import re
from html import unescape
from typing import Any

Json = dict[str, Any]

COMMAND = re.compile(r"(?<![\w/<>])/[A-Za-z0-9_]{1,32}(@[A-Za-z0-9_]{3,32})?(?![\w/<>])")
MENTION = re.compile(r"(?<!\w)@[A-Za-z0-9_]{4,32}(?!\w)")
TAG = re.compile(r"<(?P<end>/?)(?P<name>[\w-]*)(?P<rest>[^>]*)(?P<closed>>?)")

HTML_TAGS = {
    "a": "text_link",
    "b": "bold",
    "blockquote": "blockquote",
    "code": "code",
    "del": "strikethrough",
    "em": "italic",
    "i": "italic",
    "ins": "underline",
    "pre": "pre",
    "s": "strikethrough",
    "strong": "bold",
    "tg-spoiler": "spoiler",
    "u": "underline",
}
"""https://core.telegram.org/bots/api#html-style"""


def units(text: str) -> int:
    """Length in UTF-16 code units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def marked(text: str, entity: Json) -> str:
    """The part of the text that an entity marks."""
    raw, start = text.encode("utf-16-le"), 2 * entity["offset"]
    return raw[start : start + 2 * entity["length"]].decode("utf-16-le")


def found_entities(text: str) -> list[Json]:
    """Commands and mentions, which Telegram finds by itself in everybody's messages."""
    found = [(match, "bot_command") for match in COMMAND.finditer(text)]
    found += [(match, "mention") for match in MENTION.finditer(text)]
    found.sort(key=lambda each: each[0].start())
    return [{"type": kind, "offset": units(text[: match.start()]), "length": units(match[0])} for match, kind in found]


def from_html(source: str) -> tuple[str, list[Json]]:
    """The text without tags, and its entities. Raises ValueError in Telegram's words where it cannot be parsed."""
    plain, read = "", 0
    opened: list[tuple[str, int, str]] = []
    entities: list[Json] = []
    for tag in TAG.finditer(source):
        plain, read = plain + unescape(source[read : tag.start()]), tag.end()
        name, place = tag["name"].lower(), len(source[: tag.start()].encode())
        if name not in HTML_TAGS or not tag["closed"]:
            raise ValueError(f'Unsupported start tag "{name}" at byte offset {place}')
        if not tag["end"]:
            opened.append((name, units(plain), tag["rest"]))
        elif opened and opened[-1][0] == name:
            entities.append(_entity(*opened.pop(), units(plain)))
        else:
            raise ValueError(f"Unexpected end tag at byte offset {place}")
    if opened:
        raise ValueError(f'Can\'t find end tag corresponding to start tag "{opened[-1][0]}"')
    return plain + unescape(source[read:]), entities


def _entity(name: str, start: int, rest: str, end: int) -> Json:
    entity: Json = {"type": HTML_TAGS[name], "offset": start, "length": end - start}
    if link := re.search(r"""href=["']?([^"'>]+)""", rest):
        entity["url"] = unescape(link[1])
    return entity
