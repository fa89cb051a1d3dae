"""/train: from people to a job."""

from dataclasses import dataclass

from bot import limits, text
from bot.commands.options import Base, File, Force, Method, People, Seed, Source
from bot.commands.table import Request, command
from bot.domain import Corpus, Person, Training
from bot.errors import BaseNotAllowed, Blocked, NoTweets, TooManyPeople
from bot.handles import persona_name
from bot.reply import Reply
from bot.upload import LocalFile, Upload
from trainer import starter


@dataclass(frozen=True)
class Found:
    """Where a person's tweets are: a file to read, or a corpus read before."""

    label: str
    file: Upload | None = None
    corpus: Corpus | None = None


@command("train", "Learn to tweet like somebody")
async def train(
    request: Request,
    people: People,
    file: File = None,
    source: Source = "",
    base: Base = "",
    method: Method = "",
    seed: Seed = None,
    force: Force = False,
) -> Reply:
    services, settings = request.services, request.services.config.training
    if len(people) > settings.max_people:
        raise TooManyPeople(settings.max_people)
    if base and base != settings.base and not request.origin.admin:
        raise BaseNotAllowed(base)
    for person in people:
        if await services.store.blocked(person):
            raise Blocked(person)
    name = persona_name(people)
    persona = await services.store.persona(name)
    asked = any((file, source, base, method, seed is not None, force))
    if persona and not asked:
        return text.already(persona)
    await limits.check_trainings(services, request.origin)
    found = {person: await _find(request, person, file, source) for person in people}
    training = Training(
        persona=name,
        people=tuple(Person(person, each.corpus.digest if each.corpus else "") for person, each in found.items()),
        base=base or settings.base,
        method=method or settings.method,
        seed=seed,
        force=force,
        label=", ".join(dict.fromkeys(each.label for each in found.values())),
    )
    files = {person: each.file for person, each in found.items() if each.file}
    job = await services.jobs.submit(training, files, request.origin)
    return text.queued(job, await services.jobs.place(job), await services.store.typical_seconds())


async def _find(request: Request, handle: str, file: Upload | None, source: str) -> Found:
    """The file that was given, the bundled person, or the tweets kept from before. Raises NoTweets, NoFile."""
    if file:
        await file.check(request.services.config.limits.upload_bytes)
        return Found(file.name, file=file)
    bundled = starter.PEOPLE / f"{handle}.jsonl"
    if source != "kept" and bundled.exists():
        return Found("bundled", file=LocalFile(bundled))
    if source != "bundled" and (corpus := await request.services.store.corpus(handle)):
        return Found("kept tweets", corpus=corpus)
    raise NoTweets(handle)
