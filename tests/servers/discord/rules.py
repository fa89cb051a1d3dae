"""What Discord accepts, as pure functions of a request's body.

The numbers are those of Discord's documentation of messages, embeds, components and application commands.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from tests.servers.discord.things import Json

EMBED_LIMITS = {"title": 256, "description": 4096}
MAX_EMBEDS, MAX_EMBED_TEXT, MAX_FIELDS, FIELD_NAME, FIELD_VALUE = 10, 6000, 25, 256, 1024
MAX_CONTENT, MAX_ROWS, MAX_BUTTONS, MAX_CUSTOM_ID, MAX_LABEL, MAX_NONCE = 2000, 5, 5, 100, 80, 25
MAX_COMMANDS, MAX_COMMAND_TEXT, MAX_OPTIONS, MAX_CHOICES, MAX_CHOICE, MAX_DESCRIPTION = 100, 8000, 25, 25, 100, 100
ROW, BUTTON, LINK = 1, 2, 5
SUBCOMMAND, GROUP = 1, 2
NAME = re.compile(r"[-_'\w]{1,32}")


class Refusal(Exception):
    """An error answer as Discord words it. With a ``violation`` it is a fault of the bot, to be recorded."""

    def __init__(self, status: int, code: int, message: str, violation: str = "") -> None:
        super().__init__(message)
        self.status, self.violation = status, violation
        self.body: Json = {"code": code, "message": message}
        self.headers: dict[str, str] = {}


def invalid(place: str, why: str) -> Refusal:
    """``place`` is the path of what does not fit, as in "embeds.0.title"."""
    errors: Json = {"_errors": [{"code": "BASE_TYPE_BAD_VALUE", "message": why}]}
    for part in reversed(place.split(".")):
        errors = {part: errors}
    refusal = Refusal(400, 50035, "Invalid Form Body", f"{place}: {why}")
    refusal.body["errors"] = errors
    return refusal


def at_most(limit: int, value: object, place: str) -> None:
    """Of the characters of a text, of the items of a list."""
    if isinstance(value, str | list) and len(value) > limit:
        raise invalid(place, f"Must be {limit} or fewer in length, not {len(value)}.")


def check_message(body: Json, before: Json, files: int) -> None:
    """``before`` holds what an edit leaves as it was; ``files`` counts those sent along."""
    at_most(MAX_CONTENT, body.get("content"), "content")
    at_most(MAX_NONCE, body.get("nonce"), "nonce")
    _check_embeds(body.get("embeds") or [])
    _check_components(body.get("components") or [])
    after = before | body
    if not files and not (after.get("content") or "").strip() and not any(
        after.get(key) for key in ("embeds", "components", "attachments")
    ):  # fmt: skip
        raise Refusal(400, 50006, "Cannot send an empty message", "an empty message")


def _check_embeds(embeds: list[Json]) -> None:
    at_most(MAX_EMBEDS, embeds, "embeds")
    for number, embed in enumerate(embeds):
        place = f"embeds.{number}"
        for key, limit in EMBED_LIMITS.items():
            at_most(limit, embed.get(key), f"{place}.{key}")
        at_most(2048, (embed.get("footer") or {}).get("text"), f"{place}.footer.text")
        at_most(256, (embed.get("author") or {}).get("name"), f"{place}.author.name")
        _check_fields(embed.get("fields") or [], f"{place}.fields")
    if sum(len(text) for embed in embeds for text in _embed_texts(embed)) > MAX_EMBED_TEXT:
        raise invalid("embeds", f"Embed size exceeds maximum size of {MAX_EMBED_TEXT}")


def _check_fields(fields: list[Json], place: str) -> None:
    at_most(MAX_FIELDS, fields, place)
    for number, each in enumerate(fields):
        for key, limit in (("name", FIELD_NAME), ("value", FIELD_VALUE)):
            at_most(limit, each.get(key), f"{place}.{number}.{key}")
            if not (each.get(key) or "").strip():
                raise invalid(f"{place}.{number}.{key}", "This field is required")


def _embed_texts(embed: Json) -> Iterator[str]:
    parts = (embed.get("footer"), embed.get("author"), *(embed.get("fields") or []))
    for part in (embed, *(part for part in parts if part)):
        yield from (part.get(key) or "" for key in ("title", "description", "text", "name", "value"))


def _check_components(rows: list[Json]) -> None:
    """Rows of buttons: all that this Discord shows."""
    at_most(MAX_ROWS, rows, "components")
    for number, row in enumerate(rows):
        place = f"components.{number}"
        if row.get("type") != ROW or not row.get("components"):
            raise invalid(place, "Must be a row of buttons")
        at_most(MAX_BUTTONS, row["components"], f"{place}.components")
        for column, button in enumerate(row["components"]):
            _check_button(button, f"{place}.components.{column}")
    ids = [button["custom_id"] for row in rows for button in row["components"] if button.get("style") != LINK]
    if again := _repeated(ids):
        raise invalid("components", f"Component custom id cannot be duplicated: {again}")


def _check_button(button: Json, place: str) -> None:
    if button.get("type") != BUTTON or button.get("style") not in range(1, 6):
        raise invalid(place, "Must be a button")
    wanted = "url" if button["style"] == LINK else "custom_id"
    if not button.get(wanted):
        raise invalid(f"{place}.{wanted}", "This field is required")
    if not button.get("label") and not button.get("emoji"):
        raise invalid(f"{place}.label", "A button must have a label or emoji")
    at_most(MAX_LABEL, button.get("label"), f"{place}.label")
    at_most(MAX_CUSTOM_ID, button.get("custom_id"), f"{place}.custom_id")


def check_choices(choices: list[Json]) -> None:
    """What an option offers, at once or while it is typed."""
    at_most(MAX_CHOICES, choices, "choices")
    for number, choice in enumerate(choices):
        if not choice.get("name") or choice.get("value") in (None, ""):
            raise invalid(f"choices.{number}", "A choice has a name and a value")
        at_most(MAX_CHOICE, choice["name"], f"choices.{number}.name")
        at_most(MAX_CHOICE, choice["value"], f"choices.{number}.value")


def check_commands(commands: list[Json]) -> None:
    """All commands of an application at once."""
    if len(commands) > MAX_COMMANDS:
        raise Refusal(400, 30032, f"Maximum number of application commands reached ({MAX_COMMANDS})", "too many")
    for number, command in enumerate(commands):
        if command.get("type", 1) != 1:
            raise invalid(f"{number}.type", "Must be a slash command")
        _check_described(command, str(number))
        _check_options(command.get("options") or [], f"{number}.options", (SUBCOMMAND, GROUP))
        if _size(command) > MAX_COMMAND_TEXT:
            raise invalid(str(number), f"Command exceeds maximum size ({MAX_COMMAND_TEXT})")
    _check_names(commands, "name")


def _check_described(thing: Json, place: str) -> None:
    name, description = thing.get("name", ""), thing.get("description") or ""
    if not NAME.fullmatch(name) or name != name.lower():
        raise invalid(f"{place}.name", f"Command name is invalid: {name!r}")
    if not 1 <= len(description) <= MAX_DESCRIPTION:
        raise invalid(f"{place}.description", f"Must be between 1 and {MAX_DESCRIPTION} in length.")


def _check_options(options: list[Json], place: str, nested: tuple[int, ...]) -> None:
    """``nested`` are the types that may hold options themselves at this depth."""
    at_most(MAX_OPTIONS, options, place)
    _check_names(options, place)
    required = [bool(option.get("required")) for option in options]
    if required != sorted(required, reverse=True):
        raise invalid(place, "Required options must be placed before non-required options")
    if len({option["type"] in (SUBCOMMAND, GROUP) for option in options}) > 1:
        raise invalid(place, "Subcommands stand beside subcommands only")
    for number, option in enumerate(options):
        here = f"{place}.{number}"
        _check_described(option, here)
        check_choices(option.get("choices") or [])
        if option.get("choices") and option.get("autocomplete"):
            raise invalid(here, "choices and autocomplete are mutually exclusive")
        if option["type"] in (SUBCOMMAND, GROUP):
            if option["type"] not in nested:
                raise invalid(f"{here}.type", "Nested too deep")
            _check_options(option.get("options") or [], f"{here}.options", (SUBCOMMAND,) * (option["type"] == GROUP))


def _check_names(things: list[Json], place: str) -> None:
    if again := _repeated(thing.get("name", "") for thing in things):
        raise invalid(place, f"Names must be unique: {again}")


def _repeated(names: Iterable[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]


def _size(thing: Json) -> int:
    own = len(thing["name"]) + len(thing.get("description") or "")
    choices = sum(len(each["name"]) + len(str(each["value"])) for each in thing.get("choices") or [])
    return own + choices + sum(map(_size, thing.get("options") or []))


def pings(body: Json, replied: bool) -> list[str]:
    """Whom a text would notify: every mention in it that ``allowed_mentions`` lets through, and the author replied to.

    Stricter than Discord, where a mention in a code span, of nobody, in an edit or in a private answer is harmless.
    """
    allowed: Json | None = body.get("allowed_mentions")
    text = body.get("content") or ""
    found = [f"@{word}" for word in re.findall(r"@(everyone|here)", text) if _lets(allowed, "everyone", word)]
    found += [f"<@&{role}>" for role in re.findall(r"<@&(\d+)>", text) if _lets(allowed, "roles", role)]
    found += [f"<@{user}>" for user in re.findall(r"<@!?(\d+)>", text) if _lets(allowed, "users", user)]
    if replied and (allowed is None or allowed.get("replied_user")):
        found.append("the author it replies to")
    return found


def _lets(allowed: Json | None, kind: str, mentioned: str) -> bool:
    if allowed is None:
        return True
    return kind in (allowed.get("parse") or []) or mentioned in map(str, allowed.get(kind) or [])
