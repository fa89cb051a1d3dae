import errno
import resource
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from tokenizers import Tokenizer, models

from trainer import disk


@pytest.fixture
def full(tmp_path: Path) -> Iterator[Path]:
    """A folder whose files can hold 10 kB: writing ends as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    yield tmp_path
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def write_bytes(path: Path) -> None:
    path.write_bytes(b"x" * 100_000)


def write_checkpoint(path: Path) -> None:
    with path.open("wb") as file:
        torch.save({"a": torch.zeros(100_000)}, file)


def write_weights(path: Path) -> None:
    save_file({"a": torch.zeros(100_000)}, path)


def write_tokenizer(path: Path) -> None:
    vocabulary = {f"token{number}": number for number in range(5_000)}
    Tokenizer(models.WordLevel(vocabulary, unk_token="token0")).save(str(path))


def write_picture(path: Path) -> None:
    Image.effect_noise((400, 400), 90).save(path, "png")


@pytest.mark.parametrize("write", [write_bytes, write_checkpoint, write_weights, write_tokenizer, write_picture])
def test_a_full_disk_is_known_whoever_writes(full: Path, write: Callable[[Path], None]) -> None:
    with pytest.raises(Exception) as error:  # noqa: PT011  # each library throws its own
        write(full / "file")
    assert disk.is_full(error.value)


def test_other_errors_are_not_taken_for_a_full_disk() -> None:
    assert not disk.is_full(OSError(errno.EACCES, "Permission denied"))
    assert not disk.is_full(RuntimeError("shapes do not fit"))


def test_a_published_directory_is_moved_whole(tmp_path: Path) -> None:
    unpublished = tmp_path / "work" / "unpublished"
    unpublished.mkdir(parents=True)
    (unpublished / "file").write_text("all of it")
    disk.publish(unpublished, tmp_path / "models" / "keeper" / "1")
    assert (tmp_path / "models" / "keeper" / "1" / "file").read_text() == "all of it"
    assert not unpublished.exists()
