"""A version as anybody's ``transformers`` loads it, in a directory or a zip file, without what the bot alone needs."""

import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from trainer import base, card, child, disk, ngrams, onward, publish
from trainer.child import Report
from trainer.errors import Failed, UnusableModel
from trainer.meta import without_ngrams
from trainer.protocol import ExportResult, ExportTask
from trainer.runtime import CACHE
from trainer.shortage import told_plainly
from trainer.verbatim import FILE as INDEX

CARD = "README.md"
NO_MEMORY = "There is not enough memory to merge the adapter into its base; try again later."
REPLACED = ["adapter_*", "tokenizer*", "special_tokens_map.json", "config.json", "generation_config.json"]
"""What a merged model has otherwise."""


def main() -> None:
    os.nice(5)
    child.serve(lambda task, report: export(ExportTask.read(task), report))


def export(task: ExportTask, report: Report) -> ExportResult:
    """Write ``task.output`` in one rename; until then all of it is in a ``.part`` beside it.

    Raises UnusableModel for files that are missing, UnusableBase for an adapter whose base is gone, Failed where the
    output is there already, NoSpace or NoMemory.
    """
    output = Path(task.output)
    if output.exists():
        raise Failed(f"{output.name} is there already: delete it, or choose another name.")
    part = output.with_name(output.name + ".part")
    try:
        with told_plainly(NO_MEMORY, "export again"):
            write(Path(task.model), _fresh(part), report)
            if task.zip:
                report("zip")
                part = _zip(part, output)
            size = size_of(part)
            disk.publish(part, output)
    finally:
        for each in output.parent.glob(f"{output.name}.part*"):
            shutil.rmtree(each, ignore_errors=True)
            each.unlink(missing_ok=True)
    return ExportResult(str(output), size)


def write(model: Path, folder: Path, report: Report, copy: Callable[[str, str], object] = shutil.copy2) -> None:
    """Fill the folder with the version, whole, an adapter merged, and with no path of this machine.

    ``copy`` may as well link: what is not the same here is not copied.
    """
    meta = publish.read_meta(model)
    if meta is None:
        raise UnusableModel("This persona's files are missing; train it again.")
    ignored = [INDEX, CACHE, ngrams.FILE, onward.FILE, publish.META, CARD, *(REPLACED if meta["adapter"] else [])]
    shutil.copytree(model, folder, ignore=shutil.ignore_patterns(*ignored), copy_function=copy, dirs_exist_ok=True)
    if meta["adapter"]:
        report("merge")
        _merge(model, meta["base"], folder)
    told = _portable(meta)
    publish.write_meta(folder, told)
    (folder / CARD).write_text(card.card(told), "utf-8")


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    return sum(each.stat().st_size for each in [path, *path.rglob("*")] if each.is_file())


def _merge(model: Path, base_name: str, folder: Path) -> None:
    """Write the base with the adapter added to its weights, in the precision that the base has on disk."""
    from peft import PeftModel
    from transformers import AutoConfig, AutoTokenizer

    found = base.load(base_name, "cpu")
    stored = AutoConfig.from_pretrained(found.model.name_or_path, local_files_only=True).dtype or found.model.dtype
    merged: Any = PeftModel.from_pretrained(found.model, str(model)).merge_and_unload()
    tokenizer: Any = AutoTokenizer.from_pretrained(model, local_files_only=True)
    found.model, found.tokenizer = merged.to(stored), tokenizer
    publish.write_model(found, folder)


def _portable(meta: dict[str, Any]) -> dict[str, Any]:
    """Without paths of this machine, of which a base or a source may be one, and without adapter and n-grams."""
    told = without_ngrams(meta) | {"adapter": False}
    if not meta["base_hub_id"]:
        told["base"] = Path(meta["base"]).name
    if (adopted := meta.get("adopted")) and not adopted["commit"]:
        told["adopted"] = adopted | {"source": Path(adopted["source"]).name}
    return told


def _fresh(folder: Path) -> Path:
    """The folder, empty: a killed run may have left a part of it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _zip(folder: Path, output: Path) -> Path:
    """The folder as a file beside it, one folder deep; weights do not get smaller by packing."""
    path = folder.with_name(folder.name + ".zip")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for each in sorted(folder.rglob("*")):
            archive.write(each, Path(output.stem) / each.relative_to(folder))
    return path
