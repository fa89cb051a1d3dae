"""Where the jobs stand right now: kept in memory, latest wins, because a stale frame is worth nothing."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace

from trainer.protocol import Progress

CURVE = 48
"""Losses kept for a sparkline."""

ENDING = ("evaluate", "publish")
"""The stages after a training, which take seconds."""


@dataclass(frozen=True)
class Standing:
    """One job's standing, as a front end draws it."""

    stage: str = "queue"
    place: int = 0
    """Jobs before it in the line."""
    fraction: float = 0.0
    """Of the stage, 0 to 1."""
    step: int | None = None
    steps: int | None = None
    loss: float | None = None
    held_out: float | None = None
    tokens_per_second: float | None = None
    eta: float | None = None
    """Seconds to the end; of the queue, until its turn comes."""
    losses: tuple[float, ...] = ()
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    """By handle, the rows of the card's table."""

    def after(self, event: Progress) -> "Standing":
        losses = self.losses if event.loss is None else (*self.losses, event.loss)[-CURVE:]
        fraction = event.step / event.steps if event.step is not None and event.steps else 0.0
        return replace(
            self, stage=event.stage, place=0, fraction=min(1.0, fraction), step=event.step, steps=event.steps,
            loss=event.loss, held_out=event.held_out or self.held_out, tokens_per_second=event.tokens_per_second,
            eta=event.eta, losses=losses,
        )  # fmt: skip

    def left(self, typical: float | None) -> float | None:
        """Seconds until it lets the next one have the device, as far as is known; ``typical`` is a whole training."""
        if self.stage in ENDING:
            return 0.0
        return self.eta if self.stage == "train" and self.eta is not None else typical


def lined_up(standings: Sequence[Standing], typical: float | None) -> list[Standing]:
    """Those of a line, the first first, each with its place; who waits in the queue also with the seconds until then.

    Before them comes what the first has left, and a typical training for each of the others.
    """
    turn: float | None = 0.0
    placed = []
    for place, now in enumerate(standings):
        waits = turn if place else None
        placed.append(replace(now, place=place, eta=waits if now.stage == "queue" else now.eta))
        left = now.left(typical)
        turn = None if turn is None or left is None else turn + left
    return placed


class Board:
    """Where each job stands, and a way to wait for it to move."""

    def __init__(self) -> None:
        self._standings: dict[str, Standing] = {}
        self._moved: dict[str, asyncio.Event] = defaultdict(asyncio.Event)

    def __getitem__(self, job: str) -> Standing:
        return self._standings.get(job, Standing())

    def post(self, job: str, standing: Standing) -> None:
        self._standings[job] = standing
        self._moved.pop(job, asyncio.Event()).set()

    def forget(self, job: str) -> None:
        """The job is over: whoever follows it is let go."""
        self._standings.pop(job, None)
        self._moved.pop(job, asyncio.Event()).set()

    async def follow(self, job: str) -> AsyncIterator[Standing]:
        """The newest standing whenever the reader is ready for one it has not seen, until the job is over."""
        shown: Standing | None = None
        while True:
            now = self._standings.get(job)
            if now is not None and now is not shown:
                shown = now
                yield now
            elif now is None and shown is not None:
                return
            else:
                await self._moved[job].wait()
                if job not in self._standings:
                    return
