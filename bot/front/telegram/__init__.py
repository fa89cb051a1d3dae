"""Telegram, by python-telegram-bot: commands, mentions, replies, buttons, files and inline mode."""
