"""Rate limits as Discord announces and enforces them."""

import hashlib
import time
from http import HTTPStatus

from tests.servers.discord.rules import Refusal

GRACE, EARLY = 0.25, 0.05
"""Seconds: a request may cross its own refusal on the way; clocks and timers may differ by a little."""

Key = tuple[str, str]
"""A bucket, and the channel or token that it is counted for."""


class Limits:
    """So many requests of a bucket in so many seconds, counted from the first."""

    def __init__(self, count: int, seconds: float) -> None:
        self.refused = 0
        """How many requests were answered with 429."""
        self._count, self._seconds = count, seconds
        self._windows: dict[Key, tuple[float, int]] = {}
        self._blocked: dict[Key, tuple[float, float]] = {}

    def take(self, key: Key) -> dict[str, str]:
        """The headers for an answer. Raises: Refusal."""
        now = time.monotonic()
        start, used = self._windows.get(key, (now, 0))
        if now >= start + self._seconds:
            start, used = now, 0
        after = start + self._seconds - now
        headers = {
            "X-RateLimit-Limit": str(self._count),
            "X-RateLimit-Remaining": str(max(self._count - used - 1, 0)),
            "X-RateLimit-Reset": f"{time.time() + after:.3f}",
            "X-RateLimit-Reset-After": f"{after + 0.001:.3f}",
            "X-RateLimit-Bucket": hashlib.sha256(key[0].encode()).hexdigest()[:32],
        }
        if used >= self._count:
            refusal = self.block(key, after)
            refusal.headers |= headers
            raise refusal
        self._windows[key] = start, used + 1
        return headers

    def block(self, key: Key, seconds: float) -> Refusal:
        """A 429, whose ``retry_after`` must be kept to."""
        now = time.monotonic()
        self._blocked[key] = now, now + seconds
        self.refused += 1
        refusal = Refusal(HTTPStatus.TOO_MANY_REQUESTS, 0, "You are being rate limited.")
        refusal.body |= {"retry_after": round(seconds + 0.001, 3), "global": False}
        # The client takes a 429 without Via for a ban of its address.
        refusal.headers = {"Retry-After": str(int(seconds) + 1), "X-RateLimit-Scope": "user", "Via": "1.1 local"}
        return refusal

    def too_early(self, key: Key) -> bool:
        """Whether this request does not wait for the end of an earlier 429."""
        refused, end = self._blocked.get(key, (0.0, 0.0))
        return refused + GRACE < time.monotonic() < end - EARLY
