"""The documentation of the commands is the table's."""

from pathlib import Path

from bot.commands.__main__ import markdown


def test_the_page_of_commands_is_what_the_table_says() -> None:
    assert Path("docs/commands.md").read_text() == markdown(), "run: python -m bot.commands > docs/commands.md"
