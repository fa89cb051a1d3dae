"""The real generating child, for measurements."""

import os
import subprocess
import sys
import time
from itertools import count
from pathlib import Path

from benchmarks.rival import COUNT, PROMPT, TOKENS
from bot.worker import ENVIRONMENT
from trainer import protocol
from trainer.protocol import Done, GenerateTask, Request


class Generator:
    """``python -m trainer generate`` at the other end of two pipes."""

    def __init__(self, device: str = "cpu") -> None:
        self._process = child("generate", "--device", device, "--memory-mb", "4000")
        self._numbers = count()

    def tweet(self, *models: Path, tweets: int = COUNT) -> float:
        """Seconds until all of the requests, written at once, are answered."""
        return self._ask("generate", [task(model, tweets).values() for model in models])

    def load(self, model: Path) -> float:
        return self._ask("load", [{"model": str(model)}])

    @property
    def memory(self) -> int:
        """Bytes that it holds now (VmRSS)."""
        return memory(self._process, "VmRSS")

    def end(self) -> int:
        """The most bytes that it ever held."""
        return ended(self._process)

    def _ask(self, verb: str, tasks: list[dict[str, object]]) -> float:
        assert self._process.stdin
        assert self._process.stdout
        started = time.perf_counter()
        for each in tasks:
            self._process.stdin.write(protocol.write_request(Request(str(next(self._numbers)), verb, each)))
        self._process.stdin.flush()
        for _ in tasks:
            answer = protocol.read_event(self._process.stdout.readline())
            assert isinstance(answer, Done), answer
        return time.perf_counter() - started


def task(model: Path | str, tweets: int = COUNT, seed: int | None = None) -> GenerateTask:
    """As many tokens as the rival's: those of the prompt, with the begin token, and 40."""
    length = 4 + TOKENS
    return GenerateTask(str(model), PROMPT, tweets, min_tokens=length, max_tokens=length, seed=seed)


def child(*arguments: str) -> "subprocess.Popen[bytes]":
    """``python -m trainer`` as the bot starts it."""
    command, environment = [sys.executable, "-m", "trainer", *arguments], ENVIRONMENT | dict(os.environ)
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, env=environment)


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
