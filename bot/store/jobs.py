"""Jobs, who watches them, and the notices of how they ended."""

import json
from collections.abc import Collection
from dataclasses import asdict
from datetime import datetime
from typing import Any

from bot.domain import Job, JobState, Notice, Origin, Training, Version, Watcher
from bot.store import rows
from bot.store.database import Database, now

ACTIVE = "('waiting', 'ready', 'training')"


class JobTables(Database):
    async def submit(self, id: str, training: Training, origin: Origin) -> Job:
        """Store a job, or join the equal one under way. Either way ``origin`` watches it from now on.

        An update seen before gets the job it got then, so that what a platform sends twice is done once.
        """
        likeness = rows.likeness(training)
        async with self._transaction():
            if found := await self._asked_for(origin):
                return found[0]
            await self._db.execute(
                "INSERT INTO jobs (id, likeness, persona, training, state, asker, community, created)"
                " VALUES (?, ?, ?, ?, 'waiting', ?, ?, ?) ON CONFLICT DO NOTHING",
                (id, likeness, training.persona, json.dumps(asdict(training)), origin.who, origin.community, now()),
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

    async def next_job(self, state: JobState, taken: Collection[str] = ()) -> Job | None:
        """The first in line that nobody has in hand."""
        found = await self._job("state = ? ORDER BY place", state)
        return next((job for job in found if job.id not in taken), None)

    async def active_job_of(self, persona: str) -> Job | None:
        found = await self._job(f"persona = ? AND state IN {ACTIVE} ORDER BY place LIMIT 1", persona)
        return found[0] if found else None

    async def is_active(self, job: str) -> bool:
        found = await self.job(job)
        return found is not None and found.state.active

    async def set_training(self, job: str, training: Training) -> None:
        """With what is known only once its tweets were fetched; equal requests are still one job."""
        async with self._transaction():
            await self._db.execute("UPDATE jobs SET training = ? WHERE id = ?", (json.dumps(asdict(training)), job))

    async def make_ready(self, job: str) -> None:
        """All its files are read: the job waits for the device."""
        async with self._transaction():
            await self._db.execute("UPDATE jobs SET state = 'ready' WHERE id = ? AND state = 'waiting'", (job,))

    async def start_training(self, job: str) -> Job | None:
        """Count the attempt and settle the version's number. None when the job was cancelled meanwhile."""
        async with self._transaction():
            await self._db.execute(
                "UPDATE jobs SET state = 'training', attempts = attempts + 1,"
                " version = CASE WHEN version > 0 THEN version ELSE"
                " 1 + max(coalesce((SELECT max(o.version) FROM jobs o"
                " WHERE o.persona = jobs.persona AND o.state = 'done'), 0),"
                # its job is gone where it named somebody who asked to be forgotten
                " coalesce((SELECT max(v.number) FROM versions v WHERE v.persona = jobs.persona), 0)) END"
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
                (version.persona, display_name, version.number, now()),
            )
            await self._db.execute(
                "INSERT INTO versions VALUES (?, ?, ?, ?, ?, ?)",
                (version.persona, version.number, directory, job.id, now(), json.dumps(version.meta)),
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

    async def trainings_since(self, since: datetime, *, asker: str = "", community: str = "") -> list[datetime]:
        """When the jobs that count against a user's or a community's quota were asked for, oldest first."""
        column, value = ("asker", asker) if asker else ("community", community)
        found = await self._rows(
            f"SELECT created FROM jobs WHERE {column} = ? AND created > ? AND state <> 'failed' ORDER BY created",
            (value, since.isoformat()),
        )
        return [datetime.fromisoformat(row["created"]) for row in found]

    async def typical_seconds(self) -> float | None:
        """Mean seconds a training took, of the last few."""
        found = await self._rows("SELECT meta FROM versions ORDER BY created DESC LIMIT 5")
        seconds = [json.loads(row["meta"]).get("metrics", {}).get("seconds") for row in found]
        known = [each for each in seconds if each]
        return sum(known) / len(known) if known else None

    # Watchers and notices.

    async def watchers(self, platform: str) -> list[Watcher]:
        """Of the jobs under way."""
        found = await self._rows(
            "SELECT w.*, j.persona FROM watchers w JOIN jobs j ON j.id = w.job"
            f" WHERE w.platform = ? AND j.state IN {ACTIVE} ORDER BY w.id",
            (platform,),
        )
        return [rows.watcher(row) for row in found]

    async def watcher(self, job: str, origin: Origin) -> Watcher | None:
        row = await self._row(
            "SELECT w.*, j.persona FROM watchers w JOIN jobs j ON j.id = w.job"
            " WHERE w.job = ? AND w.platform = ? AND w.channel = ? AND w.user = ? AND w.asked = ?",
            (job, origin.platform, origin.channel, origin.user, origin.update or origin.message),
        )
        return rows.watcher(row) if row else None

    async def set_message(self, watcher: int, message: str) -> None:
        """The message that shows the watcher the job's progress."""
        async with self._transaction():
            await self._db.execute("UPDATE watchers SET message = ? WHERE id = ?", (message, watcher))

    async def notices(self, platform: str) -> list[Notice]:
        """Those that were not delivered yet."""
        found = await self._rows(
            "SELECT w.*, j.persona, o.id AS notice, o.content, o.tried"
            " FROM outbox o JOIN watchers w ON w.id = o.watcher JOIN jobs j ON j.id = w.job"
            " WHERE o.delivered IS NULL AND w.platform = ? ORDER BY o.id",
            (platform,),
        )
        return [
            Notice(row["notice"], rows.watcher(row), json.loads(row["content"]), bool(row["tried"])) for row in found
        ]

    async def tried(self, notice: int, tried: bool) -> None:
        """Note before a sending that it may succeed unseen, or after it that it certainly did not."""
        async with self._transaction():
            await self._db.execute("UPDATE outbox SET tried = ? WHERE id = ?", (now() if tried else None, notice))

    async def delivered(self, notice: int) -> None:
        async with self._transaction():
            await self._db.execute("UPDATE outbox SET delivered = ? WHERE id = ?", (now(), notice))

    # The parts.

    async def _job(self, where: str, *values: Any) -> list[Job]:
        return [rows.job(row) for row in await self._rows(f"SELECT * FROM jobs WHERE {where}", values)]

    async def _asked_for(self, origin: Origin) -> list[Job]:
        if not origin.update:
            return []
        watched = "id = (SELECT job FROM watchers WHERE platform = ? AND asked = ?)"
        return await self._job(watched, origin.platform, origin.update)

    async def _end(self, job: str, state: JobState, error: str = "") -> bool:
        written = await self._db.execute(
            f"UPDATE jobs SET state = ?, error = ?, ended = ? WHERE id = ? AND state IN {ACTIVE}",
            (state, error, now(), job),
        )
        return written.rowcount == 1

    async def _watch(self, job: str, origin: Origin) -> None:
        await self._db.execute(
            "INSERT OR IGNORE INTO watchers (job, platform, channel, user, asked, message, name)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                job, origin.platform, origin.channel, origin.user, origin.update or origin.message, origin.message,
                origin.name,
            ),
        )  # fmt: skip

    async def _notify(self, job: str, content: dict[str, Any]) -> None:
        await self._db.execute(
            "INSERT INTO outbox (watcher, content, created) SELECT id, ?, ? FROM watchers WHERE job = ?",
            (json.dumps(content), now(), job),
        )
