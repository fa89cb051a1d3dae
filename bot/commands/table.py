"""The one table of commands, and the door through which every request comes.

A command is a typed async function; its signature is its options. Permission and errors are dealt with here, so that
no handler knows of them.
"""

import inspect
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, get_type_hints

from bot import limits
from bot.children import Children
from bot.commands.options import Spec
from bot.config import Config
from bot.domain import Origin, Said
from bot.errors import Broken, MissingOption, MockingbirdError, NotAdmin
from bot.folder import Folder
from bot.generation import Generation
from bot.jobs import Jobs
from bot.progress import Board
from bot.reply import Reply
from bot.sources.gather import Sources
from bot.store import Store
from bot.upload import Upload

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Services:
    """What handlers stand on."""

    config: Config
    folder: Folder
    store: Store
    jobs: Jobs
    board: Board
    generation: Generation
    children: Children
    sources: Sources
    fronts: dict[str, str] = field(default_factory=dict)
    """How each platform fares, in a few words, by its name; kept up by its front end."""


async def _say_nothing(words: str) -> None: ...


@dataclass(frozen=True)
class Request:
    """One use of a command: who asks, and a way to say something before the answer."""

    origin: Origin
    services: Services = field(repr=False)
    say: Callable[[str], Awaitable[None]] = field(default=_say_nothing, repr=False)
    reply_to: Said | None = None
    """The tweet of ours that this answers."""
    spoken: bool = False
    """Said to the bot as to anybody, and not as a command."""


Handler = Callable[..., Awaitable[Reply]]
Given = Mapping[str, str | Upload]
"""What was given for each option, still to be read."""


@dataclass(frozen=True)
class Option:
    name: str
    parameter: str
    """The handler's: "as_" where the name is a word of Python."""
    spec: Spec
    required: bool


@dataclass(frozen=True)
class Command:
    name: str
    """Words: "tweet", "models list"."""
    summary: str
    handler: Handler = field(repr=False)
    options: tuple[Option, ...]
    admin: bool
    slow: bool
    """Whether the answer may take seconds, so that later lines should not wait for it."""
    button: bool
    """Stands behind a button: no menu shows it."""

    @property
    def usage(self) -> str:
        words = [f"{option.name}" if option.required else f"[{option.name}]" for option in self.options]
        return " ".join([f"/{self.name}", *words])


COMMANDS: dict[str, Command] = {}


def listed() -> list[Command]:
    """What menus show."""
    return [each for each in COMMANDS.values() if not each.button]


def command(
    name: str, summary: str, *, admin: bool = False, slow: bool = False, button: bool = False
) -> Callable[[Handler], Handler]:
    """Enter a handler in the table. Its first parameter is the request, the others are the options."""

    def enter(handler: Handler) -> Handler:
        hints = get_type_hints(handler, include_extras=True)
        parameters = list(inspect.signature(handler).parameters.values())[1:]
        options = tuple(
            Option(each.name.rstrip("_"), each.name, hints[each.name].__metadata__[0], each.default is each.empty)
            for each in parameters
        )
        COMMANDS[name] = Command(name, summary, handler, options, admin, slow, button)
        return handler

    return enter


async def run(command: Command, request: Request, given: Given) -> Reply:
    """Answer a command whose options are still text, or a file. Whatever goes wrong comes back as a sentence."""
    try:
        if command.admin and not request.origin.admin:
            raise NotAdmin(command.name)
        await limits.check_channel(request.services, request.origin)
        return await command.handler(request, **_values(command, given))
    except MockingbirdError as error:
        log.info("/%s from %s: %s", command.name, request.origin.who, error.sentence)
        return Reply(error.sentence, error=True, private=True)
    except Exception:
        log.exception("/%s from %s broke", command.name, request.origin.who)
        return Reply(Broken().sentence, error=True, private=True)


def _values(command: Command, given: Given) -> dict[str, Any]:
    for option in command.options:
        text = given.get(option.name, "")
        if option.required and isinstance(text, str) and not text.strip():
            raise MissingOption(option.name, command.usage)
    return {
        option.parameter: option.spec.read(option.name, value) if isinstance(value, str) else value
        for option in command.options
        if (value := given.get(option.name)) is not None
    }
