"""Where the generating child's threads meet: what waits, what is loaded, and whose turn it is."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate
from typing import Generic

from trainer.cache import Cache, Loaded
from trainer.protocol import GenerateTask, Request

BATCH = 64
"""Tweets drawn at once: bounds the memory of a batch, and how long others wait for it."""


@dataclass(frozen=True)
class Ticket:
    request: Request
    task: GenerateTask
    arrived: float
    """By ``time.monotonic``."""


class Desk(Generic[Loaded]):
    """Models take turns in the order in which they were first waited for.

    Between two loads the memory holds at most the budget and one model more, unless a single one is larger. What was
    loaded for waiting requests stays until they had a turn, so that two models that do not fit together both progress.
    """

    def __init__(self, memory: int) -> None:
        self._changed = threading.Condition()
        self._cache: Cache[Loaded] = Cache(memory)
        self._waiting: dict[str, list[Ticket]] = {}
        self._warming: dict[str, list[Request]] = {}
        self._wanted: list[str] = []
        """To be loaded, in this order; the one being loaded stands first until it is."""
        self._fresh: set[str] = set()
        """Loaded for requests that have not had a turn."""
        self._running = ""

    def add(self, ticket: Ticket) -> None:
        with self._changed:
            self._waiting.setdefault(ticket.task.model, []).append(ticket)
            self._want(ticket.task.model)

    def warm(self, request: Request, model: str) -> bool:
        """Whether the model is loaded; if not it will be, and ``loaded`` or ``not_loaded`` gives the request back."""
        with self._changed:
            if model in self._cache:
                self._cache.get(model)
                return True
            self._warming.setdefault(model, []).append(request)
            self._want(model)
            return False

    def forget(self, model: str) -> None:
        with self._changed:
            self._cache.drop(model)
            if model in self._waiting:
                self._want(model)

    def next_load(self) -> str:
        """Waits until something is to be loaded and there is room."""
        with self._changed:
            self._changed.wait_for(lambda: self._wanted and self._make_room(self._idle))
            return self._wanted[0]

    def loaded(self, model: str, loaded: Loaded) -> list[Request]:
        """Gives the requests that asked for no more than this."""
        with self._changed:
            self._wanted.remove(model)
            self._cache.put(model, loaded)
            if model in self._waiting:
                self._fresh.add(model)
            self._settle(model)
            return self._warming.pop(model, [])

    def not_loaded(self, model: str) -> list[Request]:
        """Gives all requests that waited for the model."""
        with self._changed:
            self._wanted.remove(model)
            return [ticket.request for ticket in self._waiting.pop(model, [])] + self._warming.pop(model, [])

    def next_batch(self) -> tuple[str, Loaded, list[Ticket]]:
        """Waits for requests whose model is loaded."""
        with self._changed:
            self._changed.wait_for(lambda: any(model in self._cache for model in self._waiting))
            model = next(model for model in self._waiting if model in self._cache)
            batch, later = _split(self._waiting.pop(model))
            if later:
                self._waiting[model] = later
            self._fresh.discard(model)
            self._running = model
            return model, self._cache.get(model), batch

    def served(self, model: str) -> None:
        with self._changed:
            self._running = ""
            self._settle(model)

    def _want(self, model: str) -> None:
        if model not in self._cache and model not in self._wanted:
            self._wanted.append(model)
        self._changed.notify_all()

    def _settle(self, last_used: str) -> None:
        self._make_room(lambda model: model != last_used and self._idle(model))
        self._changed.notify_all()

    def _make_room(self, may_go: Callable[[str], bool]) -> bool:
        for model in self._cache.shrink(may_go):
            if model in self._waiting:
                self._want(model)
        return not self._cache.full

    def _idle(self, model: str) -> bool:
        return model != self._running and model not in self._fresh


def _split(tickets: list[Ticket]) -> tuple[list[Ticket], list[Ticket]]:
    """Those drawn now, and those for the next turn. A request with a seed fills a batch alone (see ``sampling``)."""
    totals = accumulate(ticket.task.count if ticket.task.seed is None else BATCH for ticket in tickets)
    size = sum(total <= BATCH for total in totals)
    return tickets[:size], tickets[size:]
