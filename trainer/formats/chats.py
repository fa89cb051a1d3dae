"""Exports of chats that say who wrote what: Telegram Desktop's ``result.json``, and DiscordChatExporter's JSON.

Whose messages to take is never guessed: more than one writer ends in SeveralAuthors, unless one was asked for.
"""

import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from trainer.formats.timeline import Timeline
from trainer.tweets import Tweet

_DISCORD_SAID = {"Default", "Reply"}
"""Types of messages that a person wrote; the others tell of joins, pins and calls."""

Object = Mapping[str, Any]


@dataclass(frozen=True)
class _Message:
    writer: str
    """The platform's id of who wrote it."""
    name: str
    id: str
    time: str
    text: str


def read(document: Any) -> Timeline | None:
    """The messages of decoded JSON as tweets; None where neither program wrote it."""
    if not isinstance(document, dict):
        return None
    for kind, found in (("Telegram export", _telegram(document)), ("Discord export", _discord(document))):
        if messages := list(found):
            handles = _handles(messages)
            names = {handles[each.writer]: each.name for each in messages}
            tweets = [
                Tweet(html.escape(each.text, quote=False), each.id, each.time, author=handles[each.writer])
                for each in messages
            ]
            return Timeline(tweets, kind, names)
    return None


def _telegram(document: Object) -> Iterator[_Message]:
    """Of one chat, or of all of them. A forwarded message is another's."""
    listed = document.get("chats")
    chats = listed.get("list") if isinstance(listed, dict) else [document]
    for message in _messages(chats):
        said = message.get("type") == "message" and not message.get("forwarded_from") and not message.get("via_bot")
        if said and message.get("from_id") and (text := _telegram_text(message.get("text"))):
            writer, time = str(message["from_id"]), str(message.get("date") or "")
            yield _Message(writer, str(message.get("from") or ""), str(message.get("id") or ""), time, text)


def _telegram_text(text: Any) -> str:
    """Text with formatting is a list of plain and formatted pieces."""
    pieces = text if isinstance(text, list) else [text]
    told = [piece.get("text") if isinstance(piece, dict) else piece for piece in pieces]
    return "".join(piece for piece in told if isinstance(piece, str))


def _discord(document: Object) -> Iterator[_Message]:
    for message in _messages([document]):
        author, text = message.get("author"), message.get("content")
        if not isinstance(author, dict) or author.get("isBot") or message.get("type") not in _DISCORD_SAID:
            continue
        if author.get("id") and isinstance(text, str) and text:
            name, time = str(author.get("name") or ""), str(message.get("timestamp") or "")
            yield _Message(str(author["id"]), name, str(message.get("id") or ""), time, text)


def _messages(chats: Any) -> Iterator[Object]:
    for chat in chats if isinstance(chats, list) else []:
        messages = chat.get("messages") if isinstance(chat, dict) else None
        for message in messages if isinstance(messages, list) else []:
            if isinstance(message, dict):
                yield message


def _handles(messages: list[_Message]) -> dict[str, str]:
    """By writer: their name as handles are spelled, or the platform's id where it gives none, or another's."""
    handles: dict[str, str] = {}
    for message in messages:
        if message.writer not in handles:
            spelled = re.sub(r"[^a-z0-9.]+", "_", message.name.lower()).strip("_.")
            taken = not spelled or spelled.isdigit() or spelled in handles.values()
            handles[message.writer] = f"{spelled}_{message.writer}".strip("_") if taken else spelled
    return handles
