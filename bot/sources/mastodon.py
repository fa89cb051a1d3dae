"""Public posts of a Mastodon server, without a key: https://docs.joinmastodon.org/methods/accounts/.

A handle is name@server, and the server is asked itself. It may be anybody's: only names that are no IP addresses, only
over HTTPS with a valid certificate, no redirects, so that the bot cannot be sent to look around its own network.
"""

import html
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from bot.sources import markup
from bot.sources.base import Page, Post, Prices, Profile, Told, respect
from bot.sources.errors import Declined, NotMastodon, ServerClosed, Suspended, UnknownPerson
from bot.sources.patience import PAUSES, understood
from bot.sources.web import Answer, Web
from trainer.handles import MASTODON

API = "https://{server}"
SITE = "Mastodon"

_HANDLE = re.compile(MASTODON)
_PAGE = 40
"""Posts; the most that a server gives."""
_CLOSED = (401, 403, 422)
"""How servers of several versions say that only members may look."""

Object = Mapping[str, Any]


class Mastodon:
    """``api_url`` may hold {server}, the part of a handle after the @."""

    name = "mastodon"
    prices = Prices()

    def __init__(self, api_url: str = API, pauses: Sequence[float] = PAUSES) -> None:
        self._api = api_url.rstrip("/")
        self._web = Web(pauses)

    def claims(self, handle: str) -> bool:
        return bool(_HANDLE.fullmatch(handle))

    async def profile(self, handle: str, told: Told) -> Profile:
        name, _, server = handle.partition("@")
        answer = await self._get(server, "lookup", told, acct=name)
        if answer.status == 404 and answer.body:
            raise UnknownPerson(SITE, handle)
        _refuse(answer, server)
        with understood(server):
            account = answer.body
            if account.get("suspended"):
                raise Suspended(SITE, handle)
            if how := _declines(account):
                raise Declined(SITE, handle, how)
            profile = _profile(account, handle)
        respect(SITE, handle, profile.description)
        return profile

    async def page(self, profile: Profile, cursor: str, since: str, told: Told) -> Page:
        """The cursor and the mark are ids of posts; the page after the last is empty."""
        server = profile.handle.partition("@")[2]
        path = f"{quote(profile.id, safe='')}/statuses"
        answer = await self._get(server, path, told, limit=_PAGE, max_id=cursor, since_id=since)
        if answer.status in (404, 410):  # 410: suspended since it was looked up
            raise Suspended(SITE, profile.handle)
        _refuse(answer, server)
        with understood(server):
            ids = [str(status["id"]) for status in answer.body]
            posts = [_post(status) for status in answer.body if status["visibility"] == "public"]
        following = ids[-1] if ids and ids[-1] != cursor else ""
        return Page(posts, following, ids[0] if ids else "")

    async def close(self) -> None:
        await self._web.close()

    async def _get(self, server: str, path: str, told: Told, **parameters: str | int) -> Answer:
        url = f"{self._api.replace('{server}', server)}/api/v1/accounts/{path}"
        return await self._web.get(server, url, told, **parameters)


def _refuse(answer: Answer, server: str) -> None:
    if answer.status in _CLOSED:
        raise ServerClosed(server)
    if answer.status != 200 or not isinstance(answer.body, dict | list):
        raise NotMastodon(server)


def _declines(account: Object) -> str:
    """The setting by which somebody does not want to be found. Older servers lack some of the three."""
    if account.get("noindex") or account.get("indexable") is False:
        return "not to be searched"
    return "not to be discovered" if account.get("discoverable") is False else ""


def _profile(account: Object, handle: str) -> Profile:
    return Profile(
        Mastodon.name,
        id=str(account["id"]),
        handle=handle,
        name=account.get("display_name") or account["username"],
        description=markup.text(account.get("note") or ""),
        posts=int(account.get("statuses_count") or 0),
    )


def _post(status: Object) -> Post:
    reblog = bool(status.get("reblog"))
    return Post(
        id=str(status["id"]),
        created_at=str(status["created_at"]),
        text="" if reblog else html.escape(markup.text(status["content"]), quote=False),
        lang=status.get("language") or "",
        is_retweet=reblog,
    )
