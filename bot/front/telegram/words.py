"""What a message of Telegram asks for: a command line, words for a persona, or nothing. Pure, but for the library."""

import re

from telegram import Message, MessageEntity

from bot.commands.table import COMMANDS

COMMAND = re.compile(r"/(?P<name>[A-Za-z0-9_]+)(?:@(?P<bot>\w+))?(?:\s+(?P<rest>.*))?\Z", re.DOTALL)

FIRST_WORDS = {name.partition(" ")[0] for name in COMMANDS}


def command_line(message: Message, me: str) -> str | None:
    """ "/tweet@bot @nasa the moon" -> "/tweet @nasa the moon"; None for no command, or one that is not for us."""
    found = COMMAND.match((message.text or message.caption or "").strip())
    if not found or (found["bot"] and found["bot"].lower() != me.lower()):
        return None
    name = _name(found["name"].lower())
    ours = name.partition(" ")[0] in FIRST_WORDS
    if not ours and message.chat.type != "private" and not found["bot"]:
        return None  # perhaps it is for another bot
    return f"/{name} {found['rest'] or ''}".strip()


def _name(typed: str) -> str:
    """ "models_list", as the menu has it, is "models list"; "start" is what Telegram sends first."""
    spaced = typed.replace("_", " ", 1)
    return "help" if typed == "start" else spaced if spaced in COMMANDS else typed


def mentions(message: Message, me: str) -> bool:
    wanted: list[str | None] = [MessageEntity.MENTION]
    found = message.parse_entities(wanted) if message.text else message.parse_caption_entities(wanted)
    return any(name.lower() == f"@{me}".lower() for name in found.values())


def words(message: Message, me: str) -> str:
    """What was said, without our name, unless it is a part of a longer one: @bot@server, @bot.example."""
    ours = rf"(?i)(?<![\w.-])@{re.escape(me)}(?![\w@-]|\.\w)"
    return " ".join(re.sub(ours, "", message.text or message.caption or "").split())
