"""A persona's tokenizer without ``transformers``, whose import takes longer than drawing the first tweet."""

import hashlib
import json
from pathlib import Path
from typing import Any, Protocol
from weakref import WeakValueDictionary

from tokenizers import Tokenizer

PLAIN = {"TokenizersBackend", "PreTrainedTokenizerFast"}
"""Classes that add nothing of their own to ``tokenizer.json``."""


class Specials(Protocol):
    """The special tokens of a tokenizer, by name and by number."""

    @property
    def all_special_tokens(self) -> list[str]: ...

    @property
    def all_special_ids(self) -> list[int]: ...


class Tokens(Specials, Protocol):
    """What drawing tweets takes of a tokenizer; those of ``transformers`` have it."""

    bos_token_id: Any
    eos_token_id: Any

    def __len__(self) -> int: ...

    def encode(self, text: str, *, add_special_tokens: bool) -> list[int]: ...

    def decode(self, ids: list[int], *, skip_special_tokens: bool = ...) -> Any: ...

    def convert_ids_to_tokens(self, ids: list[int]) -> Any: ...


class PlainTokens:
    """``tokenizer.json`` with the special tokens that ``tokenizer_config.json`` names."""

    def __init__(self, backend: Tokenizer, specials: list[str], begin: str | None, end: str) -> None:
        self._backend = backend
        self._specials = {each: self._number(each) for each in specials}
        self.bos_token_id = None if begin is None else self._number(begin)
        self.eos_token_id = self._number(end)

    @classmethod
    def load(cls, directory: Path) -> "PlainTokens | None":
        """None where the class of the tokenizer does more than its file says. Raises ValueError or OSError.

        Files of the same content give the same object: GPT-2's takes tens of megabytes and of milliseconds.
        """
        config, text = ((directory / name).read_text("utf-8") for name in ("tokenizer_config.json", "tokenizer.json"))
        content = hashlib.sha256(f"{config}\0{text}".encode()).digest()
        found = _loaded.get(content) or cls._read(json.loads(config), text)
        if found:
            _loaded[content] = found
        return found

    @classmethod
    def _read(cls, config: Any, text: str) -> "PlainTokens | None":
        if config.get("tokenizer_class") not in PLAIN or config.get("clean_up_tokenization_spaces"):
            return None
        backend = _backend(text)
        named = [config.get(f"{kind}_token") for kind in ("bos", "eos", "unk", "sep", "pad", "cls", "mask")]
        extra = config.get("extra_special_tokens") or config.get("additional_special_tokens") or []
        specials = list(dict.fromkeys(_name(each) for each in [*named, *extra] if each))
        begin, end = (config.get(kind) and _name(config[kind]) for kind in ("bos_token", "eos_token"))
        return cls(backend, specials, begin, end)

    @property
    def all_special_tokens(self) -> list[str]:
        return list(self._specials)

    @property
    def all_special_ids(self) -> list[int]:
        return list(self._specials.values())

    def __len__(self) -> int:
        return self._backend.get_vocab_size(with_added_tokens=True)

    def encode(self, text: str, *, add_special_tokens: bool) -> list[int]:
        return self._backend.encode(text, add_special_tokens=add_special_tokens).ids

    def decode(self, ids: list[int], *, skip_special_tokens: bool = False) -> str:
        return self._backend.decode(ids, skip_special_tokens=skip_special_tokens)

    def convert_ids_to_tokens(self, ids: list[int]) -> list[str | None]:
        names = {number: name for name, number in self._backend.get_vocab(with_added_tokens=True).items()}
        return [names.get(each) for each in ids]

    def _number(self, token: str) -> int:
        number = self._backend.token_to_id(token)
        if number is None:
            raise ValueError(f"the tokenizer does not know its special token {token!r}")
        return number


_loaded: WeakValueDictionary[bytes, PlainTokens] = WeakValueDictionary()
"""By the content of their files, as long as a persona needs them."""


def _backend(text: str) -> Tokenizer:
    try:
        return Tokenizer.from_str(text)
    except Exception as error:  # what the library throws has no narrower type
        raise ValueError("tokenizer.json is damaged") from error


def _name(token: str | dict[str, Any]) -> str:
    return token if isinstance(token, str) else str(token["content"])
