"""A slash command filled in, as Discord's own clients do it: they send nothing that the command does not offer."""

from collections.abc import Callable

from tests.servers.discord.rules import GROUP, SUBCOMMAND
from tests.servers.discord.things import File, Impossible, Json

Value = str | int | float | bool | File
TYPES: dict[int, tuple[type, ...]] = {3: (str,), 4: (int,), 5: (bool,), 10: (int, float), 11: (tuple,)}
BOOLEAN = 5


def find(commands: list[Json], words: list[str]) -> tuple[Json, list[Json]]:
    """The command, and the way to the one named: itself, its groups and subcommands."""
    way: list[Json] = []
    offered = commands
    for word in words:
        found = next((each for each in offered if each["name"] == word), None)
        if found is None:
            raise Impossible(f"no command /{' '.join(words)}; there are {[each['name'] for each in offered]}")
        way.append(found)
        offered = [each for each in found.get("options") or [] if each["type"] in (SUBCOMMAND, GROUP)]
    if offered:
        raise Impossible(f"/{' '.join(words)} needs one of {[each['name'] for each in offered]}")
    return way[0], way


def fill(way: list[Json], given: dict[str, Value], attach: Callable[[File], str], focused: str = "") -> list[Json]:
    """The options of an interaction's data. While one is ``focused`` the others need not be complete."""
    declared: dict[str, Json] = {option["name"]: option for option in way[-1].get("options") or []}
    missing = {name for name, option in declared.items() if option.get("required")} - set(given)
    if unknown := set(given) - set(declared):
        raise Impossible(f"no option {sorted(unknown)}; there are {list(declared)}")
    if missing and not focused:
        raise Impossible(f"{sorted(missing)} must be given")
    if focused and not declared[focused].get("autocomplete"):
        raise Impossible(f"{focused} does not complete itself")
    filled = []
    for name, value in given.items():
        sent = value if name == focused else _value(declared[name], value, attach)
        entry = {"name": name, "type": declared[name]["type"], "value": sent}
        filled.append(entry | ({"focused": True} if name == focused else {}))
    for step in reversed(way[1:]):
        filled = [{"name": step["name"], "type": step["type"], "options": filled}]
    return filled


def _value(option: Json, value: Value, attach: Callable[[File], str]) -> object:
    kind = option["type"]
    if not isinstance(value, TYPES[kind]) or isinstance(value, bool) != (kind == BOOLEAN):
        raise Impossible(f"{value!r} is nothing for the option {option['name']}")
    if isinstance(value, tuple):
        return attach(value)
    choices = {choice["name"]: choice["value"] for choice in option.get("choices") or []}
    if choices and value not in choices.values():
        raise Impossible(f"{option['name']} is one of {choices}")
    if not isinstance(value, bool):
        _check_size(option, value)
    return value


def _check_size(option: Json, value: str | float) -> None:
    size, what = (len(value), "length") if isinstance(value, str) else (value, "value")
    low, high = option.get(f"min_{what}"), option.get(f"max_{what}")
    if (low is not None and size < low) or (high is not None and size > high):
        raise Impossible(f"{option['name']} is from {low} to {high}")
