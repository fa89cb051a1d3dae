"""The commands, one file a group; importing this package fills the table, in the order in which /help tells it."""

from bot.commands import train, tweet, personas, jobs, models, moderation, help  # noqa: I001  # the order is /help's
from bot.commands.table import COMMANDS

__all__ = ["COMMANDS", "help", "jobs", "models", "moderation", "personas", "train", "tweet"]
