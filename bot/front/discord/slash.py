"""Slash commands, made from the table of commands."""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal

import discord
from discord import app_commands

from bot.commands.options import Kind, Spec
from bot.commands.table import Command, Option, listed

Slash = app_commands.Command[Any, ..., None] | app_commands.Group
Called = Callable[[discord.Interaction[Any], Command, Mapping[str, Any]], Awaitable[None]]
"""Gets an interaction, the command it called, and its options as Discord gives them."""
Complete = Callable[[str], Awaitable[list[str]]]
"""Names of personas that begin like this, or look like it."""


def slash_commands(called: Called, complete: Complete) -> list[Slash]:
    """ "models list" becomes the command "list" of the group "models"."""
    groups: dict[str, app_commands.Group] = {}
    single: list[Slash] = []
    for command in listed():
        group, _, name = command.name.rpartition(" ")
        made = _slash_command(name, command, called, complete)
        if group:
            groups.setdefault(group, app_commands.Group(name=group, description=f"/{group} …")).add_command(made)
        else:
            single.append(made)
    return [*single, *groups.values()]


def _slash_command(
    name: str, command: Command, called: Called, complete: Complete
) -> app_commands.Command[Any, ..., None]:
    """discord.py reads a callback's signature, so the callback gets the one that the command's options make."""
    names = {option.parameter: option.name for option in command.options}

    async def callback(interaction: discord.Interaction[Any], **given: Any) -> None:
        await called(interaction, command, {names[name]: value for name, value in given.items() if value is not None})

    async def suggest(interaction: discord.Interaction[Any], typed: str) -> list[app_commands.Choice[str]]:
        return [app_commands.Choice(name=f"@{name}"[:100], value=name[:100]) for name in await complete(typed)]

    first = inspect.Parameter("interaction", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=discord.Interaction)
    callback.__signature__ = inspect.Signature([first, *map(_parameter, command.options)])  # type: ignore[attr-defined]
    if command.options:
        app_commands.rename(**names)(callback)
        app_commands.describe(**{option.parameter: option.spec.help for option in command.options})(callback)
    personas = [option.parameter for option in command.options if option.spec.kind is Kind.PERSONA]
    if personas:
        app_commands.autocomplete(**dict.fromkeys(personas, suggest))(callback)
    return app_commands.Command(name=name, description=command.summary, callback=callback)


def _parameter(option: Option) -> inspect.Parameter:
    annotation = _annotation(option.spec)
    default = inspect.Parameter.empty if option.required else None
    return inspect.Parameter(
        option.parameter, inspect.Parameter.KEYWORD_ONLY, default=default,
        annotation=annotation if option.required else annotation | None,
    )  # fmt: skip


def _annotation(spec: Spec) -> Any:
    match spec.kind:
        case Kind.FILE:
            return discord.Attachment
        case Kind.FLAG:
            return bool
        case Kind.WHOLE:
            return app_commands.Range[int, int(spec.low), int(spec.high)]
        case Kind.DECIMAL:
            return app_commands.Range[float, spec.low, spec.high]
    return Literal[spec.choices] if spec.choices else str
