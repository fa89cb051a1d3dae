"""Where the generating child's threads meet: what waits, what is loaded, and whose turn it is."""

import threading
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Generic, Protocol, TypeVar

from trainer.cache import Cache, Sized
from trainer.protocol import GenerateTask, Request

BATCH = 80
"""Tweets drawn at once: bounds the memory of a batch, and how long others wait for it."""
TOGETHER = 8
"""Models in a batch: each costs all rows of it a little."""


class Companion(Sized, Protocol):
    @property
    def company(self) -> Hashable:
        """Models that give the same can be drawn from in one batch."""


Loaded = TypeVar("Loaded", bound=Companion)


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
        self._running: set[str] = set()
        self._outdated = False
        """What is being loaded was forgotten meanwhile."""

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
        """For those who still wait it is loaded anew, if it is still there."""
        with self._changed:
            self._cache.drop(model)
            self._outdated |= self._wanted[:1] == [model]
            if model in self._waiting:
                self._want(model)

    def next_load(self) -> str:
        """Waits until something is to be loaded and there is room."""
        with self._changed:
            self._changed.wait_for(lambda: self._wanted and self._make_room(self._idle))
            self._outdated = False
            return self._wanted[0]

    def loaded(self, model: str, loaded: Loaded) -> list[Request]:
        """Gives the requests that asked for no more than this. What was forgotten meanwhile is wanted again."""
        with self._changed:
            if self._outdated:
                return []
            self._wanted.remove(model)
            self._cache.put(model, loaded)
            if model in self._waiting:
                self._fresh.add(model)
            self._settle({model})
            return self._warming.pop(model, [])

    def not_loaded(self, model: str) -> list[Request]:
        """Gives all requests that waited for the model."""
        with self._changed:
            self._wanted.remove(model)
            return [ticket.request for ticket in self._waiting.pop(model, [])] + self._warming.pop(model, [])

    def next_batch(self) -> list[tuple[Loaded, Ticket]]:
        """Waits for requests whose model is loaded."""
        with self._changed:
            self._changed.wait_for(lambda: any(model in self._cache for model in self._waiting))
            batch = _first_part([ticket for model in self._together() for ticket in self._waiting[model]])
            self._running = {ticket.task.model for ticket in batch}
            for model in self._running:
                if later := [ticket for ticket in self._waiting.pop(model) if ticket not in batch]:
                    self._waiting[model] = later
            self._fresh -= self._running
            return [(self._cache.get(ticket.task.model), ticket) for ticket in batch]

    def served(self) -> None:
        """The last batch is done."""
        with self._changed:
            done, self._running = self._running, set()
            self._settle(done)

    def _together(self) -> list[str]:
        """The model whose turn it is, and those that can come along."""
        ready = [model for model in self._waiting if model in self._cache]
        company = self._cache.get(ready[0]).company
        return [model for model in ready if self._cache.get(model).company == company][:TOGETHER]

    def _want(self, model: str) -> None:
        if model not in self._cache and model not in self._wanted:
            self._wanted.append(model)
        self._changed.notify_all()

    def _settle(self, last_used: set[str]) -> None:
        self._make_room(lambda model: model not in last_used and self._idle(model))
        self._changed.notify_all()

    def _make_room(self, may_go: Callable[[str], bool]) -> bool:
        for model in self._cache.shrink(may_go):
            if model in self._waiting:
                self._want(model)
        return not self._cache.full

    def _idle(self, model: str) -> bool:
        return model not in self._running and model not in self._fresh


def _first_part(tickets: Sequence[Ticket]) -> list[Ticket]:
    """Those drawn now. A request with a seed fills a batch alone (see ``sampling``)."""
    totals = accumulate(ticket.task.count if ticket.task.seed is None else BATCH for ticket in tickets)
    return [ticket for ticket, total in zip(tickets, totals, strict=True) if total <= BATCH]
