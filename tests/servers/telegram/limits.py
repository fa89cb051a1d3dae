"""How much a bot may send: https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this"""

import math
from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass

from tests.servers.telegram.clock import Clock
from tests.servers.telegram.rules import Refusal
from tests.servers.telegram.shapes import Chat

PRIVATE = (3, 3.0)
"""One message a second; Telegram tolerates short bursts, here of three."""
GROUP = (20, 60.0)
OVERALL = (30, 1.0)
"""Messages, and the seconds in which there may be no more of them."""

IN_FLIGHT = 0.3
"""Seconds after a 429 in which a call may have been on its way already."""


class Window:
    """At most ``count`` messages in any ``seconds``."""

    def __init__(self, count: int, seconds: float) -> None:
        self._seconds = seconds
        self._last: deque[float] = deque(maxlen=count)

    def wait(self, now: float) -> float:
        """Seconds until one more is allowed."""
        return max(0.0, self._last[0] + self._seconds - now) if len(self._last) == self._last.maxlen else 0.0

    def take(self, now: float) -> None:
        self._last.append(now)


@dataclass(frozen=True)
class Ban:
    told: float
    until: float


class Flood:
    """Refuses what is over the limits with 429, and blames who asks again before ``retry_after`` is over."""

    def __init__(self, clock: Clock, pace: float) -> None:
        """``pace``: how many times faster than Telegram's the limits recover."""
        self._clock = clock
        self._pace = pace
        self._windows: dict[Hashable, Window] = {}
        self._bans: dict[Hashable, Ban] = {}
        self.count = 0
        """Messages refused for coming too fast."""

    def take(self, chat: Chat) -> None:
        """One message or edit in a chat. Raises Refusal where it is one too many."""
        now = self._clock.now()
        limits = {"overall": OVERALL, chat.id: PRIVATE if chat.owner else GROUP}
        windows = {key: self._window(key, *limit) for key, limit in limits.items()}
        for key, window in windows.items():
            self.heed(key)
            if wait := window.wait(now):
                self.ban(key, math.ceil(wait))
                self._refuse(math.ceil(wait), blamed=False)
        for window in windows.values():
            window.take(now)

    def ban(self, key: Hashable, seconds: int) -> None:
        """Notes that the bot was told to wait."""
        now = self._clock.now()
        self._bans[key] = Ban(told=now, until=now + seconds)

    def heed(self, key: Hashable) -> None:
        """Raises Refusal while a ban lasts."""
        now, ban = self._clock.now(), self._bans.get(key)
        if ban and now < ban.until:
            self._refuse(math.ceil(ban.until - now), blamed=now > ban.told + IN_FLIGHT)

    def _window(self, key: Hashable, count: int, seconds: float) -> Window:
        return self._windows.setdefault(key, Window(count, seconds / self._pace))

    def _refuse(self, seconds: int, blamed: bool) -> None:
        self.count += 1
        raise Refusal(429, f"retry after {seconds}", blamed, retry_after=seconds)
