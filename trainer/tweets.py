"""The Tweet record and the Corpus made of many: cleaning and counting, all of it pure."""

import gzip
import json
import zlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from trainer import cleaning
from trainer.disk import sync

_FORMAT = 1


@dataclass(frozen=True)
class Tweet:
    """One post as its source gave it, entities and addresses still in the text."""

    text: str
    id: str = ""
    time: str = ""
    """ISO 8601, or empty where the source does not tell."""
    language: str = ""
    author: str = ""
    retweet: bool = False
    truncated: bool = False
    """The source says that it cut the text."""


@dataclass(frozen=True)
class Counts:
    """Rows of the card's table: ``downloaded`` is the sum of the other four."""

    downloaded: int
    retweets: int
    short: int
    dropped: int
    """Duplicates, and texts their source cut off."""
    kept: int


@dataclass(frozen=True)
class Corpus:
    """What one person wrote, cleaned and ready to train on."""

    handle: str
    name: str
    counts: Counts
    texts: list[str]
    """Kept tweets, cleaned, oldest first where times are known."""
    languages: dict[str, int] = field(default_factory=dict)

    @property
    def characters(self) -> int:
        return sum(map(len, self.texts))

    def save(self, path: Path) -> None:
        """Write gzipped JSON lines, a header and then one text a line: whole and synced, or not at all.

        The same corpus makes the same bytes, so that their hash names the content.
        """
        header = {"format": _FORMAT, "handle": self.handle, "name": self.name, "counts": asdict(self.counts)}
        lines = [header | {"languages": self.languages}, *self.texts]
        content = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode()
        _write(path, gzip.compress(content, mtime=0))

    @classmethod
    def load(cls, path: Path) -> "Corpus":
        """Read what ``save`` wrote. Raises ValueError for a damaged file, OSError for one that cannot be read."""
        content = path.read_bytes()
        try:
            lines = [json.loads(line) for line in gzip.decompress(content).decode().split("\n")[:-1]]
            return cls._of(lines[0], lines[1:])
        except (OSError, EOFError, zlib.error, ValueError, LookupError, TypeError) as error:
            raise ValueError(f"{path.name} is not a whole corpus: {error}") from error

    @classmethod
    def _of(cls, header: dict[str, Any], texts: list[str]) -> "Corpus":
        counts = Counts(**header["counts"])
        if header["format"] != _FORMAT or counts.kept != len(texts) or not all(isinstance(text, str) for text in texts):
            raise ValueError("the header does not fit what follows")
        return cls(str(header["handle"]), str(header["name"]), counts, texts, dict(header["languages"]))


@dataclass
class Sieve:
    """Takes tweets one by one, keeps the clean text of those fit to train on, and counts the others by reason."""

    downloaded: int = 0
    retweets: int = 0
    short: int = 0
    cut: int = 0
    duplicates: int = 0
    mended: int = 0
    """Tweets whose mojibake was undone."""
    kept: list[tuple[Tweet, str]] = field(default_factory=list)
    _seen: set[str] = field(default_factory=set)

    def take(self, tweet: Tweet) -> None:
        """The first rule that applies counts: retweet, short, cut off, duplicate."""
        self.downloaded += 1
        if tweet.retweet:
            self.retweets += 1
            return
        decoded = cleaning.unescape(tweet.text)
        mended = cleaning.mend(decoded)
        self.mended += mended != decoded
        text = cleaning.clean(mended)
        if cleaning.is_short(text):
            self.short += 1
        elif cleaning.is_cut(mended, tweet.truncated) and not (text := cleaning.whole_before_cut(text)):
            self.cut += 1
        elif (same := cleaning.same(text)) in self._seen:
            self.duplicates += 1
        else:
            self._seen.add(same)
            self.kept.append((tweet, text))

    @property
    def counts(self) -> Counts:
        return Counts(self.downloaded, self.retweets, self.short, self.cut + self.duplicates, len(self.kept))

    def corpus(self, handle: str, name: str) -> Corpus:
        languages = Counter(tweet.language or cleaning.language_by_script(text) for tweet, text in self.kept)
        del languages[""]
        return Corpus(handle, name, self.counts, [text for _, text in oldest_first(self.kept)], dict(languages))


def oldest_first(kept: list[tuple[Tweet, str]]) -> list[tuple[Tweet, str]]:
    """By time; a tweet without one stays beside its neighbour. Timelines mostly come newest first."""
    times = [tweet.time for tweet, _ in kept if tweet.time]
    if not times:
        return kept
    ordered = list(reversed(kept)) if times[0] > times[-1] else list(kept)
    last, keys = "", []
    for tweet, _ in ordered:
        last = tweet.time or last
        keys.append(last)
    return [ordered[index] for index in sorted(range(len(ordered)), key=keys.__getitem__)]


def make_corpus(handle: str, name: str, tweets: Iterable[Tweet]) -> Corpus:
    """Clean and count one person's tweets."""
    sieve = Sieve()
    for tweet in tweets:
        sieve.take(tweet)
    return sieve.corpus(handle, name)


def _write(path: Path, content: bytes) -> None:
    unfinished = path.with_name(path.name + ".tmp")
    try:
        unfinished.write_bytes(content)
        sync(unfinished)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    sync(path.parent)  # the rename itself
