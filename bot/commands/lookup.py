"""Finding what a request names, with a helpful error when it is not there."""

from collections.abc import Sequence
from difflib import get_close_matches

from bot.domain import Job, Origin, Persona
from bot.errors import BadHandle, UnknownJob, UnknownPersona
from bot.handles import persona
from bot.store import Store

SUGGESTIONS = 25


def suggest(names: Sequence[str], typed: str) -> list[str]:
    """Those that begin with what was typed, then those that contain it, then those that look like it."""
    word = typed.strip().removeprefix("@").lower()
    begin = [name for name in names if name.startswith(word)]
    contain = [name for name in names if word in name and not name.startswith(word)]
    found = [*begin, *contain][:SUGGESTIONS]
    return found or get_close_matches(word, names, SUGGESTIONS, 0.5)


async def find_persona(store: Store, name: str) -> Persona:
    """Raises UnknownPersona with the names most like it, Blocked where nobody may be made of that name."""
    if found := await store.persona(name):
        return found
    await store.check_allowed([name])
    raise UnknownPersona(name, tuple(get_close_matches(name, await store.names(), 2)))


async def named_persona(store: Store, word: str) -> str:
    """The name of the persona that a word names, with its @ or without; "" where it names none."""
    try:
        name = persona(word)
    except BadHandle:
        return ""
    return name if await store.persona(name) else ""


async def find_job(store: Store, id: str) -> Job:
    if job := await store.job(id.lower()):
        return job
    raise UnknownJob(id)


def channel_scope(origin: Origin) -> str:
    return f"channel:{origin.platform}:{origin.channel}"
