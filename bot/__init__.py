"""The chat process: asyncio all through, no torch, ready in about a second."""

__version__ = "0.1.0"
