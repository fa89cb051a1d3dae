"""How each platform fares, for the log and /status."""

from bot.text.parts import count

DISCORD_TOKEN = "Discord refuses the token: copy it again from the application's Bot page and restart."  # noqa: S105
DISCORD_INTENTS = "Discord refuses the intents: this application may not use any; restart with another."
TELEGRAM_TOKEN = "Telegram refuses the token: copy it again from @BotFather and restart."  # noqa: S105
TELEGRAM_CONFLICT = "another program uses the same token: stop one of them."


def on_discord(name: str, servers: int) -> str:
    return f"connected as {name}, {count(servers, 'server')}"


def on_telegram(name: str, everything: bool) -> str:
    sees = "every message" if everything else "commands, replies to me, and mentions where Telegram passes them on"
    return f"connected as @{name}; in groups I see {sees}"


def not_connected(error: Exception, seconds: float) -> str:
    return f"not connected ({type(error).__name__}); trying again in {seconds:.0f} s"
