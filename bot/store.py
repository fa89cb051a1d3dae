"""Everything that must outlive the process, in one SQLite file: the only place, with migrations.py, that knows SQL.

A method that changes something is one transaction: all of it is on the disk when it returns, or none of it.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import aiosqlite

from bot import clock, rows
from bot.domain import Corpus, Job, JobState, Notice, Origin, Persona, Training, Version
from bot.errors import StoreBroken
from bot.migrations import STEPS

FILE = "mockingbird.db"
ACTIVE = "('waiting', 'ready', 'training')"
PERSONA = """
    SELECT p.name, p.display_name, p.pinned, v.*, (SELECT count(*) FROM versions WHERE persona = p.name) AS versions
    FROM personas p JOIN versions v ON v.persona = p.name AND v.number = p.current
"""


class Store:
    """Use as ``async with Store.open(path) as store``."""

    def __init__(self, connection: aiosqlite.Connection, root: Path) -> None:
        self._db = connection
        self._root = root
        self._writing = asyncio.Lock()

    @classmethod
    @asynccontextmanager
    async def open(cls, root: Path) -> AsyncIterator["Store"]:
        """The database of a data folder. Paths are kept relative to the folder, so that it can be moved.

        Raises StoreBroken, as do all methods that write.
        """
        async with aiosqlite.connect(root / FILE, isolation_level=None) as connection:
            connection.row_factory = aiosqlite.Row
            store = cls(connection, root)
            try:
                for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "busy_timeout = 5000"):
                    await connection.execute(f"PRAGMA {pragma}")
                await store._migrate()
            except aiosqlite.Error as error:
                raise StoreBroken(str(root / FILE), str(error)) from error
            yield store

    # Jobs.

    async def submit(self, id: str, training: Training, origin: Origin) -> Job:
        """Store a job, or join the equal one under way. Either way ``origin`` watches it from now on."""
        likeness = rows.likeness(training)
        async with self._transaction():
            if not await self._first_time(origin):
                return (await self._job("likeness = ? ORDER BY place DESC", likeness))[0]
            await self._db.execute(
                "INSERT INTO jobs (id, likeness, persona, training, state, asker, created)"
                " VALUES (?, ?, ?, ?, 'waiting', ?, ?) ON CONFLICT DO NOTHING",
                (id, likeness, training.persona, json.dumps(asdict(training)), origin.who, _now()),
            )
            job = (await self._job(f"likeness = ? AND state IN {ACTIVE}", likeness))[0]
            await self._watch(job.id, origin)
        return job

    async def job(self, id: str) -> Job | None:
        found = await self._job("id = ?", id)
        return found[0] if found else None

    async def active_jobs(self) -> list[Job]:
        """In the order in which they will be trained."""
        return await self._job(f"state IN {ACTIVE} ORDER BY state = 'training' DESC, place")

    async def recent_jobs(self, limit: int) -> list[Job]:
        return await self._job("TRUE ORDER BY place DESC LIMIT ?", limit)

    async def next_job(self, state: JobState) -> Job | None:
        found = await self._job("state = ? ORDER BY place LIMIT 1", state)
        return found[0] if found else None

    async def active_job_of(self, persona: str) -> Job | None:
        found = await self._job(f"persona = ? AND state IN {ACTIVE} ORDER BY place LIMIT 1", persona)
        return found[0] if found else None

    async def make_ready(self, job: str) -> None:
        """All its files are read: the job waits for the device."""
        async with self._transaction():
            await self._db.execute("UPDATE jobs SET state = 'ready' WHERE id = ? AND state = 'waiting'", (job,))

    async def add_corpus(self, corpus: Corpus) -> None:
        async with self._transaction():
            await self._db.execute(
                "INSERT OR REPLACE INTO corpora VALUES (?, ?, ?, ?)",
                (corpus.handle, corpus.digest, json.dumps(corpus.summary), _now()),
            )

    async def corpus(self, handle: str, digest: str = "") -> Corpus | None:
        """What was read of a person from that content, or the latest there is."""
        row = await self._row(
            "SELECT digest, summary FROM corpora WHERE handle = ? AND (digest = ? OR ? = '') ORDER BY created DESC",
            (handle, digest, digest),
        )
        return Corpus(handle, row["digest"], json.loads(row["summary"])) if row else None

    async def start_training(self, job: str) -> Job | None:
        """Count the attempt and settle the version's number. None when the job was cancelled meanwhile."""
        async with self._transaction():
            await self._db.execute(
                "UPDATE jobs SET state = 'training', attempts = attempts + 1,"
                " version = CASE WHEN version > 0 THEN version ELSE"
                " 1 + coalesce((SELECT max(o.version) FROM jobs o"
                " WHERE o.persona = jobs.persona AND o.state = 'done'), 0) END"
                " WHERE id = ? AND state IN ('ready', 'training')",
                (job,),
            )
        found = await self.job(job)
        return found if found and found.state is JobState.TRAINING else None

    async def publish(self, job: Job, version: Version, display_name: str, content: dict[str, Any]) -> bool:
        """The version becomes the persona's current one, the job is done, and everyone who waited will be told.

        False, and nothing done, when the job was over already.
        """
        directory = str(version.directory.relative_to(self._root))
        async with self._transaction():
            if not await self._end(job.id, JobState.DONE):
                return False
            await self._db.execute(
                "INSERT INTO personas (name, display_name, current, created) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (name) DO UPDATE SET display_name = excluded.display_name, current = excluded.current",
                (version.persona, display_name, version.number, _now()),
            )
            await self._db.execute(
                "INSERT INTO versions VALUES (?, ?, ?, ?, ?, ?)",
                (version.persona, version.number, directory, job.id, _now(), json.dumps(version.meta)),
            )
            await self._notify(job.id, content)
        return True

    async def end(self, job: str, state: JobState, content: dict[str, Any], error: str = "") -> bool:
        """Fail or cancel an active job and tell its watchers. False when it was over already."""
        async with self._transaction():
            if ended := await self._end(job, state, error):
                await self._notify(job, content)
        return ended

    async def requeue(self, job: str, origin: Origin) -> bool:
        """A failed or cancelled job waits again, with its watchers. False when an equal one is under way."""
        async with self._transaction():
            written = await self._db.execute(
                "UPDATE OR IGNORE jobs SET state = 'waiting', attempts = 0, version = 0, error = '', ended = NULL"
                " WHERE id = ?",
                (job,),
            )
            if written.rowcount:
                await self._watch(job, origin)
                await self._log(origin.who, "jobs retry", job)
        return written.rowcount == 1

    async def trainings_since(self, who: str, since: datetime) -> list[datetime]:
        """When the user's jobs that count against the quota were asked for, oldest first."""
        found = await self._rows(
            "SELECT created FROM jobs WHERE asker = ? AND created > ? AND state <> 'failed' ORDER BY created",
            (who, since.isoformat()),
        )
        return [datetime.fromisoformat(row["created"]) for row in found]

    async def typical_seconds(self) -> float | None:
        """Mean seconds a training took, of the last few."""
        found = await self._rows("SELECT meta FROM versions ORDER BY created DESC LIMIT 5")
        seconds = [json.loads(row["meta"]).get("metrics", {}).get("seconds") for row in found]
        known = [each for each in seconds if each]
        return sum(known) / len(known) if known else None

    # Notices.

    async def notices(self, platform: str) -> list[Notice]:
        found = await self._rows(
            "SELECT * FROM outbox WHERE platform = ? AND delivered IS NULL ORDER BY id", (platform,)
        )
        return [
            Notice(
                row["id"], Origin(row["platform"], row["channel"], row["user"], row["message"]), row["job"],
                json.loads(row["content"]),
            )
            for row in found
        ]  # fmt: skip

    async def delivered(self, notice: int) -> None:
        async with self._transaction():
            await self._db.execute("UPDATE outbox SET delivered = ? WHERE id = ?", (_now(), notice))

    # Personas.

    async def personas(self, search: str = "") -> list[Persona]:
        found = await self._rows(
            f"{PERSONA} WHERE instr(p.name, ?) OR instr(lower(p.display_name), ?) ORDER BY p.name", (search, search)
        )
        return [rows.persona(row, self._root) for row in found]

    async def persona(self, name: str) -> Persona | None:
        row = await self._row(f"{PERSONA} WHERE p.name = ?", (name,))
        return rows.persona(row, self._root) if row else None

    async def versions(self, persona: str) -> list[Version]:
        found = await self._rows("SELECT * FROM versions WHERE persona = ? ORDER BY number", (persona,))
        return [rows.version(row, self._root) for row in found]

    async def directories(self) -> set[Path]:
        """Of every version there is."""
        return {self._root / row["directory"] for row in await self._rows("SELECT directory FROM versions")}

    async def make_current(self, persona: str, number: int, who: str) -> None:
        async with self._transaction():
            await self._db.execute("UPDATE personas SET current = ? WHERE name = ?", (number, persona))
            await self._log(who, "models rollback", f"{persona} {number}")

    async def set_pinned(self, persona: str, pinned: bool, who: str) -> None:
        async with self._transaction():
            await self._db.execute("UPDATE personas SET pinned = ? WHERE name = ?", (pinned, persona))
            await self._log(who, "models pin" if pinned else "models unpin", persona)

    async def delete(self, persona: str, numbers: Sequence[int], who: str) -> None:
        """Forget versions; with the last one the persona goes, otherwise the newest left becomes current."""
        async with self._transaction():
            for number in numbers:
                await self._db.execute("DELETE FROM versions WHERE persona = ? AND number = ?", (persona, number))
            await self._db.execute(
                "UPDATE personas SET current = (SELECT max(number) FROM versions WHERE persona = name)"
                " WHERE name = ? AND EXISTS (SELECT 1 FROM versions WHERE persona = name)"
                " AND NOT EXISTS (SELECT 1 FROM versions WHERE persona = name AND number = current)",
                (persona,),
            )
            await self._db.execute(
                "DELETE FROM personas WHERE name = ? AND NOT EXISTS (SELECT 1 FROM versions WHERE persona = name)",
                (persona,),
            )
            await self._log(who, "models delete", f"{persona} {list(numbers)}")

    # Settings.

    async def setting(self, scope: str, name: str) -> str | None:
        row = await self._row("SELECT value FROM settings WHERE scope = ? AND name = ?", (scope, name))
        return row["value"] if row else None

    async def set_setting(self, scope: str, name: str, value: str, who: str) -> None:
        async with self._transaction():
            await self._db.execute("INSERT OR REPLACE INTO settings VALUES (?, ?, ?)", (scope, name, value))
            await self._log(who, f"set {name}", f"{scope} {value}")

    # The parts.

    async def _migrate(self) -> None:
        row = await self._row("PRAGMA user_version")
        for number, step in enumerate(STEPS[row[0] if row else 0 :], start=row[0] if row else 0):
            await self._db.executescript(f"BEGIN; {step} PRAGMA user_version = {number + 1}; COMMIT;")

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[None]:
        async with self._writing:
            try:
                await self._db.execute("BEGIN IMMEDIATE")
                yield
                await self._db.execute("COMMIT")
            except aiosqlite.Error as error:
                await self._db.rollback()
                raise StoreBroken(str(self._root / FILE), str(error)) from error
            except BaseException:  # a cancelled BEGIN or COMMIT takes effect all the same
                await self._db.rollback()
                raise

    async def _rows(self, sql: str, values: Sequence[Any] = ()) -> list[aiosqlite.Row]:
        return list(await self._db.execute_fetchall(sql, values))

    async def _row(self, sql: str, values: Sequence[Any] = ()) -> aiosqlite.Row | None:
        found = await self._rows(sql, values)
        return found[0] if found else None

    async def _job(self, where: str, *values: Any) -> list[Job]:
        return [rows.job(row) for row in await self._rows(f"SELECT * FROM jobs WHERE {where}", values)]

    async def _first_time(self, origin: Origin) -> bool:
        if not origin.update:
            return True
        written = await self._db.execute(
            "INSERT OR IGNORE INTO inbox VALUES (?, ?, ?)", (origin.platform, origin.update, _now())
        )
        return written.rowcount == 1

    async def _end(self, job: str, state: JobState, error: str = "") -> bool:
        written = await self._db.execute(
            f"UPDATE jobs SET state = ?, error = ?, ended = ? WHERE id = ? AND state IN {ACTIVE}",
            (state, error, _now(), job),
        )
        return written.rowcount == 1

    async def _watch(self, job: str, origin: Origin) -> None:
        await self._db.execute(
            "INSERT OR IGNORE INTO watchers VALUES (?, ?, ?, ?, ?, ?)",
            (job, origin.platform, origin.channel, origin.user, origin.message, origin.name),
        )

    async def _notify(self, job: str, content: dict[str, Any]) -> None:
        await self._db.execute(
            "INSERT INTO outbox (job, platform, channel, user, message, content, created)"
            " SELECT job, platform, channel, user, message, ?, ? FROM watchers WHERE job = ?",
            (json.dumps(content), _now(), job),
        )

    async def _log(self, who: str, action: str, target: str) -> None:
        await self._db.execute(
            "INSERT INTO audit (at, who, action, target) VALUES (?, ?, ?, ?)", (_now(), who, action, target)
        )


def _now() -> str:
    return clock.now().isoformat()
