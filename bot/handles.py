"""Names of people and personas: how they are typed, and how they are found in a text."""

import re

from bot.errors import BadHandle
from trainer.handles import HANDLE, LONGEST, people_of, persona_name


def handle(given: str) -> str:
    """ "@NASA" -> "nasa", as huggingtweets does it: one @ dropped, lower case. Raises BadHandle.

    What it lets through is harmless as part of a file's name.
    """
    name = given.strip().removeprefix("@").lower()
    if len(name) > LONGEST or not HANDLE.fullmatch(name):
        raise BadHandle(given)
    return name


def is_handle(given: str) -> bool:
    try:
        return bool(handle(given))
    except BadHandle:
        return False


def persona(given: str) -> str:
    """ "@B-a" -> "a-b". Raises BadHandle."""
    return persona_name(handle(each) for each in people_of(given.strip().removeprefix("@").lower()))


def naming(name: str) -> re.Pattern[str]:
    """Finds a handle or a persona's name in any text, but not as part of a longer word.

    What forgets a person must miss nothing: "my" is found in "my-name.example" too, which could be a file of theirs.
    """
    return re.compile(rf"(?<![a-z0-9_]){re.escape(name)}(?![a-z0-9_])", re.IGNORECASE)


def named(text: str, name: str) -> bool:
    return bool(naming(name).search(text))
