"""Whatever is written, it stays words on Discord."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.front.discord.markdown import LONGEST, UNSEEN, pages
from bot.reply import Reply

ESCAPED = re.compile(r"\\([^0-9A-Za-z\s])")
"""What Discord takes for a character that means nothing but itself."""

NASTY = (
    "@everyone", "@here", "<@100000000000000001>", "<@!100000000000000001>", "<@&200000000000000001>", "<#300>",
    "</train:400>", "<:bird:500>", "<t:0>", "**", "__", "_", "*", "~~", "||", "`", "```", "\\", "> ", ">>> ", "# ",
    "- ", "-# ", "+ ", "1. ", "7) ", "[here](http://x.example)", "http://", "HTTPS://x.example/_a_", "<http://x.example>",
    "discord.gg/abc", "discord.com/invite/abc", "mailto:a@b.example", "steam://run", "\n", "\r", "\u2028", "\x0b", "\t",
    "é_è_é", "🐐", "\u200b", "a" * 700, "\\" * 701, "_" * 1999, "1" * 1000,
)  # fmt: skip
words = st.lists(st.sampled_from(NASTY) | st.text(max_size=20), max_size=12).map("".join)
replies = st.builds(Reply, words, tweets=st.lists(words, max_size=10).map(tuple), foot=words)


def read(page: str) -> list[str]:
    """Its lines, without the marks that are ours."""
    return [re.sub(r"^(> |-# )", "", line) for line in page.split("\n")]


def formatting(line: str) -> list[str]:
    """What Discord would not show as it stands."""
    plain = ESCAPED.sub("·", line)
    found = re.findall(r"[\\*`~|<>\[\]]", plain)
    found += re.findall(r"(?a:\b_|_\b)", plain)
    return found + re.findall(r"^\s*(#|-|\+|\d+[.)])", plain)


def calls(line: str) -> list[str]:
    """Whom it would notify, and what could be followed."""
    shown = ESCAPED.sub(r"\1", line)
    found = re.findall(r"@everyone|@here|<@[!&]?\d+>", shown)
    return found + re.findall(r"(?i)\w://|discord\.gg/|discord(?:app)?\.com/|mailto:\w|tel:\w|sms:\w", shown)


def essence(text: str) -> str:
    """What a person reads, however the lines are broken."""
    return "".join(text.replace(UNSEEN, "").split())


@given(replies)
@example(Reply("x" * 2000 + "# a"))
@example(Reply("x" * 1999 + "*"))
@example(Reply("x" * 1000 + "\n" + "y" * 1000))
@example(Reply("a\r# b"))
@example(Reply("a", tweets=("b\u2028- c", "@everyone", "é_b_é")))
def test_nothing_that_is_written_formats_calls_or_links(reply: Reply) -> None:
    for page in pages(reply):
        assert len(page) <= LONGEST
        for line in read(page):
            assert formatting(line) == [], line
            assert calls(line) == [], line


@given(replies)
def test_everything_is_still_there_to_read(reply: Reply) -> None:
    shown = "".join(line for page in pages(reply) for line in read(page))
    assert essence(ESCAPED.sub(r"\1", shown)) == essence("\n".join((reply.text, *reply.tweets, reply.foot)))


def test_tweets_are_quotes_and_the_foot_is_small() -> None:
    reply = Reply("nasa (@nasa)", tweets=("one\ntwo", "three"), foot="AI-generated")
    assert pages(reply) == ["nasa (@nasa)\n> one\n> two\n> three\n-# AI-generated"]


def test_what_is_too_long_for_a_message_goes_on_in_the_next() -> None:
    assert [len(page) for page in pages(Reply("\n".join(["x" * 999] * 3)))] == [1999, 999]


@pytest.mark.parametrize("name", ["snake_case_name", "a.b", "7th", "50%"])
def test_what_means_nothing_is_left_alone(name: str) -> None:
    assert pages(Reply(name)) == [name]
