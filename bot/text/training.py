"""What is said of trainings, from the queue to the last word."""

import signal
from collections.abc import Sequence
from typing import Any

from bot import clock
from bot.domain import Job, JobState, Persona, Said, Training
from bot.errors import ChildFailed, MockingbirdError
from bot.progress import Standing
from bot.reply import Button, Reply
from bot.text.parts import MARK, STAGES, bar, cancel_button, counts_line, people_line, sparkline, tweet_button
from trainer.protocol import FinetuneResult

SOON = 10.0
"""Seconds. A training that is through still evaluates and publishes, which no estimate counts."""


def queued(job: Job, now: Standing) -> Reply:
    who = f"@{job.persona}"
    if now.place == 0:
        words = f"Training {who} now."
    else:
        ahead = "1 job is" if now.place == 1 else f"{now.place} jobs are"
        turn = left(now) if now.stage == "queue" else ""
        words = f"{who} is in line: {ahead} before it{turn}."
    return Reply(f"{words} (job {job.id})", buttons=(cancel_button(job.id),), job=job.id)


def already(persona: Persona, fetched: bool) -> Reply:
    """``fetched``: its tweets came from a source, which may have more by now."""
    when = clock.relative(persona.current.created)
    return Reply(
        f"{persona.handle} is already here: version {persona.current.number}, trained {when}.",
        buttons=(
            tweet_button(persona.name),
            Button("Refresh", f"/train {people_line(persona.current)} refresh:true")
            if fetched
            else Button("Train again", f"/train {people_line(persona.current)} force:true"),
        ),
    )


def confirm_price(training: Training, posts: int, dollars: float) -> Reply:
    people = [person.handle for person in training.people]
    sources = {person.source for person in training.people}
    source = min(sources) if len(sources) == 1 else ""
    line = _train_line(people, training, source=source, refresh=training.refresh, sure=True)
    return Reply(
        f"Reading up to {posts:,} posts of {_names(people)} costs ${dollars:.2f} at most. Go on?",
        buttons=(Button(f"Pay up to ${dollars:.2f}", line),),
    )


def _train_line(people: Sequence[str], training: Training, **others: str | bool) -> str:
    """A line that asks for a training like another one; ``others`` are the options that need not be as they were."""
    same = {"base": training.base, "method": training.method, "seed": training.seed, "force": training.force}
    given = [(name, _typed(value)) for name, value in (same | others).items() if value is not None]
    return " ".join(["/train", _names(people), *(f"{name}:{value}" for name, value in given if value)])


def _names(people: Sequence[str]) -> str:
    return " ".join(f"@{person}" for person in people)


def _typed(value: str | int) -> str:
    """Nothing for what need not be said."""
    if isinstance(value, bool):
        return "true" if value else ""
    return f'"{value}"' if " " in str(value) else str(value)


def trained(job: Job, result: FinetuneResult, notes: Sequence[str]) -> Reply:
    """The final notice: what came of it, three tweets, a picture and buttons. ``notes`` are of reading the files."""
    said = Said(job.persona, result.samples[-1]) if result.samples else None
    return Reply(
        f"@{job.persona} is ready (version {job.version}). {_learnt(result.meta)}",
        tweets=tuple(result.samples),
        foot="\n".join([MARK, *notes, *result.notes]),
        buttons=(tweet_button(job.persona), Button("Card", f"/persona @{job.persona}")),
        picture=f"{result.directory}/predictions.png",
        job=job.id,
        said=said,
    )


def _learnt(meta: dict[str, Any]) -> str:
    if adopted := meta.get("adopted"):
        return f"It comes from {adopted['source']}."
    metrics = meta["metrics"]
    seconds, held_out, base = metrics["seconds"], metrics["held_out_loss"], metrics["base_held_out_loss"]
    return f"It took {clock.duration(seconds)}; loss on unseen tweets {base:.2f} → {held_out:.2f}."


def failed(job: Job, error: MockingbirdError) -> Reply:
    return Reply(f"@{job.persona}: {reason(job, error)}", buttons=_remedies(job, error), job=job.id, error=True)


def reason(job: Job, error: MockingbirdError) -> str:
    """Why a job failed. A child that died could not say what to do; Linux kills what takes the last memory.

    ``job`` is as it was when work on it began.
    """
    if not isinstance(error, ChildFailed) or error.kind != "WorkerDied":
        return error.sentence
    how = error.sentence.removesuffix(".")
    trained = job.state is not JobState.WAITING and not job.training.adopt
    if trained and error.details.get("returncode") == -signal.SIGKILL:
        return f"{how}, most likely for want of memory: choose a smaller base or method lora."
    return f"{how}; the log has the details: try again, and tell the admin if it goes on."


def _remedies(job: Job, error: MockingbirdError) -> tuple[Button, ...]:
    """Buttons that ask for the same on the tweets just read: a file is gone, and a source was paid."""
    if not isinstance(error, ChildFailed):
        return ()
    if error.kind == "SeveralAuthors":
        authors = list(error.details["authors"])[:4]
        return tuple(Button(f"@{each}", _train_line([each], job.training, source="kept")) for each in authors)
    if error.kind == "TooLittleText" and error.details.get("force"):
        people = [person.handle for person in job.training.people]
        return (Button("Train anyway", _train_line(people, job.training, source="kept", force=True)),)
    return ()


def cancelled(job: Job) -> Reply:
    return Reply(f"@{job.persona}: cancelled; nothing was published.", job=job.id)


def cancelling(job: Job) -> Reply:
    return Reply(f"Job {job.id} (@{job.persona}) is cancelled.")


def retrying(job: Job) -> Reply:
    return Reply(f"Job {job.id} (@{job.persona}) is in line again.", job=job.id)


def standing(persona: str, now: Standing) -> str:
    """One frame of the live progress, at most a few short lines."""
    head = f"@{persona}: {stage(now)}"
    if now.stage == "queue" and now.place:
        head += f", {now.place} before it"
    if now.stage == "fetch" and now.steps:
        head += f", {now.step:,} of {now.steps:,}"
    lines = [head + left(now)]
    if now.stage == "train" and now.steps:
        lines.append(f"{bar(now.fraction)} {now.step}/{now.steps}{_numbers(now)}")
    several = len(now.counts) > 1
    lines += [f"@{handle}: " * several + counts_line(counts) for handle, counts in now.counts.items()]
    return "\n".join(lines)


def stage(now: Standing) -> str:
    """In words. The first in line waits for nobody."""
    return "starting" if now.stage == "queue" and not now.place else STAGES.get(now.stage, now.stage)


def left(now: Standing) -> str:
    """With a comma before it; nothing where nothing is known."""
    if now.eta is None:
        return ""
    if now.stage != "queue":
        return f", {clock.duration(now.eta)} left"
    return f", begins in about {clock.duration(now.eta)}" if now.eta > SOON else ", begins soon"


def _numbers(now: Standing) -> str:
    parts = [sparkline(now.losses)] if len(now.losses) > 1 else []
    parts += [f"loss {now.loss:.2f}"] if now.loss is not None else []
    parts += [f"unseen {now.held_out:.2f}"] if now.held_out is not None else []
    return "".join(f"  {part}" for part in parts)


def queue(line: Sequence[tuple[Job, Standing]]) -> Reply:
    if not line:
        return Reply("Nothing is being trained.")
    lines = []
    for job, now in line:
        share = f" {now.fraction:.0%}" if now.stage == "train" else ""
        lines.append(f"{now.place + 1}. @{job.persona}: {stage(now)}{share}{left(now)} (job {job.id})")
    buttons = tuple(Button(f"Cancel {job.id}", f"/cancel {job.id}") for job, _ in line[:4])
    return Reply("\n".join(lines), buttons=buttons)


def goes_on(jobs: Sequence[Job]) -> str:
    """To who leaves the terminal, and with it the bot."""
    people = " and ".join(dict.fromkeys(f"@{job.persona}" for job in jobs))
    return f"Still training {people}: it goes on when you are back."


def jobs(found: Sequence[Job]) -> Reply:
    lines = [
        f"{job.id} @{job.persona}: {job.state}, asked {clock.relative(job.created)} by {job.asker}"
        + (f". {job.error}" if job.error else "")
        for job in found
    ]
    return Reply("\n".join(lines) or "No jobs yet.", private=True)
