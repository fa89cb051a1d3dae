"""What was fetched of one person, page by page, so that nothing is fetched or paid twice.

    <folder>/0001-0001.json.gz     pass 1, page 1
    <folder>/0001-0002.json.gz     ...

A pass reads a timeline from its newest post to the oldest (``full``), or to a mark that an earlier pass set. Each page
is a file of its own, whole and synced before the next page is asked for, and holds what the next needs. When a full
pass is through, the passes before it go, and with them the posts deleted since.
"""

import gzip
import json
import logging
import os
import re
import shutil
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path
from uuid import uuid4

from bot import clock
from bot.sources.base import Page, Post, Profile
from bot.sources.errors import NoPosts
from trainer.disk import sync

log = logging.getLogger(__name__)

_NAME = re.compile(r"\d{4,}-\d{4,}\.json\.gz")


@dataclass(frozen=True)
class Place:
    """Where to read on."""

    turn: int
    """Number of the pass."""
    page: int = 1
    full: bool = True
    since: str = ""
    cursor: str = ""
    profile: Profile | None = None


@dataclass(frozen=True)
class Leaf:
    """A page as it is kept."""

    place: Place
    profile: Profile
    page: Page
    fetched: datetime
    receipt: str
    """Names this page for all time, so that what it cost is booked once however often it is told."""

    @property
    def following(self) -> Place | None:
        """Where to read on, None at the end of a pass."""
        if not self.page.next:
            return None
        at = self.place
        return Place(at.turn, at.page + 1, at.full, at.since, self.page.next, self.profile)


class Journal:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def last(self) -> Leaf | None:
        return next((leaf for path in reversed(self._files("*.json.gz")) if (leaf := _unpack(path))), None)

    @property
    def complete(self) -> bool:
        """Whether some pass has gone through the whole timeline."""
        return any(leaf.place.full and not leaf.page.next for leaf in self.leaves())

    def read(self, turn: int) -> int:
        """How many posts a pass has read so far."""
        return sum(len(leaf.page.posts) for leaf in self.leaves() if leaf.place.turn == turn)

    def newest(self) -> str:
        """The mark of the newest post, from the latest pass that saw any."""
        for leaves in reversed(self._passes()):
            if mark := next((leaf.page.newest for leaf in leaves if leaf.page.newest), ""):
                return mark
        return ""

    def posts(self) -> list[Post]:
        """Newest first, each id once; of two readings of a post the later counts."""
        posts: dict[str, Post] = {}
        for leaves in reversed(self._passes()):
            for leaf in leaves:
                for post in leaf.page.posts:
                    posts.setdefault(post["id"], post)
        return list(posts.values())

    def write(self, path: Path) -> int:
        """All posts as JSON lines for the trainer's ingest, and how many they are. Raises NoPosts, OSError."""
        if (last := self.last) is None:
            raise NoPosts(self.folder.name.removeprefix("@"))
        posts = self.posts()
        if all(post["is_retweet"] for post in posts):
            raise NoPosts(last.profile.handle)
        author = {"screen_name": last.profile.handle, "name": last.profile.name}
        lines = (json.dumps({**post, **author}, ensure_ascii=False) + "\n" for post in posts)
        _put(path, "".join(lines).encode("utf-8", "surrogatepass"))
        return len(posts)

    def add(self, place: Place, profile: Profile, page: Page) -> Leaf:
        """Make a page durable. Raises OSError."""
        leaf = Leaf(place, profile, page, clock.now(), uuid4().hex)
        if not self.folder.exists():
            self.folder.mkdir(parents=True, mode=0o700)
            sync(self.folder.parent)
        _put(self.folder / f"{place.turn:04}-{place.page:04}.json.gz", _pack(leaf))
        if leaf.following is None:
            self.sweep()
        return leaf

    def sweep(self) -> None:
        """Remove the passes that a full one has replaced, and what a kill in the middle of a write left."""
        kept = {leaf.place.turn for leaf in self.leaves()}
        for path in self._files("*"):
            if not _NAME.fullmatch(path.name) or (kept and int(path.name.partition("-")[0]) < min(kept)):
                path.unlink()

    def forget(self) -> bool:
        """Remove everything; whether there was anything."""
        there = self.folder.exists()
        shutil.rmtree(self.folder, ignore_errors=True)
        return there

    def leaves(self) -> list[Leaf]:
        """In the order they were read, from the latest full pass that is through."""
        leaves = [leaf for path in self._files("*.json.gz") if (leaf := _unpack(path))]
        through = [leaf.place.turn for leaf in leaves if leaf.place.full and not leaf.page.next]
        return [leaf for leaf in leaves if leaf.place.turn >= max(through, default=0)]

    def _passes(self) -> list[list[Leaf]]:
        return [list(leaves) for _, leaves in groupby(self.leaves(), lambda leaf: leaf.place.turn)]

    def _files(self, pattern: str) -> list[Path]:
        return sorted(self.folder.glob(pattern))


class Cache:
    """Journals by source and person."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def journal(self, source: str, handle: str) -> Journal:
        return Journal(self.root / source / f"@{handle.replace('/', '')}")

    def journals(self, handle: str) -> Iterator[Journal]:
        """Of a person, at every source."""
        for folder in sorted(self.root.glob("*")):
            if (journal := self.journal(folder.name, handle)).folder.exists():
                yield journal

    def forget(self, handle: str) -> int:
        """Remove a person everywhere; from how many sources there was something."""
        return sum([journal.forget() for journal in self.journals(handle)])


def _pack(leaf: Leaf) -> bytes:
    values = {**asdict(leaf), "fetched": leaf.fetched.isoformat()}
    values["place"].pop("profile")  # of the page before: this one has its own
    return gzip.compress(json.dumps(values).encode(), mtime=0)


def _unpack(path: Path) -> Leaf | None:
    """None for a damaged file, which then counts as never fetched."""
    try:
        values = json.loads(gzip.decompress(path.read_bytes()))
        return Leaf(
            Place(**values["place"]),
            Profile(**values["profile"]),
            Page(**values["page"]),
            datetime.fromisoformat(values["fetched"]),
            values["receipt"],
        )
    except (OSError, EOFError, zlib.error, ValueError, LookupError, TypeError) as error:
        log.warning("%s is damaged and passed over: %s", path, error)
        return None


def _put(path: Path, content: bytes) -> None:
    """The whole file or none of it, also after a power cut."""
    unfinished = path.with_name(path.name + ".tmp")
    with unfinished.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
    sync(path.parent)
