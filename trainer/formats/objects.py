"""JSON in all its shapes: lists, API pages, one object a line, scrapers' nested answers."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from trainer.errors import NotATimeline
from trainer.formats import chats, columns
from trainer.formats.rows import display_names, tweets
from trainer.formats.timeline import Row, Timeline, several

_SURE = {"full_text", "text", "tweet", "tweet_text", "tweettext", "rawcontent", "content", "texto", "fulltext"}
"""Keys, in lower case, whose string makes an object a post wherever it stands."""
_NOT_OURS = {"includes", "quoted_status", "retweeted_status", "quotedtweet", "retweetedtweet", "entities", "errors"}
_EDITS = {"edit_history_tweet_ids", "editTweetIds", "edit_tweet_ids"}
_DEPTH = 8

Object = Mapping[str, Any]


def read(text: str) -> Timeline | None:
    """The tweets of JSON text; None where it is no JSON. Raises NotATimeline for JSON of another kind."""
    documents, skipped = _documents(text)
    if not documents:
        return None
    if found := chats.read(documents[0]):
        return found
    return timeline(documents, _kind(documents), skipped)


def timeline(documents: list[Any], kind: str, skipped: int = 0) -> Timeline:
    """The tweets of decoded JSON. Raises NotATimeline where none is found."""
    if _is_chat(documents[0]):
        raise NotATimeline("This is an export of a chat, not a timeline of tweets: send an X archive or tweets.")
    found = [post for document in documents for post in _posts(document)] or _by_values(documents)
    if any("legacy" in post for post in found):  # a scraper's answer: other texts in it are labels of the page
        found = [post for post in found if "legacy" in post]
    if not found:
        raise NotATimeline("This JSON holds no tweets: send the tweets of one account, each with its text.")
    posts, twice, replaced = _once(found)
    people = _people(documents)
    sample = [_row(post, people) for post in posts[: columns.SAMPLE]]
    if (roles := columns.tell(sample)) is None:
        raise NotATimeline("Nothing in this JSON reads like tweets: send those of one account, each with its text.")
    rows = (_row(post, people) for post in posts)
    remarks = [
        (twice, "tweet", "in the file twice: counted once"),
        (replaced, "earlier version", "of edited tweets: left out"),
        (skipped, "damaged line", "in the file: left out"),
    ]
    notes = [f"{several(count, what)} {done}." for count, what, done in remarks if count]
    return Timeline(tweets(rows, roles), kind, display_names(sample, roles), notes=notes)


def _documents(text: str) -> tuple[list[Any], int]:
    """Every JSON value that the text is made of, and how many lines between them made no sense."""
    decoder, documents, skipped, at = json.JSONDecoder(), [], 0, 0
    while (at := _next(text, at)) < len(text):
        try:
            document, at = decoder.raw_decode(text, at)
            documents.append(document)
        except (ValueError, RecursionError) as error:
            skipped += 1
            if not documents or skipped * 10 > len(documents) + 10:
                return _damaged(text, error)
            at = text.find("\n", at) + 1 or len(text)
    return documents, skipped


def _next(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\n,;":
        at += 1
    return at


def _damaged(text: str, error: Exception) -> tuple[list[Any], int]:
    """No JSON at all, or a file that begins as JSON and breaks."""
    if text.lstrip()[:40].replace(" ", "").replace("\n", "").startswith(('{"', '[{"', '["', "[[")):
        raise NotATimeline(f"This JSON is damaged ({error}): download or export it again.") from error
    return [], 0


def _kind(documents: list[Any]) -> str:
    first = documents[0]
    if isinstance(first, dict) and isinstance(first.get("data"), list):
        return "API v2 page" if len(documents) == 1 else "API v2 pages"
    return "JSON" if len(documents) == 1 else "JSON lines"


def _is_chat(document: Any) -> bool:
    """Whether some messenger wrote it: exports hold messages where a timeline holds posts."""
    if not isinstance(document, dict):
        return False
    return isinstance(document.get("messages"), list) or isinstance(document.get("chats"), dict)


def _posts(value: Any) -> Iterator[Object]:
    """Objects that hold a text of their own, wherever they stand; what they quote or retweet is not theirs."""
    if isinstance(value, list):
        for each in value:
            yield from _posts(each)
    elif isinstance(value, dict):
        legacy = value.get("legacy")
        if _is_post(value) or (isinstance(legacy, dict) and _is_post(legacy)):
            yield value
        else:
            for name, each in value.items():
                if name.lower() not in _NOT_OURS and isinstance(each, list | dict):
                    yield from _posts(each)


def _is_post(value: Object) -> bool:
    return any(isinstance(text, str) and name.lower() in _SURE for name, text in value.items())


def _by_values(documents: list[Any]) -> list[Object]:
    """The largest list of objects, of texts or of columns, where no key is known: judged later by its values.

    Objects must be small or carry a time or an id, as descriptions of other things read like prose too.
    """
    if columnar := _by_columns(documents[0]):
        return columnar
    lists = [documents, *(each for document in documents for each in _lists(document))]
    best: list[Any] = max(lists, key=len)
    if best and all(isinstance(each, str) for each in best):
        return [{"text": each} for each in best] if sum(map(columns.running, best)) * 2 > len(best) else []
    posts: list[Object] = [each for each in best if isinstance(each, dict)]
    if len(posts) * 10 < len(best) * 9 or len(posts) < 2:
        return []
    roles = columns.tell([_row(post, {}) for post in posts[: columns.SAMPLE]])
    if roles is None or not (roles.id or roles.time or max(map(len, posts)) <= 4):
        return []
    return posts


def _by_columns(document: Any) -> list[Object]:
    """A table written column by column, {"text": {"0": …, "1": …}} or {"text": [ … ]}, or texts by id."""
    if not isinstance(document, dict):
        return []
    if document and all(name.isdigit() and isinstance(text, str) for name, text in document.items()):
        return [{"id": name, "text": text} for name, text in document.items()]
    table = {name: list(each.values()) if isinstance(each, dict) else each for name, each in document.items()}
    table = {name: each for name, each in table.items() if isinstance(each, list)}
    length = next((len(each) for name, each in table.items() if name.lower() in _SURE), 0)
    whole = {name: each for name, each in table.items() if length and len(each) == length}
    return [dict(zip(whole, row, strict=True)) for row in zip(*whole.values(), strict=True)]


def _lists(value: Any, depth: int = _DEPTH) -> Iterator[list[Any]]:
    if isinstance(value, list):
        yield value
    if isinstance(value, list | dict) and depth:
        for each in value if isinstance(value, list) else value.values():
            yield from _lists(each, depth - 1)


def _once(found: list[Object]) -> tuple[list[Object], int, int]:
    """Without what overlapping pages repeat (the same id and text) and without versions that an edit replaced."""
    posts, seen = [], set()
    for post in found:
        if not (number := _number(post)) or (number, _said(post)) not in seen:
            posts.append(post)
            seen.add((number, _said(post)))
    present = {_number(post) for post in posts}
    edited = [versions for post in posts for versions in _versions(post) if versions[-1] in present]
    old = {number for versions in edited for number in versions[:-1]}
    latest = [post for post in posts if _number(post) not in old]
    return latest, len(found) - len(posts), len(posts) - len(latest)


def _number(post: Object) -> str:
    return str(post.get("id_str") or post.get("rest_id") or post.get("id") or "")


def _said(post: Object) -> str:
    inner = post["legacy"] if isinstance(post.get("legacy"), dict) else post
    return next((text for name, text in inner.items() if isinstance(text, str) and name.lower() in _SURE), "")


def _versions(post: Object) -> Iterator[list[str]]:
    """Lists of the ids of one edited tweet, oldest first."""
    for name, each in post.items():
        if name in _EDITS and isinstance(each, list) and len(each) > 1:
            yield [str(number) for number in each]
        elif isinstance(each, dict) and name.startswith(("edit", "initial")):
            yield from _versions(each)


def _people(documents: list[Any]) -> dict[str, Object]:
    """Users that API v2 pages list beside the tweets, by id."""
    pages = [page for each in documents for page in (each if isinstance(each, list) else [each])]
    beside = [page.get("includes") for page in pages if isinstance(page, dict)]
    users = [user for each in beside if isinstance(each, dict) for user in each.get("users") or []]
    return {str(user.get("id")): user for user in users if isinstance(user, dict)}


def _row(post: Object, people: Mapping[str, Object]) -> Row:
    row = dict(_flat(post))
    if user := people.get(str(post.get("author_id"))):
        row |= {"author.username": user.get("username"), "author.name": user.get("name")}
    return row


def _flat(value: Object, path: str = "", depth: int = _DEPTH) -> Iterator[tuple[str, object]]:
    for name, each in value.items():
        if name == "referenced_tweets":
            yield path + name, json.dumps(each)
        elif isinstance(each, dict) and (name.lower().startswith(("retweeted", "quoted")) or name in _NOT_OURS):
            yield path + name, bool(each)
        elif isinstance(each, dict) and depth:
            yield from _flat(each, f"{path}{name}.", depth - 1)
        elif not isinstance(each, list | dict):
            yield path + name, each
