"""From tweets to batches: the split, the tokens, and rows of one tweet each, so that tweets never see each other."""

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from trainer import duplicates
from trainer.speakers import marked

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

HELD_OUT, MOST_HELD_OUT = 0.1, 500
"""Share of each person's tweets that the training never sees, and how many at most."""
REPEATED = 4
"""Times an epoch may go through a person's tweets to keep up with the others. Four repeats teach nearly as much as new
text, further ones ever less (Muennighoff et al., arXiv:2305.16264). Of 200 tweets beside 2,000, the held-out loss was
1.28 nats a character with 1, 1.21 with 4, 1.25 with 16; then 0.42 on those trained on, so they were known by heart."""
UNMARKED = 0.1
"""Share of a cyborg's tweets that go without their speaker's mark, so that it also speaks without one. With 0.25 a
classifier knew 80 % of three people's tweets by their speaker, with 0.1 89 %; without a mark the held-out loss is 0.6 %
higher then."""
IGNORED = -100
"""Label of a position that has no next token; cross_entropy's own default."""

Row = list[int]
"""Token ids of one tweet, from its begin token to its end token; a speaker's mark may stand second."""


@dataclass(frozen=True)
class Batch:
    """Rows padded to the longest of them. ``tokens`` counts the labels that are not ignored."""

    ids: Tensor
    """Int64, [rows, length]."""
    labels: Tensor
    """Int64, [rows, length]: the next token of each position, or IGNORED."""
    tokens: int

    def parts(self, count: int) -> list[tuple[Tensor, Tensor]]:
        """Ids and labels of at most ``count`` slices of rows."""
        return list(zip(self.ids.chunk(count), self.labels.chunk(count), strict=True))


@dataclass(frozen=True)
class HeldOut:
    """One person's held-out tweets."""

    batches: list[Batch]
    characters: int

    @property
    def tokens_a_character(self) -> float:
        """Turns nats a token into nats a character, which compare across tokenizers."""
        return sum(batch.tokens for batch in self.batches) / max(1, self.characters)


def wanted(texts: Sequence[str]) -> int:
    """How many tweets to hold out: a tenth, at least one, at most ``MOST_HELD_OUT``."""
    return max(1, min(MOST_HELD_OUT, round(len(texts) * HELD_OUT)))


def split(texts: Sequence[str], seed: int, known: Collection[int] = ()) -> tuple[list[str], list[str]]:
    """Training tweets and held-out tweets: as many as are ``wanted``.

    Near-duplicates stay on one side, where that leaves half of what is wanted; else, as in the timeline of a machine
    that fills in a form, only those with eight words in a row in common. Order within each side is that of ``texts``.
    Tweets whose numbers are ``known`` are not held out, nor what is like them: there may be too few others.
    """
    room, barred = wanted(texts), set(known)
    held_out = _hold_out([each for each in duplicates.alike(texts) if barred.isdisjoint(each)], room, seed)
    if 2 * len(held_out) < room:
        groups = [each for each in duplicates.quoting(texts) if barred.isdisjoint(each)]
        held_out = _hold_out(groups, room, seed)
        # When even so every group is larger than the share, the smallest harms least, though it must be broken.
        held_out = held_out or set(min(groups, key=len, default=[])[:room])
    train = [text for index, text in enumerate(texts) if index not in held_out]
    return train, [texts[index] for index in sorted(held_out)]


def _hold_out(groups: list[list[int]], room: int, seed: int) -> set[int]:
    """Whole groups, as many as fit."""
    held_out: set[int] = set()
    for group in random.Random(seed).sample(groups, len(groups)):
        if len(held_out) + len(group) <= room:
            held_out.update(group)
    return held_out


def tokenise(tokenizer: "PreTrainedTokenizerBase", texts: Sequence[str], context: int) -> list[Row]:
    """Each tweet between a begin and an end token, which GPT-2 has as one; cut, without its end, to ``context``."""
    backend = tokenizer.backend_tokenizer
    backend.encode_special_tokens = True  # a tweet that spells out <|endoftext|> must not end there
    try:
        encodings = backend.encode_batch(list(texts), add_special_tokens=False)
    finally:
        backend.encode_special_tokens = False
    begin, end = tokenizer.bos_token_id, tokenizer.eos_token_id
    return [[begin, *encoding.ids, end][:context] for encoding in encodings]


def epoch(
    people: Sequence[Sequence[Row]], batch_tokens: int, seed: int, number: int, marks: Sequence[int] = ()
) -> list[Batch]:
    """The batches of epoch ``number``: a pure function of its arguments, so that a resumed run finds its place.

    Everybody's tokens are as ``balanced`` tells and in every batch; rows of like length stand together. ``marks`` are
    the people's, or none.
    """
    choose = random.Random(f"{seed} {number}")
    ranked: list[tuple[float, Row]] = []
    for person, (rows, tokens) in enumerate(zip(people, balanced(people), strict=True)):
        drawn = sorted(_recycled(rows, tokens, choose), key=lambda row: len(row) * choose.uniform(1.0, 1.1))
        if marks:
            drawn = [row if choose.random() < UNMARKED else marked(row, marks[person]) for row in drawn]
        ranked += [(place / len(drawn), row) for place, row in enumerate(drawn)]
    ranked.sort(key=lambda each: each[0])
    made = batches([row for _, row in ranked], batch_tokens, marks)
    choose.shuffle(made)
    return made


def balanced(people: Sequence[Sequence[Row]]) -> list[int]:
    """Tokens of each person in an epoch: as many as the largest has, but nobody's tweets more than REPEATED times."""
    own = [_tokens(rows) for rows in people]
    return [min(max(own), REPEATED * tokens) for tokens in own]


def epoch_tokens(people: Sequence[Sequence[Row]]) -> int:
    """Tokens of one epoch, before padding."""
    return sum(balanced(people))


def batches(rows: Sequence[Row], batch_tokens: int, marks: Sequence[int] = ()) -> list[Batch]:
    """Cut the rows, in their order, so that no batch exceeds ``batch_tokens`` padded tokens, but for single rows.

    ``marks`` are given, never to be foretold: they are no labels.
    """
    made: list[Batch] = []
    start = longest = 0
    for end, row in enumerate(rows):
        longest = max(longest, len(row))
        if end > start and longest * (end + 1 - start) > batch_tokens:
            made.append(_batch(rows[start:end], marks))
            start, longest = end, len(row)
    return [*made, _batch(rows[start:], marks)] if rows else made


def _batch(rows: Sequence[Row], marks: Sequence[int]) -> Batch:
    # Padding stands on the right, where a causal model cannot look: no attention mask is needed.
    shape = (len(rows), max(len(row) for row in rows))
    ids, labels = torch.zeros(shape, dtype=torch.long), torch.full(shape, IGNORED)
    for place, row in enumerate(rows):
        ids[place, : len(row)] = torch.tensor(row)
        labels[place, : len(row) - 1] = torch.tensor(row[1:])
    labels[torch.isin(labels, torch.tensor(marks))] = IGNORED
    return Batch(ids, labels, int((labels != IGNORED).sum()))


def _recycled(rows: Sequence[Row], tokens: int, choose: random.Random) -> list[Row]:
    """All the rows as often as they fit in ``tokens``, and a fresh sample of them for the rest."""
    whole, rest = divmod(tokens, max(1, _tokens(rows)))
    drawn = list(rows) * whole
    for row in choose.sample(list(rows), len(rows)):
        rest -= len(row)
        if rest < 0:
            break
        drawn.append(row)
    return drawn


def _tokens(rows: Sequence[Row]) -> int:
    return sum(len(row) for row in rows)
