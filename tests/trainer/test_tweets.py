"""Counting, and the corpus on disk."""

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trainer.conftest import invented_corpus, invented_tweets
from trainer.tweets import Corpus, Counts, Tweet, make_corpus

ANY_TEXT = st.one_of(
    st.text(max_size=200),
    st.sampled_from(["RT @mara: so true", "the kettle hums", "no", "the Kettle hums ", "see https://t.co/x…"]),
)


@given(st.lists(st.builds(Tweet, text=ANY_TEXT, retweet=st.booleans(), truncated=st.booleans()), max_size=30))
def test_the_rows_of_the_table_always_add_up(tweets: list[Tweet]) -> None:
    corpus = make_corpus("keeper", "Keeper", tweets)

    counts = corpus.counts
    assert counts.downloaded == len(tweets)
    assert counts.downloaded == counts.retweets + counts.short + counts.dropped + counts.kept
    assert counts.kept == len(corpus.texts)


@given(st.lists(st.builds(Tweet, text=ANY_TEXT), max_size=30))
def test_kept_texts_are_distinct_single_lines(tweets: list[Tweet]) -> None:
    texts = make_corpus("keeper", "Keeper", tweets).texts

    assert len({text.casefold() for text in texts}) == len(texts)
    assert all(text == " ".join(text.split()) and text for text in texts)


def test_each_tweet_is_counted_in_one_row() -> None:
    cut = ("gulls over the harbour " * 9)[:134] + " lamp…"
    tweets = [
        Tweet("the kettle hums again https://t.co/a"),
        Tweet("The kettle  hums AGAIN https://t.co/b"),
        Tweet("good night"),
        Tweet("RT @mara: my boots owe me money", retweet=True),
        Tweet(cut),
    ]

    corpus = make_corpus("keeper", "Keeper", tweets)

    assert corpus.counts == Counts(downloaded=5, retweets=1, short=1, dropped=2, kept=1)
    assert corpus.texts == ["the kettle hums again"]


def test_a_corpus_runs_from_the_oldest_to_the_newest() -> None:
    newest_first = [
        Tweet("the third of them", time="2020-03-01T00:00:00+00:00"),
        Tweet("without any time given"),
        Tweet("the second of them", time="2020-02-01T00:00:00+00:00"),
        Tweet("the first of them", time="2020-01-01T00:00:00+00:00"),
    ]

    texts = make_corpus("keeper", "Keeper", newest_first).texts

    assert texts == ["the first of them", "the second of them", "without any time given", "the third of them"]


def test_languages_come_from_the_file_or_else_from_the_script() -> None:
    tweets = [Tweet("um farol na névoa", language="pt"), Tweet("сегодня маяк гудит"), Tweet("the kettle hums again")]

    assert make_corpus("keeper", "Keeper", tweets).languages == {"pt": 1, "ru": 1}


def test_a_corpus_is_read_back_as_it_was_saved(tmp_path: Path) -> None:
    corpus = invented_corpus(40, name="Zoë\u2028“K”\n🐐")

    corpus.save(tmp_path / "corpus")

    assert Corpus.load(tmp_path / "corpus") == corpus
    assert [path.name for path in tmp_path.iterdir()] == ["corpus"]


def test_the_same_corpus_makes_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        invented_corpus(40).save(tmp_path / name)

    content = (tmp_path / "one").read_bytes()
    assert content == (tmp_path / "two").read_bytes()
    assert content[4:8] == bytes(4)  # where gzip writes the time


def test_a_corpus_that_cannot_be_saved_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "corpus"
    invented_corpus(40).save(path)
    (tmp_path / "corpus.tmp").mkdir()

    with pytest.raises(OSError, match=r"corpus\.tmp"):
        invented_corpus(50).save(path)

    assert len(Corpus.load(path).texts) == 40


@pytest.mark.parametrize("keep", [0, 1, 10, 200, -1])
def test_a_damaged_corpus_is_told_from_a_whole_one(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "corpus"
    invented_corpus(40).save(path)
    path.write_bytes(path.read_bytes()[:keep])

    with pytest.raises(ValueError, match="not a whole corpus"):
        Corpus.load(path)


@pytest.mark.parametrize(
    "content", [b"", b"3\n", b"[]\n", b'{"format": 1}\n', b"\xff\n", b'{"format": 2, "counts": {}}\n']
)
def test_a_file_of_another_kind_is_no_corpus(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "corpus").write_bytes(gzip.compress(content))

    with pytest.raises(ValueError, match="not a whole corpus"):
        Corpus.load(tmp_path / "corpus")


def test_a_corpus_that_lost_a_tweet_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "corpus"
    invented_corpus(40).save(path)
    lines = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
    path.write_bytes(gzip.compress(b"".join(lines[:-1])))

    with pytest.raises(ValueError, match="not a whole corpus"):
        Corpus.load(path)


def test_invented_tweets_pass_the_sieve_whole() -> None:
    texts = invented_tweets(200)

    assert make_corpus("keeper", "Keeper", [Tweet(text) for text in texts]).texts == texts
