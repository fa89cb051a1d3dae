"""A persona in memory. What stands beside the same base shares it."""

import json
import re
from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self
from weakref import WeakValueDictionary

import numpy as np
from safetensors import SafetensorError

from trainer import lora, speakers, verbatim
from trainer.device import find_device, find_precision, is_processor, out_of_memory
from trainer.engine import Bools, Engine, Vocabulary
from trainer.errors import NoMemory, UnusableBase
from trainer.lora import Adapter
from trainer.ngrams import NGrams
from trainer.tokens import PlainTokens, Tokens

if TYPE_CHECKING:
    import torch

NEWLINE = re.compile("\n|Ċ|<0x0A>")
"""As it is, in byte-level vocabularies, and in those with a byte fallback."""
_bases: WeakValueDictionary[Hashable, Engine] = WeakValueDictionary()
"""By directory and device, as long as a persona stands beside them."""
_vocabularies: WeakValueDictionary[Hashable, Vocabulary] = WeakValueDictionary()
"""By tokenizer and size of the output."""


@dataclass(frozen=True)
class Persona:
    """What a version's directory holds, ready to draw from."""

    engine: Engine
    adapter: Adapter | None
    tokenizer: Tokens
    index: verbatim.Index
    vocabulary: Vocabulary
    ngrams: NGrams | None = None

    @classmethod
    def load(cls, directory: Path, device: str = "auto") -> Self:
        """Reads nothing from the network. Raises UnusableBase for missing or damaged files, NoMemory, or Failed."""
        if not directory.is_dir():
            raise UnusableBase("This persona's files are missing; train it again.")
        try:
            tokenizer = PlainTokens.load(directory) or _framework_tokens(directory)
            index = verbatim.Index.load(directory)
            engine, adapter = _load(directory, device)
            ngrams = NGrams.load(directory, engine.vocabulary)
            return cls(engine, adapter, tokenizer, index, _vocabulary(engine, tokenizer), ngrams)
        except (MemoryError, OSError, ValueError, RuntimeError, KeyError, TypeError, SafetensorError) as error:
            if out_of_memory(error):
                raise NoMemory("There is not enough memory to load this persona; try again later.") from error
            raise UnusableBase("This persona's files are damaged; train it again.") from error

    @property
    def blocks(self) -> dict[int, int]:
        """Bytes of what it holds, by identity: what several share counts once."""
        held = [each for each in (self.engine, self.adapter, self.ngrams) if each]
        return {id(each): each.bytes for each in held}

    @cached_property
    def company(self) -> Hashable:
        """Personas that give the same can be drawn in one batch."""
        if self.adapter is None:
            return id(self)
        masks = self.vocabulary.stops.tobytes() + self.vocabulary.banned.tobytes()
        return id(self.engine), tuple(self.adapter.layers), masks

    @property
    def speakers(self) -> dict[str, int]:
        """Tokens of the marks by handle; empty for one person."""
        return speakers.find(self.tokenizer)

    @property
    def context(self) -> int:
        """Tokens that the model can see at once."""
        return self.engine.context


def _load(directory: Path, device: str) -> tuple[Engine, Adapter | None]:
    if not (directory / lora.CONFIG).exists():
        return _gpt2(directory, device, adapted=False) or _framework(directory, device), None
    base = _base(directory, device)
    adapter = Adapter.load(directory) if base else None
    return (base, adapter) if base and adapter else (_framework(directory, device), None)


def _base(directory: Path, device: str) -> Engine | None:
    """What an adapter stands beside, loaded once for all; None where it is no plain GPT-2."""
    name = json.loads((directory / lora.CONFIG).read_text("utf-8"))["base_model_name_or_path"]
    place = Path(name) if Path(name).is_dir() else _cached(name)
    if not place:
        return None
    loaded = _bases.get((place, device)) or _gpt2(place, device, adapted=True)
    if loaded:
        _bases[place, device] = loaded
    return loaded


def _gpt2(directory: Path, device: str, *, adapted: bool) -> Engine | None:
    """None for another model. Only what the device needs is imported."""
    if is_processor(device) or find_device(device).type == "cpu":  # a GPU is no use to torch built without CUDA
        from trainer import runtime

        return runtime.Gpt2.load(directory, adapted)
    from trainer import accelerated

    return accelerated.Gpt2.load(directory, *_place(device))


def _cached(name: str) -> Path | None:
    """Directory of a model of the hub that was downloaded before."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = try_to_load_from_cache(name, "config.json")
    except HFValidationError:  # a path, of something that is gone
        return None
    return Path(found).parent if isinstance(found, str) else None


def _framework(directory: Path, device: str) -> Engine:
    from trainer import framework  # not before it is needed: it takes longer than drawing tweets

    return framework.load(directory, *_place(device))


def _place(device: str) -> tuple["torch.device", "torch.dtype"]:
    import torch

    found = find_device(device)
    return found, torch.bfloat16 if find_precision(found) == "bf16" else torch.float32


def _framework_tokens(directory: Path) -> Tokens:
    from trainer import framework

    return framework.load_tokens(directory)


def _vocabulary(engine: Engine, tokenizer: Tokens) -> Vocabulary:
    """Found once for a tokenizer, as long as a persona needs it."""
    kind = tokenizer, engine.vocabulary
    found = _vocabularies.get(kind) or _look_through(engine, tokenizer)
    _vocabularies[kind] = found
    return found


def _look_through(engine: Engine, tokenizer: Tokens) -> Vocabulary:
    size = engine.vocabulary
    names = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
    suspects = [number for number, name in enumerate(names) if name and NEWLINE.search(name)]
    newlines = [number for number in suspects if "\n" in tokenizer.decode([number])]
    end = tokenizer.eos_token_id
    nameless = [number for number in range(size) if number >= len(names) or names[number] is None]
    specials = [number for number in tokenizer.all_special_ids if number != end]
    return Vocabulary(_mask([end, *newlines], size), _mask(specials + nameless, size))


def _mask(numbers: list[int], size: int) -> Bools:
    mask = np.zeros(size, bool)
    mask[[number for number in numbers if number < size]] = True
    return mask
