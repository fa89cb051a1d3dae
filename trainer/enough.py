"""Whether there is enough text to train on. Standard library only: the bot asks too, before a job waits in line."""

from collections.abc import Sequence
from dataclasses import dataclass

from trainer.errors import TooLittleText

LEAST = 2_000
"""Characters under which no force helps: some twenty tweets, fewer than one batch."""
ENOUGH = 10_000
"""Characters a person, on average, that train without being asked twice. huggingtweets refused under 6,000 and warned
under 40,000; a real timeline of 135 tweets and 10,700 characters still learns, one of 9,300 mostly repeats itself."""


@dataclass(frozen=True)
class Amount:
    """How much one person wrote, after cleaning."""

    handle: str
    tweets: int
    characters: int


def check(people: Sequence[Amount], force: bool) -> None:
    """Raise TooLittleText where the tweets are too few to train on.

    People together must have ``LEAST`` characters, with ``force`` or without, and ``ENOUGH`` each on average unless
    forced: one thin account does not refuse its company, but one without two usable tweets does.
    """
    tweets, characters = sum(each.tweets for each in people), sum(each.characters for each in people)
    amount = f"{tweets:,} tweet{'s' * (tweets != 1)}, {characters:,} characters"
    silent = [each.handle for each in people if each.tweets < 2]  # one is held out
    if silent and len(silent) < len(people):
        names = " and ".join(f"@{handle}" for handle in silent)
        sentence = f"Nearly nothing usable is left of {names} after cleaning: leave them out, or give a fuller file."
    elif characters < LEAST or tweets < 2:
        wanted = f"{LEAST:,} characters or more, in at least two tweets"
        sentence = f"{amount}: too little to learn a voice from; give {wanted}."
    elif characters < ENOUGH * len(people) and not force:
        sentence = f"{amount}: it will mostly repeat itself; train anyway with `force`."
        raise TooLittleText(sentence, tweets=tweets, characters=characters, force=True)
    else:
        return
    raise TooLittleText(sentence, tweets=tweets, characters=characters, force=False)
