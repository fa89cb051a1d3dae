"""Names of people: how they are typed, and what a persona of several is called."""

import re

from bot.errors import BadHandle

HANDLE = re.compile(r"[a-z0-9_]+(?:\.[a-z0-9_]+)*(?:@[a-z0-9_]+(?:\.[a-z0-9_]+)+)?")
"""No hyphen: it joins the names of a persona of several."""

LONGEST = 64


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


def naming(name: str) -> re.Pattern[str]:
    """Finds a handle or a persona's name in any text, but not as part of a longer one."""
    return re.compile(rf"(?<![a-z0-9_]){re.escape(name)}(?![a-z0-9_])", re.IGNORECASE)


def named(text: str, name: str) -> bool:
    return bool(naming(name).search(text))


def persona_name(people: tuple[str, ...]) -> str:
    """The same people in any order are the same persona."""
    return "-".join(sorted(set(people)))
