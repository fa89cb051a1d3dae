"""The life of a training: stored, its files read, trained when the device is free, published, and told of.

Two loops, because reading files needs no device and its refusals should not wait for one. Everything that counts is in
the store before it happens, so a bot that is killed goes on where it was.
"""

import asyncio
import logging
import re
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bot import clock, folder, text
from bot.config import Config
from bot.domain import Corpus, Job, JobState, Origin, Person, Training, Version
from bot.errors import Broken, ChildFailed, MockingbirdError, NoTweets, SameTweets, SameUnderWay, UnknownJob
from bot.folder import Folder
from bot.handles import handle, is_handle
from bot.progress import Board
from bot.store import Store
from bot.upload import Upload
from bot.worker import Worker
from trainer import enough, starter
from trainer.enough import Amount
from trainer.errors import TooLittleText
from trainer.protocol import (
    Done,
    Event,
    Failed,
    FinetuneResult,
    FinetuneTask,
    IngestResult,
    IngestTask,
    Progress,
    Request,
)

log = logging.getLogger(__name__)

ATTEMPTS = 3
"""How often a training is started before a trainer that keeps dying is given up."""

AUTHORS_OFFERED = 4

Start = Callable[[str], Worker]
"""Makes the child for a verb; it is started by whoever gets it."""


Warm = Callable[[Path], Awaitable[None]]


class Jobs:
    """Accepts, runs, resumes and cancels trainings."""

    def __init__(self, config: Config, data: Folder, store: Store, board: Board, start: Start, warm: Warm) -> None:
        """``warm`` gets a version that was just published: its first tweet is likely asked for next."""
        self._config, self._data, self._store, self._board = config, data, store, board
        self._start, self._warm = start, warm
        self._news = asyncio.Condition()
        self._told = 1
        self._running: dict[str, Worker] = {}

    # For commands.

    async def submit(self, training: Training, files: dict[str, Upload], origin: Origin) -> Job:
        """Keep the files, store the job, and say where it stands. Equal requests get the same job.

        ``files`` maps a handle to the file its tweets are read from; its person's digest is filled in here.
        """
        id = secrets.token_hex(3)
        try:
            people = await self._keep(training.people, files, self._data.work(id))
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
        if worker := self._running.get(job.id):
            await worker.cancel()
        if ended:
            await self._clear(job)
        return ended

    async def retry(self, job: Job, origin: Origin) -> None:
        """A job that is over waits again; who asks for that watches it too. Raises SameUnderWay."""
        if not await self._store.requeue(job.id, origin):
            raise SameUnderWay(job.persona)
        await self._tell()

    async def place(self, job: Job) -> int:
        """How many jobs come before it; 0 also for one that is over."""
        ids = [each.id for each in await self._store.active_jobs()]
        return ids.index(job.id) if job.id in ids else 0

    async def finished(self, job: str) -> Job:
        """Wait until the job is over."""
        async with self._news:
            while (found := await self._store.job(job)) and found.state.active:
                await self._news.wait()
        if found is None:
            raise UnknownJob(job)
        return found

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
                self._loops.create_task(self._loop(self._prepare, JobState.WAITING))
                self._loops.create_task(self._loop(self._train, JobState.TRAINING, JobState.READY))
        finally:
            for worker in list(self._running.values()):
                await worker.close()

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
            await self._show_places()
            await self._tell()

    async def _next(self, *states: JobState) -> Job:
        async with self._news:
            while True:
                for state in states:
                    if job := await self._store.next_job(state):
                        return job
                await self._news.wait()

    async def _prepare(self, job: Job) -> None:
        """Read the files of a job into corpora."""
        corpora: list[Corpus] = []
        for person in job.training.people:
            corpus = await self._store.corpus(person.handle, person.digest)
            if corpus is None or not self._data.corpus(person.handle, person.digest).exists():
                corpus = await self._ingest(job, person)
            corpora.append(corpus)
            counts = self._board[job.id].counts | {person.handle: corpus.summary["counts"]}
            self._board.post(job.id, replace(self._board[job.id], counts=counts))
        _check_enough(job, corpora)
        for person in job.training.people:
            folder.remove(self._data.work(job.id) / person.file)
        await self._store.make_ready(job.id)

    async def _ingest(self, job: Job, person: Person) -> Corpus:
        source = self._data.work(job.id) / person.file
        if not person.file or not source.exists():  # of a job retried, whose folder went when it ended
            source = starter.PEOPLE / f"{person.handle}.jsonl"
        if not source.exists():
            raise NoTweets(person.handle)
        try:
            return await self._read(job, person.handle, person.digest, source)
        except ChildFailed as error:
            if error.kind != "SeveralAuthors":
                raise
            authors = [handle(name) for name in error.details["authors"] if is_handle(name)][:AUTHORS_OFFERED]
            for author in authors:  # so that the answer to "which?" needs no second upload
                await self._read(job, author, person.digest, source)
            raise ChildFailed(error.kind, error.sentence, {"authors": authors}) from None

    async def _read(self, job: Job, handle: str, digest: str, source: Path) -> Corpus:
        output = self._data.corpus(handle, digest)
        result = await self._ask(job, "ingest", IngestTask(str(source), str(output), handle).values())
        corpus = Corpus(handle, digest, IngestResult.read(result).values())
        await self._store.add_corpus(corpus)
        return corpus

    async def _train(self, job: Job) -> None:
        """Train, and again from the checkpoint when the trainer dies; then publish."""
        while started := await self._store.start_training(job.id):
            try:
                result = await self._ask(started, "finetune", self._task(started).values())
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

    def _task(self, job: Job) -> FinetuneTask:
        training = job.training
        return FinetuneTask(
            job=job.id,
            persona=job.persona,
            corpora=[str(self._data.corpus(person.handle, person.digest)) for person in training.people],
            output=str(self._data.model(job.persona, job.version)),
            work=str(self._data.work(job.id) / "training"),
            base=training.base,
            method=training.method,
            seed=training.seed if training.seed is not None else int(job.id, 16),
            version=job.version,
            device=self._config.training.device,
            force=training.force,
        )

    async def _publish(self, job: Job, result: FinetuneResult) -> None:
        directory = Path(result.directory)
        version = Version(job.persona, job.version, directory, job.id, clock.now(), result.meta)
        display = " & ".join(person["name"] for person in result.meta["people"])
        notes = [note for corpus in await self._corpora(job) for note in corpus.summary["notes"]]
        if await self._store.publish(job, version, display, text.trained(job, result, notes).values()):
            await self._clear(job)
            self._loops.create_task(self._keep_warm(directory))
        else:  # cancelled while the trainer was putting the last file in place
            folder.remove(directory)

    async def _ask(self, job: Job, verb: str, task: dict[str, Any]) -> dict[str, Any]:
        """What a child answers; its progress goes to the board. Raises ChildFailed."""
        worker = self._running[job.id] = self._start(verb)
        try:
            await worker.start()
            if not await self._active(job):  # cancelled before there was a child to tell
                raise ChildFailed("Cancelled", "Cancelled.")
            return await self._last_word(job, worker.ask(Request(job.id, verb, task)))
        finally:
            self._running.pop(job.id, None)
            await worker.close()

    async def _last_word(self, job: Job, events: AsyncIterator[Event]) -> dict[str, Any]:
        async for event in events:
            match event:
                case Progress():
                    self._board.post(job.id, self._board[job.id].after(event))
                case Done():
                    return event.result
                case Failed():
                    raise ChildFailed(event.kind, event.sentence, event.details)
        raise Broken

    # The parts.

    async def _keep(self, people: Sequence[Person], files: dict[str, Upload], work: Path) -> tuple[Person, ...]:
        """Save each upload once, however many people it is of."""
        saved: dict[Upload, Path] = {}
        kept = []
        for person in people:
            if upload := files.get(person.handle):
                if upload not in saved:
                    saved[upload] = work / f"{len(saved)}{_suffix(upload.name)}"
                    await upload.save(saved[upload], self._config.limits.upload_bytes)
                digest = await asyncio.to_thread(folder.digest, saved[upload])
                kept.append(replace(person, digest=digest, file=saved[upload].name))
            else:
                kept.append(person)
        return tuple(kept)

    async def _active(self, job: Job) -> bool:
        found = await self._store.job(job.id)
        return found is not None and found.state.active

    async def _fail(self, job: Job, error: MockingbirdError) -> None:
        log.info("job %s failed: %s", job.id, error.sentence)
        if await self._store.end(job.id, JobState.FAILED, text.failed(job, error).values(), error.sentence):
            await self._clear(job)

    async def _clear(self, job: Job) -> None:
        """The job is over: its folder goes, and whoever waited is told."""
        await asyncio.to_thread(folder.remove, self._data.work(job.id))
        self._board.forget(job.id)
        await self._tell()

    async def _show_places(self) -> None:
        for place, job in enumerate(await self._store.active_jobs()):
            if job.state is not JobState.TRAINING:
                self._board.post(job.id, replace(self._board[job.id], place=place))

    async def _tell(self) -> None:
        async with self._news:
            self._told += 1
            self._news.notify_all()


def _check_enough(job: Job, corpora: list[Corpus]) -> None:
    """The trainer would refuse the same, but only when the device is free. Raises ChildFailed, SameTweets."""
    if len({(each.digest, each.summary["characters"]) for each in corpora}) < len(corpora):
        raise SameTweets(tuple(person.handle for person in job.training.people))
    read = [(each.handle, IngestResult.read(each.summary)) for each in corpora]
    try:
        enough.check([Amount(name, each.counts["kept"], each.characters) for name, each in read], job.training.force)
    except TooLittleText as error:
        raise ChildFailed(error.kind, error.sentence, error.details) from None


def _suffix(name: str) -> str:
    """Of a file's name that a stranger chose."""
    suffix = Path(name).suffix.lower()
    return suffix if re.fullmatch(r"\.[a-z0-9]{1,8}", suffix) else ""
