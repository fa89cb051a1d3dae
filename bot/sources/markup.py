"""The HTML of a Mastodon post to the text that its author typed."""

import re
from html.parser import HTMLParser

_EMPTY = {"br", "hr", "img", "wbr"}
_QUOTED = "quote-inline"
"""Class of a paragraph that a server puts before a quoting post, for clients that cannot show the quoted one."""
_LINES = re.compile(r"\n{3,}")


def text(markup: str) -> str:
    """Paragraphs with an empty line between, <br> as a line break; links whole, where pages hide parts of them."""
    reader = _Reader()
    reader.feed(markup)
    reader.close()
    return _LINES.sub("\n\n", "".join(reader.parts)).strip()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._skipping = 0
        """Open tags of a part that is left out."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _EMPTY:
            self._add("\n" if tag == "br" else "")
        elif self._skipping or _QUOTED in (dict(attrs).get("class") or "").split():
            self._skipping += 1
        elif tag == "li":
            self._add("\n")

    def handle_endtag(self, tag: str) -> None:
        if self._skipping:
            self._skipping -= tag not in _EMPTY
        elif tag in ("p", "blockquote", "pre", "ul", "ol"):
            self._add("\n\n")

    def handle_data(self, data: str) -> None:
        self._add(data)

    def _add(self, data: str) -> None:
        if not self._skipping:
            self.parts.append(data)
