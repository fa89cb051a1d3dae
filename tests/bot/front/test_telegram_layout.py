"""What a reply becomes on Telegram: short enough, marked where meant, whole, and without power over anybody."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from telegram import MessageEntity  # noqa: TID251  # what the front end reads and makes

from bot.front.telegram.layout import LONGEST, UNSEEN, Page, harmless, pages, units
from bot.reply import Reply
from tests.servers.telegram.words import found_entities

TEXTS = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("🐐\n@/. a"), max_size=300)
REPLIES = st.builds(Reply, st.just("said:") | TEXTS, st.lists(TEXTS, max_size=4).map(tuple), foot=TEXTS)

LONGEST_HERE = 40
"""Small, so that everything is cut."""

ADDRESS = re.compile(r"\w\.\w|://|\w@\w")


def marked(page: Page, entity: MessageEntity) -> str:
    """As Telegram cuts it out; raises UnicodeDecodeError where a character is cut in two."""
    raw = page.text.encode("utf-16-le")
    return raw[2 * entity.offset : 2 * (entity.offset + entity.length)].decode("utf-16-le")


def bare(text: str) -> str:
    """Without what no reader sees."""
    return "".join(text.replace(UNSEEN, "").split())


@given(REPLIES)
def test_every_page_fits_and_says_something(reply: Reply) -> None:
    found = pages(reply, LONGEST_HERE)

    assert all(units(page.text) <= LONGEST_HERE for page in found)
    assert all(page.text for page in found) or found == [Page("")]


@given(REPLIES)
def test_nothing_is_lost_and_nothing_changes_its_place(reply: Reply) -> None:
    assert bare("".join(page.text for page in pages(reply, LONGEST_HERE))) == bare(reply.words)


@given(REPLIES)
def test_marks_lie_within_the_text_and_cut_no_character_in_two(reply: Reply) -> None:
    for page in pages(reply, LONGEST_HERE):
        for entity in page.entities:
            assert entity.length > 0
            assert entity.offset + entity.length <= units(page.text)
            assert marked(page, entity)


@given(REPLIES)
def test_quotes_hold_all_of_the_tweets_and_nothing_else(reply: Reply) -> None:
    quoted = [
        marked(page, each)
        for page in pages(reply, LONGEST_HERE)
        for each in page.entities
        if each.type == MessageEntity.BLOCKQUOTE
    ]

    assert bare("".join(quoted)) == bare("".join(reply.tweets))


@given(st.lists(st.sampled_from(["@jack", "/start", "(", "http://", "t.me/", "a.b", "x", " ", "🐐", "/", ".de"])))
def test_generated_text_mentions_nobody_commands_nothing_and_links_nowhere(parts: list[str]) -> None:
    safe = harmless("".join(parts))

    assert found_entities(safe) == []
    assert not ADDRESS.search(safe)
    assert safe.replace(UNSEEN, "") == "".join(parts)


@pytest.mark.parametrize("length", [LONGEST - 1, LONGEST, LONGEST + 1])
def test_a_text_as_long_as_a_message_may_be_is_not_preceded_by_an_empty_one(length: int) -> None:
    assert [units(page.text) for page in pages(Reply("a" * length))] == [
        min(length, LONGEST),
        *([length - LONGEST] if length > LONGEST else []),
    ]


def test_lines_stay_whole_where_they_can() -> None:
    assert [page.text for page in pages(Reply("one two\nthree four\nfive"), 19)] == ["one two\nthree four", "five"]
