"""What a handler answers: data that every front end shows in its own way."""

from dataclasses import asdict, dataclass
from typing import Any

from bot.domain import Said


@dataclass(frozen=True)
class Button:
    label: str
    command: str
    """The line that pressing it stands for: "/tweet @nasa"."""


@dataclass(frozen=True)
class Reply:
    text: str
    tweets: tuple[str, ...] = ()
    """Generated text, apart from our own words: a front end sets it off, and trusts it even less."""
    foot: str = ""
    """Small print below the tweets."""
    buttons: tuple[Button, ...] = ()
    picture: str = ""
    """Path of a PNG file."""
    job: str = ""
    """The job whose live progress and final notice follow."""
    said: Said | None = None
    """What a reply to this goes on from."""
    error: bool = False
    private: bool = False
    """For the asker's eyes only, where the platform can."""
    passing: bool = False
    """A glance is enough: it need not be put away, where the platform can."""

    @property
    def words(self) -> str:
        """All of it as plain text."""
        return "\n".join(part for part in (self.text, *self.tweets, self.foot) if part)

    def values(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def read(cls, values: dict[str, Any]) -> "Reply":
        said = Said(**values["said"]) if values.get("said") else None
        buttons = tuple(Button(**button) for button in values.get("buttons", ()))
        return cls(**{**values, "buttons": buttons, "tweets": tuple(values.get("tweets", ())), "said": said})
