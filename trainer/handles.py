"""Names of people, and what a persona of several is called. Standard library only: the bot reads them too."""

import re
from collections.abc import Iterable

LONGEST = 253
"""Characters, as of a domain name."""

DOMAIN = r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?"
"""A handle of Bluesky, and the server in one of Mastodon: https://atproto.com/specs/handle."""

MASTODON = rf"[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?@{DOMAIN}"
"""Mastodon's own rule for the name: USERNAME_RE in its app/models/account.rb."""

HANDLE = re.compile(rf"[a-z0-9_]+(?:\.[a-z0-9_]+)*|{DOMAIN}|{MASTODON}")
"""In lower case. The first form is X's, and that of names in chat exports."""

_PLAIN = re.compile(r"[a-z0-9_]+")
_PLAIN_TOGETHER = re.compile(r"[a-z0-9_-]+")


def persona_name(people: Iterable[str]) -> str:
    """The same people in any order are the same persona: "a-b", and "a+b-c.example" where one has more than letters.

    A hyphen could be a part of such a one, and a plus sign is in no handle, so that no two personas share a name.
    """
    names = sorted(set(people))
    return ("-" if all(map(_PLAIN.fullmatch, names)) else "+").join(names)


def people_of(persona: str) -> list[str]:
    """ "a-b" -> ["a", "b"], "a-b.example" -> ["a-b.example"]: what ``persona_name`` was given."""
    return persona.split("-" if _PLAIN_TOGETHER.fullmatch(persona) else "+")
