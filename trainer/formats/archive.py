"""An X archive: the zip that people download of their own account, and its parts.

Only the files named here are opened, and of the account only its name: direct messages, likes, deleted and circle
tweets, addresses and mail stay unread. Their JavaScript is cut down to the JSON it assigns, never evaluated.
"""

import json
import re
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from trainer.cleaning import unescape
from trainer.errors import NotATimeline, TooBig, Unsafe
from trainer.formats import encoding, objects, tables, times
from trainer.formats.timeline import Timeline, several
from trainer.tweets import Tweet

MOST_BYTES = 200_000_000
"""Read out of one archive."""
MOST_MEMBERS = 200_000
"""An archive holds a file for each picture; the largest seen have some 100,000."""
MOST_RATIO = 200
"""Bytes out for each byte in. JSON of tweets reaches 30; zip bombs start at 1,000."""
_ALWAYS_FINE = 10_000_000
"""Bytes out, whatever the ratio."""

_TWEETS = re.compile(r"(?:^|/)(?:tweets?(?:-part\d+)?\.js|js/tweets/\d{4}_\d\d\.js)$")
_NOTES = re.compile(r"(?:^|/)note-tweet(?:-part\d+)?\.js$")
_ACCOUNT = re.compile(r"(?:^|/)account\.js$")
_OLD_TABLE = re.compile(r"(?:^|/)tweets\.csv$")
_DATA = re.compile(r"\.(?:csv|tsv|json|jsonl|ndjson|txt)$", re.IGNORECASE)
_ASSIGNMENT = re.compile(r"\s*(?:window\.)?(YTD|Grailbird\.data)\.(\w+?)(?:\.part\d+)?\s*=\s*")
_PUBLIC = re.compile(r"tweets?|tweets_\d{4}_\d\d|note_tweet")
_CLOSE = timedelta(seconds=5)
"""A long post and the tweet that shows its beginning were made within this time."""
_LEADING_MENTIONS = re.compile(r"^(?:@\w+\s+)+")

ReadOther = Callable[[bytes], Timeline]


def read(path: Path, other: ReadOther) -> Timeline:
    """The tweets of a zip; ``other`` reads the bytes of a single file in it.

    Raises Unsafe, TooBig, or NotATimeline for a damaged zip and for one without tweets.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = _checked(archive)
            return _archive(archive, members) if _has_tweets(members) else _single(archive, members, other)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise NotATimeline("This zip is damaged or has a password: download the archive again.") from error


def script(text: str) -> Timeline | None:
    """The tweets of one of the archive's .js files; None for text that is none."""
    if not (assignment := _ASSIGNMENT.match(text)):
        return None
    if not _PUBLIC.fullmatch(assignment[2]):
        raise NotATimeline(f"This is the part `{assignment[2]}` of an X archive: send `data/tweets.js`, or the zip.")
    if assignment[2] == "note_tweet":
        return Timeline(_long_posts(_json(text)), "X archive, long posts")
    return objects.timeline([_json(text)], "X archive, one file")


def _checked(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    members = archive.infolist()
    if len(members) > MOST_MEMBERS:
        raise TooBig(f"This zip holds {len(members):,} files, more than {MOST_MEMBERS:,}: send `data/tweets.js` alone.")
    for member in members:
        _check_path(member)
    files = [member for member in members if not member.is_dir()]
    out, packed = sum(member.file_size for member in files), sum(member.compress_size for member in files)
    if out > _ALWAYS_FINE and out > MOST_RATIO * packed:
        raise TooBig(f"This zip would unpack to {out / 1e6:,.0f} MB, far too much for its size: it is not read.")
    return files


def _check_path(member: zipfile.ZipInfo) -> None:
    name = member.orig_filename.replace("\\", "/")
    if name.startswith("/") or re.match(r"[A-Za-z]:", name) or ".." in name.split("/") or "\0" in name:
        raise Unsafe("This zip has a file whose path leads out of it; send the archive as X made it.")
    if stat.S_ISLNK(member.external_attr >> 16):
        raise Unsafe("This zip has a link to another place in it; send the archive as X made it.")


def _has_tweets(members: list[zipfile.ZipInfo]) -> bool:
    return any(_TWEETS.search(member.filename) or _OLD_TABLE.search(member.filename) for member in members)


def _archive(archive: zipfile.ZipFile, members: list[zipfile.ZipInfo]) -> Timeline:
    reader = _Reader(archive)
    scripts = list(reader.texts(members, _TWEETS))
    if not scripts:
        timeline = tables.read(next(reader.texts(members, _OLD_TABLE)))
        if timeline is None:
            raise NotATimeline("The table in this zip holds no tweets: download the archive again.")
        return timeline
    documents = [_json(text) for text in scripts]
    timeline = objects.timeline(documents, "X archive")
    long = [post for text in reader.texts(members, _NOTES) for post in _long_posts(_json(text))]
    for text in reader.texts(members, _ACCOUNT):
        timeline.handle, name = _account(_json(text))
        timeline.names[timeline.handle.casefold()] = name
    if long:
        tweets, merged = merge(list(timeline.tweets), long)
        timeline.tweets = tweets
        timeline.notes.append(f"{several(merged, 'long post')} put in whole.")
    return timeline


def _single(archive: zipfile.ZipFile, members: list[zipfile.ZipInfo], other: ReadOther) -> Timeline:
    names = [member.filename for member in members]
    if "[Content_Types].xml" in names:
        raise NotATimeline("This is an Office document: save the table as CSV and send that.")
    visible = [each for each in members if not re.search(r"(?:^|/)(?:__MACOSX/|\.)", each.filename)]
    data = [member for member in visible if _DATA.search(member.filename)]
    if len(data) != 1:
        what = f"{len(data)} tables, one of which to send alone" if data else "no tweets"
        raise NotATimeline(f"This zip is no X archive and holds {what}: send an X archive, or tweets as CSV or JSON.")
    return other(_Reader(archive).bytes(data[0]))


class _Reader:
    """Reads members within one allowance for all of them: what a member declares may be a lie."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._left = MOST_BYTES

    def bytes(self, member: zipfile.ZipInfo) -> bytes:
        if member.file_size <= self._left:
            with self._archive.open(member) as file:
                content = file.read(self._left + 1)
            self._left -= len(content)
            if self._left >= 0:
                return content
        raise TooBig(f"This zip holds more than {MOST_BYTES // 1_000_000} MB of text: send a part of the tweets.")

    def texts(self, members: list[zipfile.ZipInfo], wanted: re.Pattern[str]) -> Iterator[str]:
        for member in members:
            if wanted.search(member.filename):
                yield encoding.decode(self.bytes(member))[0]


def _json(text: str) -> Any:
    """The value that a script assigns, or that a bare file holds."""
    start = min((at for at in (text.find("["), text.find("{")) if at >= 0), default=-1)
    try:
        return json.JSONDecoder().raw_decode(text, start)[0]
    except (ValueError, RecursionError, IndexError) as error:
        raise NotATimeline(f"A file of this X archive is damaged ({error}): download the archive again.") from error


def _account(document: Any) -> tuple[str, str]:
    """Username and display name; nothing else of the account is looked at."""
    match document:
        case [{"account": {"username": str(username), **rest}}, *_]:
            return username, str(rest.get("accountDisplayName") or username)
        case _:
            return "", ""


def _long_posts(document: Any) -> list[Tweet]:
    """Of either layout: with the tweet's id, or with a time alone."""
    posts = []
    for each in document if isinstance(document, list) else []:
        match each:
            case {"noteTweet": {"core": {"text": str(text)}, **rest}}:
                posts.append(Tweet(text, time=times.parse(rest.get("createdAt"))))
            case {"noteTweetResults": {"text": str(text), **rest}}:
                posts.append(Tweet(text, id=str(rest.get("tweetId") or each.get("tweetId") or "")))
    return posts


def merge(tweets: list[Tweet], long: list[Tweet]) -> tuple[list[Tweet], int]:
    """Put whole long posts in place of their beginnings, and say how many. A post whose tweet is gone stays out."""
    merged, done = list(tweets), 0
    by_id = {tweet.id: at for at, tweet in enumerate(tweets)}
    by_minute: dict[str, list[int]] = {}
    for at, tweet in enumerate(tweets):
        by_minute.setdefault(tweet.time[:16], []).append(at)
    for post in long:
        place = by_id.get(post.id) if post.id else _beginning(tweets, post, by_minute)
        if place is not None:
            mentions = _LEADING_MENTIONS.match(tweets[place].text)
            text = post.text if not mentions or post.text.startswith("@") else mentions.group() + post.text
            merged[place], done = replace(tweets[place], text=text, truncated=False), done + 1
    return merged, done


def _beginning(tweets: list[Tweet], post: Tweet, by_minute: dict[str, list[int]]) -> int | None:
    """The tweet of the same seconds that begins like the post."""
    if not post.time:
        return None
    moment = datetime.fromisoformat(post.time)
    minutes = {(moment + shift).isoformat()[:16] for shift in (-_CLOSE, timedelta(0), _CLOSE)}
    near = [at for minute in minutes for at in by_minute.get(minute, [])]
    said = _opening(post.text)
    apart = {at: abs(datetime.fromisoformat(tweets[at].time) - moment) for at in near}
    fitting = [at for at in near if apart[at] <= _CLOSE and _opening(tweets[at].text) == said]
    return min(fitting, key=apart.__getitem__, default=None)


def _opening(text: str) -> str:
    """What the shown beginning and the whole post have in common; entities are escaped in one of them only."""
    return " ".join(unescape(_LEADING_MENTIONS.sub("", text)).split())[:30]
