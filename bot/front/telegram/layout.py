"""A reply as Telegram takes it: plain text with entities, so that nobody's words are ever markup.

Telegram finds mentions and addresses in plain text by itself. In tweets they are broken up; in our own words, which may
repeat what was typed, they stay, for a command or @name there is to be pressed.
"""

import re
from dataclasses import dataclass

from telegram import MessageEntity

from bot.reply import Reply

LONGEST, LONGEST_CAPTION = 4096, 1024
"""UTF-16 units."""

UNSEEN = "\u2060"
LINKS = re.compile(r"(?<=@)(?=\w)|(?<=:/)(?=/)|(?<=\w\.)(?=\w)|(?<=/)(?=\w)")
"""Where Telegram would find a mention, an address, a domain or a command."""


@dataclass(frozen=True)
class Page:
    text: str
    entities: tuple[MessageEntity, ...] = ()


def harmless(generated: str) -> str:
    """Mentioning nobody and linking nowhere, by a character that nobody sees."""
    return LINKS.sub(UNSEEN, generated)


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def pages(reply: Reply, longest: int = LONGEST) -> list[Page]:
    """Our words, the tweets as quotes, the small print in italics; as many messages as it takes."""
    parts = [("", reply.text), *(("blockquote", harmless(tweet)) for tweet in reply.tweets), ("italic", reply.foot)]
    found: list[Page] = [Page("")]
    for kind, text in parts:
        for piece in _pieces(text, longest):
            if found[-1].text and units(found[-1].text) + 1 + units(piece) > longest:
                found.append(Page(""))
            found[-1] = _with(found[-1], piece, kind)
    return found


def _with(page: Page, piece: str, kind: str) -> Page:
    start = f"{page.text}\n" if page.text else ""
    entities = page.entities
    if kind:
        entities += (MessageEntity(kind, units(start), units(piece)),)
    return Page(start + piece, entities)


def _pieces(text: str, longest: int) -> list[str]:
    """In parts that fit, cut at lines where possible."""
    pieces: list[str] = []
    for line in text.splitlines():
        if pieces and units(pieces[-1]) + 1 + units(line) <= longest:
            pieces[-1] += f"\n{line}"
            continue
        pieces += _cut(line, longest)
    return [piece for piece in pieces if piece]


def _cut(line: str, longest: int) -> list[str]:
    """By UTF-16 units, none cut within a character."""
    pieces = []
    while units(line) > longest:
        pieces.append(line.encode("utf-16-le")[: 2 * longest].decode("utf-16-le", errors="ignore"))
        line = line[len(pieces[-1]) :]
    return [*pieces, line]
