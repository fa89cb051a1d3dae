import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from trainer import protocol
from trainer.protocol import Done, Event, Failed, GenerateTask, Request

ROOT = Path(__file__).parents[2]
NOISE = """
import os, sys

def shout(event, arguments):
    if event == "import" and arguments[0] in ("torch", "transformers", "trainer.sampling"):
        print("a library prints", flush=True)
        os.write(1, b"and its C code too\\n")

sys.addaudithook(shout)
"""
COUNT = """
import gc, signal

def count(*_):
    open(COUNTED, "w").write(str(sum(type(each).__name__ == "Persona" for each in gc.get_objects())))

signal.signal(signal.SIGUSR1, count)
"""


class Child:
    """A real ``python -m trainer generate`` at the other end of two pipes; its libraries print what they like."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.counted = folder / "counted"
        (folder / "sitecustomize.py").write_text(NOISE + COUNT.replace("COUNTED", repr(str(self.counted))))
        self.errors = folder / "stderr"
        with self.errors.open("wb") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "trainer", "generate", "--device", "cpu", *arguments],
                cwd=ROOT,
                env=os.environ | {"PYTHONPATH": str(folder)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
            )
        self._numbers = count(1)

    def write(self, verb: str, task: dict[str, Any]) -> str:
        number = str(next(self._numbers))
        self.write_line(protocol.write_request(Request(number, verb, task)))
        return number

    def write_line(self, line: bytes) -> None:
        assert self.process.stdin
        self.process.stdin.write(line)
        self.process.stdin.flush()

    def read(self) -> Event:
        assert self.process.stdout
        return protocol.read_event(self.process.stdout.readline())

    def ask(self, verb: str, task: dict[str, Any]) -> Event:
        return self.ask_all([(verb, task)])[0]

    def ask_all(self, requests: list[tuple[str, dict[str, Any]]]) -> list[Event]:
        """Write all at once; the answers in the order of the requests, each exactly one."""
        numbers = [self.write(verb, task) for verb, task in requests]
        answers = {event.id: event for event in (self.read() for _ in numbers)}
        assert sorted(answers) == sorted(numbers)
        return [answers[number] for number in numbers]

    def personas(self) -> int:
        """How many it has in memory: it counts when it is told to, before it answers the next request."""
        self.process.send_signal(signal.SIGUSR1)
        self.ask("sing", {})
        return int(self.counted.read_text())

    def end(self) -> None:
        self.process.kill()
        with self.process:
            pass  # closes the pipes and waits


@pytest.fixture(scope="module")
def child(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Child]:
    started = Child(tmp_path_factory.mktemp("child"))
    yield started
    started.end()


@pytest.fixture(scope="module")
def cramped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Child]:
    """One with memory for a single persona."""
    started = Child(tmp_path_factory.mktemp("cramped"), "--memory-mb", "0")
    yield started
    started.end()


@pytest.fixture
def persona(tiny_base: Path, tmp_path: Path) -> Callable[[str], str]:
    """Publishes a persona of that name and gives its directory."""

    def publish(name: str) -> str:
        return str(shutil.copytree(tiny_base, tmp_path / name))

    return publish


def tweet(model: str, **values: Any) -> tuple[str, dict[str, Any]]:
    return "generate", GenerateTask(model, **values).values()


def texts(event: Event) -> list[str]:
    assert isinstance(event, Done), event
    return [sample["text"] for sample in event.result["samples"]]


def test_requests_written_together_are_each_answered_once(child: Child, persona: Callable[[str], str]) -> None:
    first, second = persona("first"), persona("second")
    counts = [1, 5, 10, 2, 3, 1, 4, 7, 1, 1, 6, 2]
    requests = [
        tweet(second if place % 3 else first, prompt="the ferry " * (place % 4), count=asked, seed=place % 5 or None)
        for place, asked in enumerate(counts)
    ]
    answers = child.ask_all(requests)
    assert [len(texts(answer)) for answer in answers] == counts
    assert all(isinstance(answer, Done) and answer.result["seconds"] > 0 for answer in answers)


def test_a_seed_gives_the_same_tweets_alone_and_in_company(child: Child, persona: Callable[[str], str]) -> None:
    model = persona("a")
    seeded = tweet(model, prompt="good morning", count=3, seed=5)
    alone = child.ask(*seeded)
    company = [tweet(model, count=4), tweet(model, prompt="my left boot", count=2), tweet(model, seed=9)]
    _, _, among, *_ = child.ask_all([company[0], company[1], seeded, company[2]])
    assert texts(among) == texts(alone)


def test_a_missing_persona_fails_alone(child: Child, persona: Callable[[str], str], tmp_path: Path) -> None:
    here, missing = persona("here"), str(tmp_path / "missing")
    good, bad, also_good = child.ask_all([tweet(here), tweet(missing), tweet(here, count=2)])
    assert bad == Failed(bad.id, "UnusableBase", "This persona's files are missing; train it again.")
    assert len(texts(good)) == 1
    assert len(texts(also_good)) == 2


def test_a_speaker_whom_a_persona_lacks_is_told_alone(child: Child, persona: Callable[[str], str]) -> None:
    here = persona("here")
    good, bad, also_good = child.ask_all([tweet(here), tweet(here, speaker="otto"), tweet(here, mix={})])
    assert bad == Failed(bad.id, "TrainerError", "This persona has a single voice; ask without naming who speaks.")
    assert len(texts(good)) == len(texts(also_good)) == 1


def test_a_damaged_persona_fails_alone_and_works_once_it_is_mended(child: Child, persona: Callable[[str], str]) -> None:
    here, damaged = persona("here"), persona("damaged")
    weights = Path(damaged) / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:1000])
    bad, good = child.ask_all([tweet(damaged), tweet(here)])
    assert bad == Failed(bad.id, "UnusableBase", "This persona's files are damaged; train it again.")
    assert texts(good)
    weights.write_bytes(whole)
    assert texts(child.ask(*tweet(damaged)))


def test_weights_that_are_no_numbers_fail_alone(child: Child, persona: Callable[[str], str]) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    model = persona("nan")
    loaded = AutoModelForCausalLM.from_pretrained(model)
    with torch.no_grad():
        loaded.get_parameter("transformer.wte.weight").fill_(torch.nan)
    loaded.save_pretrained(model)
    answers = child.ask_all([tweet(model), tweet(model), tweet(persona("fine"))])
    assert [type(answer) for answer in answers] == [Failed, Failed, Done]
    assert "damaged" in str(answers[0])


@pytest.mark.parametrize(
    ("verb", "task", "sentence"),
    [
        ("generate", {"model": "x", "count": 11}, "count must be a whole number from 1 to 10; choose another."),
        ("generate", {"model": "x", "prompt": "y" * 300}, "The prompt has 300 characters; shorten it to 280 at most."),
        ("generate", {}, "The request cannot be read (GenerateTask lacks model); ask again."),
        ("load", {}, "The request cannot be read (it names no model); ask again."),
        ("sing", {}, "A generator cannot 'sing'; ask it to generate, load or unload."),
    ],
)
def test_a_wrong_request_is_answered_with_a_sentence(
    child: Child, verb: str, task: dict[str, Any], sentence: str
) -> None:
    answer = child.ask(verb, task)
    assert answer == Failed(answer.id, "TrainerError", sentence)


def test_lines_that_are_no_requests_are_passed_over(child: Child, persona: Callable[[str], str]) -> None:
    child.write_line(b'not json\n[]\n{"id": "0"}\n\xff\n')
    assert texts(child.ask(*tweet(persona("a"))))


def test_a_warmed_persona_needs_its_files_no_more_until_it_is_unloaded(
    child: Child, persona: Callable[[str], str]
) -> None:
    model = persona("warm")
    assert all(isinstance(child.ask("load", {"model": model}), Done) for _ in range(2))
    shutil.rmtree(model)
    assert texts(child.ask(*tweet(model)))
    unloaded = child.ask("unload", {"model": model})
    assert unloaded == Done(unloaded.id, {})
    assert isinstance(child.ask(*tweet(model)), Failed)
    assert isinstance(child.ask("load", {"model": model}), Failed)


def test_what_is_unloaded_is_in_memory_no_more(child: Child, persona: Callable[[str], str]) -> None:
    others, model = child.personas(), persona("forgotten")
    assert texts(child.ask(*tweet(model)))
    assert child.personas() == others + 1
    child.ask("unload", {"model": model})
    assert any(child.personas() == others for _ in range(100))  # its thread may be about to let go


def test_what_libraries_print_stays_out_of_the_protocol(child: Child, persona: Callable[[str], str]) -> None:
    assert texts(child.ask(*tweet(persona("a"))))
    assert b"a library prints" in child.errors.read_bytes()
    assert b"and its C code too" in child.errors.read_bytes()


def test_with_memory_for_one_persona_all_requests_are_still_answered(
    cramped: Child, persona: Callable[[str], str]
) -> None:
    models = [persona("a"), persona("b"), persona("c")]
    answers = cramped.ask_all([tweet(models[place % 3], count=1 + place % 2) for place in range(12)])
    assert [len(texts(answer)) for answer in answers] == [1, 2] * 6


def test_with_memory_for_one_persona_the_last_used_stays(cramped: Child, persona: Callable[[str], str]) -> None:
    models = [persona("a"), persona("b")]
    for model in models:
        assert texts(cramped.ask(*tweet(model)))
        shutil.rmtree(model)
    assert texts(cramped.ask(*tweet(models[1])))
    assert isinstance(cramped.ask(*tweet(models[0])), Failed)


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Child]:
    """A child that listens: it has refused a request."""
    child = Child(tmp_path)
    child.ask("sing", {})
    yield child
    child.end()


def test_sigterm_ends_it(started: Child) -> None:
    started.process.send_signal(signal.SIGTERM)
    assert started.process.wait(timeout=30) == 128 + signal.SIGTERM


def test_the_end_of_its_input_ends_it(started: Child) -> None:
    assert started.process.stdin
    started.process.stdin.close()
    assert started.process.wait(timeout=30) == 0


def test_ctrl_c_in_the_terminal_is_not_its_to_obey(started: Child) -> None:
    started.process.send_signal(signal.SIGINT)
    assert isinstance(started.ask("sing", {}), Failed)
