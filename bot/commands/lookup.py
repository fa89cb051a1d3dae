"""Finding what a request names, with a helpful error when it is not there."""

from difflib import get_close_matches

from bot.domain import Job, Origin, Persona
from bot.errors import UnknownJob, UnknownPersona
from bot.store import Store


async def find_persona(store: Store, name: str) -> Persona:
    """Raises UnknownPersona with the names most like it."""
    if persona := await store.persona(name):
        return persona
    names = [each.name for each in await store.personas()]
    raise UnknownPersona(name, tuple(get_close_matches(name, names, 2)))


async def find_job(store: Store, id: str) -> Job:
    if job := await store.job(id.lower()):
        return job
    raise UnknownJob(id)


def channel_scope(origin: Origin) -> str:
    return f"channel:{origin.platform}:{origin.channel}"
