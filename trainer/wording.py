"""The text of prompts and samples: clean, and short enough for a tweet. Pure."""

import re
from collections.abc import Iterable

import regex

LONGEST = 280
"""Characters of a tweet."""

UNWANTED = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffd]")
"""Controls, overrides of the writing direction, lone surrogates, and what stands for bytes that are no text."""


def clean(text: str) -> str:
    """One line without what no tweet holds; white space is single spaces, none at the ends."""
    return " ".join(UNWANTED.sub("", text).split()).rstrip("\u200d")  # a joiner that joins nothing: half an emoji


def without(text: str, tokens: Iterable[str]) -> str:
    """``text`` without the names of special tokens, those too that appear only when others go."""
    names = [token for token in tokens if token]
    while any(name in text for name in names):
        for name in names:
            text = text.replace(name, "")
    return text


def first_line(text: str) -> str:
    return next(iter(text.splitlines()), "")


def shorten(text: str, longest: int = LONGEST) -> str:
    """A clean text cut after a word, or between two whole characters as people see them where words are not parted."""
    if len(text) <= longest:
        return text
    head = text[:longest]
    if text[longest] == " " or (head := drop_last_word(head)) != text[:longest]:
        return head.rstrip()
    ends = [match.end() for match in regex.finditer(r"\X", text)]
    return text[: max((end for end in ends if end <= longest), default=0)].rstrip()


def drop_last_word(text: str) -> str:
    """Without what follows the last space: in a text that was broken off it may be half a word.

    Where that would take more than half, as in scripts without spaces, nothing is dropped.
    """
    head = text.rpartition(" ")[0].rstrip()
    return head if 2 * len(head) >= len(text) else text
