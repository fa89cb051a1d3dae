"""/optout: whose tweets they are decides. An admin is believed; anybody else proves that the handle is theirs."""

import hashlib
import hmac
import secrets

from bot import removal, text
from bot.commands.options import HandleName, Sure
from bot.commands.table import Request, command
from bot.errors import CannotProve, NotProven
from bot.reply import Reply
from bot.sources.errors import Declined, Protected, Suspended

SECRET = "proofs"  # noqa: S105  # the name of a setting


@command("optout", "Be forgotten: delete what was made of a person, and train them never again", slow=True)
async def optout(request: Request, person: HandleName, sure: Sure = False) -> Reply:
    """``sure``: the code stands in the profile, or an admin means it."""
    if not request.origin.admin:
        code = await _code(request, person)
        if not request.services.sources.claiming(person):
            raise CannotProve(person)
        if not sure:
            return text.prove(person, code)
        await _check_proof(request, person, code)
    elif not sure:
        return text.confirm_optout(person, list(await removal.versions_of(request.services, person)))
    removed = await removal.forget(request.services, person, request.origin.who)
    return text.receipt(person, removed)


async def _check_proof(request: Request, person: str, code: str) -> None:
    """A profile that refuses to be collected says enough without a code. Raises NotProven, CannotProve."""
    try:
        description = await request.services.sources.description(person)
    except Declined:
        return
    except (Protected, Suspended) as error:
        raise CannotProve(person) from error
    if code not in description:
        raise NotProven(person, code)


async def _code(request: Request, person: str) -> str:
    """The same for the same asker and handle, and nobody else's."""
    store = request.services.store
    key = await store.setting("bot", SECRET)
    if key is None:
        key = secrets.token_hex(16)
        await store.set_setting("bot", SECRET, key, "bot:0")
    digest = hmac.new(key.encode(), f"{request.origin.who} {person}".encode(), hashlib.sha256)
    return f"mockingbird-{digest.hexdigest()[:10]}"
