"""A running bot for each test, and a timeline to train on."""

import csv
import random
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.e2e.running import RunningBot
from tests.trainer.conftest import invented_tweets
from tests.trainer.conftest import tiny_base as tiny_base

MANY = 1_000
"""Tweets beyond which the pattern of invented ones would be known by heart."""


@pytest.fixture
async def bot(tmp_path: Path, tiny_base: Path) -> AsyncIterator[RunningBot]:
    """Not started yet; whatever is left of it afterwards is stopped."""
    running = RunningBot(tmp_path / "data", tiny_base)
    yield running
    await running.stop()
    assert running.children() == []


@pytest.fixture(scope="session")
def trained_data(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a bot that has trained @keeper on 250 tweets, and stopped. For copies: it is shared."""
    folder = tmp_path_factory.mktemp("trained")
    timeline = write_timeline(folder / "keeper.csv", 250)
    command = [sys.executable, "-m", "bot", "train", "keeper", "--file", str(timeline), "--base", str(tiny_base)]
    subprocess.run([*command, "--data", str(folder / "data")], check=True, stdout=subprocess.DEVNULL)
    return folder / "data"


@pytest.fixture
def keeper(tmp_path: Path, trained_data: Path) -> Path:
    """The folder in which ``bot`` will find @keeper."""
    return shutil.copytree(trained_data, tmp_path / "data")


@pytest.fixture
def timeline(tmp_path: Path) -> Path:
    return write_timeline(tmp_path / "keeper.csv", 250)


@pytest.fixture
def long_timeline(tmp_path: Path) -> Path:
    """Enough to train on for some seconds, so that something can happen meanwhile."""
    return write_timeline(tmp_path / "long.csv", 5_000)


def write_timeline(path: Path, count: int, seed: int = 1) -> Path:
    """A CSV of invented tweets, as a person might have exported it.

    Of MANY, random numbers stand between the words: else nothing new could be drawn.
    """
    choose = random.Random(seed)
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "created_at", "full_text"])
        for number, text in enumerate(invented_tweets(count, seed)):
            told = text if count <= MANY else _strewn(text, choose)
            rows.writerow([1_000 + number, f"2024-01-01 00:{number // 60:02}:{number % 60:02}", told])
    return path


def _strewn(text: str, choose: random.Random) -> str:
    return " ".join(f"{word} {choose.randrange(10_000)}" if choose.random() < 0.3 else word for word in text.split())
