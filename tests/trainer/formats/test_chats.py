"""Chats as Telegram Desktop and DiscordChatExporter export them."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.trainer.conftest import invented_tweets
from trainer import formats, ingest
from trainer.errors import SeveralAuthors
from trainer.formats.timeline import Timeline
from trainer.protocol import IngestTask

TEXTS = invented_tweets(40)


def telegram(number: int, text: Any, name: str | None = "Mara Quill 🥖", **more: Any) -> dict[str, Any]:
    who = {"from": name, "from_id": f"user{len(name or '')}"}
    return {"id": number, "type": "message", "date": "2024-01-02T03:04:05", "text": text, **who, **more}


def discord(number: int, text: str, name: str = "mara.quill", **more: Any) -> dict[str, Any]:
    author = {"id": str(len(name)), "name": name, "nickname": "Mara", "isBot": False}
    return {
        "id": str(number), "type": "Default", "timestamp": "2024-01-02T03:04:05+00:00", "content": text,
        "author": author, **more,
    }  # fmt: skip


def chat(*messages: dict[str, Any]) -> dict[str, Any]:
    return {"name": "The pier", "type": "private_group", "id": 7, "messages": list(messages)}


def server(*messages: dict[str, Any]) -> dict[str, Any]:
    return {"guild": {"id": "1", "name": "Pier"}, "channel": {"id": "2"}, "messages": list(messages)}


def read(tmp_path: Path, document: object) -> Timeline:
    path = tmp_path / "result.json"
    path.write_text(json.dumps(document), "utf-8")
    return formats.read(path)


@pytest.mark.parametrize("whole", [False, True], ids=["one chat", "all chats"])
def test_messages_of_telegram_are_read_with_their_writers(tmp_path: Path, whole: bool) -> None:
    pieces = ["so ", {"type": "bold", "text": "loud"}, " & ", {"type": "link", "text": "here"}]
    one = chat(*(telegram(at, text) for at, text in enumerate(TEXTS)), telegram(99, pieces, "Ben"))
    found = read(tmp_path, {"about": "all", "chats": {"list": [one]}} if whole else one)

    tweets = list(found.tweets)
    assert found.format == "Telegram export"
    assert [tweet.text for tweet in tweets] == [*TEXTS, "so loud &amp; here"]
    assert [tweet.author for tweet in tweets] == ["mara_quill"] * 40 + ["ben"]
    assert found.names == {"mara_quill": "Mara Quill 🥖", "ben": "Ben"}
    assert tweets[0].time == "2024-01-02T03:04:05"


def test_what_telegram_or_others_said_is_left_out(tmp_path: Path) -> None:
    theirs = [
        telegram(1, "an announcement of somebody", forwarded_from="Ben"),
        telegram(2, "a game's result", via_bot="@gamebot"),
        telegram(3, "") | {"type": "service", "action": "pin_message"},
        telegram(4, ""),
    ]
    found = read(tmp_path, chat(*theirs, *(telegram(at, text) for at, text in enumerate(TEXTS))))
    assert [tweet.text for tweet in found.tweets] == TEXTS


def test_people_whose_names_make_no_handle_or_the_same_are_told_apart(tmp_path: Path) -> None:
    messages = [telegram(1, "hello there", "Мара"), telegram(2, "hello here", None), telegram(3, "hello", "Ben")]
    same = telegram(4, "hello again", "Ben") | {"from_id": "user9"}
    found = read(tmp_path, chat(*messages, same))
    assert [tweet.author for tweet in found.tweets] == ["user4", "user0", "ben", "ben_user9"]


def test_messages_of_discord_are_read_without_bots_and_notices(tmp_path: Path) -> None:
    bot = discord(98, "beep")
    bot["author"] |= {"isBot": True}
    joined = discord(99, "joined the server") | {"type": "GuildMemberJoin"}
    answer = discord(50, "yes, that kettle", "ben") | {"type": "Reply"}
    found = read(tmp_path, server(bot, joined, answer, *(discord(at, text) for at, text in enumerate(TEXTS))))
    assert found.format == "Discord export"
    assert [(tweet.author, tweet.text) for tweet in found.tweets] == [
        ("ben", "yes, that kettle"),
        *(("mara.quill", text) for text in TEXTS),
    ]


def test_it_is_asked_whose_messages_to_take(tmp_path: Path) -> None:
    messages = [telegram(at, text, ("Mara Quill", "Ben")[at % 2]) for at, text in enumerate(TEXTS)]
    path = tmp_path / "result.json"
    path.write_text(json.dumps(chat(*messages)), "utf-8")
    output = str(tmp_path / "corpus.gz")

    with pytest.raises(SeveralAuthors) as refused:
        ingest.ingest(IngestTask(str(path), output, "mara"), ignore)
    assert refused.value.details == {"authors": {"mara_quill": 20, "ben": 20}}
    taken = ingest.ingest(IngestTask(str(path), output, "mara_quill"), ignore)
    assert (taken.name, taken.counts["kept"]) == ("Mara Quill", 20)


def ignore(stage: str, **values: Any) -> None:
    """Reports."""
