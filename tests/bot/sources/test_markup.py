"""HTML as Mastodon servers write it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sources import markup

LINK = (
    '<a href="https://example.com/a/long/way"><span class="invisible">https://</span>'
    '<span class="ellipsis">example.com/a/lo</span><span class="invisible">ng/way</span></a>'
)
MENTION = '<span class="h-card"><a href="https://pier.example/@jo" class="u-url mention">@<span>jo</span></a></span>'
TAG = '<a href="https://pier.example/tags/tea" class="mention hashtag">#<span>tea</span></a>'
QUOTE = f'<p class="quote-inline">RE: {LINK}<br>and an <b>image</b></p><p>quite so</p>'


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>one</p><p>two<br>three<br />four</p>", "one\n\ntwo\nthree\nfour"),
        ("<p>tea &amp; cake &lt;3 &#39;s</p>", "tea & cake <3 's"),
        (f"<p>see {LINK}!</p>", "see https://example.com/a/long/way!"),
        (f"<p>{MENTION} likes {TAG}</p>", "@jo likes #tea"),
        ("<p>list:</p><ul><li>a</li><li>b</li></ul>", "list:\n\na\nb"),
        (QUOTE, "quite so"),
        ("plain", "plain"),
        ("", ""),
        ("<p>never closed &amp", "never closed &"),
    ],
)
def test_markup_becomes_what_its_author_typed(html: str, text: str) -> None:
    assert markup.text(html) == text


@given(st.text())
def test_any_markup_can_be_read(html: str) -> None:
    assert isinstance(markup.text(html), str)
