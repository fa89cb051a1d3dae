"""The nouns: who asks, what is trained, what comes of it. Plain values; nothing here does anything."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Origin:
    """Where a request came from, and where its answers go."""

    platform: str
    channel: str
    user: str
    message: str = ""
    """The platform's id of the message that shows the progress."""
    name: str = ""
    admin: bool = False
    """May manage what this community shares."""
    owner: bool = False
    """Named in the configuration, or at the machine's own console: may use the machine too."""
    update: str = ""
    """The platform's id of the update: handled once, however often it arrives."""
    community: str = ""
    """The server or group, over all platforms: "discord:7"; empty in a private chat."""

    @property
    def who(self) -> str:
        """The user over all platforms: "discord:42"."""
        return f"{self.platform}:{self.user}"


class JobState(StrEnum):
    WAITING = "waiting"  # for its files to be read
    READY = "ready"  # its corpora are there; waits for the device
    TRAINING = "training"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def active(self) -> bool:
        return self in (JobState.WAITING, JobState.READY, JobState.TRAINING)


@dataclass(frozen=True)
class Person:
    """One of those a persona is made of, and where the tweets are."""

    handle: str
    digest: str
    """Of the content the tweets are read from: with the handle it names the corpus."""
    file: str = ""
    """What to read, by its name in the job's folder; empty when the corpus is there already."""
    source: str = ""
    """Where to fetch them: "x", "bluesky", "mastodon"; the digest is known once they are there."""


@dataclass(frozen=True)
class Corpus:
    """A person's tweets, read and cleaned; the text itself is in the data folder."""

    handle: str
    digest: str
    summary: dict[str, Any]
    """``protocol.IngestResult`` as JSON."""


@dataclass(frozen=True)
class Training:
    """What was asked for. Two equal ones are one job."""

    persona: str
    people: tuple[Person, ...]
    base: str = "gpt2"
    method: str = "full"
    seed: int | None = None
    force: bool = False
    refresh: bool = False
    """Fetch what is new first."""
    adopt: str = ""
    """A model to take over instead of training one: a hub id or a local directory."""
    label: str = ""
    """What the tweets came from, for people: a file's name, "bundled", "kept tweets"."""


@dataclass(frozen=True)
class Job:
    id: str
    training: Training
    state: JobState
    asker: str
    """``Origin.who`` of the first who asked."""
    created: datetime
    attempts: int = 0
    """How often its training was started."""
    version: int = 0
    """The number its result will have; 0 until it trains."""
    error: str = ""
    """Why it failed, as the askers were told."""

    @property
    def persona(self) -> str:
        return self.training.persona


@dataclass(frozen=True)
class Version:
    persona: str
    number: int
    directory: Path
    job: str
    created: datetime
    meta: dict[str, Any] = field(repr=False)
    """What its ``meta.json`` says."""


@dataclass(frozen=True)
class Persona:
    name: str
    display_name: str
    current: Version
    versions: int
    pinned: bool = False

    @property
    def handle(self) -> str:
        return f"@{self.name}"


@dataclass(frozen=True)
class Watcher:
    """Somebody who is shown a job's progress and told how it ended."""

    id: int
    job: str
    persona: str
    origin: Origin


@dataclass(frozen=True)
class Notice:
    """A final word that must arrive exactly once: a row of the outbox."""

    id: int
    watcher: Watcher
    content: dict[str, Any]
    """A reply, as JSON."""
    tried: bool = False
    """It was being sent when the bot died, and may have arrived."""

    @property
    def origin(self) -> Origin:
        return self.watcher.origin


@dataclass(frozen=True)
class Said:
    """A tweet as it stands in a chat."""

    persona: str
    words: str


@dataclass(frozen=True)
class Liked:
    """A tweet that somebody likes."""

    words: str
    votes: int


@dataclass(frozen=True)
class Vote:
    """What pressing the button of a tweet came to."""

    given: bool
    """False: it was taken back."""
    votes: int
    """All there are for the tweet now."""


@dataclass(frozen=True)
class Removed:
    """What was deleted of a person."""

    personas: tuple[str, ...]
    corpora: int
    fetched: int
    """Sources that had given something."""
