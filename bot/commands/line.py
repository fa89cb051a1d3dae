"""A line of text into a command and its options, in the table's order or as ``name:value``.

Used wherever people type: the console, Telegram, the lines that buttons stand for.
"""

import re
from difflib import get_close_matches

from bot.commands.options import Kind
from bot.commands.table import COMMANDS, Command, Option
from bot.errors import BadOption, UnknownCommand

NAMED = re.compile(r'(?<!\S)([a-z]+):("[^"]*"|\S+)')

QUOTED = re.compile(r'"([^"]*)"')


def parse(line: str) -> tuple[Command, dict[str, str]]:
    """ "/tweet @nasa the moon count:2" -> (tweet, {"persona": "@nasa", "prompt": "the moon", "count": "2"}).

    Raises UnknownCommand, BadOption.
    """
    command, rest = _command(line.strip())
    names = {option.name for option in command.options}
    given = {name: value.strip('"') for name, value in NAMED.findall(rest) if name in names}
    rest = NAMED.sub(lambda found: "" if found[1] in names else found[0], rest).strip()
    for option in command.options:
        if option.name not in given and rest:
            value, rest = _take(option, rest)
            given |= {option.name: value} if value else {}
    if rest:
        raise BadOption(f"/{command.name}", rest, f"only this: {command.usage}")
    return command, given


def _command(line: str) -> tuple[Command, str]:
    words = line.removeprefix("/").split(maxsplit=2)
    for size in (2, 1):
        name = " ".join(words[:size]).lower()
        if len(words) >= size and name in COMMANDS:
            rest = line.removeprefix("/").split(maxsplit=size)
            return COMMANDS[name], rest[size] if len(rest) > size else ""
    typed = " ".join(words[:2]) if words and any(name.startswith(f"{words[0]} ") for name in COMMANDS) else words[:1]
    name = typed if isinstance(typed, str) else "".join(typed)
    raise UnknownCommand(name[:40], next(iter(get_close_matches(name, COMMANDS, 1)), ""))


def _take(option: Option, rest: str) -> tuple[str, str]:
    """The part of the line that the option takes by position, possibly nothing, and what is left."""
    word, _, after = rest.partition(" ")
    match option.spec.kind:
        case Kind.TEXT:
            return rest, ""
        case Kind.PEOPLE:
            return _people(rest)
        case Kind.PERSONA if not option.required and not word.startswith("@"):
            return "", rest
        case _ if quoted := QUOTED.match(rest):
            return quoted[1], rest[quoted.end() :].strip()
        case _:
            return word, after.strip()


def _people(rest: str) -> tuple[str, str]:
    words = rest.split()
    count = next((place for place, word in enumerate(words) if not word.startswith("@")), len(words))
    count = max(1, count)  # the first needs no @
    return " ".join(words[:count]), " ".join(words[count:])
