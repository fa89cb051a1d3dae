"""New tokens for a language that the base's tokenizer spells out in bytes.

The byte-pair merges go on where the base's own ended, on the training tweets. Sennrich et al. 2016 (arXiv:1508.07909).
"""

import json
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import torch
from tokenizers import Tokenizer, models, trainers
from torch import Tensor

from trainer.base import Base, plain_tokenizer
from trainer.corpus import tokenise

MOST, LEAST_COUNT = 1_000, 5
SPELLED_OUT = 0.5
FIRST_SIGN = 0x10000
"""The code point that stands for token 0 while merging: above the surrogates, so that every token has one."""

Merge = tuple[list[int], list[int]]


def graft(model: Base, texts: Sequence[str]) -> int:
    backend = model.tokenizer.backend_tokenizer
    document = json.loads(backend.to_str())
    if not _byte_level(document):
        return 0
    pieces = list(_pieces(backend, texts))
    if sum(map(len, pieces)) < SPELLED_OUT * sum(map(len, texts)):
        return 0
    return extend(model, document, _merges(pieces))


def _byte_level(document: dict[str, Any]) -> bool:
    decoder = document["decoder"] or {}
    return document["model"]["type"] == "BPE" and decoder.get("type") == "ByteLevel"


def _pieces(backend: Tokenizer, texts: Sequence[str]) -> Iterator[str]:
    """Every word of the texts, one sign for each of its tokens; merges never reach beyond a word."""
    backend.encode_special_tokens = True
    encodings = backend.encode_batch(list(texts), add_special_tokens=False)
    backend.encode_special_tokens = False
    for encoding in encodings:
        for _, tokens in groupby(zip(encoding.word_ids, encoding.ids, strict=True), key=lambda each: each[0]):
            yield "".join(chr(FIRST_SIGN + number) for _, number in tokens)


def _merges(pieces: list[str]) -> list[Merge]:
    alphabet = sorted(set("".join(pieces)))
    trainer = trainers.BpeTrainer(
        vocab_size=len(alphabet) + MOST, min_frequency=LEAST_COUNT, initial_alphabet=alphabet, show_progress=False
    )
    learner = Tokenizer(models.BPE())
    learner.train_from_iterator(pieces, trainer)
    return [(_numbers(a), _numbers(b)) for a, b in json.loads(learner.to_str())["model"]["merges"]]


def _numbers(signs: str) -> list[int]:
    return [ord(sign) - FIRST_SIGN for sign in signs]


INIT = "mean"

@torch.no_grad()
def extend(model: Base, document: dict[str, Any], merges: list[Merge]) -> int:
    known, names = document["model"], model.tokenizer.convert_ids_to_tokens(list(range(len(model.tokenizer))))
    vocabulary = known["vocab"]
    first = after = len(names)
    parts = []
    for a, b in merges:
        left, right = ("".join(names[number] for number in side) for side in (a, b))
        known["merges"].append([left, right])
        if left + right not in vocabulary:
            vocabulary[left + right] = after
            parts.append((after, vocabulary[left], vocabulary[right]))
            after += 1
    model.model.resize_token_embeddings(max(after, model.model.get_input_embeddings().num_embeddings), mean_resizing=False)
    weight = model.model.get_input_embeddings().weight
    for new, left, right in parts:
        weight[new] = {"mean": (weight[left] + weight[right]) / 2, "first": weight[left], "last": weight[right]}[INIT]
    wrapped = model.tokenizer
    model.tokenizer = plain_tokenizer(type(wrapped)(tokenizer_object=Tokenizer.from_str(json.dumps(document)),
        bos_token=wrapped.bos_token, eos_token=wrapped.eos_token), model.context)
    return after - first
