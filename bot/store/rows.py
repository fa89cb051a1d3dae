"""Rows of the store as the nouns of the domain."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from bot.domain import Job, JobState, Origin, Person, Persona, Training, Version, Watcher


class Row(Protocol):
    """A row of SQLite: its columns by name."""

    def __getitem__(self, name: str, /) -> Any: ...


def likeness(training: Training) -> str:
    """Equal for requests that would train the same thing, whoever asks and whatever the file is called."""
    content = [[person.handle, person.digest or person.source] for person in training.people]
    asked = [training.base, training.method, training.seed, training.force, training.refresh, training.adopt]
    return json.dumps([content, *asked])


def job(row: Row) -> Job:
    asked = json.loads(row["training"])
    people = tuple(Person(**person) for person in asked.pop("people"))
    return Job(
        id=row["id"],
        training=Training(people=people, **asked),
        state=JobState(row["state"]),
        asker=row["asker"],
        created=datetime.fromisoformat(row["created"]),
        attempts=row["attempts"],
        version=row["version"],
        error=row["error"],
    )


def version(row: Row, root: Path) -> Version:
    """``root`` is the data folder, to which the stored directory is relative."""
    return Version(
        persona=row["persona"],
        number=row["number"],
        directory=root / row["directory"],
        job=row["job"],
        created=datetime.fromisoformat(row["created"]),
        meta=json.loads(row["meta"]),
    )


def persona(row: Row, root: Path) -> Persona:
    return Persona(row["name"], row["display_name"], version(row, root), row["versions"], bool(row["pinned"]))


def watcher(row: Row) -> Watcher:
    origin = Origin(row["platform"], row["channel"], row["user"], row["message"], row["name"], update=row["asked"])
    return Watcher(row["id"], row["job"], row["persona"], origin)
