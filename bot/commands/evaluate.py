"""/evaluate: how good a persona is, measured on tweets drawn for the purpose."""

from bot import text
from bot.commands.lookup import find_persona
from bot.commands.options import PersonaName
from bot.commands.table import Request, command
from bot.reply import Reply
from trainer.protocol import JudgeResult, JudgeTask


@command("evaluate", "Measure how good a persona is: loss, copies, variety, length", admin=True, slow=True)
async def evaluate(request: Request, persona: PersonaName) -> Reply:
    services = request.services
    found = await find_persona(services.store, persona)
    task = JudgeTask(str(found.current.directory), device=services.config.generation.device)
    result = await services.children.errand("judge", task.values())
    return text.evaluated(found, JudgeResult.read(result).quality)
