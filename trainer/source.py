"""Where a model to adopt lies, on the hub or on this machine, and which of its files are needed."""

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from huggingface_hub import hf_hub_download
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

from trainer import hub
from trainer.child import Report
from trainer.disk import is_full
from trainer.errors import NoSpace, UnusableModel

LARGEST = 8_000_000_000
"""Bytes of weights: 2 billion parameters in single precision, 4 in half. In memory they take up to twice that."""
LARGEST_BESIDE = 64_000_000
"""Bytes of any other file. The tokenizer of a vocabulary of 256,000 takes half of it."""

BESIDE = re.compile(
    r"(config|generation_config|tokenizer|tokenizer_config|special_tokens_map|added_tokens|vocab)\.json"
    r"|(vocab|merges)\.txt|[^/]+\.model|README\.md"
)
WEIGHTS = re.compile(r"model(-\d+-of-\d+)?\.safetensors(\.index\.json)?")
OLD_WEIGHTS = re.compile(r"pytorch_model(-\d+-of-\d+)?\.bin(\.index\.json)?")
"""Pickles, as ``transformers`` wrote them until 2023."""


@dataclass(frozen=True)
class Source:
    """A model and the files it has."""

    name: str
    """As asked for: a hub id or a directory."""
    sizes: dict[str, int]
    """Bytes of each file."""
    commit: str | None = None
    """On the hub."""

    @classmethod
    def find(cls, name: str) -> Self:
        """Raises UnusableModel."""
        if (directory := Path(name)).is_dir():
            return cls(name, {path.name: path.stat().st_size for path in directory.iterdir() if path.is_file()})
        with _told_plainly(name):
            found = hub.look_up(name, sizes=True)
        return cls(name, {each.rfilename: each.size or 0 for each in found.siblings or []}, found.sha)

    @property
    def beside(self) -> list[str]:
        """Config, tokenizer and card."""
        return list(filter(BESIDE.fullmatch, self.sizes))

    @property
    def weights(self) -> list[str]:
        """The safetensors, or the old weights where there are none."""
        return list(filter(WEIGHTS.fullmatch, self.sizes)) or list(filter(OLD_WEIGHTS.fullmatch, self.sizes))

    @property
    def bytes(self) -> int:
        """Of all files that are needed."""
        return sum(self.sizes[each] for each in [*self.beside, *self.weights])

    def check(self, room: Path) -> None:
        """Raises UnusableModel for a model without weights or too large, NoSpace where it does not fit on the disk."""
        if not self.weights:
            raise UnusableModel(f"{self.name!r} has no weights that transformers loads; choose another model.")
        if max([self.sizes[each] for each in self.beside], default=0) > LARGEST_BESIDE or self.bytes > LARGEST:
            sentence = f"{self.name!r} is too large: {LARGEST / 1e9:.0f} GB of weights at most; choose a smaller model."
            raise UnusableModel(sentence)
        needed = 3 * self.bytes  # what is downloaded, converted and published
        if shutil.disk_usage(room).free < needed:
            raise NoSpace(f"{self.name!r} takes {needed / 1e6:,.0f} MB on the disk: free some space, then try again.")

    def bring(self, files: list[str], folder: Path, meter: "Meter") -> None:
        """Put the files into the folder; of a directory on this machine as links."""
        for each in files:
            if self.commit is None:
                (folder / each).unlink(missing_ok=True)
                (folder / each).symlink_to((Path(self.name) / each).resolve())
                continue
            with _told_plainly(self.name):
                bar: Any = meter
                hf_hub_download(self.name, each, revision=self.commit, local_dir=folder, tqdm_class=bar)

    def check_config(self, folder: Path) -> None:
        """Raises UnusableModel for anything but a causal language model that ``transformers`` knows by itself."""
        try:
            config = json.loads((folder / "config.json").read_text("utf-8"))
            known = MODEL_FOR_CAUSAL_LM_MAPPING_NAMES[config["model_type"]]
            fits = known in (config.get("architectures") or [known])
        except (OSError, ValueError, KeyError, TypeError):
            fits = False
        if not fits:
            sentence = f"{self.name!r} is no causal language model that transformers knows; choose one, such as gpt2 or"
            raise UnusableModel(f"{sentence} a model of huggingtweets.")


class Meter:
    """Reports bytes as they come, each time another hundredth is there. Stands where the hub's client takes a tqdm."""

    def __init__(self, report: Report, total: int) -> None:
        self._report, self._total = report, total
        self._here = self._told = 0

    def __call__(self, *_: object, **__: object) -> Self:
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing: the next file goes on counting."""

    def update(self, count: float = 1) -> None:
        self._here += int(count)
        if (self._here - self._told) * 100 >= self._total:
            self._told = self._here
            self._report("download", step=min(self._here, self._total), steps=self._total)


@contextmanager
def _told_plainly(name: str) -> Iterator[None]:
    try:
        yield
    except hub.TROUBLE as error:
        if is_full(error):
            raise
        later = f"{name!r} cannot be downloaded now: the hub does not answer as it should; try again later."
        raise UnusableModel(hub.refusal(name, error) or later) from error
