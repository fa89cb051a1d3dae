"""/queue, /cancel, and the admins' /jobs."""

from bot import text
from bot.commands.lookup import find_job
from bot.commands.options import JobId
from bot.commands.table import Request, command
from bot.domain import Job, JobState
from bot.errors import JobOver, NotYours
from bot.reply import Reply

SHOWN = 20


@command("queue", "What is being trained, and what waits")
async def queue(request: Request) -> Reply:
    return text.queue(await request.services.jobs.line())


@command("cancel", "Stop a training")
async def cancel(request: Request, job: JobId) -> Reply:
    found = await find_job(request.services.store, job)
    if found.asker != request.origin.who and not request.origin.admin:
        raise NotYours(found.id)
    return await _cancel(request, found)


@command("jobs list", "The latest jobs and how they ended", admin=True)
async def jobs_list(request: Request) -> Reply:
    return text.jobs(await request.services.store.recent_jobs(SHOWN))


@command("jobs cancel", "Stop anybody's training", admin=True)
async def jobs_cancel(request: Request, job: JobId) -> Reply:
    return await _cancel(request, await find_job(request.services.store, job))


@command("jobs retry", "Run a failed or cancelled job again", admin=True)
async def jobs_retry(request: Request, job: JobId) -> Reply:
    found = await find_job(request.services.store, job)
    if found.state not in (JobState.FAILED, JobState.CANCELLED):
        raise JobOver(found.id, found.state)
    await request.services.jobs.retry(found, request.origin)
    return text.retrying(found)


async def _cancel(request: Request, job: Job) -> Reply:
    if not await request.services.jobs.cancel(job):
        raise JobOver(job.id, job.state)
    return text.cancelling(job)
