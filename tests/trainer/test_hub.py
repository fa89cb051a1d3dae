"""Bases named by hub id: a real child downloads them, with the real client, from a hub on this machine."""

import json
import os
import pickle
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.utils import hf_raise_for_status, httpx  # type: ignore[attr-defined]  # made on first use

from tests.servers.hub import Hub
from tests.trainer.conftest import invented_corpus
from trainer import protocol
from trainer.hub import refusal
from trainer.protocol import Done, Event, FinetuneTask, Progress, Request
from trainer.tweets import Corpus


class Touch:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Path.touch, (self.path,)


class Child:
    """A real ``python -m trainer`` on a machine with an empty home, whose hub is at ``endpoint``."""

    def __init__(self, verb: str, home: Path, endpoint: str, **more: str) -> None:
        """``more`` goes into its environment."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
        places = {"HF_ENDPOINT": endpoint, "HF_HOME": str(home), "OMP_NUM_THREADS": "1", **more}
        command = [sys.executable, "-m", "trainer", verb]
        self.home = home
        self._verb = verb
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=kept | places)

    def __enter__(self) -> "Child":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        with self._process:
            pass

    def ask(self, task: dict[str, Any]) -> Iterator[Event]:
        """The progress as it comes, and the answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(protocol.write_request(Request("1", self._verb, task)))
        self._process.stdin.flush()
        for line in self._process.stdout:
            event = protocol.read_event(line)
            yield event
            if not isinstance(event, Progress):
                return

    def find(self, base: str) -> tuple[bool, str]:
        """Whether the base can be used, and the words about it."""
        *_, done = self.ask({"base": base, "device": "cpu"})
        assert isinstance(done, Done)
        found = done.result["findings"][-1]
        return found["good"], found["words"]

    def loads(self, base: str) -> bool:
        return self.find(base)[0]

    def refusal(self, base: str) -> str:
        """The sentence about a base that cannot be used."""
        good, words = self.find(base)
        assert not good
        return words


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    with Hub(tmp_path_factory.mktemp("hub")) as hub:
        yield hub


@pytest.fixture(scope="module")
def examiner(served: Hub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Child]:
    """One child for all: it reads the hub's address once, and takes seconds to start."""
    with Child("examine", tmp_path_factory.mktemp("home"), served.url) as child:
        yield child


@pytest.fixture
def hub(served: Hub) -> Iterator[Hub]:
    """In good health, with nothing asked yet."""
    served.requests.clear()
    yield served
    served.unavailable = served.cut = 0
    assert served.unknown == []


@pytest.fixture
def tiny(hub: Hub, tiny_base: Path, tmp_path: Path) -> str:
    """A model on the hub that no test has asked for before."""
    name = f"someone/{tmp_path.name}"
    shutil.copytree(tiny_base, hub.folder / name)
    return name


def closed_port() -> str:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


def downloads(hub: Hub, file: str) -> int:
    return len([each for each in hub.downloads if each.endswith(file)])


def test_a_base_is_downloaded_once(examiner: Child, hub: Hub, tiny: str) -> None:
    assert examiner.loads(tiny)
    assert len(hub.downloads) == len(hub.files(tiny))
    hub.requests.clear()
    assert examiner.loads(tiny)
    assert hub.requests
    assert hub.downloads == []


def test_without_any_network_a_base_loads_that_is_here_and_another_ends_in_a_sentence(
    examiner: Child, hub: Hub, tiny: str
) -> None:
    assert examiner.loads(tiny)
    with Child("examine", examiner.home, closed_port()) as cut_off:
        assert cut_off.loads(tiny)
        sentence = cut_off.refusal("gpt2")
    assert sentence.startswith("The base model 'gpt2' is not on this machine and cannot be downloaded now; check")


def test_a_base_of_the_hub_is_trained_with_signs_of_life_while_it_is_waited_for(
    hub: Hub, tiny: str, corpus_file: Callable[[Corpus], Path], tmp_path: Path
) -> None:
    corpus = corpus_file(invented_corpus(200))
    task = FinetuneTask("j1", "keeper", [str(corpus)], str(tmp_path / "out"), str(tmp_path / "work"), tiny)
    settings = {"epochs": 1.0, "batch_tokens": 512.0}
    with Child("finetune", tmp_path / "home", hub.url) as child:
        with hub.stalled():
            events = child.ask(task.values() | {"settings": settings})
            first, second = next(events), next(events)
        *_, done = events
    assert isinstance(first, Progress)
    assert isinstance(second, Progress)
    assert first.stage == second.stage == "load"
    assert isinstance(done, Done), done
    assert done.result["meta"]["base_hub_id"] == tiny
    assert str(tmp_path / "home") not in (tmp_path / "out" / "config.json").read_text("utf-8")


def test_a_base_that_the_hub_does_not_have_is_told_at_once(examiner: Child, hub: Hub) -> None:
    assert examiner.refusal("nobody/nothing").startswith("The hub has no model 'nobody/nothing'")
    assert len([each for each in hub.requests if "nothing" in each]) == 1


@pytest.mark.parametrize(
    ("status", "said", "sentence"),
    [
        (401, "Invalid username or password.", "The hub has no model 'a/b', or keeps it private"),
        (404, "Repository not found", "The hub has no model 'a/b', or keeps it private"),
        (403, "Forbidden", "The hub has no model 'a/b', or keeps it private"),
        (401, "Invalid credentials in Authorization header", "The hub does not know the token in HF_TOKEN"),
        (500, "Internal Server Error", ""),
    ],
)
def test_what_the_hub_answers_with_a_token_and_without_is_understood(status: int, said: str, sentence: str) -> None:
    request = httpx.Request("GET", "https://huggingface.co/api/models/a/b")
    with pytest.raises(HfHubHTTPError) as raised:
        hf_raise_for_status(httpx.Response(status, headers={"X-Error-Message": said}, request=request))
    told = refusal("a/b", raised.value)
    assert told.startswith(sentence)
    assert bool(told) == bool(sentence)


def test_with_a_token_that_the_hub_does_not_know_a_base_loads_that_is_here(
    examiner: Child, hub: Hub, tiny: str
) -> None:
    assert examiner.loads(tiny)
    with Child("examine", examiner.home, hub.url, HF_TOKEN="hf_old") as child:
        assert child.loads(tiny)
        assert child.refusal("someone/else").startswith("The hub does not know the token in HF_TOKEN")


def test_a_gated_base_is_told_as_that(examiner: Child, hub: Hub, tiny: str) -> None:
    hub.gated.add(tiny)
    assert f"{tiny!r} is open only to those its makers let in; choose another" in examiner.refusal(tiny)


def test_a_name_that_is_no_name_is_told_as_that(examiner: Child, hub: Hub) -> None:
    assert "'models/of/mine' is neither a directory nor" in examiner.refusal("models/of/mine")
    assert not any("mine" in each for each in hub.requests)


def test_a_hub_that_stays_unavailable_is_asked_a_few_times_only(examiner: Child, hub: Hub, tiny: str) -> None:
    hub.unavailable = 1000
    assert f"{tiny!r} is not on this machine and cannot be downloaded now" in examiner.refusal(tiny)
    assert len(hub.requests) < 10


def test_a_hub_that_is_unavailable_for_a_moment_is_asked_again(examiner: Child, hub: Hub, tiny: str) -> None:
    hub.unavailable = 2
    assert examiner.loads(tiny)


def test_a_download_that_is_cut_is_taken_up_again(examiner: Child, hub: Hub, tiny: str) -> None:
    hub.cut = 1
    assert examiner.loads(tiny)
    assert downloads(hub, "model.safetensors") == 2


def test_a_download_that_is_cut_every_time_is_given_up_and_can_be_asked_again(
    examiner: Child, hub: Hub, tiny: str
) -> None:
    hub.cut = 1000
    assert f"{tiny!r} is not on this machine and cannot be downloaded now" in examiner.refusal(tiny)
    assert downloads(hub, "model.safetensors") < 10
    assert list(examiner.home.rglob("*.incomplete")) == []

    hub.cut = 0
    assert examiner.loads(tiny)


def test_pickled_weights_are_refused_and_not_even_downloaded(
    examiner: Child, hub: Hub, tiny: str, tmp_path: Path
) -> None:
    (hub.folder / tiny / "model.safetensors").unlink()
    (hub.folder / tiny / "pytorch_model.bin").write_bytes(pickle.dumps(Touch(tmp_path / "executed")))

    assert f"{tiny!r} has no weights as safetensors; choose one that has" in examiner.refusal(tiny)

    assert hub.downloads == []
    assert not (tmp_path / "executed").exists()


def test_code_that_comes_with_a_base_is_neither_downloaded_nor_run(
    examiner: Child, hub: Hub, tiny: str, tmp_path: Path
) -> None:
    folder = hub.folder / tiny
    own = {"model_type": "own", "auto_map": {"AutoConfig": "own.Config", "AutoModelForCausalLM": "own.Model"}}
    config = json.loads((folder / "config.json").read_text("utf-8")) | own
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    (folder / "own.py").write_text(f"open({str(tmp_path / 'executed')!r}, 'w')", "utf-8")

    assert repr(tiny) in examiner.refusal(tiny)

    assert downloads(hub, "config.json")
    assert not any(each.endswith(".py") for each in hub.requests)
    assert not (tmp_path / "executed").exists()
