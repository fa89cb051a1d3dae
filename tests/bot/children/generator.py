"""A generator whose prompts say what becomes of it. Each of its lives begins with a line in the file BOOK, its pid."""

import os
import signal
import sys
from pathlib import Path

from trainer.protocol import Done, Event, Failed, GenerateResult, Request, Sample, read_request, write_event

book = Path(sys.argv[1])
with book.open("a") as lines:
    print(os.getpid(), file=lines)
life = len(book.read_text().splitlines())
loaded: set[str] = set()


def answer(request: Request) -> Event | None:
    model = request.task["model"]
    match request.verb:
        case "load":
            loaded.add(model)
            return Done(request.id, {})
        case "unload":
            loaded.discard(model)
            return Done(request.id, {})
    return write(request.id, model, request.task["prompt"])


def write(id: str, model: str, prompt: str) -> Event | None:
    match prompt:
        case "refuse":
            return Failed(id, "UnusableBase", "That model is damaged: train it again.", {"model": model})
        case "die":
            os.kill(os.getpid(), signal.SIGKILL)
        case "die in the first life" if life == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        case "die in the second life" if life == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        case "answer in the second life" if life == 1:
            return None
        case "never answer":
            return None
    sample = Sample(f"{prompt} from {'memory' if model in loaded else 'disk'}")
    return Done(id, GenerateResult([sample.values()]).values())


if "stillborn" in sys.argv:
    sys.exit(1)
for line in sys.stdin.buffer:
    if event := answer(read_request(line)):
        sys.stdout.buffer.write(write_event(event))
        sys.stdout.buffer.flush()
