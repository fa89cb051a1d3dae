"""X archives of every layout, and zips that mean harm."""

import json
import stat
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.trainer.formats.conftest import IDS, TEXTS, Read, table, usual_rows
from trainer import formats
from trainer.errors import NotATimeline, TooBig, Unreadable, Unsafe

ACCOUNT = [{"account": {"email": "k@kettle.example", "username": "Keeper", "accountDisplayName": "The Keeper 🐐"}}]


def tweet(at: int, text: str = "", second: int = 0) -> dict[str, Any]:
    created = f"Wed Nov 16 21:{at:02}:{second:02} +0000 2022"
    return {"tweet": {"id_str": IDS[at], "full_text": text or TEXTS[at], "created_at": created, "retweeted": False}}


def script(name: str, content: object, end: str = "") -> str:
    return f"window.YTD.{name} = {json.dumps(content, indent=2)}{end}"


def zipped(path: Path, members: Mapping[str, str | bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


@pytest.fixture
def upload(tmp_path: Path) -> Path:
    return tmp_path / "archive.zip"


def texts(path: Path) -> list[str]:
    return [tweet.text for tweet in formats.read(path).tweets]


def test_an_archive_gives_all_parts_and_the_account_s_name(upload: Path) -> None:
    members = {
        "data/account.js": script("account.part0", ACCOUNT),
        "data/tweets.js": script("tweets.part0", [tweet(at) for at in range(10)]),
        "data/tweets-part1.js": script("tweets.part1", [tweet(at) for at in range(10, 24)], end=";\n"),
    }

    timeline = formats.read(zipped(upload, members))

    assert sorted(tweet.text for tweet in timeline.tweets) == sorted(TEXTS)
    assert timeline.handle == "Keeper"
    assert timeline.names == {"keeper": "The Keeper 🐐"}
    assert timeline.format == "X archive"


def test_nothing_private_is_opened(upload: Path) -> None:
    private = ["direct-messages", "like", "deleted-tweets", "twitter-circle-tweet", "ip-audit", "email-address-change"]
    secret = [{"tweet": {"full_text": "a secret that nobody may hear", "id_str": "1"}}]
    members = {f"data/{name}.js": script(f"{name.replace('-', '_')}.part0", secret) for name in private}

    with_tweets = zipped(upload, members | {"data/tweets.js": script("tweets.part0", [tweet(0)])})
    assert texts(with_tweets) == TEXTS[:1]

    with pytest.raises(NotATimeline, match="no tweets"):
        texts(zipped(upload, members))


@pytest.mark.parametrize("name", ["like", "direct_messages", "deleted_tweets", "twitter_circle_tweet", "account"])
def test_a_private_part_alone_is_refused(read: Read, name: str) -> None:
    with pytest.raises(NotATimeline, match=name):
        read(script(f"{name}.part0", [{"tweet": {"full_text": "a secret that nobody may hear"}}]))


@pytest.mark.parametrize("name", ["tweet.part0", "tweets.part3"])
@pytest.mark.parametrize("end", ["", ";", "\n;\n"])
def test_a_script_of_tweets_alone_is_read(read: Read, name: str, end: str) -> None:
    assert [tweet.text for tweet in read(script(name, [tweet(at) for at in range(24)], end))] == TEXTS


def test_old_scripts_do_not_wrap_their_tweets(read: Read) -> None:
    content = [tweet(at)["tweet"] for at in range(24)]

    assert [tweet.text for tweet in read(script("tweet.part0", content))] == TEXTS


def test_the_archive_from_before_2018_is_read_once(upload: Path) -> None:
    posts = [{"id_str": IDS[at], "text": TEXTS[at], "created_at": "2014-01-01 10:00:00 +0000"} for at in range(24)]
    members: dict[str, str | bytes] = {
        "data/js/tweets/2014_01.js": "Grailbird.data.tweets_2014_01 = \n" + json.dumps(posts[:12]),
        "data/js/tweets/2014_02.js": "Grailbird.data.tweets_2014_02 = \n" + json.dumps(posts[12:]),
        "tweets.csv": table(usual_rows(), "tweet_id,timestamp,text"),
    }

    assert texts(zipped(upload, members)) == TEXTS
    assert texts(zipped(upload, {"tweets.csv": members["tweets.csv"]})) == TEXTS


def long_post(minute: int, second: int, text: str) -> dict[str, Any]:
    created = f"2022-11-16T21:{minute:02}:{second:02}.000Z"
    return {"noteTweet": {"noteTweetId": "9", "createdAt": created, "core": {"text": text}}}


def test_long_posts_take_the_place_of_their_beginnings(upload: Path) -> None:
    whole = "the lighthouse & the goat hum all night " * 9
    begun = whole.replace("&", "&amp;")[:270] + "…"
    shown = [tweet(0, begun, 58), tweet(1, "@mara " + begun, 2), tweet(2, "the lighthouse & no more")]
    notes = [long_post(1, 1, whole), long_post(2, 30, whole), long_post(7, 0, "whose tweet was deleted")]
    notes += [long_post(0, 59, whole)]
    members: dict[str, str | bytes] = {
        "data/tweets.js": script("tweets.part0", shown),
        "data/note-tweet.js": script("note_tweet.part0", notes),
    }

    assert texts(zipped(upload, members)) == [whole, "@mara " + whole, "the lighthouse & no more"]


def test_long_posts_may_name_their_tweet(upload: Path) -> None:
    members: dict[str, str | bytes] = {
        "data/tweets.js": script("tweets.part0", [tweet(0, "the kettle…")]),
        "data/note-tweet.js": script(
            "note_tweet.part0", [{"noteTweetResults": {"text": "the kettle hums", "tweetId": IDS[0]}}]
        ),
    }

    assert texts(zipped(upload, members)) == ["the kettle hums"]


@pytest.mark.parametrize("name", ["timeline.csv", "folder/timeline.csv", "tweets.csv"])
def test_a_zip_of_one_table_is_read(upload: Path, name: str) -> None:
    members: dict[str, str | bytes] = {name: table(usual_rows(), "id,created_at,text"), "__MACOSX/._x.csv": b"\0\1"}

    assert texts(zipped(upload, members)) == TEXTS


def refused(path: Path, kind: type[Unreadable]) -> str:
    with pytest.raises(kind) as refusal:
        formats.read(path)
    return refusal.value.sentence


def test_zips_of_other_things_are_refused(upload: Path) -> None:
    assert "Office" in refused(
        zipped(upload, {"[Content_Types].xml": "<x/>", "word/document.xml": "<x/>"}), NotATimeline
    )
    assert "2 tables" in refused(zipped(upload, {"a.csv": "text\nx", "b.csv": "text\ny"}), NotATimeline)
    assert "no tweets" in refused(zipped(upload, {"holiday.png": b"\x89PNG"}), NotATimeline)
    inner = zipped(upload.with_name("inner.zip"), {"data/tweets.js": script("tweets.part0", [tweet(0)])})
    assert "no tweets" in refused(zipped(upload, {"inner.zip": inner.read_bytes()}), NotATimeline)
    assert "empty" in refused(zipped(upload, {"a.csv": b""}), NotATimeline)
    assert "picture" in refused(zipped(upload, {"a.csv": b"\x89PNG\r\n"}), NotATimeline)


@pytest.mark.parametrize(
    "name", ["../tweets.js", "data/../../tweets.js", "/etc/tweets.js", "C:\\tweets.js", "..\\x.js"]
)
def test_paths_that_lead_out_of_the_zip_are_refused(upload: Path, name: str) -> None:
    good: dict[str, str | bytes] = {"data/tweets.js": script("tweets.part0", [tweet(0)])}

    assert "path" in refused(zipped(upload, good | {name: "x"}), Unsafe)


def test_a_link_in_a_zip_is_refused(upload: Path) -> None:
    link = zipfile.ZipInfo("data/tweets.js")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(upload, "w") as archive:
        archive.writestr(link, "/etc/passwd")

    assert "link" in refused(upload, Unsafe)


@pytest.mark.parametrize("name", ["data/tweets.js", "picture.bin"])
def test_a_zip_bomb_is_refused_by_what_it_declares(upload: Path, name: str) -> None:
    assert "unpack" in refused(zipped(upload, {name: b"\0" * 20_000_000}), TooBig)


def test_a_zip_that_lies_about_its_size_is_refused(upload: Path) -> None:
    zipped(upload, {"data/tweets.js": "window.YTD.tweets.part0 = [" + " " * 5_000_000})
    declared = (27 + 5_000_000).to_bytes(4, "little")
    upload.write_bytes(upload.read_bytes().replace(declared, (1_000).to_bytes(4, "little")))

    assert "damaged" in refused(upload, NotATimeline)


def test_all_that_is_read_of_a_zip_counts_against_one_limit(upload: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainer.formats.archive.MOST_BYTES", 7_000)
    part = script("tweets.part0", [tweet(at) for at in range(24)])

    assert len(part) < 7_000
    assert texts(zipped(upload, {"data/tweets.js": part}))
    assert "MB" in refused(zipped(upload, {"data/tweets.js": part, "data/tweets-part1.js": part}), TooBig)


def test_a_zip_of_too_many_files_is_refused(upload: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainer.formats.archive.MOST_MEMBERS", 50)

    assert "60" in refused(zipped(upload, {f"{number}.txt": "" for number in range(60)}), TooBig)


def test_a_damaged_zip_is_refused(upload: Path) -> None:
    whole = zipped(upload, {"data/tweets.js": script("tweets.part0", [tweet(at) for at in range(24)])}).read_bytes()

    upload.write_bytes(whole[:40] + b"\xff" * 40 + whole[80:])
    assert "damaged" in refused(upload, NotATimeline)
    upload.write_bytes(whole[:200])
    assert "damaged" in refused(upload, NotATimeline)
