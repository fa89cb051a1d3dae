"""CSV and its relatives: the column is found, whatever the delimiter, quoting and header."""

import csv
import io

import pytest

from tests.trainer.formats.conftest import IDS, TEXTS, TIMES, Read, table, usual_rows
from trainer.errors import NotATimeline


def texts(read: Read, content: str | bytes) -> list[str]:
    return [tweet.text for tweet in read(content)]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_every_usual_delimiter_is_told(read: Read, delimiter: str) -> None:
    assert texts(read, table(usual_rows(), "id,created_at,text", delimiter)) == TEXTS


@pytest.mark.parametrize("name", ["Text", "full_text", "tweet", "texto", "Tweet Text", "content", "mensagem", "文章"])
def test_the_text_column_is_found_by_name_or_by_values(read: Read, name: str) -> None:
    assert texts(read, table(usual_rows(), f"nr,quando,{name}")) == TEXTS


def test_a_table_without_a_header_is_read_by_its_values(read: Read) -> None:
    rows = [["'" + number, time, text, 3, "Kettle for iPhone", "pt", False] for number, time, text in usual_rows()]

    tweets = read(table(rows))

    assert [tweet.text for tweet in tweets] == TEXTS
    assert [tweet.id for tweet in tweets] == IDS
    assert tweets[0].time == "2021-05-01T10:00:00+00:00"


def test_longer_texts_win_among_columns_of_known_names(read: Read) -> None:
    rows = [[number, text[:20] + "…", text, "Tweet"] for number, _, text in usual_rows()]

    assert texts(read, table(rows, "id,text,full_text,content")) == TEXTS


def test_an_unnamed_index_column_and_forty_others_do_not_matter(read: Read) -> None:
    header = ["", "created_at", "full_text", *(f"x{number}" for number in range(38))]
    rows = [[index, TIMES[index], text, *[""] * 38] for index, text in enumerate(TEXTS)]

    assert texts(read, "\ufeff" + table([header, *rows])) == TEXTS


def test_rows_end_only_where_the_table_says_so(read: Read) -> None:
    odd = "first\u2028second\x85third\nfourth\rfifth"

    tweets = read(table([[IDS[0], TIMES[0], odd], *usual_rows()[1:]], "id,created_at,text"))

    assert len(tweets) == len(TEXTS)
    assert tweets[0].text.split() == ["first", "second", "third", "fourth", "fifth"]


def test_a_lone_carriage_return_stands_inside_a_tweet(read: Read) -> None:
    lines = [f"{number},{time},first\rsecond {number}" for number, time, _ in usual_rows()]

    assert texts(read, "\n".join(["id,created_at,text", *lines])) == [f"first second {number}" for number in IDS]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r\r\n", "\r"])
def test_every_line_end_is_one(read: Read, end: str) -> None:
    assert texts(read, table(usual_rows(), "id,created_at,text").replace("\r\n", end)) == TEXTS


def test_zero_bytes_are_dropped(read: Read) -> None:
    rows = [[number, time, text + "\0"] for number, time, text in usual_rows()]

    assert texts(read, table(rows, "id,created_at,text")) == TEXTS


def test_a_cell_may_be_huge(read: Read) -> None:
    rows = [[*row, "x" * 300_000] for row in usual_rows()[:3]]

    assert texts(read, table(rows, "id,created_at,text,blob")) == TEXTS[:3]


def test_commas_that_were_not_quoted_stay_in_the_text(read: Read) -> None:
    lines = [f"{number},{time},{text},7" for number, time, text in usual_rows()]

    assert texts(read, "\n".join(["id,created_at,text,likes", *lines])) == TEXTS


def test_quotes_may_be_plain_characters_of_tab_separated_text(read: Read) -> None:
    lines = [f'{number}\t{time}\t"{text}' for number, time, text in usual_rows()]

    assert texts(read, "\n".join(["id\tcreated_at\ttext", *lines])) == ['"' + text for text in TEXTS]


def test_quotes_may_be_escaped_by_backslashes(read: Read) -> None:
    lines = [f'{number},{time},"she said \\"{text}\\""' for number, time, text in usual_rows()]

    assert texts(read, "\n".join(["id,created_at,text", *lines])) == [f'she said "{text}"' for text in TEXTS]


def test_bytes_as_python_writes_them_are_decoded(read: Read) -> None:
    rows = [[number, time, repr(text.encode())] for number, time, text in usual_rows()]

    assert texts(read, table(rows, "id,created_at,text")) == TEXTS


@pytest.mark.parametrize("header", ["", "text", "tweet"])
def test_one_column_is_a_table_too(read: Read, header: str) -> None:
    assert texts(read, table([[text] for text in TEXTS], header)) == TEXTS


def test_a_header_repeated_by_joining_files_is_no_tweet(read: Read) -> None:
    part = table(usual_rows(), "id,created_at,text")

    assert texts(read, part + part) == TEXTS + TEXTS


@pytest.mark.parametrize("mangled", ["8.92E+17", "1,05668529737799E+018"])
def test_mangled_ids_tell_nothing(read: Read, mangled: str) -> None:
    tweets = read(table([[mangled, time, text] for _, time, text in usual_rows()], "id,created_at,text"))

    assert [tweet.text for tweet in tweets] == TEXTS
    assert {tweet.id for tweet in tweets} == {""}


def test_an_id_tells_the_time_where_nothing_else_does(read: Read) -> None:
    tweets = read(table([["1212092628029698048", text] for text in TEXTS], "id,text"))

    assert tweets[0].time == "2019-12-31T19:26:16+00:00"


MARKS = {
    "text": "RT @mara: the kettle",
    "is_retweet": "True",
    "retweet": "true",
    "retweeted_status_id": "1400000000000000000",
    "retweeted_status.id": "1400000000000000000.0",
    "referenced_tweets": "[{'type': 'retweeted', 'id': '1'}]",
    "referenced_tweets.retweeted.id": "1400000000000000000",
    "tweet_type": "retweet",
}


@pytest.mark.parametrize("column", MARKS)
def test_a_retweet_is_known_by_any_mark(read: Read, column: str) -> None:
    records = [{"text": text, column: text if column == "text" else ""} for text in TEXTS]
    records[3] = {"text": TEXTS[3], column: MARKS[column]}

    out = io.StringIO()
    writer = csv.DictWriter(out, records[0])
    writer.writeheader()
    writer.writerows(records)

    assert [index for index, tweet in enumerate(read(out.getvalue())) if tweet.retweet] == [3]


def test_counts_of_retweets_are_no_marks(read: Read) -> None:
    rows = [[text, 3, 5, index % 4, "True"] for index, text in enumerate(TEXTS)]

    tweets = read(table(rows, "text,retweet_count,retweets,retweet,retweeted"))

    assert not any(tweet.retweet for tweet in tweets)


@pytest.mark.parametrize("column", ["Username", "posted_by", "user_screen_name", "author/userName", "user"])
def test_the_author_is_found(read: Read, column: str) -> None:
    tweets = read(table([["@Keeper", text] for text in TEXTS], f"{column},text"))

    assert {tweet.author for tweet in tweets} == {"Keeper"}


def test_a_name_that_differs_from_tweet_to_tweet_is_no_author(read: Read) -> None:
    tweets = read(table([[text, f"Goat{index}"] for index, text in enumerate(TEXTS)], "text,name"))

    assert {tweet.author for tweet in tweets} == {""}


def test_a_spreadsheet_s_word_on_its_delimiter_is_no_row(read: Read) -> None:
    assert texts(read, "sep=;\r\n" + table(usual_rows(), "id,created_at,text", ";").replace("\r\n", "\n")) == TEXTS


def test_the_author_may_stand_in_the_tweet_s_address(read: Read) -> None:
    rows = [[f"https://twitter.com/Keeper/status/{number}", text] for number, _, text in usual_rows()]

    assert {tweet.author for tweet in read(table(rows, "link,text"))} == {"Keeper"}


@pytest.mark.parametrize(("given", "language"), [("pt", "pt"), ("und", ""), ("in", "id"), ("Twitter Web", "")])
def test_languages_are_codes(read: Read, given: str, language: str) -> None:
    assert read(table([[text, given] for text in TEXTS], "text,lang"))[0].language == language


@pytest.mark.parametrize("content", ["id,created_at,text\n", "text\n", "\ufefftweet"])
def test_a_header_alone_is_refused(read: Read, content: str) -> None:
    with pytest.raises(NotATimeline, match="but no tweets"):
        read(content)


def test_a_table_of_numbers_is_refused(read: Read) -> None:
    with pytest.raises(NotATimeline, match="No column"):
        read(table([[time, index * 2.5, index] for index, time in enumerate(TIMES)], "Date,Open,Close"))
