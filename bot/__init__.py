"""The chat process: asyncio all through, no torch, ready in about a second."""
