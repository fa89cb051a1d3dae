"""A local Telegram for tests: a strict Bot API server, and people who write to the bot."""

from tests.servers.telegram.server import Telegram
from tests.servers.telegram.shapes import Message

__all__ = ["Message", "Telegram"]
