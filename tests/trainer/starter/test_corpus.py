"""What the starter base learns from, and what it must never see."""

import codecs
from collections.abc import Callable
from itertools import groupby
from pathlib import Path

import pytest

from tests.trainer.conftest import invented_tweets
from trainer.starter.corpus import LONGEST, SHARES, fit, mix, texts

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a corpus file."""

    def save(lines: str) -> Path:
        path = tmp_path / "titles.txt"
        path.write_text(lines, "utf-8")
        return path

    return save


@pytest.fixture
def corpora(tmp_path: Path) -> Path:
    """A folder of all three, each of a hundred texts that begin with its name."""
    for seed, name in enumerate(SHARES):
        tweets = [f"{name}: {tweet}" for tweet in invented_tweets(400, seed) if fit(f"{name}: {tweet}")]
        (tmp_path / f"{name}.txt").write_text("\n".join(tweets[:100] + tweets[:10]), "utf-8")
    return tmp_path


def inside_out(word: str) -> str:
    """From rot13: nobody who reads or searches these tests meets the word."""
    return codecs.decode(word, "rot13")


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("the gull &amp; the   kettle are late", "the gull & the kettle are late"),
        ("\tthe night baker counts gulls again \r", "the night baker counts gulls again"),
        ("the ferry is late https://pier.example/a?b=1 again today", "the ferry is late again today"),
        ("the ferry is late (http://pier.example/times) today", "the ferry is late today"),
        ("the ferry is late www.pier.example today", "the ferry is late today"),
        ("the baker at crumbs.example.com/menu sells bread", "the baker at sells bread"),
        ("write to baker@crumbs.org about the bread", "write to about the bread"),
        ("thank you @MaraOfThePier for the soup, @keeper!", "thank you @user for the soup, @user!"),
    ],
)
def test_a_line_is_freed_of_addresses_names_and_markup(write: Write, line: str, text: str) -> None:
    assert list(texts(write(f"{line}\n"))) == [text]


@pytest.mark.parametrize(
    "text",
    [
        "the gull sleeps here",  # as short as may be
        "gull " * 55 + "sleep",  # as long as may be
        "The Lighthouse hums quietly",  # half of it plain words
        "the assistant of the therapist documents a raccoon in Scunthorpe",  # slurs only inside of words
        "a classic cockpit, analysed by Dickens, with grapes",
        "the modest operator has opinions on karmic opera",  # jargon only inside of words
        "tea for 2 costs $12.50 at 9:30, and that was in 1987",
        "¿qué hace la gaviota en el tejado?",
    ],
)
def test_plain_decent_text_is_fit(text: str) -> None:
    assert fit(text)


@pytest.mark.parametrize(
    "text",
    [
        "the gull sleeps now",  # 19 characters
        "gull " * 55 + "sleeps",  # 281
        "extraordinarily unbelievable lighthouses",  # three words
        "The Lighthouse Hums quietly",  # most words not plain
        "12 345 678 of the gulls are on 9 roofs",
        "the gull sleeps\u200b on the roof",  # a character that nobody sees
        "write to baker@crumbs.example for the warm bread",
        "ring the pier on 020 7946 0958 for a table",
        "ring the pier on +44 (0)20 7946-0958 for a table",
        "ring the pier on (555) 010.0199 for a table",
        "thank you u/gull for the kettle of today",
        "thank you /u/gull for the kettle of today",
        "gull1987 has opinions about the kettle",
        "old_gull has opinions about the kettle",
    ],
)
def test_text_that_is_no_text_or_holds_something_private_is_not_fit(text: str) -> None:
    assert not fit(text)


@pytest.mark.parametrize(
    "word",
    ["r/gulls", "/r/gulls", "Reddit", "subreddit", "x-post", "upvotes", "downvoted", "karma", "a throwaway", "AMA",
     "ELI5", "TIL", "NSFW", "OP", "TL;DR", "mods", "[serious]", "#harbour", "*waves*", "a|b", "~", "^"],
)  # fmt: skip
def test_a_forums_jargon_is_not_fit(word: str) -> None:
    assert fit("the gull says soup to the kettle")
    assert not fit(f"the gull says {word} to the kettle")


@pytest.mark.parametrize(
    "word",
    ["avttre", "avttnf", "snttbgf", "snt", "xvxrf", "puvax", "genaal", "ergneqrq", "phag", "juberf", "fyhggl", "chffl",
     "fuvg", "fuvggl", "shpx", "shpxvat", "shpxref", "ovgpurf", "nffubyrf", "cbea", "qvyqbf", "encr", "encvfgf",
     "anmvf", "xvyy lbhefrys"],
)  # fmt: skip
def test_a_slur_or_an_explicit_word_is_not_fit_in_any_case(word: str) -> None:
    said = inside_out(word)
    for form in (said, said.upper(), said.capitalize()):
        assert not fit(f"the gull says {form}! to the kettle")


def test_a_long_text_is_cut_between_sentences(write: Write) -> None:
    sentences = [f"the gull on roof {number} counts the ferries of the night." for number in range(20)]
    pieces = list(texts(write(" ".join(sentences))))
    assert " ".join(pieces) == " ".join(sentences)
    assert all(len(piece) <= LONGEST for piece in pieces)
    assert len(pieces) < 10


def test_of_a_long_text_only_the_unfit_part_is_left_out(write: Write) -> None:
    endless = "gull " * 60
    line = f"the ferry is late again today. {endless}sleeps. the kettle hums on the roof."
    assert list(texts(write(line))) == ["the ferry is late again today.", "the kettle hums on the roof."]


def test_a_packed_corpus_reads_like_a_plain_one(write: Write) -> None:
    zstandard = pytest.importorskip("zstandard")
    plain = write("\n".join(invented_tweets(200)))
    packed = plain.with_name("titles.txt.zst")
    packed.write_bytes(zstandard.compress(plain.read_bytes()))
    assert list(texts(packed)) == list(texts(plain))


def test_each_corpus_gives_its_share_of_the_characters(corpora: Path) -> None:
    chosen = mix(corpora, 8000, seed=1)
    for name, share in SHARES.items():
        characters = sum(len(text) for text in chosen if text.startswith(f"{name}:"))
        assert 8000 * share - LONGEST < characters <= 8000 * share
    assert len(list(groupby(chosen, key=lambda text: text.partition(":")[0]))) > 10, "all of a corpus come in a row"


def test_no_text_is_taken_twice_and_a_small_corpus_is_used_whole(corpora: Path) -> None:
    chosen = mix(corpora, 10**9, seed=1)
    assert len(chosen) == len(set(chosen)) == 300


def test_the_same_seed_draws_the_same_texts_and_another_seed_others(corpora: Path) -> None:
    assert mix(corpora, 5000, seed=1) == mix(corpora, 5000, seed=1)
    assert set(mix(corpora, 5000, seed=1)) != set(mix(corpora, 5000, seed=2))


def test_a_corpus_that_is_not_there_is_named(corpora: Path) -> None:
    (corpora / "selftext.txt").unlink()
    with pytest.raises(FileNotFoundError, match=r"neither selftext\.txt nor selftext\.txt\.zst"):
        mix(corpora, 5000, seed=1)
