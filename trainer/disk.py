"""Writing to disk so that it stays, and telling when the disk is full."""

import errno
import os
from pathlib import Path

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
# torch, safetensors and tokenizers write by themselves and leave only words of the cause.
FULL_WORDS = ("No space left", "Disk quota exceeded", "File too large", "PytorchStreamWriter failed writing")


def is_full(error: BaseException) -> bool:
    """Whether it says that no more can be written."""
    return getattr(error, "errno", None) in FULL or any(words in str(error) for words in FULL_WORDS)


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
