"""A persona in memory. What stands beside the same base shares it."""

import json
from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self
from weakref import WeakValueDictionary

import torch
from safetensors import SafetensorError
from torch import Tensor

from trainer import lora, speakers, verbatim
from trainer.device import find_device, find_precision
from trainer.engine import Decoder, Engine, Vocabulary
from trainer.errors import NoMemory, UnusableBase
from trainer.gpt2 import Gpt2
from trainer.lora import Adapter
from trainer.tokens import PlainTokens, Tokens

_bases: WeakValueDictionary[Hashable, Gpt2] = WeakValueDictionary()
"""By directory and device, as long as a persona stands beside them."""
_vocabularies: WeakValueDictionary[Hashable, Vocabulary] = WeakValueDictionary()
"""By tokenizer, size of the output and device."""


@dataclass(frozen=True)
class Persona:
    """What a version's directory holds, ready to draw from."""

    engine: Engine
    adapter: Adapter | None
    tokenizer: Tokens
    index: verbatim.Index
    vocabulary: Vocabulary

    @classmethod
    def load(cls, directory: Path, device: str = "auto") -> Self:
        """Reads nothing from the network. Raises UnusableBase for missing or damaged files, NoMemory, or Failed."""
        if not directory.is_dir():
            raise UnusableBase("This persona's files are missing; train it again.")
        found = find_device(device)
        try:
            tokenizer = PlainTokens.load(directory) or _framework_tokens(directory)
            index = verbatim.Index.load(directory)
            engine, adapter = _load(directory, found)
            return cls(engine, adapter, tokenizer, index, _vocabulary(engine, tokenizer))
        except (MemoryError, torch.OutOfMemoryError) as error:
            raise NoMemory("There is not enough memory to load this persona; try again later.") from error
        except (OSError, ValueError, RuntimeError, KeyError, TypeError, SafetensorError) as error:
            raise UnusableBase("This persona's files are damaged; train it again.") from error

    def decoder(self, rows: int, room: int) -> Decoder:
        """For prompts of equal length."""
        return self.engine.decoder(None, [self.adapter] * rows if self.adapter else [], rows, room)

    @property
    def blocks(self) -> dict[int, int]:
        """Bytes of what it holds, by identity: what several share counts once."""
        own = {id(self.adapter): self.adapter.bytes} if self.adapter else {}
        return own | {id(self.engine): self.engine.bytes}

    @cached_property
    def company(self) -> Hashable:
        """Personas that give the same can be drawn in one batch."""
        if self.adapter is None:
            return id(self)
        masks = torch.stack((self.vocabulary.stops, self.vocabulary.banned)).cpu().numpy().tobytes()
        return id(self.engine), tuple(self.adapter.layers), masks

    @property
    def speakers(self) -> dict[str, int]:
        """Tokens of the marks by handle; empty for one person."""
        return speakers.find(self.tokenizer)

    @property
    def context(self) -> int:
        """Tokens that the model can see at once."""
        return self.engine.context


def _load(directory: Path, device: torch.device) -> tuple[Engine, Adapter | None]:
    dtype = torch.bfloat16 if find_precision(device) == "bf16" else torch.float32
    if not (directory / lora.CONFIG).exists():
        return Gpt2.load(directory, device, dtype) or _framework(directory, device, dtype), None
    base = _base(directory, device, dtype)
    adapter = Adapter.load(directory, device, dtype) if base else None
    return (base, adapter) if base and adapter else (_framework(directory, device, dtype), None)


def _base(directory: Path, device: torch.device, dtype: torch.dtype) -> Gpt2 | None:
    """What an adapter stands beside, loaded once for all; None where it is no plain GPT-2."""
    name = json.loads((directory / lora.CONFIG).read_text("utf-8"))["base_model_name_or_path"]
    place = Path(name) if Path(name).is_dir() else _cached(name)
    if not place:
        return None
    loaded = _bases.get((place, str(device))) or Gpt2.load(place, device, dtype)
    if loaded:
        _bases[place, str(device)] = loaded
    return loaded


def _cached(name: str) -> Path | None:
    """Directory of a model of the hub that was downloaded before."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = try_to_load_from_cache(name, "config.json")
    except HFValidationError:  # a path, of something that is gone
        return None
    return Path(found).parent if isinstance(found, str) else None


def _framework(directory: Path, device: torch.device, dtype: torch.dtype) -> Engine:
    from trainer import framework  # not before it is needed: it takes longer than drawing tweets

    return framework.load(directory, device, dtype)


def _framework_tokens(directory: Path) -> Tokens:
    from trainer import framework

    return framework.load_tokens(directory)


def _vocabulary(engine: Engine, tokenizer: Tokens) -> Vocabulary:
    """Found once for a tokenizer, as long as a persona needs it."""
    kind = tokenizer, engine.vocabulary, str(engine.device)
    found = _vocabularies.get(kind) or _look_through(engine, tokenizer)
    _vocabularies[kind] = found
    return found


def _look_through(engine: Engine, tokenizer: Tokens) -> Vocabulary:
    size = engine.vocabulary
    names = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
    marks = ("\n", "Ċ", "<0x0A>")  # a newline, as it is, in byte-level vocabularies, and in those with a byte fallback
    suspects = [number for number, name in enumerate(names) if name and any(mark in name for mark in marks)]
    newlines = [number for number in suspects if "\n" in tokenizer.decode([number])]
    end = tokenizer.eos_token_id
    nameless = [number for number in range(size) if number >= len(names) or names[number] is None]
    specials = [number for number in tokenizer.all_special_ids if number != end]
    return Vocabulary(_mask([end, *newlines], engine), _mask(specials + nameless, engine))


def _mask(numbers: list[int], engine: Engine) -> Tensor:
    mask = torch.zeros(engine.vocabulary, dtype=torch.bool)
    mask[[number for number in numbers if number < len(mask)]] = True
    return mask.to(engine.device)
