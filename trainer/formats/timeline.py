"""What a reader of a format hands over."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from trainer.tweets import Tweet

Row = Mapping[str, object]
"""One post: values by column, nested objects flattened to dotted names."""


@dataclass
class Timeline:
    """Tweets in the order of the file."""

    tweets: Iterable[Tweet]
    format: str
    """What the file was taken for, in a few words."""
    names: dict[str, str] = field(default_factory=dict)
    """Display name by handle in lower case."""
    handle: str = ""
    """Whose file it is, where the file says so as a whole."""
    notes: list[str] = field(default_factory=list)
    """Sentences for the person."""


def several(count: int, what: str) -> str:
    """ "1 tweet", "1,200 tweets"."""
    return f"{count:,} {what}{'s' * (count != 1)}"
