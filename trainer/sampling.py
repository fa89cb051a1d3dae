"""Fresh tweets of a persona: prompt to tokens, tokens to clean text, and never a copy of a real tweet."""

import random
from collections.abc import Sequence

import numpy as np

from trainer import bounds, engine, speakers, wording
from trainer.engine import Row
from trainer.errors import Failed, TrainerError
from trainer.persona import Persona
from trainer.protocol import GenerateTask, Sample
from trainer.shortage import told_plainly

__all__ = ["Persona", "tweets", "tweets_together"]

ROUNDS = 6
"""Of drawing, for copies, repetitions and empty texts are replaced. Of a share s of such, s^6 stays."""
MIXED_ROUNDS = 3
"""In which n-grams take part: without them there are fewer copies, where a timeline mostly repeats itself."""
SPARE = 8
"""Missing tweets for which one spare more is drawn beside the first: a row takes a twentieth of a round's time, and of
a persona's tweets hardly one in a hundred is thrown away."""
SPARE_UP_TO = 16
"""Tweets of a batch beyond which no spare ones are drawn: there each row takes its time."""
ROOM = 32
"""Tokens left for the continuation when the prompt fills the context: then the model sees the prompt's end only."""


def tweets(persona: Persona, task: GenerateTask) -> list[Sample]:
    """As many as asked, or fewer where the model repeats itself or its training. Raises TrainerError for none."""
    with told_plainly("There is not enough memory to draw tweets now; try again later.", "try again"):
        (drawn,) = tweets_together([(persona, task)])
    if isinstance(drawn, TrainerError):
        raise drawn
    return drawn


def tweets_together(asked: Sequence[tuple[Persona, GenerateTask]]) -> list[list[Sample] | TrainerError]:
    """The same for several requests in one batch, of personas that are good ``company``.

    A request with a seed must come alone: the rounding of a matrix product depends on how many rows it has, so that
    company could tip a draw.
    """
    for _, task in asked:
        bounds.check(task)
    begun = [_begin(persona, task) for persona, task in asked]
    drafts = [draft for draft in begun if isinstance(draft, _Draft)]
    for number in range(ROUNDS):
        spare = sum(draft.missing for draft in drafts) <= SPARE_UP_TO
        parts = [draft.rows(spare, mixed=number < MIXED_ROUNDS) for draft in drafts]
        if not any(parts):
            break
        drawn = iter(_continue([(draft, row) for draft, rows in zip(drafts, parts, strict=True) for row in rows]))
        for draft, rows in zip(drafts, parts, strict=True):
            draft.take([next(drawn) for _ in rows])
    return [draft.samples or draft.reason() if isinstance(draft, _Draft) else draft for draft in begun]


def _continue(rows: Sequence[tuple["_Draft", Row]]) -> list[list[int]]:
    first = rows[0][0].persona
    adapters = [draft.persona.adapter for draft, _ in rows if draft.persona.adapter]
    return engine.continue_rows(first.engine, first.vocabulary, [row for _, row in rows], adapters)


def _begin(persona: Persona, task: GenerateTask) -> "_Draft | TrainerError":
    try:
        return _Draft(persona, task)
    except TrainerError as error:
        return error


class _Draft:
    """One request's tweets, so far."""

    def __init__(self, persona: Persona, task: GenerateTask) -> None:
        self.samples: list[Sample] = []
        self.persona = persona
        self._task = task
        specials = persona.tokenizer.all_special_tokens
        self._prompt = wording.clean(wording.without(wording.clean(task.prompt), specials))
        self._limit = min(task.max_tokens, persona.context)
        self._ids = self._encode(self._prompt)
        self._head = self._decode(self._ids)
        self._seen = {self._prompt.casefold()}
        seed = random.SystemRandom().getrandbits(63) if task.seed is None else task.seed
        self._random = np.random.default_rng(seed)
        self._missing = self._cast()
        self._asked: list[int | None] = []

    @property
    def missing(self) -> int:
        return len(self._missing)

    def rows(self, spare: bool, mixed: bool) -> list[Row]:
        """Of what is missing, and with ``spare`` somewhat more, since a second round costs more than a row.

        ``mixed``: with n-grams.
        """
        task = self._task
        self._asked = (self._missing * 2)[: self.missing + (1 + self.missing // SPARE if spare else 0)]
        if not self._missing:
            return []
        prompts = [self._ids if mark is None else speakers.marked(self._ids, mark) for mark in self._asked]
        dice = self._random.random((len(prompts), self._limit - len(prompts[0])), np.float32)
        at_least, ngrams = max(1, task.min_tokens - len(self._ids)), self.persona.ngrams if mixed else None
        return [
            Row(prompt, each, task.temperature, task.top_p, task.top_k, at_least, ngrams)
            for prompt, each in zip(prompts, dice, strict=True)
        ]

    def take(self, continuations: list[list[int]]) -> None:
        for mark, tokens in zip(self._asked, continuations, strict=True):
            text = self._text(tokens)
            fresh = text.startswith(self._prompt) and text.casefold() not in self._seen
            if not text or not fresh or mark not in self._missing:
                continue
            self._seen.add(text.casefold())
            likeness = self.persona.index.compare(text, self._prompt)
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
        known = self.persona.speakers
        weights = speakers.weights(self._task, known)
        if not weights:
            return [None] * self._task.count
        odds = np.array(list(weights.values())) / sum(weights.values())
        return [known[handle] for handle in self._random.choice(list(weights), self._task.count, p=odds)]

    def _encode(self, prompt: str) -> list[int]:
        tokenizer = self.persona.tokenizer
        begin = tokenizer.eos_token_id if tokenizer.bos_token_id is None else tokenizer.bos_token_id
        specials = set(tokenizer.all_special_ids)
        ids = [each for each in tokenizer.encode(prompt, add_special_tokens=False) if each not in specials]
        longest = self._limit - 1 - min(ROOM, self._limit // 2)
        return [begin, *ids[max(0, len(ids) - longest) :]]

    def _decode(self, ids: list[int]) -> str:
        return str(self.persona.tokenizer.decode(ids, skip_special_tokens=True))

    def _text(self, tokens: list[int]) -> str:
        """The prompt as typed and what follows it, up to the first newline."""
        added = self._decode(self._ids + tokens)[len(self._head) :]
        line = wording.first_line(added)
        ended = line != added or bool(self.persona.vocabulary.stops[tokens[-1]])
        text = wording.clean(wording.without(self._prompt + line, self.persona.tokenizer.all_special_tokens))
        return wording.shorten(text if ended else wording.drop_last_word(text))
