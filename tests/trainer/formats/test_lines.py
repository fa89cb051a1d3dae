"""Plain text, one tweet a line, and what only looks like it."""

from pathlib import Path

import pytest

from tests.trainer.formats.conftest import TEXTS, Read
from trainer import child, formats
from trainer.errors import NotATimeline


def test_every_line_is_a_tweet(read: Read) -> None:
    tweets = read("\n\n".join([*TEXTS, "RT @mara: my left boot"]))

    assert [tweet.text for tweet in tweets[:-1]] == TEXTS
    assert [tweet.retweet for tweet in tweets] == [False] * len(TEXTS) + [True]


def test_commas_and_brackets_do_not_make_a_table(read: Read) -> None:
    assert len(read("[sigh] the kettle, again\nHello, you\nwell, well\n")) == 3


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "empty"),
        (" \n\n\t", "empty"),
        ("<!DOCTYPE html>\n<html><body><p>the kettle hums</p></body></html>", "web page"),
        ('<?xml version="1.0"?><rss></rss>', "web page"),
        (Path(child.__file__).read_text(), "program code"),
        (Path(formats.__file__).read_text(), "program code"),
        ("function a(b) {\n  return b + 1;\n}\n\nconst x = a(2);\nconsole.log(x);\n" * 3, "program code"),
        ("[03/04/2021, 10:22] Mara: the kettle\n" * 9, "chat"),
        ("the kettle hums " * 400, "too long"),
        (",,,\n,,,\n", "does not read like"),
        ("\n" * 600_000 + "12", "does not read like"),
        ("12\n13\n14\n15\n", "does not read like"),
    ],
)
def test_text_of_another_kind_is_refused(read: Read, content: str, why: str) -> None:
    with pytest.raises(NotATimeline, match=why):
        read(content)
