"""What is said of trainings, from the queue to the last word."""

from collections.abc import Sequence
from typing import Any

from bot import clock
from bot.domain import Job, JobState, Persona, Said, Training
from bot.errors import ChildFailed, MockingbirdError
from bot.progress import Standing
from bot.reply import Button, Reply
from bot.text.parts import MARK, STAGES, bar, cancel_button, counts_line, people_line, sparkline, tweet_button
from trainer.protocol import FinetuneResult


def queued(job: Job, place: int, seconds: float | None) -> Reply:
    who = f"@{job.persona}"
    if place == 0:
        words = f"Training {who} now."
    else:
        ahead = "1 job is" if place == 1 else f"{place} jobs are"
        wait = f", about {clock.duration(seconds * place)}" if seconds else ""
        words = f"{who} is in line: {ahead} before it{wait}."
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
    people = " ".join(f"@{person.handle}" for person in training.people)
    sources = {person.source for person in training.people}
    given = {
        "source": min(sources) or None if len(sources) == 1 else None,
        "base": training.base,
        "method": training.method,
        "seed": training.seed,
        "force": training.force or None,
        "refresh": training.refresh or None,
    }
    options = " ".join(f"{name}:{str(value).lower()}" for name, value in given.items() if value is not None)
    return Reply(
        f"Reading up to {posts:,} posts of {people} costs ${dollars:.2f} at most. Go on?",
        buttons=(Button(f"Pay up to ${dollars:.2f}", f"/train {people} {options} sure:true"),),
    )


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
    return Reply(f"@{job.persona}: {error.sentence}", buttons=_remedies(job, error), job=job.id, error=True)


def _remedies(job: Job, error: MockingbirdError) -> tuple[Button, ...]:
    if not isinstance(error, ChildFailed):
        return ()
    if error.kind == "SeveralAuthors":
        return tuple(Button(f"@{author}", f"/train @{author}") for author in list(error.details["authors"])[:4])
    if error.kind == "TooLittleText" and error.details.get("force"):
        people = " ".join(f"@{person.handle}" for person in job.training.people)
        return (Button("Train anyway", f"/train {people} force:true"),)
    return ()


def cancelled(job: Job) -> Reply:
    return Reply(f"@{job.persona}: cancelled; nothing was published.", job=job.id)


def cancelling(job: Job) -> Reply:
    return Reply(f"Job {job.id} (@{job.persona}) is cancelled.")


def retrying(job: Job) -> Reply:
    return Reply(f"Job {job.id} (@{job.persona}) is in line again.", job=job.id)


def standing(persona: str, now: Standing) -> str:
    """One frame of the live progress, at most a few short lines."""
    head = f"@{persona}: {STAGES.get(now.stage, now.stage)}"
    if now.stage == "queue" and now.place:
        head += f", {now.place} before it"
    if now.stage == "fetch" and now.steps:
        head += f", {now.step:,} of {now.steps:,}"
    if now.eta is not None:
        head += f", {clock.duration(now.eta)} left"
    lines = [head]
    if now.stage == "train" and now.steps:
        lines.append(f"{bar(now.fraction)} {now.step}/{now.steps}{_numbers(now)}")
    several = len(now.counts) > 1
    lines += [f"@{handle}: " * several + counts_line(counts) for handle, counts in now.counts.items()]
    return "\n".join(lines)


def _numbers(now: Standing) -> str:
    parts = [sparkline(now.losses)] if len(now.losses) > 1 else []
    parts += [f"loss {now.loss:.2f}"] if now.loss is not None else []
    parts += [f"unseen {now.held_out:.2f}"] if now.held_out is not None else []
    return "".join(f"  {part}" for part in parts)


def queue(jobs: Sequence[Job], standings: Sequence[Standing]) -> Reply:
    if not jobs:
        return Reply("Nothing is being trained.")
    lines = []
    for place, (job, now) in enumerate(zip(jobs, standings, strict=True)):
        stage = "queue" if job.state is JobState.READY else now.stage
        left = f", {clock.duration(now.eta)} left" if now.eta is not None else ""
        share = f" {now.fraction:.0%}" if stage == "train" else ""
        lines.append(f"{place + 1}. @{job.persona}: {STAGES.get(stage, stage)}{share}{left} (job {job.id})")
    return Reply("\n".join(lines), buttons=tuple(Button(f"Cancel {job.id}", f"/cancel {job.id}") for job in jobs[:4]))


def jobs(found: Sequence[Job]) -> Reply:
    lines = [
        f"{job.id} @{job.persona}: {job.state}, asked {clock.relative(job.created)} by {job.asker}"
        + (f". {job.error}" if job.error else "")
        for job in found
    ]
    return Reply("\n".join(lines) or "No jobs yet.", private=True)
