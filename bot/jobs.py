"""The life of a training: stored, its files read, trained when the device is free, published, and told of.

Two loops, because reading files needs no device and its refusals should not wait for one. Everything that counts is in
the store before it happens, so a bot that is killed goes on where it was.
"""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from bot import clock, folder, text
from bot.children import Children
from bot.config import Config
from bot.domain import Corpus, Job, JobState, Origin, Training, Version
from bot.errors import Blocked, Broken, ChildFailed, MockingbirdError, SameUnderWay, UnknownJob
from bot.folder import Folder
from bot.progress import Board, Standing, lined_up
from bot.reading import Reading
from bot.sources.gather import Sources
from bot.store import Store
from bot.upload import Upload
from trainer.protocol import AdoptTask, FinetuneResult, FinetuneTask

log = logging.getLogger(__name__)

ATTEMPTS = 3
"""How often a training is started before a trainer that keeps dying is given up."""

READERS = 3
"""Jobs whose tweets are gathered at once: one that waits for a source's rate limit must not hold up the others."""

PACE = 2.0
"""Seconds, at least, from one look at how long those in line still wait to the next."""

Warm = Callable[[Path], Awaitable[None]]


class Jobs:
    """Accepts, runs, resumes and cancels trainings."""

    def __init__(
        self, config: Config, data: Folder, store: Store, board: Board, children: Children, sources: Sources, warm: Warm
    ) -> None:
        """``warm`` gets a version that was just published: its first tweet is likely asked for next."""
        self._config, self._data, self._store, self._board = config, data, store, board
        self._children, self._warm = children, warm
        self._reading = Reading(config, data, store, board, children, sources)
        self._news = asyncio.Condition()
        self._told = 1
        self._taken: set[str] = set()
        """Jobs that one of the loops has in hand."""

    # For commands.

    async def submit(self, training: Training, files: dict[str, Upload], origin: Origin) -> Job:
        """Keep the files, store the job, and say where it stands. Equal requests get the same job.

        ``files`` maps a handle to the file its tweets are read from; its person's digest is filled in here.
        """
        id = secrets.token_hex(3)
        try:
            people = await self._reading.keep(training.people, files, self._data.work(id))
            job = await self._store.submit(id, replace(training, people=people), origin)
        except MockingbirdError:
            folder.remove(self._data.work(id))
            raise
        if job.id != id:  # it joined another, or came with an update seen before
            folder.remove(self._data.work(id))
        await self._tell()
        return job

    async def cancel(self, job: Job) -> bool:
        """False when it was over already."""
        ended = await self._store.end(job.id, JobState.CANCELLED, text.cancelled(job).values())
        await self._children.stop(job.id)
        if ended:
            await self._clear(job)
        return ended

    async def retry(self, job: Job, origin: Origin) -> None:
        """A job that is over waits again; who asks for that watches it too. Raises SameUnderWay."""
        if not await self._store.requeue(job.id, origin):
            raise SameUnderWay(job.persona)
        await self._tell()

    async def line(self) -> list[tuple[Job, Standing]]:
        """The jobs under way, and where each stands. Who is still being read may be overtaken by who comes behind."""
        typical = await self._store.typical_seconds()
        jobs = await self._store.active_jobs()
        standings = [self._board[job.id] for job in jobs]
        for number, job in enumerate(jobs):
            if job.state is JobState.READY:  # the last it told was that its tweets were read
                standings[number] = replace(standings[number], stage="queue")
        return list(zip(jobs, lined_up(standings, typical), strict=True))

    async def standing(self, job: Job) -> Standing:
        """Of a job in the line; as if it came first for one that is over."""
        return next((standing for each, standing in await self.line() if each.id == job.id), Standing())

    async def finished(self, job: str) -> Job:
        """Wait until the job is over."""
        async with self._news:
            while (found := await self._store.job(job)) and found.state.active:
                await self._news.wait()
        if found is None:
            raise UnknownJob(job)
        return found

    async def released(self, job: str) -> None:
        """Wait until nothing is being done for a job any more, not even to its end."""
        async with self._news:
            await self._news.wait_for(lambda: job not in self._taken)

    async def idle(self) -> None:
        """Wait until there is nothing to do."""
        async with self._news:
            while await self._store.active_jobs():
                await self._news.wait()

    async def news(self, seen: int) -> int:
        """Wait until more was told than ``seen``, and return how much; 0 returns at once."""
        async with self._news:
            await self._news.wait_for(lambda: self._told > seen)
            return self._told

    # The loops.

    async def tidy(self) -> None:
        """Sweep away what a killed bot left; before anything is submitted, whose files it would take for such."""
        active = await self._store.active_jobs()
        published = {self._data.model(job.persona, job.version) for job in active}
        self._data.sweep({job.id for job in active}, await self._store.directories() | published)

    async def run(self) -> None:
        """Work until cancelled; children then end with their checkpoints kept."""
        try:
            async with asyncio.TaskGroup() as self._loops:
                for _ in range(READERS):
                    self._loops.create_task(self._loop(self._prepare, JobState.WAITING))
                self._loops.create_task(self._loop(self._train, JobState.TRAINING, JobState.READY))
        finally:
            await self._children.close()

    async def _loop(self, work: Callable[[Job], Awaitable[None]], *states: JobState) -> None:
        while True:
            job = await self._next(*states)
            try:
                await work(job)
            except MockingbirdError as error:
                await self._fail(job, error)
            except Exception:
                log.exception("job %s broke", job.id)
                await self._fail(job, Broken())
            finally:
                self._taken.discard(job.id)
            await self._tell()

    async def _next(self, *states: JobState) -> Job:
        async with self._news:
            while True:
                for state in states:
                    if job := await self._store.next_job(state, self._taken):
                        self._taken.add(job.id)
                        return job
                await self._news.wait()

    async def _prepare(self, job: Job) -> None:
        await self._reading.prepare(job)
        await self._store.make_ready(job.id)

    async def _train(self, job: Job) -> None:
        """Train and publish, and let those in line know how it goes."""
        approach = self._loops.create_task(self._show_approach(job))
        try:
            await self._train_on(job)
        finally:
            approach.cancel()

    async def _train_on(self, job: Job) -> None:
        """Train, and again from the checkpoint when the trainer dies; then publish."""
        while started := await self._store.start_training(job.id):
            try:
                verb, task = await self._task(started)
                result = await self._children.ask(job.id, verb, task, lambda: self._store.is_active(job.id))
            except ChildFailed as error:
                if error.kind != "WorkerDied" or started.attempts >= ATTEMPTS:
                    raise
                log.warning("job %s: %s It goes on from its checkpoint.", job.id, error.sentence)
                continue
            await self._publish(started, FinetuneResult.read(result))
            return

    async def _keep_warm(self, directory: Path) -> None:
        try:
            await self._warm(directory)
        except MockingbirdError as error:
            log.warning("%s is not warm: %s", directory, error.sentence)

    async def _corpora(self, job: Job) -> list[Corpus]:
        found = [await self._store.corpus(person.handle, person.digest) for person in job.training.people]
        return [corpus for corpus in found if corpus]

    async def _start(self, training: Training) -> str:
        """Directory of the version that a refresh may train on from; empty where there is none of the same kind."""
        persona = await self._store.persona(training.persona) if training.refresh else None
        same = persona and all(persona.current.meta.get(key) == getattr(training, key) for key in ("base", "method"))
        return str(persona.current.directory) if persona and same else ""

    async def _task(self, job: Job) -> tuple[str, dict[str, Any]]:
        """The verb and the task: a model from elsewhere is adopted, all others are trained."""
        training, output = job.training, str(self._data.model(job.persona, job.version))
        work = str(self._data.work(job.id) / "training")
        if training.adopt:
            return "adopt", AdoptTask(training.adopt, output, work, job.version, job.persona, job.id).values()
        task = FinetuneTask(
            job=job.id,
            persona=job.persona,
            corpora=[str(self._data.corpus(person.handle, person.digest)) for person in training.people],
            output=output,
            work=work,
            base=training.base,
            method=training.method,
            seed=training.seed if training.seed is not None else int(job.id, 16),
            version=job.version,
            device=self._config.training.device,
            force=training.force,
            start=await self._start(training),
        )
        return "finetune", task.values()

    async def _publish(self, job: Job, result: FinetuneResult) -> None:
        directory = Path(result.directory)
        try:  # whom a model from elsewhere is of, only its card tells
            await self._store.check_allowed([person["handle"] for person in result.meta["people"]])
        except Blocked:
            await asyncio.to_thread(folder.remove, directory)
            raise
        version = Version(job.persona, job.version, directory, job.id, clock.now(), result.meta)
        display = " & ".join(person["name"] for person in result.meta["people"])
        notes = [note for corpus in await self._corpora(job) for note in corpus.summary["notes"]]
        if await self._store.publish(job, version, display, text.trained(job, result, notes).values()):
            await self._clear(job)
            self._loops.create_task(self._keep_warm(directory))
        else:  # cancelled while the trainer was putting the last file in place
            folder.remove(directory)

    # The parts.

    async def _fail(self, job: Job, error: MockingbirdError) -> None:
        log.info("job %s failed: %s", job.id, error.sentence)
        reason = text.reason(job, error)
        if await self._store.end(job.id, JobState.FAILED, text.failed(job, error).values(), reason):
            await self._clear(job)

    async def _clear(self, job: Job) -> None:
        """The job is over: its folder goes, and whoever waited is told."""
        await asyncio.to_thread(folder.remove, self._data.work(job.id))
        self._board.forget(job.id)
        await self._tell()

    async def _show_line(self) -> None:
        """No job fails because it cannot be shown."""
        try:
            for job, standing in await self.line():
                if standing != self._board[job.id]:
                    self._board.post(job.id, standing)
        except Exception:
            log.exception("who waits cannot be shown how long")

    async def _show_approach(self, job: Job) -> None:
        """Those behind a job see their turn come nearer while it trains."""
        async for _ in self._board.follow(job.id):
            await self._show_line()
            await asyncio.sleep(PACE)

    async def _tell(self) -> None:
        await self._show_line()
        async with self._news:
            self._told += 1
            self._news.notify_all()
