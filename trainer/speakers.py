"""Which of a cyborg's people speaks: a learnt mark between the begin token and the tweet.

A mark is a token that no text can make: one of the thirteen bytes that UTF-8 never uses (RFC 3629, section 1), which
every byte-level vocabulary carries idle. It gets a name of the speaker's and becomes a special token. So no shape
changes: an adapter still fits its base, and plain ``transformers`` loads what is published.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokenizers import Tokenizer

from trainer.errors import TrainerError
from trainer.protocol import GenerateTask
from trainer.tokens import Specials

if TYPE_CHECKING:
    from trainer.base import Base

IDLE = [0xC0, 0xC1, *range(0xF5, 0x100)]
"""Bytes that stand in no UTF-8."""
MARK = re.compile(r"<\|@(.+)\|>", re.DOTALL)


def mark(handle: str) -> str:
    """Name of the token, which a plain pipeline reads too: ``<|@mara|>My dream is``."""
    return f"<|@{handle}|>"


def add(base: "Base", handles: Sequence[str]) -> list[int]:
    """Give each of several people a mark, in the tokenizer of ``base``, unless it has one from an earlier training.

    Returns their tokens. None for one person, and none where the vocabulary has too few idle tokens: then the people
    are blended only.
    """
    from trainer.base import plain_tokenizer  # loads transformers, which a tweet to come need not wait for

    plain, people = base.tokenizer, list(dict.fromkeys(handles))
    document = json.loads(plain.backend_tokenizer.to_str())
    vocabulary, idle = document["model"]["vocab"], _idle(document)
    new = [handle for handle in people if mark(handle) not in vocabulary]
    if len(people) == 1 or len(new) > len(idle):
        return []
    for handle, name in zip(new, idle, strict=False):
        vocabulary[mark(handle)] = vocabulary.pop(name)
        _embed(base, vocabulary[mark(handle)], plain.encode(handle, add_special_tokens=False))
    renamed = type(plain)(
        tokenizer_object=Tokenizer.from_str(json.dumps(document)), bos_token=plain.bos_token, eos_token=plain.eos_token
    )
    base.tokenizer = plain_tokenizer(renamed, base.context)
    base.tokenizer.add_special_tokens({"extra_special_tokens": [mark(handle) for handle in people]})
    return [vocabulary[mark(handle)] for handle in handles]


def marked(row: list[int], mark: int) -> list[int]:
    """The row of tokens as one that a speaker says."""
    return [row[0], mark, *row[1:]]


def find(tokenizer: Specials) -> dict[str, int]:
    """Tokens of the marks by handle; empty for one person."""
    specials = zip(tokenizer.all_special_tokens, tokenizer.all_special_ids, strict=True)
    return {match[1]: number for name, number in specials if (match := MARK.fullmatch(name))}


def names(tokenizer: Specials) -> dict[str, str]:
    """Names of the marks by handle, as ``meta.json`` tells them."""
    return {handle: mark(handle) for handle in find(tokenizer)}


def restore(base: "Base", directory: Path) -> None:
    """Give ``base`` the marks of the cyborg that it was loaded from: loaded as a base it has none."""
    from transformers import AutoTokenizer  # takes long, as above

    published = AutoTokenizer.from_pretrained(directory, trust_remote_code=False)
    if marks := list(names(published).values()):
        base.tokenizer.add_special_tokens({"extra_special_tokens": marks})


def weights(task: GenerateTask, known: Iterable[str]) -> dict[str, float]:
    """How often each speaker is wanted, by handle. Raises TrainerError for one who is not known."""
    handles = list(known)
    asked = _asked(task)
    if not asked:
        return dict.fromkeys(handles, 1.0)
    if not handles:
        raise TrainerError("This persona has a single voice; ask without naming who speaks.")
    for handle in asked:
        if handle not in handles:
            raise TrainerError(
                f"@{handle} does not speak here; choose among {', '.join(f'@{each}' for each in handles)}."
            )
    return asked


def _asked(task: GenerateTask) -> dict[str, float]:
    if not (isinstance(task.speaker, str) and isinstance(task.mix, Mapping)):
        raise TrainerError("The speaker must be a handle, and the mix weights by handle; ask again.")
    if task.speaker and task.mix:
        raise TrainerError("A tweet has one speaker or a mix of them; leave one of the two out.")
    if not all(type(weight) in (int, float) and 0 <= weight < float("inf") for weight in task.mix.values()):
        raise TrainerError("Weights of a mix must be numbers from 0 up; choose others.")
    asked = {task.speaker: 1.0} if task.speaker else task.mix
    if asked and not sum(asked.values()) > 0:
        raise TrainerError("At least one weight of a mix must be above 0; choose others.")
    return {handle.removeprefix("@").lower(): float(weight) for handle, weight in asked.items()}


def _idle(document: dict[str, Any]) -> list[str]:
    """Names of the idle tokens, as byte-level vocabularies spell bytes (GPT-2) or those that fall back to them (Llama).

    Unigram vocabularies are lists, and most of them have no bytes.
    """
    from trainer.vocabulary import byte_level

    vocabulary = document["model"]["vocab"]
    spell = chr if byte_level(document) else "<0x{:02X}>".format
    return [name for name in map(spell, IDLE) if isinstance(vocabulary, dict) and name in vocabulary]


def _embed(base: "Base", token: int, spelled: list[int]) -> None:
    """A mark starts as the mean of its handle's tokens: idle tokens of a trained base are all but equal."""
    weight = base.model.get_input_embeddings().weight.data
    weight[token] = weight[spelled].mean(0)
