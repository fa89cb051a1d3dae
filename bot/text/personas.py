"""What personas say, and what is said of them and their versions."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bot import clock
from bot.domain import Job, Liked, Persona, Said, Version, Vote
from bot.errors import shown
from bot.reply import Button, Reply
from bot.text.parts import COUNTS, MARK, tweet_button
from trainer.protocol import Sample

LIKE = "👍"

LISTED = 25
"""Personas that one answer lists."""


def tweets(persona: Persona, samples: Sequence[Sample], again: str, id: str = "") -> Reply:
    """``again`` is the line that asks for another; ``id`` is what a single tweet is voted for by."""
    nearest = max(sample.nearness for sample in samples)
    buttons = (Button("Another", again), Button("Card", f"/persona {persona.handle}"))
    return Reply(
        f"{persona.display_name} ({persona.handle})",
        tweets=tuple(sample.text for sample in samples),
        foot=f"{MARK}, {nearest:.0%} like the nearest real tweet",
        buttons=(*buttons, Button(LIKE, f"/like {id}")) if id else buttons,
        said=Said(persona.name, samples[-1].text),
    )


def voted(vote: Vote) -> Reply:
    return Reply(f"{'You like it' if vote.given else 'Taken back'}: {LIKE} {vote.votes}.", private=True, passing=True)


def waiting_for(job: Job) -> str:
    return f"@{job.persona} is being trained; the tweet comes right after. (job {job.id})"


def personas(found: Sequence[Persona], search: str) -> Reply:
    if not found:
        return Reply(
            f"No persona matches “{shown(search)}”." if search else "No personas yet: make one with /train @user."
        )
    lines = [
        f"{each.handle} · {each.display_name} · {clock.relative(each.current.created)}{' · pinned' * each.pinned}"
        for each in found[:LISTED]
    ]
    if len(found) > LISTED:
        lines.append(f"… and {len(found) - LISTED:,} more: /personas with part of a name finds them.")
    return Reply("\n".join(lines), buttons=tuple(tweet_button(each.name) for each in found[:3]))


def card(persona: Persona, liked: Sequence[Liked] = ()) -> Reply:
    """What was learnt from what, as on the model's card, and what it said best. Of an adopted model less is known."""
    meta = persona.current.meta
    kind = "AI CYBORG" if len(meta["people"]) > 1 else "AI BOT"
    lines = [f"{persona.display_name} 🤖 {kind} 🤖  {persona.handle}, version {persona.current.number}"]
    for person in meta["people"]:
        lines.append(f"@{person['handle']}:")
        lines += [f"  {name}: {person['counts'][row]:,}" for row, name in COUNTS.items() if row in person["counts"]]
    came = "Added" if meta.get("adopted") else "Trained"
    lines += [*_training(meta), f"{came} {clock.relative(persona.current.created)}."]
    picture = persona.current.directory / ("training.png" if meta["metrics"] else "predictions.png")
    return Reply(
        "\n".join(lines + ["Best liked:"] * bool(liked)),
        tweets=tuple(f"{each.words}  {LIKE} {each.votes}" for each in liked),
        foot=MARK if liked else "",
        buttons=(tweet_button(persona.name),),
        picture=str(picture),
    )


def _training(meta: dict[str, Any]) -> list[str]:
    if adopted := meta.get("adopted"):
        return [f"From {adopted['source']}, base {meta['base']}."]
    metrics = meta["metrics"]
    return [
        f"Base {meta['base']}, method {meta['method']}, seed {meta['seed']}.",
        f"Loss on unseen tweets {metrics['base_held_out_loss']:.3f} → {metrics['held_out_loss']:.3f} nats a token,"
        f" {metrics['epochs']:.1f} epochs, {clock.duration(metrics['seconds'])}.",
    ]


def info(persona: Persona, megabytes: float) -> Reply:
    return Reply(
        f"{card(persona).text}\nVersions: {persona.versions}{', pinned' * persona.pinned}."
        f" Directory: {persona.current.directory} ({megabytes:.1f} MB), job {persona.current.job}.",
        private=True,
    )


def versions(persona: Persona, found: Sequence[Version]) -> Reply:
    lines = [
        f"{each.number}{' (current)' * (each.number == persona.current.number)}: {clock.relative(each.created)},"
        f" {_loss(each.meta)}base {each.meta['base']}"
        for each in found
    ]
    return Reply("\n".join([f"{persona.handle}:", *lines]), private=True)


def _loss(meta: dict[str, Any]) -> str:
    metrics = meta["metrics"]
    return f"loss {metrics['held_out_loss_per_character']:.3f} a character, " if metrics else ""


def exported(persona: str, path: Path) -> Reply:
    return Reply(f"@{persona} is in {path}.", private=True)


def shared(persona: str, url: str, public: bool) -> Reply:
    return Reply(f"@{persona} is at {url}, for {'everybody' if public else 'your eyes only'}.", private=True)


def rolled_back(persona: str, number: int) -> Reply:
    return Reply(f"@{persona} now answers with version {number}.", private=True)


def confirm_delete(persona: Persona, numbers: Sequence[int]) -> Reply:
    part = f"version {numbers[0]} of " if len(numbers) < persona.versions else "all of "
    number = f" {numbers[0]}" if len(numbers) == 1 else ""
    return Reply(
        f"Delete {part}{persona.handle} for good?",
        buttons=(Button("Delete", f"/models delete {persona.handle}{number} sure:true"),),
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
