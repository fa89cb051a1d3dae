"""Forgetting a person: models, tweets, caches, rows and lines of logs; what stays is the receipt that they asked."""

import asyncio
import re
from pathlib import Path

from bot import folder
from bot.commands.table import Services
from bot.domain import Removed


async def personas_of(services: Services, person: str) -> list[str]:
    """Every persona that is made of them, alone or with others."""
    found = await services.store.personas()
    return [each.name for each in found if any(one["handle"] == person for one in each.current.meta["people"])]


async def forget(services: Services, person: str, who: str) -> Removed:
    """Delete everything kept of a person and let nobody train them again."""
    await services.store.block(person, who)
    for job in await services.store.active_jobs():
        if any(each.handle == person for each in job.training.people):
            await services.jobs.cancel(job)
    personas = await personas_of(services, person)
    for persona in personas:
        await remove(services, persona, [each.number for each in await services.store.versions(persona)], who)
    digests = await services.store.delete_corpora(person, who)
    for digest in digests:
        await asyncio.to_thread(folder.remove, services.folder.corpus(person, digest))
    fetched = await asyncio.to_thread(services.sources.cache.forget, person)
    for persona in [person, *personas]:
        for export in services.folder.exports.glob(f"{persona}-*"):
            await asyncio.to_thread(folder.remove, export)
    names = {person, *personas}
    await services.store.scrub(person, sorted(names))
    await asyncio.to_thread(_blot_logs, services.folder.root, names)
    return Removed(tuple(personas), len(digests), fetched)


async def remove(services: Services, persona: str, numbers: list[int], who: str) -> None:
    """Versions of a persona: forgotten, out of memory, off the disk."""
    await services.store.delete(persona, numbers, who)
    for number in numbers:
        directory = services.folder.model(persona, number)
        await services.generation.unload(directory)
        await asyncio.to_thread(folder.remove, directory)


def _blot_logs(root: Path, names: set[str]) -> None:
    """Overwrite every line that names them, where it stands: the files are open, and their length must stay."""
    wanted = re.compile(b"|".join(re.escape(name.encode()) for name in names), re.IGNORECASE)
    for path in [*root.glob("*.log*"), root / "history", root / "console.jsonl"]:
        if path.is_file():
            _blot(path, wanted)


def _blot(path: Path, wanted: re.Pattern[bytes]) -> None:
    with path.open("r+b") as file:
        at = 0
        for line in file.read().splitlines(keepends=True):
            if wanted.search(line):
                file.seek(at)
                file.write(b" " * (len(line) - 1) + line[-1:])
            at += len(line)
