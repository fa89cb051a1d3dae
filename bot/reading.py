"""From what a job names to corpora: uploads kept, sources asked, files read by the ingest child, amounts checked."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bot import folder
from bot.children import Children, Wanted
from bot.config import Config
from bot.domain import Corpus, Job, Person
from bot.errors import ChildFailed, NoTweets, SameTweets
from bot.folder import Folder
from bot.handles import handle, is_handle
from bot.progress import Board, Standing
from bot.sources.gather import Sources
from bot.store import Store
from bot.upload import Upload
from trainer import enough, starter
from trainer.enough import Amount
from trainer.errors import TooLittleText
from trainer.protocol import IngestResult, IngestTask

AUTHORS_OFFERED = 4

FETCHED = "fetched.jsonl"
"""Ends the name of a file in a job's folder that a source has filled."""


class Reading:
    def __init__(
        self, config: Config, data: Folder, store: Store, board: Board, children: Children, sources: Sources
    ) -> None:
        self._config, self._data, self._store, self._board = config, data, store, board
        self._children, self._sources = children, sources

    async def keep(self, people: Sequence[Person], files: dict[str, Upload], work: Path) -> tuple[Person, ...]:
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

    async def prepare(self, job: Job) -> None:
        """Have a corpus of everybody, and enough of it. Raises what sources, children and amounts raise, and Blocked:
        the job may be older than that."""
        await self._store.check_allowed(person.handle for person in job.training.people)
        if job.training.adopt:
            return
        people = [await self._fetched(job, person) for person in job.training.people]
        training = replace(job.training, people=tuple(people))
        if training != job.training:
            await self._store.set_training(job.id, training)
        job = replace(job, training=training)
        corpora = [await self._corpus(job, person) for person in people]
        _check_enough(job, corpora)
        for corpus in [each for person, each in zip(people, corpora, strict=True) if person.source]:
            for digest in await self._store.supersede(corpus):  # with the posts that were deleted since
                await asyncio.to_thread(folder.remove, self._data.corpus(corpus.handle, digest))
        for person in people:
            if person.file:
                folder.remove(self._data.work(job.id) / person.file)

    async def _fetched(self, job: Job, person: Person) -> Person:
        """With what its source gave, if it has one and has not given before."""
        if not person.source or await self._has(job, person):
            return person
        target = self._data.work(job.id) / f"{folder.file_name(person.handle)}-{FETCHED}"
        target.parent.mkdir(parents=True, exist_ok=True)

        def show(standing: Standing) -> None:
            self._board.post(job.id, replace(standing, counts=self._board[job.id].counts))

        wanted = self._wanted(job)
        await self._sources.write(person.handle, person.source, job.training.refresh, target, show, wanted)
        return replace(person, digest=await asyncio.to_thread(folder.digest, target), file=target.name)

    async def _has(self, job: Job, person: Person) -> bool:
        """Whether what a source gave is still there: the file goes when a job ends, which may be retried."""
        if person.file and (self._data.work(job.id) / person.file).exists():
            return True
        return bool(person.digest and await self._store.corpus(person.handle, person.digest))

    async def _corpus(self, job: Job, person: Person) -> Corpus:
        corpus = await self._store.corpus(person.handle, person.digest)
        if corpus is None or not self._data.corpus(person.handle, person.digest).exists():
            corpus = await self._ingest(job, person)
        elif person.file:
            await self._store.add_corpus(corpus)
        counts = self._board[job.id].counts | {person.handle: corpus.summary["counts"]}
        self._board.post(job.id, replace(self._board[job.id], counts=counts))
        return corpus

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

    def _wanted(self, job: Job) -> Wanted:
        return lambda: self._store.is_active(job.id)

    async def _read(self, job: Job, handle: str, digest: str, source: Path) -> Corpus:
        output = self._data.corpus(handle, digest)
        task = IngestTask(str(source), str(output), handle).values()
        result = await self._children.ask(job.id, "ingest", task, self._wanted(job))
        corpus = Corpus(handle, digest, IngestResult.read(result).values())
        await self._store.add_corpus(corpus)
        return corpus


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
