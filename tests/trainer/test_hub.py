"""Bases named by hub id: a real child downloads them, with the real client, from a hub on this machine."""

import json
import os
import pickle
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.servers.hub import Hub
from tests.trainer.conftest import invented_corpus
from trainer import protocol
from trainer.protocol import Done, Event, FinetuneTask, Progress, Request
from trainer.tweets import Corpus


class Touch:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Path.touch, (self.path,)


@pytest.fixture
def hub(tmp_path: Path, tiny_base: Path) -> Iterator[Hub]:
    """Serves ``someone/tiny``, and what a test puts into its folder."""
    shutil.copytree(tiny_base, tmp_path / "hub" / "someone" / "tiny")
    with Hub(tmp_path / "hub") as server:
        yield server
    assert server.unknown == []


@dataclass
class Machine:
    """Where the bot runs: an empty home, and the address of a hub."""

    home: Path
    endpoint: str

    def ask(self, verb: str, task: dict[str, Any]) -> list[Event]:
        """All that a fresh ``python -m trainer`` says, which it must end within two minutes."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
        places = {"HF_ENDPOINT": self.endpoint, "HF_HOME": str(self.home), "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "trainer", verb]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=kept | places) as child:
            assert child.stdin is not None
            assert child.stdout is not None
            child.stdin.write(protocol.write_request(Request("1", verb, task)))
            child.stdin.flush()
            events: list[Event] = []
            while not events or isinstance(events[-1], Progress):
                events.append(protocol.read_event(child.stdout.readline()))
        return events

    def examine(self, base: str) -> dict[str, Any]:
        """What ``examine`` finds about a base."""
        done = self.ask("examine", {"base": base, "device": "cpu"})[-1]
        assert isinstance(done, Done)
        return dict(done.result["findings"][-1])

    def refuse(self, base: str) -> str:
        """The sentence about a base that cannot be used."""
        found = self.examine(base)
        assert not found["good"]
        return str(found["words"])


@pytest.fixture
def machine(tmp_path: Path, hub: Hub) -> Machine:
    return Machine(tmp_path / "home", hub.url)


def closed_port() -> str:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


def test_a_base_is_downloaded_once_and_then_serves_with_no_hub_at_all(machine: Machine, hub: Hub) -> None:
    assert machine.examine("someone/tiny")["good"]
    assert len(hub.downloads) == len(hub.files("someone/tiny"))

    hub.requests.clear()
    assert machine.examine("someone/tiny")["good"]
    assert hub.downloads == []

    machine.endpoint = closed_port()
    assert machine.examine("someone/tiny")["good"]


def test_a_base_of_the_hub_is_trained_and_the_persona_names_it(
    machine: Machine, corpus_file: Callable[[Corpus], Path], tmp_path: Path
) -> None:
    corpus = corpus_file(invented_corpus(200))
    task = FinetuneTask("j1", "keeper", [str(corpus)], str(tmp_path / "out"), str(tmp_path / "work"), "someone/tiny")
    quick = {"epochs": 1.0, "batch_tokens": 512.0}
    *progress, done = machine.ask("finetune", task.values() | {"settings": quick})
    assert isinstance(done, Done), done
    assert done.result["meta"]["base_hub_id"] == "someone/tiny"
    assert isinstance(progress[0], Progress)
    assert progress[0].stage == "load"
    assert str(machine.home) not in (tmp_path / "out" / "config.json").read_text("utf-8")


def test_a_base_that_the_hub_does_not_have_is_told_at_once(machine: Machine, hub: Hub) -> None:
    assert machine.refuse("nobody/nothing").startswith("The hub has no model 'nobody/nothing'")
    assert len([each for each in hub.requests if "nothing" in each]) == 1


def test_a_gated_base_is_told_as_that(machine: Machine, hub: Hub) -> None:
    hub.gated.add("someone/tiny")
    assert "'someone/tiny' is open only to those its makers let in; choose another" in machine.refuse("someone/tiny")


def test_a_name_that_is_no_name_is_told_as_that(machine: Machine, hub: Hub) -> None:
    assert "'models/of/mine' is neither a directory nor" in machine.refuse("models/of/mine")
    assert hub.requests == []


def test_without_any_network_a_base_that_is_not_here_ends_in_a_sentence(machine: Machine) -> None:
    machine.endpoint = closed_port()
    assert "'gpt2' is not on this machine and cannot be downloaded now; check the network" in machine.refuse("gpt2")


def test_a_hub_that_stays_unavailable_is_asked_a_few_times_only(machine: Machine, hub: Hub) -> None:
    hub.unavailable = 1000
    assert "'someone/tiny' is not on this machine and cannot be downloaded now" in machine.refuse("someone/tiny")
    assert 1000 - hub.unavailable < 10


def test_a_hub_that_is_unavailable_for_a_moment_is_asked_again(machine: Machine, hub: Hub) -> None:
    hub.unavailable = 2
    assert machine.examine("someone/tiny")["good"]


def test_a_download_that_is_cut_is_taken_up_again(machine: Machine, hub: Hub) -> None:
    hub.cut = 1
    assert machine.examine("someone/tiny")["good"]
    assert len([each for each in hub.downloads if each.endswith("model.safetensors")]) == 2


def test_a_download_that_is_cut_every_time_is_given_up_and_can_be_asked_again(machine: Machine, hub: Hub) -> None:
    hub.cut = 1000
    assert "'someone/tiny' is not on this machine and cannot be downloaded now" in machine.refuse("someone/tiny")
    assert 1000 - hub.cut < 10
    assert list(machine.home.rglob("*.incomplete")) == []

    hub.cut = 0
    assert machine.examine("someone/tiny")["good"]


def test_pickled_weights_are_refused_and_not_even_downloaded(machine: Machine, hub: Hub, tmp_path: Path) -> None:
    old = hub.folder / "someone" / "old"
    shutil.copytree(hub.folder / "someone" / "tiny", old)
    (old / "model.safetensors").unlink()
    (old / "pytorch_model.bin").write_bytes(pickle.dumps(Touch(tmp_path / "executed")))

    assert "'someone/old' has no weights as safetensors; choose one that has" in machine.refuse("someone/old")

    assert hub.downloads == []
    assert not (tmp_path / "executed").exists()


def test_code_that_comes_with_a_base_is_neither_downloaded_nor_run(machine: Machine, hub: Hub, tmp_path: Path) -> None:
    own = hub.folder / "someone" / "own"
    shutil.copytree(hub.folder / "someone" / "tiny", own)
    config = json.loads((own / "config.json").read_text("utf-8"))
    config |= {"model_type": "own", "auto_map": {"AutoConfig": "own.Config", "AutoModelForCausalLM": "own.Model"}}
    (own / "config.json").write_text(json.dumps(config), "utf-8")
    (own / "own.py").write_text(f"open({str(tmp_path / 'executed')!r}, 'w')", "utf-8")

    assert "'someone/own'" in machine.refuse("someone/own")

    assert not any(each.endswith(".py") for each in hub.requests)
    assert not (tmp_path / "executed").exists()
