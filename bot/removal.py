"""Forgetting a person: models, tweets, caches, rows and lines of logs; what stays is the receipt that they asked."""

import asyncio
import re
from pathlib import Path

from bot import folder
from bot.commands.table import Services
from bot.domain import Removed, Version
from bot.handles import named, naming


async def versions_of(services: Services, person: str) -> dict[str, list[Version]]:
    """By persona, the versions that are made of them, alone or with others."""
    found = {name: await services.store.versions(name) for name in await services.store.names()}
    theirs = {name: [each for each in versions if _is_of(each, person)] for name, versions in found.items()}
    return {name: versions for name, versions in theirs.items() if versions}


async def forget(services: Services, person: str, who: str) -> Removed:
    """Delete everything kept of a person and let nobody train them again."""
    await services.store.block(person, who)
    await _stop_jobs(services, person)
    theirs = await versions_of(services, person)
    for persona, versions in theirs.items():
        await remove(services, persona, [each.number for each in versions], who)
    digests = await services.store.delete_corpora(person, who)
    for digest in digests:
        await asyncio.to_thread(folder.remove, services.folder.corpus(person, digest))
    fetched = await asyncio.to_thread(services.sources.cache.forget, person)
    gone = [persona for persona in theirs if not await services.store.persona(persona)]
    names = {person, *gone}
    for export in services.folder.exports.glob("*"):
        if any(named(export.name, name) for name in names):
            await asyncio.to_thread(folder.remove, export)
    await services.store.scrub(person, gone, [each.job for versions in theirs.values() for each in versions])
    await asyncio.to_thread(_blot_logs, services.folder.root, names)
    return Removed(tuple(theirs), len(digests), fetched)


async def remove(services: Services, persona: str, numbers: list[int], who: str) -> None:
    """Versions of a persona: forgotten, off the disk, and only then out of memory, so that nobody loads them again.

    Who was loading them may have put something beside them while they were taken away.
    """
    await services.store.delete(persona, numbers, who)
    for number in numbers:
        directory = services.folder.model(persona, number)
        await asyncio.to_thread(folder.remove, directory)
        await services.generation.unload(directory)
        await asyncio.to_thread(folder.remove, directory)


async def _stop_jobs(services: Services, person: str) -> None:
    """Cancel what would make something of them, and wait until it has let go of their tweets."""
    for job in await services.store.active_jobs():
        if any(each.handle == person for each in job.training.people) or named(job.training.adopt, person):
            await services.jobs.cancel(job)
            await services.jobs.released(job.id)


def _is_of(version: Version, person: str) -> bool:
    return any(each["handle"] == person for each in version.meta["people"])


def _blot_logs(root: Path, names: set[str]) -> None:
    """Overwrite every line that names them, where it stands: the files are open, and their length must stay."""
    wanted = [re.compile(naming(name).pattern.encode(), re.IGNORECASE) for name in names]
    for path in [*root.glob("*.log*"), root / "history", root / "console.jsonl"]:
        if path.is_file():
            _blot(path, wanted)


def _blot(path: Path, wanted: list[re.Pattern[bytes]]) -> None:
    with path.open("r+b") as file:
        at = 0
        for line in file.read().splitlines(keepends=True):
            if any(each.search(line) for each in wanted):
                file.seek(at)
                file.write(b" " * (len(line) - 1) + line[-1:])
            at += len(line)
