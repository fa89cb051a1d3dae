"""Small real child programs, each good or bad in one way. ``child(NAME)`` is the bot's end of one, not started yet."""

import os
import sys
from pathlib import Path

from bot.worker import Worker

HERE = Path(__file__).parent
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(HERE.parents[2])}


def child(name: str, *arguments: str) -> Worker:
    return Worker(name, [sys.executable, str(HERE / f"{name}.py"), *arguments], ENVIRONMENT)
