"""/help: the table, told to whoever asks."""

from bot import text
from bot.commands.table import Request, command, listed
from bot.reply import Reply


@command("help", "What I can do")
async def help(request: Request) -> Reply:
    everyone = [f"{each.usage}: {each.summary}" for each in listed() if not each.admin]
    admins = [f"{each.usage}: {each.summary}" for each in listed() if each.admin]
    return text.help_lines(everyone, admins, request.origin.admin)
