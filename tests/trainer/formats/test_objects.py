"""JSON of every provenance."""

import json
from typing import Any

import pytest

from tests.trainer.formats.conftest import IDS, TEXTS, TIMES, Read
from trainer.errors import NotATimeline

STAMP = "Wed Nov 16 21:52:28 +0000 2022"


def v1(index: int, **more: Any) -> dict[str, Any]:
    user = {"screen_name": "Keeper", "name": "The Keeper", "created_at": STAMP, "lang": "de"}
    entities = {"hashtags": [{"text": "fog"}]}
    return {"id": int(IDS[index]), "id_str": IDS[index], "created_at": STAMP, "user": user, "entities": entities} | more


def page(start: int, stop: int, **more: Any) -> dict[str, Any]:
    data = [{"id": IDS[at], "text": TEXTS[at], "author_id": "7", "created_at": STAMP} for at in range(start, stop)]
    user = {"id": "7", "username": "Keeper", "name": "The Keeper", "description": "I keep a light for all of you"}
    quoted = [{"id": "1", "text": "what somebody else said once"}]
    return {"data": data, "includes": {"users": [user], "tweets": quoted}, "meta": {"result_count": 2}} | more


def texts(read: Read, content: object) -> list[str]:
    return [tweet.text for tweet in read(json.dumps(content))]


@pytest.mark.parametrize("key", ["text", "full_text", "tweet_text", "tweet", "content", "rawContent"])
def test_a_list_of_posts_is_read(read: Read, key: str) -> None:
    assert texts(read, [{"time": time, key: text} for time, text in zip(TIMES, TEXTS, strict=True)]) == TEXTS


def test_posts_under_unknown_keys_are_found_by_their_values(read: Read) -> None:
    posts = [{"zeit": time, "beitrag": text} for time, text in zip(TIMES, TEXTS, strict=True)]

    assert texts(read, {"konto": {"name": "Keeper"}, "beiträge": posts}) == TEXTS


def test_each_post_may_name_its_text_differently(read: Read) -> None:
    assert texts(read, [{"id": at, "text" if at % 2 else "full_text": text} for at, text in enumerate(TEXTS)]) == TEXTS


@pytest.mark.parametrize("join", ["\n", ", ", ""])
def test_one_object_after_another_is_read(read: Read, join: str) -> None:
    tweets = read(join.join(json.dumps(v1(at, full_text=text)) for at, text in enumerate(TEXTS)))

    assert [tweet.text for tweet in tweets] == TEXTS
    assert {(tweet.author, tweet.language, tweet.time) for tweet in tweets} == {
        ("Keeper", "", "2022-11-16T21:52:28+00:00")
    }


def test_a_damaged_line_among_many_is_skipped(read: Read) -> None:
    lines = [json.dumps(v1(at, text=text)) for at, text in enumerate(TEXTS)]

    assert len(read("\n".join([*lines, lines[0][:50]]))) == len(TEXTS)


def test_retweets_of_api_v1_are_known_by_what_they_retweet(read: Read) -> None:
    other = {"text": "what somebody else said", "id_str": "1", "user": {"screen_name": "mara"}}
    posts = [v1(at, text=text, retweeted=True) for at, text in enumerate(TEXTS)]
    posts[2] |= {"retweeted_status": other}
    posts[4] |= {"quoted_status": other}

    tweets = read(json.dumps(posts))

    assert [tweet.text for tweet in tweets] == TEXTS
    assert [at for at, tweet in enumerate(tweets) if tweet.retweet] == [2]
    assert {tweet.author for tweet in tweets} == {"Keeper"}


def test_long_posts_are_read_whole(read: Read) -> None:
    post = {"id": "1", "text": "the kettle… https://t.co/x", "note_tweet": {"text": "the kettle hums all night"}}
    streamed = {"id": "2", "text": "the goat… https://t.co/x", "truncated": True}
    streamed |= {"extended_tweet": {"full_text": "the goat has opinions"}}

    assert texts(read, [post, streamed]) == ["the kettle hums all night", "the goat has opinions"]


def test_pages_of_api_v2_are_read_in_any_wrapping(read: Read) -> None:
    pages = [page(0, 10), page(10, 24), {"meta": {"result_count": 0}}]

    assert texts(read, page(0, 24)) == TEXTS
    assert texts(read, page(0, 24)["data"]) == TEXTS
    assert [tweet.text for tweet in read("\n".join(map(json.dumps, pages)))] == TEXTS
    assert {tweet.author for tweet in read(json.dumps(pages))} == {"Keeper"}


def test_what_overlapping_pages_repeat_counts_once(read: Read) -> None:
    assert texts(read, [page(0, 12), page(9, 24)]) == TEXTS


def test_one_id_with_two_texts_is_two_tweets(read: Read) -> None:
    assert len(texts(read, [{"id": 8.92e17, "text": text} for text in TEXTS])) == len(TEXTS)


def test_only_the_last_version_of_an_edited_tweet_counts(read: Read) -> None:
    versions = [IDS[0], IDS[1]]
    first = {"id": IDS[0], "text": "the kettel hums", "edit_history_tweet_ids": versions}
    control: dict[str, Any] = {"edit": {"editControlInitial": {"editTweetIds": versions}}}
    last = {"id": IDS[1], "text": "the kettle hums", "edit_info": control}

    assert texts(read, [last, first]) == ["the kettle hums"]


def test_a_scraper_s_nested_answer_is_read(read: Read) -> None:
    def entry(at: int) -> dict[str, Any]:
        user = {"legacy": {"screen_name": "Keeper", "name": "The Keeper", "description": "I keep a light for you"}}
        quoted = {"result": {"legacy": {"full_text": "what somebody else said"}}}
        legacy: dict[str, Any] = {"full_text": TEXTS[at], "created_at": STAMP, "lang": "en", "id_str": IDS[at]}
        legacy |= {"retweeted_status_result": quoted} if at == 5 else {}
        core = {"user_results": {"result": user}}
        label = {"text": "Pinned by somebody"}
        return {"content": {"result": {"core": core, "legacy": legacy, "quoted_status_result": quoted}, "label": label}}

    tweets = read(json.dumps({"data": {"user": {"instructions": [{"entries": [entry(at) for at in range(24)]}]}}}))

    assert [tweet.text for tweet in tweets] == TEXTS
    assert {(tweet.author, tweet.language) for tweet in tweets} == {("Keeper", "en")}
    assert [at for at, tweet in enumerate(tweets) if tweet.retweet] == [5]


@pytest.mark.parametrize(
    "content",
    [
        TEXTS,
        dict(zip(IDS, TEXTS, strict=True)),
        {number: {"text": text} for number, text in zip(IDS, TEXTS, strict=True)},
        {"id": dict(enumerate(IDS)), "text": dict(enumerate(TEXTS))},
        {"id": IDS, "text": TEXTS},
    ],
)
def test_lists_and_columns_of_texts_are_read(read: Read, content: object) -> None:
    assert texts(read, content) == TEXTS


TELEGRAM = {"name": "Mara", "type": "personal_chat", "messages": [{"id": 1, "from": "Mara", "text": "hello my friend"}]}


@pytest.mark.parametrize(
    "content",
    [TELEGRAM, {"about": "all of it", "chats": {"list": [TELEGRAM]}}, {"guild": {}, "messages": [{"content": "hi"}]}],
)
def test_an_export_of_a_chat_is_refused(read: Read, content: object) -> None:
    with pytest.raises(NotATimeline, match="a chat"):
        read(json.dumps(content))


@pytest.mark.parametrize(
    "content",
    [
        [],
        {},
        [1, 2, 3],
        {"errors": [{"detail": "Could not find user", "title": "Not Found Error"}]},
        {"meta": {"result_count": 0}},
        {"name": "kettle", "version": "1.0", "description": "A kettle that hums", "keywords": ["kettle", "hum"]},
        {"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {"name": "pier"}}] * 4},
    ],
)
def test_json_without_tweets_is_refused(read: Read, content: object) -> None:
    with pytest.raises(NotATimeline, match="tweets"):
        read(json.dumps(content))


@pytest.mark.parametrize(
    "content", [json.dumps([{"text": text} for text in TEXTS])[:-30], "[" * 100_000, '{"a":' * 9_999]
)
def test_damaged_json_is_refused(read: Read, content: str) -> None:
    with pytest.raises(NotATimeline, match="damaged"):
        read(content)


@pytest.mark.parametrize("depth", [300, 980, 5_000])
def test_deeply_nested_json_is_refused(read: Read, depth: int) -> None:
    with pytest.raises(NotATimeline):
        read("[" * depth + "1" + "]" * depth)
