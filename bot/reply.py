"""What a handler answers: data that every front end shows in its own way."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Button:
    label: str
    command: str
    """The line that pressing it stands for: "/tweet @nasa"."""


@dataclass(frozen=True)
class Reply:
    text: str
    buttons: tuple[Button, ...] = ()
    picture: str = ""
    """Path of a PNG file."""
    job: str = ""
    """The job whose live progress and final notice follow."""
    error: bool = False
    private: bool = False
    """For the asker's eyes only, where the platform can."""

    def values(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def read(cls, values: dict[str, Any]) -> "Reply":
        return cls(**{**values, "buttons": tuple(Button(**button) for button in values["buttons"])})
