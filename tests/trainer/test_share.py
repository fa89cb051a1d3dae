"""A version goes to a hub on this machine, by a real child and the real client."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.servers.hub import Hub
from tests.trainer.old_models import write_old_model
from tests.trainer.test_hub import Child, closed_port
from trainer import share
from trainer.adopt import adopt
from trainer.errors import NotShared
from trainer.protocol import AdoptTask, Done, Event, Failed, ShareTask

TOKEN = "hf_tokenOfAnna"


def ignore(stage: str, **values: Any) -> None:
    """Reports."""


@pytest.fixture(scope="module")
def version(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("version")
    write_old_model(folder / "old", tiny_base)
    directory = adopt(AdoptTask(str(folder / "old"), str(folder / "1"), str(folder / "work")), ignore).directory
    (Path(directory) / "seen.npz").write_bytes(b"hashes of tweets")
    (Path(directory) / "ngrams.npz").write_bytes(b"tweets in pieces")
    return directory


@pytest.fixture(scope="module")
def sharer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Child, Hub]]:
    with (
        Hub(tmp_path_factory.mktemp("hub")) as served,
        Child("share", tmp_path_factory.mktemp("home"), served.url, HF_TOKEN=TOKEN) as child,
    ):
        yield child, served


@pytest.fixture
def child(sharer: tuple[Child, Hub]) -> Child:
    return sharer[0]


@pytest.fixture
def hub(sharer: tuple[Child, Hub]) -> Iterator[Hub]:
    """It lets our token write for anna."""
    served = sharer[1]
    served.tokens = {TOKEN: "anna"}
    served.requests.clear()
    yield served
    served.unavailable = 0
    assert served.unknown == []


def last(child: Child, task: ShareTask) -> Event:
    *_, event = child.ask(task.values())
    return event


def refusal(child: Child, task: ShareTask) -> str:
    event = last(child, task)
    assert isinstance(event, Failed), event
    assert event.kind == "NotShared"
    return event.sentence


def test_a_version_is_shared_with_its_card_for_its_owner_alone(
    child: Child, hub: Hub, version: str, capfd: pytest.CaptureFixture[str]
) -> None:
    done = last(child, ShareTask(version, "anna/first"))
    assert isinstance(done, Done), done
    assert done.result == {"url": f"{hub.url}/anna/first", "commit": hub.commit("anna/first")}
    assert hub.private == {"anna/first"}
    shared, ours = hub.files("anna/first"), Path(version)
    assert shared.keys() - {".gitattributes"} == {path.name for path in ours.iterdir()} - {"seen.npz", "ngrams.npz"}
    for name in ("model.safetensors", "tokenizer.json", "predictions.png"):
        assert shared[name].read_bytes() == (ours / name).read_bytes()
    assert "🤖 AI CYBORG 🤖" in shared["README.md"].read_text("utf-8")
    assert TOKEN not in "".join(capfd.readouterr())


def test_sharing_again_replaces_what_is_there(child: Child, hub: Hub, version: str) -> None:
    first, second = (last(child, ShareTask(version, "anna/again", private=False)) for _ in range(2))
    assert isinstance(first, Done), first
    assert isinstance(second, Done), second
    assert "anna/again" not in hub.private
    assert second.result["url"] == first.result["url"]


def test_what_is_meant_for_few_is_not_put_where_everybody_reads(child: Child, hub: Hub, version: str) -> None:
    (hub.folder / "anna" / "open").mkdir(parents=True)
    (hub.folder / "anna" / "open" / "README.md").write_text("mine", "utf-8")
    assert "'anna/open' is open to everybody on the hub" in refusal(child, ShareTask(version, "anna/open"))
    assert hub.files("anna/open").keys() == {"README.md"}


def test_a_name_of_somebody_else_is_told(child: Child, hub: Hub, version: str) -> None:
    assert "may not write to 'bo/model'" in refusal(child, ShareTask(version, "bo/model"))


def test_a_token_that_the_hub_does_not_know_is_told_but_not_shown(child: Child, hub: Hub, version: str) -> None:
    hub.tokens = {}
    sentence = refusal(child, ShareTask(version, "anna/unknown"))
    assert "does not know the token in HF_TOKEN" in sentence
    assert TOKEN not in sentence


@pytest.mark.parametrize("name", ["model", "a/b/c", "anna/no name"])
def test_a_name_that_is_no_name_is_told(child: Child, hub: Hub, version: str, name: str) -> None:
    assert "write it as owner/name" in refusal(child, ShareTask(version, name))


def test_a_hub_in_trouble_is_told(child: Child, hub: Hub, version: str) -> None:
    hub.unavailable = 1000
    assert "answer was 503" in refusal(child, ShareTask(version, "anna/trouble"))


def test_without_the_network_it_is_told(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", closed_port())
    with pytest.raises(NotShared, match="The hub cannot be reached"):
        share.share(ShareTask(version, "anna/away"), ignore)


def test_without_a_token_it_is_told(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with pytest.raises(NotShared, match="set HF_TOKEN"):
        share.share(ShareTask(version, "anna/none"), ignore)
