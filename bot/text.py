"""Every sentence the bot says when all goes well; errors bring their own (errors.py)."""

from collections.abc import Sequence
from typing import Any

from bot import clock
from bot.domain import Job, JobState, Persona, Version
from bot.errors import ChildFailed, MockingbirdError, shown
from bot.progress import Standing
from bot.reply import Button, Reply
from trainer.protocol import FinetuneResult, Sample

BLOCKS = "▁▂▃▄▅▆▇█"
MARK = "🤖 AI-generated"

STAGES = {
    "queue": "waiting in line",
    "ingest": "reading the tweets",
    "clean": "cleaning the tweets",
    "load": "loading the base model",
    "tokenize": "cutting the tweets into tokens",
    "train": "training",
    "evaluate": "checking what it learnt",
    "publish": "putting it in place",
}

COUNTS = {
    "downloaded": "Tweets downloaded",
    "retweets": "Retweets",
    "short": "Short tweets",
    "dropped": "Duplicates and cut-off tweets",
    "kept": "Tweets kept",
}


# Training.


def queued(job: Job, place: int, seconds: float | None) -> Reply:
    who = f"@{job.persona}"
    if place == 0:
        words = f"Training {who} now."
    else:
        ahead = "1 job is" if place == 1 else f"{place} jobs are"
        wait = f", about {clock.duration(seconds * place)}" if seconds else ""
        words = f"{who} is in line: {ahead} before it{wait}."
    return Reply(f"{words} (job {job.id})", (Button("Cancel", f"/cancel {job.id}"),), job=job.id)


def already(persona: Persona) -> Reply:
    when = clock.relative(persona.current.created)
    return Reply(
        f"{persona.handle} is already here: version {persona.current.number}, trained {when}.",
        (tweet_button(persona.name), Button("Train again", f"/train {people_line(persona.current)} force:true")),
    )


def trained(job: Job, result: FinetuneResult, notes: Sequence[str]) -> Reply:
    """The final notice: what came of it, three tweets, a picture and buttons. ``notes`` are of reading the files."""
    metrics = result.meta["metrics"]
    lines = [f"@{job.persona} is ready (version {job.version}). {_learnt(metrics)}"]
    lines += [f"“{sample}”" for sample in result.samples]
    lines += [MARK, *notes, *result.notes]
    buttons = (tweet_button(job.persona), Button("Card", f"/persona @{job.persona}"))
    return Reply("\n".join(lines), buttons, picture=f"{result.directory}/predictions.png", job=job.id)


def _learnt(metrics: dict[str, Any]) -> str:
    seconds, held_out, base = metrics["seconds"], metrics["held_out_loss"], metrics["base_held_out_loss"]
    return f"It took {clock.duration(seconds)}; loss on unseen tweets {base:.2f} → {held_out:.2f}."


def failed(job: Job, error: MockingbirdError) -> Reply:
    return Reply(f"@{job.persona}: {error.sentence}", _remedies(job, error), job=job.id, error=True)


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
    if now.eta is not None:
        head += f", {clock.duration(now.eta)} left"
    lines = [head]
    if now.stage == "train" and now.steps:
        lines.append(f"{bar(now.fraction)} {now.step}/{now.steps}{_numbers(now)}")
    lines += [f"@{handle}: {counts_line(counts)}" for handle, counts in now.counts.items()]
    return "\n".join(lines)


def _numbers(now: Standing) -> str:
    parts = [sparkline(now.losses)] if len(now.losses) > 1 else []
    parts += [f"loss {now.loss:.2f}"] if now.loss is not None else []
    parts += [f"unseen {now.held_out:.2f}"] if now.held_out is not None else []
    return "".join(f"  {part}" for part in parts)


def bar(fraction: float, width: int = 16) -> str:
    full = round(fraction * width)
    return "█" * full + "░" * (width - full)


def sparkline(values: Sequence[float], width: int = 16) -> str:
    shown = values[-width:]
    low, high = min(shown), max(shown)
    span = high - low or 1.0
    return "".join(BLOCKS[round((value - low) / span * (len(BLOCKS) - 1))] for value in shown)


def counts_line(counts: dict[str, int]) -> str:
    return (
        f"{counts['downloaded']:,} tweets − {counts['retweets']:,} retweets − {counts['short']:,} short"
        f" − {counts['dropped']:,} duplicates and cut off = {counts['kept']:,}"
    )


# Tweets.


def tweets(persona: Persona, samples: Sequence[Sample], again: str) -> Reply:
    """``again`` is the line that asks for another."""
    words = "\n\n".join(sample.text for sample in samples)
    nearest = max(sample.nearness for sample in samples)
    buttons = (Button("Another", again), Button("Card", f"/persona {persona.handle}"))
    head = f"{persona.display_name} ({persona.handle}) · {MARK}, {nearest:.0%} like the nearest real tweet"
    return Reply(f"{head}\n{words}", buttons)


def waiting_for(job: Job) -> str:
    return f"@{job.persona} is being trained; the tweet comes right after. (job {job.id})"


def tweet_button(persona: str) -> Button:
    return Button("Tweet", f"/tweet @{persona}")


# Personas and versions.


def personas(found: Sequence[Persona], search: str) -> Reply:
    if not found:
        return Reply(
            f"No persona matches “{shown(search)}”." if search else "No personas yet: make one with /train @user."
        )
    lines = [
        f"{each.handle} · {each.display_name} · {clock.relative(each.current.created)}{' · pinned' * each.pinned}"
        for each in found
    ]
    return Reply("\n".join(lines), tuple(tweet_button(each.name) for each in found[:3]))


def card(persona: Persona) -> Reply:
    """What was learnt from what, as on the model's card."""
    meta = persona.current.meta
    metrics, kind = meta["metrics"], "AI CYBORG" if len(meta["people"]) > 1 else "AI BOT"
    lines = [f"{persona.display_name} 🤖 {kind} 🤖  {persona.handle}, version {persona.current.number}"]
    for person in meta["people"]:
        lines.append(f"@{person['handle']}:")
        lines += [f"  {name}: {person['counts'][row]:,}" for row, name in COUNTS.items()]
    lines += [
        f"Base {meta['base']}, method {meta['method']}, seed {meta['seed']}.",
        f"Loss on unseen tweets {metrics['base_held_out_loss']:.3f} → {metrics['held_out_loss']:.3f} nats a token,"
        f" {metrics['epochs']:.1f} epochs, {clock.duration(metrics['seconds'])}.",
        f"Trained {clock.relative(persona.current.created)}.",
    ]
    picture = persona.current.directory / "training.png"
    return Reply("\n".join(lines), (tweet_button(persona.name),), picture=str(picture))


def info(persona: Persona, megabytes: float) -> Reply:
    return Reply(
        f"{card(persona).text}\nVersions: {persona.versions}{', pinned' * persona.pinned}."
        f" Directory: {persona.current.directory} ({megabytes:.1f} MB), job {persona.current.job}.",
        private=True,
    )


def versions(persona: Persona, found: Sequence[Version]) -> Reply:
    lines = [
        f"{each.number}{' (current)' * (each.number == persona.current.number)}: {clock.relative(each.created)},"
        f" loss {each.meta['metrics']['held_out_loss_per_character']:.3f} a character, base {each.meta['base']}"
        for each in found
    ]
    return Reply("\n".join([f"{persona.handle}:", *lines]), private=True)


def rolled_back(persona: str, number: int) -> Reply:
    return Reply(f"@{persona} now answers with version {number}.", private=True)


def confirm_delete(persona: Persona, numbers: Sequence[int]) -> Reply:
    part = f"version {numbers[0]} of " if len(numbers) < persona.versions else "all of "
    number = f" {numbers[0]}" if len(numbers) == 1 else ""
    return Reply(
        f"Delete {part}{persona.handle} for good?",
        (Button("Delete", f"/models delete {persona.handle}{number} sure:true"),),
        private=True,
    )


def deleted(persona: str, numbers: Sequence[int]) -> Reply:
    which = f"version {numbers[0]}" if len(numbers) == 1 else f"{len(numbers)} versions"
    return Reply(f"Deleted {which} of @{persona}.", private=True)


def pinned(persona: str, now: bool) -> Reply:
    return Reply(f"@{persona} is {'pinned: it cannot be deleted' if now else 'no longer pinned'}.", private=True)


def warmed(persona: str) -> Reply:
    return Reply(f"@{persona} is in memory and answers at once.", private=True)


def chosen(persona: str) -> Reply:
    return Reply(f"@{persona} now speaks for me in this channel.")


def people_line(version: Version) -> str:
    return " ".join(f"@{person['handle']}" for person in version.meta["people"])


# Jobs.


def queue(jobs: Sequence[Job], standings: Sequence[Standing]) -> Reply:
    if not jobs:
        return Reply("Nothing is being trained.")
    lines = []
    for place, (job, now) in enumerate(zip(jobs, standings, strict=True)):
        stage = "queue" if job.state is JobState.READY else now.stage
        left = f", {clock.duration(now.eta)} left" if now.eta is not None else ""
        share = f" {now.fraction:.0%}" if stage == "train" else ""
        lines.append(f"{place + 1}. @{job.persona}: {STAGES.get(stage, stage)}{share}{left} (job {job.id})")
    return Reply("\n".join(lines), tuple(Button(f"Cancel {job.id}", f"/cancel {job.id}") for job in jobs[:4]))


def jobs(found: Sequence[Job]) -> Reply:
    lines = [
        f"{job.id} @{job.persona}: {job.state}, asked {clock.relative(job.created)} by {job.asker}"
        + (f". {job.error}" if job.error else "")
        for job in found
    ]
    return Reply("\n".join(lines) or "No jobs yet.", private=True)


# Help.


def help_lines(everyone: Sequence[str], admins: Sequence[str], admin: bool) -> Reply:
    lines = ["I learn to tweet like somebody.", *everyone]
    return Reply("\n".join(lines + (["For admins:", *admins] if admin else [])))
