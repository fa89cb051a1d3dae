"""Base models of the Hugging Face hub: downloaded once, into the cache of the hub's own client.

``transformers`` could download too. But then a hub that does not answer takes it most of a minute, and for a model
without safetensors it asks a service elsewhere to convert the pickled weights.
"""

import re
import time
from pathlib import Path

from huggingface_hub import HfApi, ModelInfo, hf_hub_download, snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
)
from huggingface_hub.utils import httpx  # type: ignore[attr-defined]  # made on first use: httpx or httpx2

from trainer.disk import is_full
from trainer.errors import UnusableBase

WEIGHTS = re.compile(r"model(-\d+-of-\d+)?\.safetensors")
BESIDE = re.compile(r"[^/]+\.(json|txt|model|jinja)")
"""Config and tokenizer. No Python and no pickle is ever downloaded."""
PAUSES = 1.0, 2.0
"""Seconds before the hub is asked again. ``hf_hub_download`` tries again by itself, six times."""
PATIENCE = 10.0
"""Seconds without an answer; also what ``hf_hub_download`` waits for the next bytes."""
TROUBLE = (HFValidationError, httpx.HTTPError, OSError)
"""What its client raises, for names that are none, for what the hub refuses, and on the way there."""


def fetch(name: str) -> str:
    """Directory of the model, whole. What is there already is not downloaded again, and serves where the hub does not.

    Raises UnusableBase, or OSError for a full disk.
    """
    try:
        return _download(name)
    except TROUBLE as error:
        if is_full(error):
            raise
        return _cached(name, refusal(name, error))


def refusal(name: str, error: Exception) -> str:
    """Why the hub does not hand out a model, and what to do; empty where it is out of reach or in trouble itself."""
    if isinstance(error, HFValidationError):
        return f"{name!r} is neither a directory nor the name of a model on the hub; check it."
    if isinstance(error, GatedRepoError):
        return f"{name!r} is open only to those its makers let in; choose another, or ask them on its page."
    if isinstance(error, RepositoryNotFoundError) or _status(error) in (403, 404):
        return f"The hub has no model {name!r}, or keeps it private; check its name."
    if _status(error) == 401:  # then it refuses even what is open to everybody
        return "The hub does not know the token in HF_TOKEN: set a valid one, or none, and start the bot again."
    return ""


def _status(error: Exception) -> int | None:
    return error.response.status_code if isinstance(error, HfHubHTTPError) else None


def _download(name: str) -> str:
    found = look_up(name)
    files = [each.rfilename for each in found.siblings or []]
    weights = list(filter(WEIGHTS.fullmatch, files))
    if not weights:
        raise without_safetensors(name)
    for each in filter(BESIDE.fullmatch, files):
        hf_hub_download(name, each, revision=found.sha)
    directory = {str(Path(hf_hub_download(name, each, revision=found.sha)).parent) for each in weights}.pop()
    # Asked without the commit, the cache's "main" comes to point to it: only now, when all of it is there.
    hf_hub_download(name, weights[0])
    return directory


def look_up(name: str, sizes: bool = False) -> ModelInfo:
    """What the hub has of a model, with or without the sizes of its files; a hub in trouble is asked again."""
    for pause in PAUSES:
        try:
            return HfApi().model_info(name, timeout=PATIENCE, files_metadata=sizes)
        except httpx.TransportError:
            time.sleep(pause)
        except HfHubHTTPError as error:
            if error.response.status_code < 500:
                raise
            time.sleep(pause)
    return HfApi().model_info(name, timeout=PATIENCE, files_metadata=sizes)


def _cached(name: str, otherwise: str) -> str:
    """Directory of what was downloaded before. Raises UnusableBase, for the reason ``otherwise`` if there is one."""
    try:
        return snapshot_download(name, local_files_only=True)
    except (LocalEntryNotFoundError, HFValidationError) as error:
        raise UnusableBase(
            otherwise
            or f"The base model {name!r} is not on this machine and cannot be downloaded now; check the network and try"
            " again, or train with base starter."
        ) from error


def without_safetensors(name: str) -> UnusableBase:
    return UnusableBase(
        f"The base model {name!r} has no weights as safetensors; choose one that has, such as gpt2 or starter."
    )
