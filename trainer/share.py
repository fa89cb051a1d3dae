"""Push a version with its card to the Hugging Face hub: the files of an export, in one commit."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from trainer import child, export  # isort: skip  # first, since it readies the environment for the hub's client

from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError, HFValidationError
from huggingface_hub.utils import httpx  # type: ignore[attr-defined]  # made on first use: httpx or httpx2

from trainer.child import Report
from trainer.errors import NotShared
from trainer.protocol import ShareResult, ShareTask
from trainer.shortage import told_plainly

TOKEN = "HF_TOKEN"  # noqa: S105  # the variable's name
"""The environment variable. A token that a user of this machine has left in a file is not taken."""


def main() -> None:
    os.nice(5)
    child.serve(lambda task, report: share(ShareTask.read(task), report))


def share(task: ShareTask, report: Report) -> ShareResult:
    """Make the repository where it is not there, and commit the version to it. Raises NotShared or as ``export``."""
    token = os.environ.get(TOKEN, "").strip()
    if not token:
        raise NotShared(f"There is no token for the hub: set {TOKEN} to one that may write, and start the bot again.")
    if task.repo.count("/") != 1:
        raise _no_name(task.repo)
    with tempfile.TemporaryDirectory(prefix="share-") as folder:
        with told_plainly(export.NO_MEMORY, "share again"):
            export.write(Path(task.model).resolve(), Path(folder), report, os.symlink)
        with _told_plainly(task.repo):
            return _push(HfApi(token=token), task, Path(folder), report)


def _push(api: HfApi, task: ShareTask, folder: Path, report: Report) -> ShareResult:
    report("upload", step=0, steps=export.size_of(folder))
    api.create_repo(task.repo, private=task.private, exist_ok=True)
    if task.private and not api.model_info(task.repo).private:
        raise NotShared(f"{task.repo!r} is open to everybody on the hub: choose another name, or share it publicly.")
    commit = api.upload_folder(repo_id=task.repo, folder_path=folder, commit_message="A version of Mockingbird")
    return ShareResult(f"{api.endpoint}/{task.repo}", commit.oid)


@contextmanager
def _told_plainly(repo: str) -> Iterator[None]:
    try:
        yield
    except HFValidationError as error:
        raise _no_name(repo) from error
    except (OSError, httpx.HTTPError, RuntimeError) as error:
        raise NotShared(_sentence(repo, _status(error))) from error


def _status(error: BaseException | None) -> int | None:
    """The hub's answer that it comes from: the client wraps what goes wrong while it sends large files."""
    if error is None or isinstance(error, HfHubHTTPError):
        return error.response.status_code if error else None
    return _status(error.__cause__)


def _sentence(repo: str, status: int | None) -> str:
    match status:
        case None:
            return "The hub cannot be reached; check the network and share again."
        case 401:
            return f"The hub does not know the token in {TOKEN}: set one that may write, and start the bot again."
        case 403 | 404:
            return f"The token in {TOKEN} may not write to {repo!r}: choose a name of its owner, or a token that may."
        case _:
            return f"The hub did not take {repo!r} (its answer was {status}); share again later."


def _no_name(repo: str) -> NotShared:
    return NotShared(f"{repo!r} is no name for a model on the hub: write it as owner/name.")
