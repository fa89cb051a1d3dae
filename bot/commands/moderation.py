"""/block, /unblock, /limits, /status: admins keep the peace."""

import asyncio
import shutil
import time
from pathlib import Path

from bot import __version__, limits, removal, text
from bot.commands.options import HandleName, LimitName, LimitValue, Sure
from bot.commands.table import Request, command
from bot.domain import JobState
from bot.errors import BadOption, NotBlocked
from bot.reply import Reply

STARTED = time.monotonic()

MOST = 1_000_000


@command("block", "Let nobody train a person, and delete what was made of them", admin=True)
async def block(request: Request, person: HandleName, sure: Sure = False) -> Reply:
    if not sure:
        return text.confirm_block(person, list(await removal.versions_of(request.services, person)))
    return text.receipt(person, await removal.forget(request.services, person, request.origin.who))


@command("unblock", "Let a person be trained again", admin=True)
async def unblock(request: Request, person: HandleName) -> Reply:
    if not await request.services.store.unblock(person, request.origin.who):
        raise NotBlocked(person)
    return text.unblocked(person)


@command("limits", "Show or set how much members may ask for, and where I speak", admin=True)
async def limits_(request: Request, setting: LimitName = "", value: LimitValue = "") -> Reply:
    services, origin = request.services, request.origin
    if setting and value:
        stored = await _stored(request, setting, value)
        await services.store.set_setting(limits.scope(origin), setting, stored, origin.who)
        return text.limit_set(setting, stored or "everywhere")
    values = {name: await limits.limit(services, origin, name) for name in limits.LIMITS}
    return text.limits(values, await services.store.setting(limits.scope(origin), limits.CHANNELS) or "")


async def _stored(request: Request, setting: str, value: str) -> str:
    """The value as the settings hold it. Raises BadOption."""
    if setting == limits.CHANNELS:
        return await _channels(request, value)
    if not value.isdecimal() or int(value) > MOST:
        raise BadOption(setting, value, "a whole number; 0 is no limit")
    return str(int(value))


async def _channels(request: Request, value: str) -> str:
    if value == "everywhere":
        return ""
    if value != "here":
        raise BadOption(limits.CHANNELS, value, "here or everywhere")
    known = await request.services.store.setting(limits.scope(request.origin), limits.CHANNELS) or ""
    return " ".join(dict.fromkeys([*known.split(), request.origin.channel]))


@command("status", "How I am doing: platforms, queue, personas, disk", admin=True)
async def status(request: Request) -> Reply:
    services = request.services
    jobs = await services.store.active_jobs()
    training = sum(job.state is JobState.TRAINING for job in jobs)
    root = services.folder.root
    return text.status(
        text.Status(
            version=__version__,
            up=time.monotonic() - STARTED,
            fronts=services.fronts,
            training=training,
            waiting=len(jobs) - training,
            personas=len(await services.store.personas()),
            base=services.config.training.base,
            data=str(root),
            megabytes=await asyncio.to_thread(_megabytes, root),
            free_gigabytes=shutil.disk_usage(root).free / 1e9,
        )
    )


def _megabytes(root: Path) -> float:
    return sum(path.stat().st_size for path in root.rglob("*") if path.is_file()) / 1e6
