"""Trains nobody: tells that a minute is left and waits, or dies of the persona "doomed"."""

import os
import signal
from typing import Any

from trainer.child import Report, serve
from trainer.protocol import FinetuneResult


def train(task: dict[str, Any], report: Report) -> FinetuneResult:
    if task["persona"] == "doomed":
        os.kill(os.getpid(), signal.SIGKILL)
    report("train", step=1, steps=9, eta=60.0)
    signal.pause()
    raise AssertionError(task)


serve(train)
