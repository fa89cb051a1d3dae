"""A child's end of the line protocol: requests from standard input, events to standard output.

Knows nothing of tweets or torch, so that importing it costs nothing.
"""

import logging
import os
import queue
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, NoReturn

from trainer import protocol
from trainer.errors import Cancelled, TrainerError
from trainer.protocol import Done, Event, Failed, Progress, Request

log = logging.getLogger(__name__)

Report = Callable[..., None]
"""``report(stage, step=…, loss=…)`` sends a ``Progress`` of the request being served."""

Handler = Callable[[dict[str, Any], Report], protocol.Wire]


class Channel:
    """The pipe to the bot. Standard output is taken away from everybody else, so no library's print can corrupt it."""

    def __init__(self) -> None:
        self._out = os.fdopen(os.dup(1), "wb")
        os.dup2(2, 1)
        self._sending = threading.Lock()
        self.requests: queue.SimpleQueue[Request] = queue.SimpleQueue()
        signal.signal(signal.SIGTERM, _cancel)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal is the bot's to handle
        threading.Thread(target=self._read, name="requests", daemon=True).start()

    def send(self, event: Event) -> None:
        with self._sending:
            self._out.write(protocol.write_event(event))
            self._out.flush()

    def __iter__(self) -> Iterator[Request]:
        while True:
            yield self.requests.get()

    def _read(self) -> None:
        # Not sys.stdin: the interpreter aborts at its exit if a thread still waits in that one.
        with open(0, "rb", closefd=False) as lines:
            for line in lines:
                try:
                    self.requests.put(protocol.read_request(line))
                except ValueError as error:
                    log.warning("ignored a line: %s", error)
        _leave()


def serve(handler: Handler) -> None:
    """Answer requests one after another until the bot is gone."""
    channel = Channel()
    try:
        for request in channel:
            channel.send(_answer(channel, request, handler))
    except Cancelled:
        raise SystemExit(128 + signal.SIGTERM) from None


def _answer(channel: Channel, request: Request, handler: Handler) -> Event:
    def report(stage: str, **values: Any) -> None:
        channel.send(Progress(request.id, stage, **values))

    try:
        return Done(request.id, handler(request.task, report).values())
    except TrainerError as error:
        return failed(request, error)
    except Cancelled:
        channel.send(Failed(request.id, "Cancelled", "Cancelled."))
        raise
    except Exception as error:  # whatever a library throws must end the request, not the protocol
        return broken(request, error)


def failed(request: Request, error: TrainerError) -> Failed:
    log.info("request %s: %s: %s", request.id, error.kind, error.sentence)
    return Failed(request.id, error.kind, error.sentence, error.details)


def broken(request: Request, error: Exception) -> Failed:
    """An error nobody foresaw: the trace goes to the log, the person hears whom to ask."""
    log.error("request %s failed", request.id, exc_info=error)
    return Failed(request.id, "Broken", f"Something broke in the {request.verb} process; the log has the details.")


def _cancel(signal_number: int, frame: FrameType | None) -> NoReturn:
    raise Cancelled


def _leave() -> NoReturn:
    # Not sys.exit: this is not the main thread, and the main one may be deep in a matrix product.
    os._exit(0)
