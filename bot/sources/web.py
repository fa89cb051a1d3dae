"""JSON over plain HTTP, for the sources that need no key."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from bot.sources.base import Told
from bot.sources.patience import PAUSES, Limited, Stumbled, patiently, seconds_until

MOST_BYTES = 10_000_000
"""Of one answer: a page of posts takes less than 1 MB. Who runs a Mastodon server is anybody's guess."""

_TIMEOUT = 30.0
_RESETS = ("ratelimit-reset", "x-ratelimit-reset")


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any
    """Decoded JSON; None for what is none, or too large."""


class Web:
    """Follows no redirects: an answer comes from the server that was asked, or not at all."""

    def __init__(self, pauses: Sequence[float] = PAUSES) -> None:
        self._client = httpx.AsyncClient(
            timeout=_TIMEOUT, headers={"User-Agent": "mockingbird", "Accept-Encoding": "gzip"}
        )
        self._pauses = pauses

    async def get(self, site: str, url: str, told: Told, **parameters: str | int) -> Answer:
        """Ask again after rate limits and stumbles; empty parameters are not sent. Raises SourceBusy, SourceDown."""
        given = {name: value for name, value in parameters.items() if value != ""}
        return await patiently(lambda: self._get(url, given), site, told, self._pauses)

    async def _get(self, url: str, parameters: Mapping[str, str | int]) -> Answer:
        try:
            async with self._client.stream("GET", url, params=parameters) as response:
                if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
                    reset = next((response.headers[name] for name in _RESETS if name in response.headers), None)
                    raise Limited(seconds_until(reset))
                if response.is_server_error:
                    raise Stumbled(f"{response.status_code} from {url}")
                return Answer(response.status_code, await _json(response))
        except httpx.RequestError as error:
            raise Stumbled(f"{type(error).__name__} from {url}: {error}") from error

    async def close(self) -> None:
        await self._client.aclose()


async def _json(response: httpx.Response) -> Any:
    body = bytearray()
    async for block in response.aiter_bytes():
        body += block
        if len(body) > MOST_BYTES:
            return None
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
