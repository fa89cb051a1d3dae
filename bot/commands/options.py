"""What a command may be given: annotated types from which parsing, bounds, completion and help all come."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

from bot import limits
from bot.errors import BadOption
from bot.handles import handle, persona
from bot.upload import Upload


class Kind(StrEnum):
    PEOPLE = "people"
    PERSONA = "persona"
    PERSON = "person"
    TEXT = "text"  # the rest of the line
    WORD = "word"
    FILE = "file"
    WHOLE = "whole"
    DECIMAL = "decimal"
    FLAG = "flag"


@dataclass(frozen=True)
class Spec:
    """How one option is read, bounded and explained."""

    kind: Kind
    help: str
    low: float = 0
    high: float = 0
    choices: tuple[str, ...] = ()

    def read(self, name: str, given: str) -> Any:
        """The value of what was typed. Raises BadInput."""
        match self.kind:
            case Kind.PEOPLE:
                return tuple(dict.fromkeys(handle(word) for word in given.replace(",", " ").split()))
            case Kind.PERSON:
                return handle(given)
            case Kind.PERSONA:
                return persona(given) if given else ""
            case Kind.WHOLE | Kind.DECIMAL:
                return self._number(name, given)
            case Kind.FLAG:
                return self._flag(name, given)
            case Kind.FILE:  # a chat's words must not name a file of this machine
                raise BadOption(name, given, "a file sent along")
            case Kind.WORD | Kind.TEXT:
                return self._choice(name, given.strip())

    @property
    def explained(self) -> str:
        """The help, with what may be chosen or where the bounds are."""
        bounded = self.choices or self.kind in (Kind.WHOLE, Kind.DECIMAL, Kind.FLAG)
        return f"{self.help}: {self.wanted}" if bounded else self.help

    @property
    def wanted(self) -> str:
        """ "a whole number from 1 to 10"."""
        if self.choices:
            return " or ".join(self.choices)
        if self.kind is Kind.FLAG:
            return "true or false"
        return f"a {'whole ' * (self.kind is Kind.WHOLE)}number from {self.low:.10g} to {self.high:.10g}"

    def _number(self, name: str, given: str) -> int | float:
        try:
            value = int(given) if self.kind is Kind.WHOLE else float(given)
        except ValueError:
            raise BadOption(name, given, self.wanted) from None
        if not self.low <= value <= self.high:
            raise BadOption(name, given, self.wanted)
        return value

    def _flag(self, name: str, given: str) -> bool:
        if given.lower() in ("true", "yes", "on", "1"):
            return True
        if given.lower() in ("false", "no", "off", "0"):
            return False
        raise BadOption(name, given, self.wanted)

    def _choice(self, name: str, given: str) -> str:
        if self.choices and given not in self.choices:
            raise BadOption(name, given, self.wanted)
        return given


SEEDS = 2**31 - 1

People = Annotated[tuple[str, ...], Spec(Kind.PEOPLE, "one or more handles: @a @b")]
PersonaName = Annotated[str, Spec(Kind.PERSONA, "a persona: @name")]
Prompt = Annotated[str, Spec(Kind.TEXT, "words the tweet begins with")]
Search = Annotated[str, Spec(Kind.TEXT, "part of a name")]
Count = Annotated[int, Spec(Kind.WHOLE, "how many tweets", 1, 10)]
Temperature = Annotated[float | None, Spec(Kind.DECIMAL, "higher is wilder", 0.1, 2.0)]
Seed = Annotated[int | None, Spec(Kind.WHOLE, "the same seed gives the same result", 0, SEEDS)]
File = Annotated[Upload | None, Spec(Kind.FILE, "an X archive, CSV, JSON or text file of tweets")]
SourceName = Annotated[
    str, Spec(Kind.WORD, "where the tweets come from; kept is what was read before",
              choices=("bundled", "kept", "x", "bluesky", "mastodon"))
]  # fmt: skip
Base = Annotated[str, Spec(Kind.WORD, "the base model")]
Method = Annotated[str, Spec(Kind.WORD, "train every weight, or a small adapter", choices=("full", "lora"))]
Force = Annotated[bool, Spec(Kind.FLAG, "train again, or although there is little text")]
JobId = Annotated[str, Spec(Kind.WORD, "a job, as /queue names it")]
TweetId = Annotated[str, Spec(Kind.WORD, "a tweet, as its 👍 names it")]
Number = Annotated[int | None, Spec(Kind.WHOLE, "a version's number", 1, 1_000_000)]
Sure = Annotated[bool, Spec(Kind.FLAG, "do it without asking back")]
Refresh = Annotated[bool, Spec(Kind.FLAG, "fetch what is new first")]
As = Annotated[str, Spec(Kind.PERSON, "who of a cyborg's people speaks: @name")]
Mix = Annotated[str, Spec(Kind.WORD, 'how much each of a cyborg\'s people says: "a 70 b 30"')]
Model = Annotated[str, Spec(Kind.WORD, "a model on the Hugging Face hub, or a folder of this machine")]
Repo = Annotated[str, Spec(Kind.WORD, "owner/name on the Hugging Face hub")]
Zip = Annotated[bool, Spec(Kind.FLAG, "one zip file instead of a folder")]
Public = Annotated[bool, Spec(Kind.FLAG, "for everybody to see")]
HandleName = Annotated[str, Spec(Kind.PERSON, "a person: @name")]
LimitName = Annotated[str, Spec(Kind.WORD, "what to set", choices=(*limits.LIMITS, limits.CHANNELS))]
LimitValue = Annotated[str, Spec(Kind.WORD, "a number, 0 for no limit; for channels: here or everywhere")]
