"""What a model's card tells of the people it learnt from: huggingtweets' cards of all years, and Mockingbird's own.

huggingtweets had three layouts. Until 2021 ``NAME 🤖 AI Bot`` and ``@handle bot`` for one person, with a table in
Markdown, later in HTML; then up to three avatars, "AI BOT" or "AI CYBORG", ``@a-b`` and a Markdown table with a column
a person. A card is text of somebody else's: what is read here is short, and names, numbers and addresses only.
"""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from trainer.card import ROWS, plain
from trainer.handles import HANDLE, people_of

LONGEST = 100_000
"""Characters that are read; a card has a few thousand."""

AVATAR = re.compile(r"url\(\W*(https://(?:pbs|abs)\.twimg\.com/[\w./%-]{1,300}?)\W*\)")
"""Only where Twitter keeps them: whoever shows one asks no other server for it."""
BASE = re.compile(r"based on a pre-trained \[[^\]]{1,80}\]\(https://huggingface\.co/([\w.-]+(?:/[\w.-]+)?)\)")
CELL_ENDS = re.compile(r"</t[hd]>\s*")
TAG = re.compile(r"<[^<>]*>")
HANDLES = re.compile(r"@[\w.@-]{1,253}(?: @[\w.@-]{1,253})*")
NUMBER = re.compile(r"\d{1,9}")
OLD_NAME = re.compile(r"(.{1,200}?)\s*🤖 AI Bot\s*")


@dataclass(frozen=True)
class Told:
    """Of each person as ``meta.json`` has it; empty for a card that tells nothing."""

    people: list[dict[str, Any]] = field(default_factory=list)
    avatars: list[str] = field(default_factory=list)
    """Addresses of pictures."""
    base: str | None = None
    """Hub id of the model it was made from."""


def read(card: str) -> Told:
    """From a README.md."""
    text = card[:LONGEST]
    raw = TAG.sub("", CELL_ENDS.sub("|", text)).splitlines()
    lines = [" ".join(html.unescape(line).split()) for line in raw]
    cells = {row[0]: row[1:] for row in map(_cells, raw) if len(row) > 1}
    handles = _handles(lines)
    names = _names(lines, cells, handles)
    people = [
        person(handle, name, _counts(cells, place, len(handles)))
        for place, (handle, name) in enumerate(zip(handles, names, strict=True))
    ]
    base = BASE.search(text)
    return Told(people, AVATAR.findall(html.unescape(text)), base[1] if base else None)


def person(handle: str, name: str, counts: dict[str, int]) -> dict[str, Any]:
    """As in ``meta.json``: ``counts`` are the card's or none, and no card tells characters and languages."""
    return {"handle": handle, "name": name, "counts": counts, "characters": None, "languages": {}}


def _cells(line: str) -> list[str]:
    """Of a row of a table; entities last, since one of them may be a bar."""
    return [html.unescape(cell).strip() for cell in line.strip().strip("|").split("|")]


def _handles(lines: list[str]) -> list[str]:
    """Of the first line that has nothing else: ``@a``, ``@a bot``, ``@a @b``, or ``@a-b``."""
    for line in lines:
        if HANDLES.fullmatch(told := line.removesuffix(" bot")):
            handles = [part for each in told.split() for part in people_of(each[1:].lower())]
            return handles if all(map(HANDLE.fullmatch, handles)) else []
    return []


def _names(lines: list[str], cells: dict[str, list[str]], handles: list[str]) -> list[str]:
    """From the table's head, else from the line above the handles; a person without a name is called by the handle."""
    found = [*_candidates(lines, cells)]
    fitting = next((names for names in found if len(names) == len(handles) and all(names)), handles)
    return [plain(name) for name in fitting]


def _candidates(lines: list[str], cells: dict[str, list[str]]) -> Iterator[list[str]]:
    if (head := cells.get("Data")) and head != ["Quantity"]:
        yield head
    spoken = [line for line in lines if line]
    for above, line in pairwise(spoken):
        if HANDLES.fullmatch(line.removesuffix(" bot")):
            old = OLD_NAME.fullmatch(above)
            yield [old[1] if old else above]
            yield above.split(" & ")


def _counts(cells: dict[str, list[str]], place: int, people: int) -> dict[str, int]:
    """Rows of the table by name; none where a row is missing or the numbers do not add up."""
    rows = {name: cells.get(label, []) for name, label in ROWS.items()}
    rows["dropped"] = rows["dropped"] or ["0"] * people  # huggingtweets dropped no duplicates
    if not all(len(row) == people and NUMBER.fullmatch(row[place]) for row in rows.values()):
        return {}
    counts = {name: int(row[place]) for name, row in rows.items()}
    return counts if 2 * counts["downloaded"] == sum(counts.values()) else {}
