"""X, through tweepy's AsyncClient: https://docs.x.com/x-api. It charges for every post and every person read.

The only place that knows tweepy. Loaded only where X is configured.
"""

import json
import logging
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, NamedTuple

import aiohttp
import tweepy  # type: ignore[import-untyped]
from tweepy.asynchronous import AsyncClient  # type: ignore[import-untyped]

from bot.sources.base import Page, Post, Prices, Profile, Told
from bot.sources.errors import (
    BadToken,
    NoAccess,
    NoCredit,
    OddAnswer,
    Protected,
    Suspended,
    UnknownPerson,
    UsageCapped,
)
from bot.sources.patience import PAUSES, Limited, Stumbled, patiently, seconds_until, understood

API = "https://api.twitter.com"
"""The host that is built into tweepy."""
PRICES = Prices(post=0.005, person=0.01)
"""Pay per use since February 2026: https://docs.x.com/x-api/getting-started/pricing."""
SITE = "X"

_HANDLE = re.compile(r"[a-z0-9_]{1,15}")
_PAGE = 100
"""Posts; the most that a timeline gives."""
_USER_FIELDS = ["description", "protected", "public_metrics"]
_TWEET_FIELDS = ["created_at", "lang", "note_tweet", "referenced_tweets"]
_MEANINGS = {401: BadToken, 402: NoCredit, 403: NoAccess}
_TIMEOUT = aiohttp.ClientTimeout(total=60)

logging.getLogger("tweepy").setLevel(logging.INFO)  # at DEBUG it logs the bearer token

Object = Mapping[str, Any]


class X:
    """``retweets=False`` leaves them at X: cheaper, but then nobody knows how many there were."""

    name = "x"

    def __init__(
        self,
        bearer_token: str,
        api_url: str = API,
        prices: Prices = PRICES,
        retweets: bool = True,
        pauses: Sequence[float] = PAUSES,
    ) -> None:
        self.prices = prices
        self._exclude = None if retweets else ["retweets"]
        self._pauses = pauses
        self._door = _Door(api_url.rstrip("/"))
        self._client = AsyncClient(bearer_token, return_type=dict)
        self._client.session = self._door

    def claims(self, handle: str) -> bool:
        return bool(_HANDLE.fullmatch(handle))

    async def profile(self, handle: str, told: Told) -> Profile:
        answer = await self._ask(lambda: self._client.get_user(username=handle, user_fields=_USER_FIELDS), told)
        with understood(SITE):
            _refuse(answer, "data", handle)
            return _profile(answer["data"])

    async def page(self, profile: Profile, cursor: str, since: str, told: Told) -> Page:
        """Where X has forgotten a token, the oldest id read goes on from there: nothing is paid for again."""
        at = _Cursor(*cursor.split(",")) if cursor else _Cursor()
        try:
            answer = await self._timeline(profile, at, since, told)
        except _Rejected:
            if not (at.token and at.oldest):
                raise
            at = _Cursor(oldest=at.oldest, until=at.oldest)
            answer = await self._timeline(profile, at, since, told)
        with understood(SITE):
            _refuse(answer, "meta", profile.handle)
            tweets, meta = answer.get("data") or [], answer["meta"]
            following = _Cursor(meta.get("next_token") or "", meta.get("oldest_id") or at.oldest, at.until)
            posts = [_post(tweet) for tweet in tweets]
        return Page(posts, ",".join(following) if following.token else "", meta.get("newest_id", ""), paid=len(tweets))

    async def close(self) -> None:
        await self._door.close()

    async def _timeline(self, profile: Profile, at: "_Cursor", since: str, told: Told) -> Object:
        given = {"pagination_token": at.token, "until_id": at.until, "since_id": since}
        options = {name: value for name, value in given.items() if value}
        return await self._ask(
            lambda: self._client.get_users_tweets(
                profile.id, max_results=_PAGE, tweet_fields=_TWEET_FIELDS, exclude=self._exclude, **options
            ),
            told,
        )

    async def _ask(self, request: Callable[[], Awaitable[Object]], told: Told) -> Object:
        return await patiently(lambda: _translated(request), SITE, told, self._pauses)


class _Cursor(NamedTuple):
    """X's token, the oldest id read so far, and the id below which the timeline was asked for: a token is for that."""

    token: str = ""
    oldest: str = ""
    until: str = ""


class _Door:
    """Stands where tweepy expects its aiohttp session, and sends what it asks of its own host to another address."""

    def __init__(self, api_url: str) -> None:
        self._api_url = api_url
        self._session: aiohttp.ClientSession | None = None

    def request(self, method: str, url: str, **options: Any) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        if self._session is None:  # a session belongs to the event loop that it is made in
            self._session = aiohttp.ClientSession(timeout=_TIMEOUT)
        return self._session.request(method, self._api_url + url.removeprefix(API), **options)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


class _Rejected(OddAnswer):
    """Status 400: X does not take some parameter, such as a token that it has forgotten."""


async def _translated(request: Callable[[], Awaitable[Object]]) -> Object:
    try:
        return await request()
    except tweepy.HTTPException as error:
        raise _meaning(error.response, str(error)) from error
    except aiohttp.ClientResponseError as error:  # tweepy expects JSON, and a proxy on the way wrote something else
        raise (Stumbled(str(error)) if error.status == 200 else _meaning(error, str(error))) from error
    except (aiohttp.ClientError, TimeoutError, json.JSONDecodeError) as error:
        raise Stumbled(f"{type(error).__name__}: {error}") from error


def _meaning(response: aiohttp.ClientResponse | aiohttp.ClientResponseError, words: str) -> Exception:
    """Of an answer that is no 2xx."""
    if response.status in _MEANINGS:
        return _MEANINGS[response.status]()
    if response.status == 400:
        return _Rejected(SITE, words)
    if response.status == 429 and "usage cap" in words.lower():
        return UsageCapped()
    if response.status == 429:
        headers = response.headers
        return Limited(seconds_until(headers.get("x-rate-limit-reset") if headers else None))
    return Stumbled(words) if response.status >= 500 else OddAnswer(SITE, words)


def _refuse(answer: Object, wanted: str, handle: str) -> None:
    """X answers 200 and lists ``errors`` where a person cannot be read; beside what is wanted they are about less."""
    if wanted in answer:
        if wanted == "data" and answer["data"].get("protected"):
            raise Protected(SITE, handle)
        return
    problem = answer["errors"][0]
    if problem["type"].endswith("/not-authorized-for-resource"):
        raise Protected(SITE, handle)
    raise (Suspended if "suspended" in problem["detail"] else UnknownPerson)(SITE, handle)


def _profile(user: Object) -> Profile:
    return Profile(
        X.name,
        id=user["id"],
        handle=user["username"],
        name=user["name"],
        description=user.get("description") or "",
        posts=int(user["public_metrics"]["tweet_count"]),
    )


def _post(tweet: Object) -> Post:
    """``text`` ends after 280 characters; ``note_tweet`` holds the whole of a longer one."""
    retweet = any(each["type"] == "retweeted" for each in tweet.get("referenced_tweets") or [])
    whole = (tweet.get("note_tweet") or {}).get("text") or tweet["text"]
    return Post(
        id=tweet["id"],
        created_at=tweet["created_at"],
        text="" if retweet else whole,
        lang=tweet.get("lang") or "",
        is_retweet=retweet,
    )
