"""Inline mode: ``@bot nasa my dream is`` in any chat offers tweets to choose from."""

import asyncio
import logging
import secrets

from telegram import InlineQuery, InlineQueryResultArticle, InputTextMessageContent, LinkPreviewOptions
from telegram.error import TelegramError

from bot.commands.lookup import named_persona
from bot.commands.table import COMMANDS, Request, Services, run
from bot.domain import Origin
from bot.front.telegram.layout import pages
from bot.reply import Reply

log = logging.getLogger(__name__)

OFFERED = "3"

IN_TIME = 8.0
"""Seconds. Telegram forgets a query after some ten."""

KEPT = 30
"""Seconds for which Telegram may give the same answer again."""

TITLE = 80


async def answer(query: InlineQuery, services: Services) -> None:
    """Nothing is offered for a name that is no persona; nobody is trained from here."""
    offered: list[InlineQueryResultArticle] = []
    try:
        async with asyncio.timeout(IN_TIME):
            offered = await _offer(query, services)
    except TimeoutError:
        log.info("inline query %s took too long", query.id)
    try:
        await query.answer(offered, cache_time=KEPT if offered else 0)
    except TelegramError as error:
        log.info("inline query %s is not answered: %s", query.id, error)


async def _offer(query: InlineQuery, services: Services) -> list[InlineQueryResultArticle]:
    word, _, prompt = query.query.strip().partition(" ")
    if not (name := await named_persona(services.store, word)):
        return []
    user = query.from_user
    origin = Origin("telegram", str(user.id), str(user.id), name=user.full_name)
    reply = await run(
        COMMANDS["tweet"], Request(origin, services), {"persona": f"@{name}", "prompt": prompt, "count": OFFERED}
    )
    return [] if reply.error else [_article(reply, tweet) for tweet in reply.tweets]


def _article(reply: Reply, tweet: str) -> InlineQueryResultArticle:
    page = pages(Reply(reply.text, tweets=(tweet,), foot=reply.foot.partition(",")[0]))[0]
    content = InputTextMessageContent(
        page.text, entities=page.entities, link_preview_options=LinkPreviewOptions(is_disabled=True)
    )
    return InlineQueryResultArticle(secrets.token_hex(8), tweet[:TITLE] or "…", content, description=reply.text)
