"""``python -m bot.commands`` writes the table of commands as Markdown: ``docs/commands.md``."""

from bot.commands import COMMANDS
from bot.commands.table import Command

HEAD = """# Commands

Generated from the table of commands by `python -m bot.commands > docs/commands.md`.

On the console a line gives the options in this order, or anywhere as `name:value`. A line without a slash is `/tweet`.
"""


def markdown() -> str:
    return "\n".join([HEAD, *(section(command) for command in COMMANDS.values())])


def section(command: Command) -> str:
    whose = " Admins only." * command.admin + " Stands behind the button below a tweet." * command.button
    lines = [f"## `{command.usage}`", "", f"{command.summary}.{whose}", ""]
    if command.options:
        lines += ["| option | what it takes |", "|---|---|"]
        lines += [f"| `{each.name}`{' (needed)' * each.required} | {each.spec.explained} |" for each in command.options]
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    print(markdown(), end="")  # noqa: T201  # the output is what it is for
