"""Writing to disk so that it stays, and telling when the disk is full."""

import errno
import os
from pathlib import Path

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
# safetensors and tokenizers write by themselves and leave only words of the cause.
FULL_WORDS = tuple(os.strerror(number) for number in FULL)


def is_full(error: BaseException | None) -> bool:
    """Whether it, or what it came from, says that no more can be written."""
    if error is None:
        return False
    said = getattr(error, "errno", None) in FULL or any(words in str(error) for words in FULL_WORDS)
    return said or is_full(error.__cause__ or error.__context__)


def publish(unpublished: Path, output: Path) -> None:
    """Rename a directory into place once all it holds is on disk: after this it is there, whole, or not at all."""
    for path in [*unpublished.rglob("*"), unpublished]:
        sync(path)
    output.parent.mkdir(parents=True, exist_ok=True)
    unpublished.rename(output)
    sync(output.parent)


def sync(path: Path) -> None:
    """Wait until a file or directory is on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
