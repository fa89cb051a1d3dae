"""Delimited tables: CSV and its relatives, whatever the delimiter, quoting and header."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from trainer.errors import NotATimeline
from trainer.formats import columns, times
from trainer.formats.rows import display_names, tweets
from trainer.formats.timeline import Row, Timeline

_SAMPLE = 1_000_000
"""Characters from which delimiter and quoting are told."""
_EVEN = 0.9
"""Share of rows that must have one width where no known header says that this is a table."""

_SEPARATOR = re.compile(r"sep=.\n", re.IGNORECASE)
"""A first line by which a spreadsheet tells itself the delimiter."""
_NONE = "\x1f"
"""Stands for no delimiter at all: the csv module needs one."""

csv.field_size_limit(1 << 30)  # the default of 128 KB stops at tweets with objects in other columns


@dataclass(frozen=True)
class Dialect:
    delimiter: str
    quoting: int = csv.QUOTE_MINIMAL
    escape: str | None = None

    def rows(self, text: str) -> Iterator[list[str]]:
        """Rows that are not blank. Not by str.splitlines, which breaks tweets at U+2028 and U+0085."""
        options: dict[str, Any] = {"delimiter": self.delimiter, "quoting": self.quoting, "escapechar": self.escape}
        for row in csv.reader(io.StringIO(text, newline=""), doublequote=self.escape is None, **options):
            if any(cell.strip() for cell in row):
                yield row


@dataclass(frozen=True)
class Table:
    text: str
    dialect: Dialect
    width: int
    header: list[str]
    """Names made unique; empty where the file has none."""

    def rows(self, wide: int | None = None) -> Iterator[Row]:
        """Rows by column; surplus cells go to the column ``wide``, whose commas were not quoted."""
        names = self.header or [str(number) for number in range(1, self.width + 1)]
        rows = self.dialect.rows(self.text)
        first = next(rows) if self.header else None
        for row in rows:
            if row != first:  # files put end to end repeat it
                yield dict(zip(names, self._fitted(row, wide), strict=False))

    def _fitted(self, row: list[str], wide: int | None) -> list[str]:
        while len(row) > self.width and not row[-1]:
            row = row[:-1]
        if (surplus := len(row) - self.width) <= 0 or wide is None:
            return row
        end = wide + surplus + 1
        return [*row[:wide], self.dialect.delimiter.join(row[wide:end]), *row[end:]]


def read(text: str) -> Timeline | None:
    """The tweets of a table; None for text that is no table. Raises NotATimeline for a table without tweets."""
    text = text[found.end() :] if (found := _SEPARATOR.match(text)) else text
    if (table := _table(text)) is None:
        return None
    sample = list(islice(table.rows(), columns.SAMPLE))
    if not sample:
        raise NotATimeline("This file holds column names but no tweets: export it again, with its rows.")
    if (roles := columns.tell(sample)) is None:
        raise NotATimeline("No column of this table reads like tweets: send one with a column named `text`.")
    said = roles.text[0]
    wide = list(sample[0]).index(said) if said in sample[0] else None
    kind = {"\t": "TSV", ",": "CSV", _NONE: "CSV of one column"}.get(delimiter := table.dialect.delimiter)
    kind = kind or f"CSV with {delimiter!r}"
    named = f"text column {said!r}" if table.header else f"no header, text in column {said}"
    return Timeline(tweets(table.rows(wide), roles), f"{kind}, {named}", display_names(sample, roles))


def _table(text: str) -> Table | None:
    sample = text[:_SAMPLE]
    found = max((_measured(sample, dialect) for dialect in _dialects(sample)), key=lambda each: each[:3], default=None)
    if found is None:
        return _one_column(text)
    even, width, _, dialect = found
    rows = list(islice(dialect.rows(sample), columns.SAMPLE))
    header = _header(rows) if rows else []
    known = sum(map(columns.is_known, header))
    if known >= 2:
        width = len(header)
    elif width < 2 or even < _EVEN or not (_names_text(header) or _tabular(rows[bool(header) :], width)):
        return _one_column(text)
    header += [""] * (width - len(header) if header else 0)
    return Table(text, dialect, width, _unique(header))


def _dialects(sample: str) -> Iterator[Dialect]:
    for delimiter in ",;\t|":
        if delimiter in sample:
            yield Dialect(delimiter)
            if '"' in sample:
                yield Dialect(delimiter, quoting=csv.QUOTE_NONE)
            if '\\"' in sample:
                yield Dialect(delimiter, escape="\\")


def _measured(sample: str, dialect: Dialect) -> tuple[float, int, int, Dialect]:
    """How even the rows are, less what quotes left around cells tell against it; then their width and number."""
    rows = list(islice(dialect.rows(sample), columns.SAMPLE))
    if len(sample) == _SAMPLE:
        rows = rows[:-1]
    widths = Counter(len(row) for row in rows)
    if not rows or (width := widths.most_common(1)[0][0]) < 2:
        return 0.0, 1, 0, dialect
    raw = sum(_still_quoted(row, dialect.delimiter) for row in rows) / len(rows)
    return widths[width] / len(rows) - 2 * raw, width, len(rows), dialect


def _still_quoted(row: list[str], delimiter: str) -> bool:
    """Whether quotes stand around one cell or several, or around whole rows: the dialect took quotes wrongly."""
    starts = [index for index, cell in enumerate(row) if cell.startswith('"')]
    ends = [index for index, cell in enumerate(row) if cell.endswith('"') and cell != '"']
    if delimiter == "\t" and any("\t" in cell and "\n" in cell for cell in row):
        return True
    return bool(starts and ends) and starts[0] <= ends[-1]


def _header(rows: list[list[str]]) -> list[str]:
    """The first row where it holds names: known ones, or none that looks like the values below."""
    first = [cell.strip() for cell in rows[0]]
    if any(_is_value(cell) or len(cell) > 60 or cell.startswith(("@", "RT @")) for cell in first):
        return []
    if any(map(columns.is_known, first)) and max(map(len, first)) <= 40:
        return first
    if len(rows) < 2 or len(set(first)) < len(first) or max(map(len, first)) > 40:
        return []
    return first if any(_is_value(cell) for row in rows[1:20] for cell in row) else []


def _is_value(cell: str) -> bool:
    bare = cell.strip().lstrip("'").replace(",", ".")
    return bare.replace(".", "", 1).lstrip("-").isdigit() or bool(times.parse(cell)) or cell.startswith("http")


def _names_text(header: list[str]) -> bool:
    return any(columns.key(name) in columns.TEXT for name in header)


def _tabular(rows: list[list[str]], width: int) -> bool:
    """Whether some column holds numbers, times or flags: prose with one comma a line has none."""
    even = [row for row in rows if len(row) == width]
    plain = [sum(_is_value(row[index]) for row in even) for index in range(width)]
    return bool(even) and max(plain) > 0.8 * len(even)


def _one_column(text: str) -> Table | None:
    """A list of texts under a known name, or with every one that needs it in quotes."""
    dialect = Dialect(_NONE)
    rows = list(islice(dialect.rows(text[:_SAMPLE]), columns.SAMPLE))
    header = [rows[0][0].strip()] if rows and columns.key(rows[0][0]) in columns.TEXT else []
    quoted = sum(line.startswith('"') for line in text[:_SAMPLE].split("\n"))
    if header and len(rows) == 1:
        raise NotATimeline("This file holds a column name but no tweets: export it again, with its rows.")
    if header or (quoted and _strictly_quoted(text)):
        return Table(text, dialect, 1, header)
    return None


def _strictly_quoted(text: str) -> bool:
    """Whether every quote at the start of a line is closed at the end of one, as CSV writers do."""
    try:
        return all(len(row) == 1 for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row)
    except csv.Error:
        return False


def _unique(names: list[str]) -> list[str]:
    seen: Counter[str] = Counter()
    unique = []
    for name in names:
        seen[name] += 1
        unique.append(name if seen[name] == 1 else f"{name}.{seen[name]}")
    return unique
