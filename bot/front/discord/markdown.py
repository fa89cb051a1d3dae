"""Words of strangers in Discord's markdown: they format nothing, mention nobody and link nowhere."""

import re

from discord.utils import escape_mentions

from bot.reply import Reply

LONGEST = 2000
"""Characters of a message."""

UNSEEN = "\u200b"
SPECIAL = re.compile(r"[\\*`~|<>\[\]]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
"""An underscore within a word is only an underscore; Discord knows no letters but these."""
LINE_START = re.compile(r"^(\s*)([#+-]|\d+(?=[.)]))")
LINK = re.compile(r"(?i)(\w:/)(?=/)|(discord\.gg|discord(?:app)?\.com)(?=/)|(mailto:|tel:|sms:)")


def harmless(text: str) -> list[str]:
    """Its lines, escaped, and links and mentions broken by a character nobody sees."""
    return [_harmless(line) for line in text.splitlines()]


def _harmless(line: str) -> str:
    escaped = SPECIAL.sub(r"\\\g<0>", line)
    escaped = LINE_START.sub(_escape_start, escaped)
    return escape_mentions(LINK.sub(rf"\g<0>{UNSEEN}", escaped))


def _escape_start(found: re.Match[str]) -> str:
    indent, mark = found.groups()
    return f"{indent}{mark}{UNSEEN}" if mark.isdigit() else f"{indent}\\{mark}"


def pages(reply: Reply) -> list[str]:
    """The reply as the contents of one or more messages: our words, the tweets as quotes, the small print."""
    lines = harmless(reply.text)
    lines += [f"> {line}" for tweet in reply.tweets for line in harmless(tweet)]
    lines += [f"-# {line}" for line in harmless(reply.foot)]
    found = [""]
    for line in lines:
        for piece in _pieces(line):
            if len(found[-1]) + 1 + len(piece) > LONGEST:
                found.append("")
            found[-1] += f"\n{piece}" if found[-1] else piece
    return found


def _pieces(line: str) -> list[str]:
    """A line in parts that fit a message, none cut between a backslash and what it escapes."""
    pieces = []
    while len(line) > LONGEST:
        head = line[:LONGEST]
        backslashes = len(head) - len(head.rstrip("\\"))
        cut = LONGEST - backslashes % 2
        pieces.append(line[:cut])
        line = UNSEEN + line[cut:]  # it begins a line now, and must begin nothing else
    return [*pieces, line]
