"""The data folder: what lies where, and what may be swept away."""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.errors import FolderInUse

LONGEST_NAME = 200
"""Characters; file systems take 255 bytes."""


class Folder:
    """models/<persona>/<version>, tweets/<handle>-<digest>, work/<job>; the database and the transcript beside them."""

    def __init__(self, root: Path) -> None:
        self.root = root.expanduser().resolve()
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        for part in ("models", "tweets", "work"):
            (self.root / part).mkdir(parents=True, exist_ok=True, mode=0o700)

    def model(self, persona: str, number: int) -> Path:
        return self.root / "models" / file_name(persona) / str(number)

    def corpus(self, handle: str, digest: str) -> Path:
        return self.root / "tweets" / f"{file_name(handle)}-{digest[:16]}.jsonl.gz"

    def work(self, job: str) -> Path:
        return self.root / "work" / job

    @property
    def fetched(self) -> Path:
        return self.root / "fetched"

    @property
    def exports(self) -> Path:
        return self.root / "exports"

    @property
    def transcript(self) -> Path:
        return self.root / "console.jsonl"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other bots out; the lock goes with the process, however it ends. Raises FolderInUse."""
        with (self.root / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise FolderInUse(str(self.root)) from error
            yield

    def sweep(self, jobs: set[str], models: set[Path]) -> list[Path]:
        """Remove what a bot killed midway left: the work of jobs that are over, models that were never published."""
        left = [path for path in (self.root / "work").iterdir() if path.name not in jobs]
        left += [path for path in (self.root / "models").glob("*/*") if path not in models]
        for path in left:
            remove(path)
        return left


def file_name(name: str) -> str:
    """A handle or a persona's name itself, unless it is so long that file systems would refuse it."""
    if len(name) <= LONGEST_NAME:
        return name
    return f"{name[:LONGEST_NAME]}-{hashlib.sha256(name.encode()).hexdigest()[:12]}"


def keep(source: Path, target: Path, limit: int) -> None:
    """Copy a file so that it outlives its sender.

    Raises OSError, also for one that grows beyond ``limit`` bytes while it is read.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with source.open("rb") as reading, target.open("wb") as writing:
        while block := reading.read(1 << 20):
            writing.write(block)
            if writing.tell() > limit:
                raise OSError(f"{source} has more than {limit} bytes")
        writing.flush()
        os.fsync(writing.fileno())


def digest(path: Path) -> str:
    """The SHA-256 of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def remove(path: Path) -> None:
    """A folder or file, if it is there; a persona's folder goes with its last version."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
    if path.parent.parent.name == "models" and path.parent.is_dir() and not any(path.parent.iterdir()):
        path.parent.rmdir()
