"""/train: from people to a job."""

from dataclasses import dataclass

from bot import limits, text
from bot.commands.options import Base, File, Force, Method, People, Refresh, Seed, SourceName, Sure
from bot.commands.table import Request, command
from bot.domain import Corpus, Person, Training
from bot.errors import BaseNotAllowed, NoTweets, TooManyPeople
from bot.reply import Reply
from bot.sources.base import Source
from bot.upload import LocalFile, Upload
from trainer import starter
from trainer.handles import persona_name


@dataclass(frozen=True)
class Found:
    """Where a person's tweets are: a file to read, a corpus read before, or a source to ask."""

    label: str
    file: Upload | None = None
    corpus: Corpus | None = None
    source: Source | None = None


@command("train", "Learn to tweet like somebody")
async def train(
    request: Request,
    people: People,
    file: File = None,
    source: SourceName = "",
    base: Base = "",
    method: Method = "",
    seed: Seed = None,
    force: Force = False,
    refresh: Refresh = False,
    sure: Sure = False,
) -> Reply:
    services, settings = request.services, request.services.config.training
    await _check_allowed(request, people, base)
    name = persona_name(people)
    persona = await services.store.persona(name)
    asked = any((file, source, base, method, seed is not None, force, refresh, sure))
    if persona and not asked:
        return text.already(persona, any(any(services.sources.cache.journals(person)) for person in people))
    await limits.check_trainings(services, request.origin)
    found = {person: await _find(request, person, file, source, refresh) for person in people}
    training = Training(
        persona=name,
        people=tuple(_person(person, each) for person, each in found.items()),
        base=base or settings.base,
        method=method or settings.method,
        seed=seed,
        force=force,
        refresh=refresh,
        label=", ".join(dict.fromkeys(each.label for each in found.values())),
    )
    if not sure and (question := await _question(request, training, found)):
        return question
    files = {person: each.file for person, each in found.items() if each.file}
    job = await services.jobs.submit(training, files, request.origin)
    return text.queued(job, await services.jobs.standing(job))


async def _check_allowed(request: Request, people: tuple[str, ...], base: str) -> None:
    """Raises TooManyPeople, BaseNotAllowed, Blocked."""
    settings = request.services.config.training
    if len(people) > settings.max_people:
        raise TooManyPeople(settings.max_people)
    if base and base != settings.base and not request.origin.admin:
        raise BaseNotAllowed(base)
    await request.services.store.check_allowed(people)


def _person(handle: str, found: Found) -> Person:
    digest = found.corpus.digest if found.corpus else ""
    return Person(handle, digest, source=found.source.name if found.source else "")


async def _find(request: Request, handle: str, file: Upload | None, source: str, refresh: bool) -> Found:
    """A file that was given, a bundled person, tweets kept from before, or a source. Raises NoTweets, NoFile."""
    services = request.services
    if file:
        await file.check(services.config.limits.upload_bytes)
        return Found(file.name, file=file)
    bundled = starter.PEOPLE / f"{handle}.jsonl"
    if source in ("", "bundled") and bundled.exists():
        return Found("bundled", file=LocalFile(bundled))
    if source in ("", "kept") and not refresh and (corpus := await services.store.corpus(handle)):
        return Found("kept tweets", corpus=corpus)
    if source not in ("bundled", "kept") and (asked := services.sources.claiming(handle, source)):
        return Found(asked.name, source=asked)
    raise NoTweets(handle)


async def _question(request: Request, training: Training, found: dict[str, Found]) -> Reply | None:
    """Whether to pay, where the tweets cost more than is spent without asking. Raises what the sources raise."""
    sources = request.services.sources
    prices = [
        await sources.price(each.source, person, training.refresh)
        for person, each in found.items()
        if each.source and each.source.prices.post
    ]
    dollars = sum(each.dollars for each in prices)
    await sources.check_budget(dollars)
    if dollars <= request.services.config.x.confirm_above:
        return None
    return text.confirm_price(training, sum(each.posts for each in prices), dollars)
