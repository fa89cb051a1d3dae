"""Discord, by discord.py: slash commands, mentions, replies and buttons."""
