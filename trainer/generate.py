"""The generating child: personas held in memory, requests that wait together drawn in one batch.

Three threads. The main one accepts requests; the loader brings personas into memory; the generator draws. What is
heavy is imported by the loader, so that the child listens, and refuses what is out of bounds, at once.
"""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from trainer import bounds, child
from trainer.child import Channel
from trainer.desk import Desk, Ticket
from trainer.errors import Cancelled, TrainerError
from trainer.protocol import Done, GenerateResult, GenerateTask, Request, Sample

if TYPE_CHECKING:
    from trainer.persona import Persona

log = logging.getLogger(__name__)

Drawn = list[Sample] | Exception


def main(device: str, memory: int) -> NoReturn:
    """Serve until the bot is gone or SIGTERM comes. ``memory``: bytes of parameters to hold."""
    os.environ["HF_HUB_OFFLINE"] = "1"  # a persona is on disk whole: nothing is worth waiting for the network
    channel = Channel()
    generator = Generator(channel, device, memory)
    try:
        for request in channel:
            generator.accept(request)
    except Cancelled:
        pass
    os._exit(128 + signal.SIGTERM)  # not sys.exit: the other threads may be deep in a matrix product


class Generator:
    """Answers each request exactly once, through ``channel``."""

    def __init__(self, channel: Channel, device: str, memory: int) -> None:
        self._channel = channel
        self._device = device
        self._desk: Desk[Persona] = Desk(memory)
        for work in (self._load, self._generate):
            threading.Thread(target=_crash_with, args=(work,), name=work.__name__, daemon=True).start()

    def accept(self, request: Request) -> None:
        arrived = time.monotonic()
        try:
            match request.verb:
                case "generate":
                    task = GenerateTask.read(request.task)
                    bounds.check(task)
                    self._desk.add(Ticket(request, task, arrived))
                case "load":
                    if self._desk.warm(request, _model(request)):
                        self._channel.send(Done(request.id, {}))
                case "unload":
                    self._desk.forget(_model(request))
                    self._channel.send(Done(request.id, {}))
                case verb:
                    raise TrainerError(f"A generator cannot {verb!r}; ask it to generate, load or unload.")
        except TrainerError as error:
            self._fail(request, error)
        except ValueError as error:
            self._fail(request, TrainerError(f"The request cannot be read ({error}); ask again."))

    def _load(self) -> None:
        while True:
            self._bring(self._desk.next_load())

    def _bring(self, model: str) -> None:
        from trainer.persona import Persona

        try:
            persona = Persona.load(Path(model), self._device)
        except Exception as error:  # noqa: BLE001  # whatever a library throws fails this model alone
            for request in self._desk.not_loaded(model):
                self._fail(request, error)
            return
        for request in self._desk.loaded(model, persona):
            self._channel.send(Done(request.id, {}))

    def _generate(self) -> None:
        while True:  # no name here: it would keep a forgotten persona in memory until the next batch
            self._serve(self._desk.next_batch())

    def _serve(self, batch: "list[tuple[Persona, Ticket]]") -> None:
        drawn = _draw([(persona, ticket.task) for persona, ticket in batch])
        for (_, ticket), each in zip(batch, drawn, strict=True):
            self._answer(ticket, each)
        self._desk.served()

    def _answer(self, ticket: Ticket, drawn: Drawn) -> None:
        if isinstance(drawn, Exception):
            self._fail(ticket.request, drawn)
            return
        result = GenerateResult([sample.values() for sample in drawn], time.monotonic() - ticket.arrived)
        self._channel.send(Done(ticket.request.id, result.values()))

    def _fail(self, request: Request, error: Exception) -> None:
        answer = child.failed(request, error) if isinstance(error, TrainerError) else child.broken(request, error)
        self._channel.send(answer)


def _model(request: Request) -> str:
    model = request.task.get("model")
    if not isinstance(model, str):
        raise ValueError("it names no model")
    return model


def _draw(asked: Sequence[tuple["Persona", GenerateTask]]) -> Sequence[Drawn]:
    from trainer import sampling

    if len(asked) > 1:
        try:
            return sampling.tweets_together(asked)
        except Exception as error:  # one of them may be to blame: each for itself
            log.warning("a batch of %d failed, drawing each alone", len(asked), exc_info=error)
            return [drawn for each in asked for drawn in _draw([each])]
    try:
        return [sampling.tweets(*asked[0])]
    except Exception as error:  # noqa: BLE001  # and whatever one throws here, this request alone
        return [error]


def _crash_with(work: Callable[[], None]) -> None:
    """A child without one of its threads would never answer; a dead one is replaced by the bot."""
    try:
        work()
    except BaseException:
        log.exception("the generating process cannot go on")
        os._exit(1)
