"""Fresh tweets of a persona: prompt to tokens, tokens to clean text, and never a copy of a real tweet."""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, cast

import torch
from safetensors import SafetensorError
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerFast
from transformers.utils import logging as transformers_logging

from trainer import bounds, engine, speakers, verbatim, wording
from trainer.base import find_device, find_precision
from trainer.corpus import marked
from trainer.engine import Row, Vocabulary
from trainer.errors import Failed, NoMemory, TrainerError, UnusableBase
from trainer.protocol import GenerateTask, Sample

ROUNDS = 6
"""Of drawing, for copies, repetitions and empty texts are replaced. Of a share s of such, s^6 stays."""
ROOM = 32
"""Tokens left for the continuation when the prompt fills the context: then the model sees the prompt's end only."""


@dataclass(frozen=True)
class Persona:
    """What a version's directory holds, ready to draw from."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerFast
    index: verbatim.Index
    vocabulary: Vocabulary

    @classmethod
    def load(cls, directory: Path, device: str = "auto") -> Self:
        """Reads nothing from the network. Raises UnusableBase for missing or damaged files, NoMemory, or Failed."""
        if not directory.is_dir():
            raise UnusableBase("This persona's files are missing; train it again.")
        transformers_logging.disable_progress_bar()
        found = find_device(device)
        try:
            tokenizer: Any = AutoTokenizer.from_pretrained(directory, local_files_only=True)
            index = verbatim.Index.load(directory)
            model = _load_model(directory, torch.bfloat16 if find_precision(found) == "bf16" else torch.float32)
            model.eval().to(device=found)
            engine.lay_out(model)
            return cls(model, tokenizer, index, _vocabulary(model, tokenizer))
        except (MemoryError, torch.OutOfMemoryError) as error:
            raise NoMemory("There is not enough memory to load this persona; try again later.") from error
        except (OSError, ValueError, RuntimeError, KeyError, TypeError, SafetensorError) as error:
            raise UnusableBase("This persona's files are damaged; train it again.") from error

    @property
    def bytes(self) -> int:
        """Memory its parameters take."""
        return sum(each.numel() * each.element_size() for each in self.model.parameters())

    @property
    def speakers(self) -> dict[str, int]:
        """Tokens of the marks by handle; empty for one person."""
        return speakers.find(self.tokenizer)

    @property
    def context(self) -> int:
        """Tokens that the model can see at once."""
        return int(getattr(self.model.config, "max_position_embeddings", bounds.WHOLE["max_tokens"][1]))


def tweets(persona: Persona, task: GenerateTask) -> list[Sample]:
    """As many as asked, or fewer where the model repeats itself or its training. Raises TrainerError for none."""
    try:
        (drawn,) = tweets_together(persona, [task])
    except torch.OutOfMemoryError as error:
        raise NoMemory("There is not enough memory to draw tweets now; try again later.") from error
    if isinstance(drawn, TrainerError):
        raise drawn
    return drawn


def tweets_together(persona: Persona, tasks: Sequence[GenerateTask]) -> list[list[Sample] | TrainerError]:
    """The same for several requests in one batch.

    A request with a seed must come alone: the rounding of a matrix product depends on how many rows it has, so that
    company could tip a draw.
    """
    for task in tasks:
        bounds.check(task)
    begun = [_begin(persona, task) for task in tasks]
    drafts = [draft for draft in begun if isinstance(draft, _Draft)]
    for _ in range(ROUNDS):
        rows = [draft.rows() for draft in drafts]
        if not any(rows):
            break
        drawn = iter(engine.continue_rows(persona.model, persona.vocabulary, [row for part in rows for row in part]))
        for draft, part in zip(drafts, rows, strict=True):
            draft.take([next(drawn) for _ in part])
    return [draft.samples or draft.reason() if isinstance(draft, _Draft) else draft for draft in begun]


def _begin(persona: Persona, task: GenerateTask) -> "_Draft | TrainerError":
    try:
        return _Draft(persona, task)
    except TrainerError as error:
        return error


class _Draft:
    """One request's tweets, so far."""

    def __init__(self, persona: Persona, task: GenerateTask) -> None:
        self.samples: list[Sample] = []
        self._persona = persona
        self._task = task
        specials = persona.tokenizer.all_special_tokens
        self._prompt = wording.clean(wording.without(wording.clean(task.prompt), specials))
        self._limit = min(task.max_tokens, persona.context)
        self._ids = self._encode(self._prompt)
        self._head = self._decode(self._ids)
        self._seen = {self._prompt.casefold()}
        seed = random.SystemRandom().getrandbits(63) if task.seed is None else task.seed
        self._random = torch.Generator().manual_seed(seed)
        self._missing = self._cast()
        self._asked: list[int | None] = []

    def rows(self) -> list[Row]:
        """Somewhat more than are missing, since a second round costs more than a row."""
        task = self._task
        missing = len(self._missing)
        self._asked = (self._missing * 2)[: missing + 1 + missing // 4]
        if not missing:
            return []
        prompts = [self._ids if mark is None else marked(self._ids, mark) for mark in self._asked]
        dice = torch.rand(len(prompts), self._limit - len(prompts[0]), generator=self._random)
        at_least = max(1, task.min_tokens - len(self._ids))
        return [
            Row(prompt, each, task.temperature, task.top_p, task.top_k, at_least)
            for prompt, each in zip(prompts, dice, strict=True)
        ]

    def take(self, continuations: list[list[int]]) -> None:
        for mark, tokens in zip(self._asked, continuations, strict=True):
            text = self._text(tokens)
            fresh = text.startswith(self._prompt) and text.casefold() not in self._seen
            if not text or not fresh or mark not in self._missing:
                continue
            self._seen.add(text.casefold())
            likeness = self._persona.index.compare(text, self._prompt)
            if not likeness.copied:
                self.samples.append(Sample(text, round(likeness.nearness, 3)))
                self._missing.remove(mark)

    def reason(self) -> TrainerError:
        return Failed(
            "Nothing new came out: this persona repeats its tweets or the prompt. "
            "Try a shorter or different prompt, or a higher temperature."
        )

    def _cast(self) -> list[int | None]:
        """The mark of who is to say each tweet, drawn by weight; None where there is a single voice.

        Drawn before the tweets, so that nobody says less because more of theirs are copies and drawn again.
        """
        known = self._persona.speakers
        weights = speakers.weights(self._task, known)
        if not weights:
            return [None] * self._task.count
        odds = torch.tensor(list(weights.values()), dtype=torch.float64)
        chosen = torch.multinomial(odds, self._task.count, replacement=True, generator=self._random)
        return [known[list(weights)[each]] for each in chosen.tolist()]

    def _encode(self, prompt: str) -> list[int]:
        tokenizer = self._persona.tokenizer
        begin = tokenizer.eos_token_id if tokenizer.bos_token_id is None else tokenizer.bos_token_id
        specials = set(tokenizer.all_special_ids)
        ids = [each for each in tokenizer.encode(prompt, add_special_tokens=False) if each not in specials]
        longest = self._limit - 1 - min(ROOM, self._limit // 2)
        return [begin, *ids[max(0, len(ids) - longest) :]]

    def _decode(self, ids: list[int]) -> str:
        return str(self._persona.tokenizer.decode(ids, skip_special_tokens=True))

    def _text(self, tokens: list[int]) -> str:
        """The prompt as typed and what follows it, up to the first newline."""
        added = self._decode(self._ids + tokens)[len(self._head) :]
        line = wording.first_line(added)
        ended = line != added or bool(self._persona.vocabulary.stops[tokens[-1]])
        text = wording.clean(wording.without(self._prompt + line, self._persona.tokenizer.all_special_tokens))
        return wording.shorten(text if ended else wording.drop_last_word(text))


def _load_model(directory: Path, dtype: torch.dtype) -> PreTrainedModel:
    adapter = directory / "adapter_config.json"
    if not adapter.exists():
        return _load_weights(directory, dtype)
    from peft import PeftModel

    base = json.loads(adapter.read_text("utf-8"))["base_model_name_or_path"]
    try:
        model = _load_weights(base, dtype)
    except OSError as error:
        sentence = f"The base model {base!r} of this persona is not on this machine any more; train the persona again."
        raise UnusableBase(sentence) from error
    merged: PreTrainedModel = PeftModel.from_pretrained(model, str(directory)).merge_and_unload()
    return merged


def _load_weights(place: Path | str, dtype: torch.dtype) -> PreTrainedModel:
    auto: Any = AutoModelForCausalLM  # typed as if it gave a model only
    options = {"local_files_only": True, "use_safetensors": True, "dtype": dtype, "output_loading_info": True}
    model, loading = auto.from_pretrained(place, **options)
    if loading["missing_keys"] or loading["mismatched_keys"]:
        raise ValueError("the weights do not fit the config")
    return cast(PreTrainedModel, model)


def _vocabulary(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> Vocabulary:
    size = model.get_output_embeddings().weight.shape[0]
    names = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
    marks = ("\n", "Ċ", "<0x0A>")  # a newline, as it is, in byte-level vocabularies, and in those with a byte fallback
    suspects = [number for number, name in enumerate(names) if name and any(mark in name for mark in marks)]
    newlines = [number for number in suspects if "\n" in tokenizer.decode([number])]
    end = tokenizer.eos_token_id
    nameless = [number for number in range(size) if number >= len(names) or names[number] is None]
    specials = [number for number in tokenizer.all_special_ids if number != end]
    return Vocabulary(_mask([end, *newlines], size, model), _mask(specials + nameless, size, model))


def _mask(numbers: list[int], size: int, model: PreTrainedModel) -> Tensor:
    mask = torch.zeros(size, dtype=torch.bool)
    mask[[number for number in numbers if number < size]] = True
    return mask.to(model.device)
