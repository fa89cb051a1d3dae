"""The real children, for measurements."""

import os
import subprocess
import sys
import time
from itertools import count
from pathlib import Path
from typing import Any

from benchmarks.rival import COUNT, PROMPT, TOKENS
from bot.worker import ENVIRONMENT
from trainer import protocol
from trainer.protocol import Done, GenerateTask, Progress, Request, Wire


class Child:
    """``python -m trainer VERB``, as the bot starts it, at the other end of two pipes."""

    def __init__(self, verb: str, *arguments: str) -> None:
        command, pipe = [sys.executable, "-m", "trainer", verb, *arguments], subprocess.PIPE
        environment = ENVIRONMENT | dict(os.environ)
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, env=environment)
        self._verb, self._numbers = verb, count()

    def ask(self, *tasks: Wire) -> list[dict[str, Any]]:
        """The results in the order of the tasks, which are written at once."""
        return self._ask(self._verb, [task.values() for task in tasks])

    @property
    def memory(self) -> int:
        """Bytes that it holds now (VmRSS)."""
        return memory(self._process, "VmRSS")

    def end(self) -> int:
        """The most bytes that it ever held."""
        return ended(self._process)

    def _ask(self, verb: str, tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
        assert self._process.stdin
        requests = [Request(str(next(self._numbers)), verb, each) for each in tasks]
        self._process.stdin.write(b"".join(map(protocol.write_request, requests)))
        self._process.stdin.flush()
        answers = dict(self._answer() for _ in requests)
        return [answers[each.id] for each in requests]

    def _answer(self) -> tuple[str, dict[str, Any]]:
        assert self._process.stdout
        event = next(each for each in map(protocol.read_event, self._process.stdout) if not isinstance(each, Progress))
        if not isinstance(event, Done):
            sys.exit(event.sentence)
        return event.id, event.result


class Generator(Child):
    """The generating one, by the clock."""

    def __init__(self, device: str = "cpu") -> None:
        super().__init__("generate", "--device", device, "--memory-mb", "4000")

    def tweet(self, *models: Path, tweets: int = COUNT) -> float:
        """Seconds until all of the requests, written at once, are answered."""
        return self._timed("generate", [task(model, tweets).values() for model in models])

    def load(self, model: Path) -> float:
        return self._timed("load", [{"model": str(model)}])

    def _timed(self, verb: str, tasks: list[dict[str, Any]]) -> float:
        started = time.perf_counter()
        self._ask(verb, tasks)
        return time.perf_counter() - started


def task(model: Path | str, tweets: int = COUNT, seed: int | None = None) -> GenerateTask:
    """As many tokens as the rival's: those of the prompt, with the begin token, and 40."""
    length = 4 + TOKENS
    return GenerateTask(str(model), PROMPT, tweets, min_tokens=length, max_tokens=length, seed=seed)


def memory(process: "subprocess.Popen[bytes]", kind: str) -> int:
    """Bytes held now (VmRSS) or at the most (VmHWM; what wait4 tells would count the parent's at the fork)."""
    status = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in status if line.startswith(kind))


def ended(process: "subprocess.Popen[bytes]") -> int:
    """Ends a process; the most bytes that it ever held."""
    peak = memory(process, "VmHWM")
    assert process.stdin
    process.stdin.close()
    process.wait()
    return peak
