"""/models import, export, publish: models from elsewhere, and ours for elsewhere. For the bot's owner."""

import asyncio
import re

from bot import folder, text
from bot.commands.lookup import find_persona
from bot.commands.options import Model, PersonaName, Public, Repo, Zip
from bot.commands.table import Request, command
from bot.domain import Training
from bot.errors import NotOwner
from bot.handles import is_handle
from bot.reply import Reply
from trainer.handles import people_of, persona_name
from trainer.protocol import ExportTask, ShareTask


@command("models import", "Add a model from the Hugging Face hub, such as huggingtweets/dog_rates", admin=True)
async def models_import(request: Request, model: Model, persona: PersonaName = "") -> Reply:
    _check_owner(request, "models import")
    services = request.services
    name = persona or _persona_of(model)
    await services.store.check_allowed(people_of(name))
    training = Training(name, (), adopt=model, label=model)
    job = await services.jobs.submit(training, {}, request.origin)
    return text.queued(job, await services.jobs.standing(job))


@command("models export", "Write a persona as a plain model folder, or one zip file", admin=True, slow=True)
async def models_export(request: Request, persona: PersonaName, zip: Zip = False) -> Reply:
    _check_owner(request, "models export")
    services = request.services
    found = await find_persona(services.store, persona)
    exports = services.folder.exports
    exports.mkdir(mode=0o700, exist_ok=True)
    output = exports / f"{services.folder.model(found.name, 0).parent.name}-{found.current.number}{'.zip' * zip}"
    await asyncio.to_thread(folder.remove, output)  # of the same version, from an earlier time
    await request.services.children.errand(
        "export", ExportTask(str(found.current.directory), str(output), zip).values()
    )
    return text.exported(found.name, output)


@command("models publish", "Push a persona to the Hugging Face hub, private unless public", admin=True, slow=True)
async def models_publish(request: Request, persona: PersonaName, repo: Repo, public: Public = False) -> Reply:
    _check_owner(request, "models publish")
    found = await find_persona(request.services.store, persona)
    task = ShareTask(str(found.current.directory), repo, private=not public)
    result = await request.services.children.errand("share", task.values())
    return text.shared(found.name, result["url"], public)


def _check_owner(request: Request, name: str) -> None:
    """These read and write the machine's own folders, and gigabytes. Raises NotOwner."""
    if not request.origin.owner:
        raise NotOwner(name)


def _persona_of(model: str) -> str:
    """ "huggingtweets/b-a" -> "a-b"; any other model by its last name."""
    name = model.rstrip("/").rpartition("/")[2].lower()
    people = people_of(name)
    if all(map(is_handle, people)):
        return persona_name(people)
    return re.sub(r"[^a-z0-9_]+", "_", name).strip("_") or "model"
