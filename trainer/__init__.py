"""Everything that touches the text of tweets, and torch: child processes of the bot, ``python -m trainer VERB``."""
