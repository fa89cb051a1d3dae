"""/models: admins look after what was trained."""

import asyncio
from dataclasses import replace
from pathlib import Path

from bot import removal, text
from bot.commands.lookup import find_persona
from bot.commands.options import Number, PersonaName, Search, Sure
from bot.commands.table import Request, command
from bot.domain import Person, Persona, Training
from bot.errors import NoEarlierVersion, NoTweets, Pinned, UnknownVersion
from bot.reply import Reply


@command("models list", "Every persona", admin=True)
async def models_list(request: Request, search: Search = "") -> Reply:
    found = await request.services.store.personas(search.removeprefix("@").lower())
    return replace(text.personas(found, search), private=True)


@command("models info", "All about a persona: card, size, directory", admin=True)
async def models_info(request: Request, persona: PersonaName) -> Reply:
    found = await find_persona(request.services.store, persona)
    return text.info(found, await asyncio.to_thread(_megabytes, found.current.directory))


@command("models versions", "A persona's versions", admin=True)
async def models_versions(request: Request, persona: PersonaName) -> Reply:
    found = await find_persona(request.services.store, persona)
    return text.versions(found, await request.services.store.versions(found.name))


@command("models rollback", "Answer with an earlier version again", admin=True)
async def models_rollback(request: Request, persona: PersonaName, version: Number = None) -> Reply:
    store = request.services.store
    found = await find_persona(store, persona)
    earlier = [each.number for each in await store.versions(found.name) if each.number < found.current.number]
    if version is None and not earlier:
        raise NoEarlierVersion(found.name)
    number = version or max(earlier)
    await _numbers(request, found, number)
    await store.make_current(found.name, number, request.origin.who)
    return text.rolled_back(found.name, number)


@command("models delete", "Delete a persona, or one version of it", admin=True)
async def models_delete(request: Request, persona: PersonaName, version: Number = None, sure: Sure = False) -> Reply:
    services = request.services
    found = await find_persona(services.store, persona)
    if found.pinned:
        raise Pinned(found.name)
    numbers = await _numbers(request, found, version)
    if not sure:
        return text.confirm_delete(found, numbers)
    await removal.remove(services, found.name, numbers, request.origin.who)
    return text.deleted(found.name, numbers)


@command("models retrain", "Train a persona anew on the tweets it was made of", admin=True)
async def models_retrain(request: Request, persona: PersonaName) -> Reply:
    services = request.services
    found = await find_persona(services.store, persona)
    meta = found.current.meta
    people = [await _person(request, each["handle"]) for each in meta["people"]]
    training = Training(found.name, tuple(people), meta["base"], meta["method"], force=True, label="kept tweets")
    job = await services.jobs.submit(training, {}, request.origin)
    return text.queued(job, await services.jobs.standing(job))


@command("models pin", "Keep a persona from being deleted, or let it be again", admin=True)
async def models_pin(request: Request, persona: PersonaName) -> Reply:
    found = await find_persona(request.services.store, persona)
    await request.services.store.set_pinned(found.name, not found.pinned, request.origin.who)
    return text.pinned(found.name, not found.pinned)


@command("models warm", "Load a persona now, so that its next tweet comes at once", admin=True, slow=True)
async def models_warm(request: Request, persona: PersonaName) -> Reply:
    found = await find_persona(request.services.store, persona)
    await request.services.generation.warm(found.current.directory)
    return text.warmed(found.name)


async def _numbers(request: Request, persona: Persona, version: int | None) -> list[int]:
    """The version that was named, or all of them. Raises UnknownVersion."""
    there = [each.number for each in await request.services.store.versions(persona.name)]
    if version is None:
        return there
    if version not in there:
        raise UnknownVersion(persona.name, version)
    return [version]


async def _person(request: Request, handle: str) -> Person:
    corpus = await request.services.store.corpus(handle)
    if corpus is None:
        raise NoTweets(handle)
    return Person(handle, corpus.digest)


def _megabytes(directory: Path) -> float:
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file()) / 1_000_000
