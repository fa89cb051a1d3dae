"""The commands, one file a group; importing this package fills the table, in the order in which /help tells it."""

from bot.commands import train, tweet, like, personas, jobs, optout, models, evaluate, hub, moderation, help  # noqa: I001  # the order is /help's
from bot.commands.table import COMMANDS

__all__ = [
    "COMMANDS",
    "evaluate",
    "help",
    "hub",
    "jobs",
    "like",
    "models",
    "moderation",
    "optout",
    "personas",
    "train",
    "tweet",
]
