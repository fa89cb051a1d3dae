"""Complains on standard error, then does what ``task["do"]`` says, over the trainer's own end of the protocol."""

import logging
import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainer.child import Report, serve
from trainer.protocol import Wire


@dataclass(frozen=True)
class Said(Wire):
    text: str


def obey(task: dict[str, Any], report: Report) -> Said:
    for line in task.get("complaints", []):
        os.write(2, line.encode("latin-1") + b"\n")
    match task["do"]:
        case "say":
            return Said(task["text"])
        case "count":
            for step in range(task["steps"]):
                report("train", step=step)
            return Said("counted")
        case "wait":
            report("train")
            signal.pause()
        case "hold":
            with Path(task["life"]).open("wb"):
                report("train")
                signal.pause()
        case "exit":
            os._exit(task["code"])
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "tell":
            return Said(os.environ.get(task["variable"], ""))
    raise AssertionError(task)


logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
serve(obey)
