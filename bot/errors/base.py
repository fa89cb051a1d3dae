"""The roots of the tree, and how what somebody typed is repeated."""

SHOWN = 60
"""Characters of what somebody typed that an error repeats."""


def shown(given: str) -> str:
    """What somebody typed, fit to be repeated: printable, and not longer than it needs to be known again."""
    plain = "".join(each if each.isprintable() else " " for each in given).strip()
    return plain if len(plain) <= SHOWN else f"{plain[:SHOWN]}…"


class MockingbirdError(Exception):
    """Every error that a person may see has one sentence that says what to do next.

    The dataclasses below are not frozen, because raising writes a traceback into them.
    """

    @property
    def sentence(self) -> str:
        raise NotImplementedError

    def __str__(self) -> str:
        return self.sentence


class BadInput(MockingbirdError):
    """What you gave cannot be used."""


class Refused(MockingbirdError):
    """Not you, or not now."""


class Failed(MockingbirdError):
    """Our side could not."""
