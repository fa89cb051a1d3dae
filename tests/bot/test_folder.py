"""The data folder."""

import hashlib
from pathlib import Path

import pytest

from bot import folder
from bot.errors import FolderInUse
from bot.folder import Folder


def test_only_one_bot_holds_a_folder(tmp_path: Path) -> None:
    data = Folder(tmp_path)
    with data.held(), pytest.raises(FolderInUse), data.held():
        pass
    with data.held():
        pass


def test_the_longest_handle_makes_no_file_name_too_long(tmp_path: Path) -> None:
    data, longest = Folder(tmp_path), f"{'a' * 60}.{'b' * 60}.{'c' * 60}.{'d' * 60}.example"
    paths = data.corpus(longest, "0" * 64), data.corpus(f"{longest}s", "0" * 64), data.model(f"{longest}+a", 1).parent
    for path in paths:
        path.touch()
    assert len(set(paths)) == 3


def test_what_a_killed_bot_left_is_swept_and_nothing_else(tmp_path: Path) -> None:
    data = Folder(tmp_path)
    for path in (data.work("dead"), data.work("alive"), data.model("a", 1), data.model("a", 2), data.model("b", 1)):
        path.mkdir(parents=True)
        (path / "file").touch()
    data.sweep({"alive"}, {data.model("a", 1)})
    left = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())
    assert left == ["models/a/1/file", "work/alive/file"]
    assert not (tmp_path / "models/b").exists()


def test_a_kept_file_is_a_copy_named_by_its_content(tmp_path: Path) -> None:
    source, target = tmp_path / "source.csv", tmp_path / "deep/er/target.csv"
    source.write_bytes(b"text\nhello\n" * 1000)
    folder.keep(source, target, 20_000)
    assert folder.digest(target) == hashlib.sha256(source.read_bytes()).hexdigest()
    with pytest.raises(OSError, match="more than 10 bytes"):
        folder.keep(source, tmp_path / "other", 10)
    source.unlink()
    assert target.read_bytes() == b"text\nhello\n" * 1000
