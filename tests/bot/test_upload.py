"""Files on their way in, from this machine and over the network."""

import errno
import os
import resource
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from aiohttp import web

from bot.errors import DiskFull, FileTooBig, NoFile, UploadLost
from bot.front.discord.upload import AttachedFile
from bot.upload import LocalFile, stream

SIZE, ROOM, LIMIT = 100_000, 10_000, 1_000_000
"""Bytes: of a file, of what the disk takes, and of what is allowed."""


@pytest.fixture
def sent(tmp_path: Path) -> LocalFile:
    path = tmp_path / "a.csv"
    path.write_bytes(b"x" * SIZE)
    return LocalFile(path)


@pytest.fixture
def full(sent: LocalFile) -> Iterator[None]:
    """From now on files hold no more than ROOM: writing ends as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
async def url() -> AsyncIterator[str]:
    """Where SIZE bytes can be fetched, and at /lost nothing."""

    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=b"x" * SIZE) if request.path == "/a.csv" else web.Response(status=404)

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.mark.usefixtures("full")
async def test_a_full_disk_is_not_taken_for_a_file_that_is_not_there(sent: LocalFile, tmp_path: Path) -> None:
    with pytest.raises(DiskFull):
        await sent.save(tmp_path / "copy", LIMIT)


@pytest.mark.usefixtures("full")
async def test_a_full_disk_is_not_taken_for_an_upload_that_was_lost(url: str, tmp_path: Path) -> None:
    with pytest.raises(DiskFull):
        await AttachedFile("a.csv", SIZE, f"{url}/a.csv").save(tmp_path / "copy", LIMIT)


async def test_what_is_not_there_is_told_so(url: str, tmp_path: Path) -> None:
    with pytest.raises(NoFile):
        await LocalFile(tmp_path / "none").save(tmp_path / "copy", LIMIT)
    with pytest.raises(UploadLost):
        await AttachedFile("a.csv", SIZE, f"{url}/lost").save(tmp_path / "copy", LIMIT)


async def test_a_file_is_copied_whole_and_no_further_than_is_allowed(url: str, sent: LocalFile, tmp_path: Path) -> None:
    for each in (sent, AttachedFile("a.csv", SIZE, f"{url}/a.csv")):
        await each.save(tmp_path / "copy", LIMIT)
        assert (tmp_path / "copy").read_bytes() == sent.path.read_bytes()
    with pytest.raises(FileTooBig):
        await AttachedFile("a.csv", SIZE, f"{url}/a.csv").save(tmp_path / "copy", SIZE - 1)


async def test_a_connection_that_breaks_is_no_full_disk(tmp_path: Path) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"x"
        raise ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET))

    with pytest.raises(ConnectionResetError):
        await stream(broken(), tmp_path / "copy", LIMIT)
