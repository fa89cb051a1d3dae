"""Bluesky's public posts, from its AppView and without a key: https://docs.bsky.app/docs/api.

A handle is any domain name: nasa.gov, name.bsky.social.
"""

import html
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from bot.sources.base import Page, Post, Prices, Profile, Told, respect
from bot.sources.errors import Declined, OddAnswer, Suspended, UnknownPerson
from bot.sources.patience import PAUSES, understood
from bot.sources.web import Answer, Web
from trainer.handles import DOMAIN

API = "https://public.api.bsky.app"
SITE = "Bluesky"

_HANDLE = re.compile(DOMAIN)
_PAGE = 100
"""Posts; the most that getAuthorFeed gives."""
_OPT_OUT = {"!no-unauthenticated", "!hide", "!takedown"}
"""Labels of a profile: for members only, by its owner; hidden or removed, by moderators."""
_GONE = {"AccountDeactivated", "AccountTakedown"}
_REPOST = "app.bsky.feed.defs#reasonRepost"
_LINK = "app.bsky.richtext.facet#link"

Object = Mapping[str, Any]


class Bluesky:
    name = "bluesky"
    prices = Prices()

    def __init__(self, api_url: str = API, pauses: Sequence[float] = PAUSES) -> None:
        self._api = f"{api_url.rstrip('/')}/xrpc"
        self._web = Web(pauses)

    def claims(self, handle: str) -> bool:
        return bool(_HANDLE.fullmatch(handle))

    async def profile(self, handle: str, told: Told) -> Profile:
        answer = await self._web.get(SITE, f"{self._api}/app.bsky.actor.getProfile", told, actor=handle)
        _refuse(answer, handle)
        with understood(SITE):
            profile = _profile(answer.body, handle)
            labels = [label["val"] for label in answer.body.get("labels") or [] if not label.get("neg")]
        if denied := sorted(_OPT_OUT & set(labels)):
            raise Declined(SITE, handle, f"the label {denied[0]}")
        respect(SITE, handle, profile.description)
        return profile

    async def page(self, profile: Profile, cursor: str, since: str, told: Told) -> Page:
        """Newest first by the time that Bluesky sorts by, which is also the mark: it has no since_id."""
        url = f"{self._api}/app.bsky.feed.getAuthorFeed"
        answer = await self._web.get(SITE, url, told, actor=profile.id, limit=_PAGE, cursor=cursor)
        _refuse(answer, profile.handle)
        with understood(SITE):
            posts = [_post(item) for item in answer.body["feed"]]
            following = str(answer.body.get("cursor") or "")
        new = [post for post in posts if post["created_at"] > since]
        over = len(new) < len(posts) or following == cursor
        return Page(new, "" if over else following, max((post["created_at"] for post in new), default=""))

    async def close(self) -> None:
        await self._web.close()


def _refuse(answer: Answer, handle: str) -> None:
    if answer.status == 200:
        return
    problem = answer.body.get("error") if isinstance(answer.body, dict) else ""
    if problem in _GONE:
        raise Suspended(SITE, handle)
    if answer.status in (400, 404) and problem:
        raise UnknownPerson(SITE, handle)
    raise OddAnswer(SITE, f"status {answer.status}")


def _profile(body: Object, handle: str) -> Profile:
    return Profile(
        Bluesky.name,
        id=body["did"],
        handle=handle,
        name=body.get("displayName") or handle,
        description=body.get("description") or "",
        posts=int(body.get("postsCount") or 0),
    )


def _post(item: Object) -> Post:
    """A pinned post stands in the feed for its own sake and is no repost."""
    post, reason = item["post"], item.get("reason") or {}
    if reason.get("$type") == _REPOST:
        number = _key(reason["uri"]) if "uri" in reason else f"repost-{_key(post['uri'])}"
        return Post(id=number, created_at=_time(reason["indexedAt"]), text="", lang="", is_retweet=True)
    record = post["record"]
    return Post(
        id=_key(post["uri"]),
        created_at=min(_time(record.get("createdAt")) or "~", _time(post["indexedAt"])),
        text=html.escape(_text(record), quote=False),
        lang=next(iter(record.get("langs") or []), ""),
        is_retweet=False,
    )


def _key(uri: str) -> str:
    """The last part of at://did/collection/key."""
    return uri.rpartition("/")[2]


def _time(value: object) -> str:
    """ISO 8601 in UTC with milliseconds, so that texts compare as times do; "" for what an author made up."""
    try:
        moment = datetime.fromisoformat(str(value)).astimezone(UTC)
    except (ValueError, OverflowError):
        return ""
    return moment.isoformat(timespec="milliseconds")


def _text(record: Object) -> str:
    """With whole addresses in place of the shortened ones that a post shows."""
    text = str(record.get("text") or "").encode()
    for start, end, address in sorted(_links(record), reverse=True):
        if 0 <= start < end <= len(text):
            text = text[:start] + address.encode() + text[end:]
    return text.decode(errors="ignore")


def _links(record: Object) -> list[tuple[int, int, str]]:
    """Where links stand, in bytes."""
    return [
        (facet["index"]["byteStart"], facet["index"]["byteEnd"], feature["uri"])
        for facet in record.get("facets") or []
        for feature in facet["features"]
        if feature.get("$type") == _LINK
    ]
