"""/personas, /persona, /use: who there is, what each was made of, who speaks here."""

from bot import text
from bot.commands.lookup import channel_scope, find_persona
from bot.commands.options import PersonaName, Search
from bot.commands.table import Request, command
from bot.reply import Reply

BEST = 3
"""Tweets on a card."""


@command("personas", "Who I can tweet like")
async def personas(request: Request, search: Search = "") -> Reply:
    found = await request.services.store.personas(search.removeprefix("@").lower())
    return text.personas(found, search)


@command("persona", "A persona's card: what it was made of, what it learnt, what is liked best")
async def persona(request: Request, persona: PersonaName) -> Reply:
    store = request.services.store
    found = await find_persona(store, persona)
    return text.card(found, await store.best_liked(found.name, BEST))


@command("use", "Choose who speaks in this channel", admin=True)
async def use(request: Request, persona: PersonaName) -> Reply:
    store, origin = request.services.store, request.origin
    found = await find_persona(store, persona)
    await store.set_setting(channel_scope(origin), "persona", found.name, origin.who)
    return text.chosen(found.name)
