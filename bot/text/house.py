"""What is said to and by those who keep the house: help, limits, blocks, status."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot import clock
from bot.domain import Removed
from bot.limits import LIMITS
from bot.reply import Button, Reply
from bot.text.parts import count


@dataclass(frozen=True)
class Status:
    """How the bot fares. ``up`` is in seconds."""

    version: str
    up: float
    fronts: dict[str, str]
    training: int
    waiting: int
    personas: int
    base: str
    data: str
    megabytes: float
    free_gigabytes: float


def limits(values: dict[str, int], channels: str) -> Reply:
    lines = [f"{name}: {value or 'no limit'} ({LIMITS[name].what})" for name, value in values.items()]
    lines.append(f"channels: {channels or 'everywhere'} (where I speak; set it to here or everywhere)")
    return Reply("\n".join(lines), private=True)


def limit_set(name: str, value: str) -> Reply:
    return Reply(f"{name} is now {value}.", private=True)


def confirm_block(person: str, personas: Sequence[str]) -> Reply:
    made = f" Deletes {', '.join(f'@{name}' for name in personas)} too." if personas else ""
    return Reply(
        f"Block @{person} and delete everything kept of them?{made}",
        buttons=(Button("Block", f"/block @{person} sure:true"),),
        private=True,
    )


def prove(person: str, code: str) -> Reply:
    return Reply(
        f"If @{person} is you, put {code} into your profile's description and press Check:"
        " everything made of you is deleted, and nobody can train you here again.",
        buttons=(Button("Check", f"/optout @{person} sure:true"),),
        private=True,
    )


def confirm_optout(person: str, personas: Sequence[str]) -> Reply:
    asked = confirm_block(person, personas)
    return replace(asked, buttons=(Button("Forget", f"/optout @{person} sure:true"),))


def receipt(person: str, removed: Removed) -> Reply:
    parts = (count(len(removed.personas), "persona"), count(removed.corpora, "set") + " of tweets")
    fetched = f" and what {count(removed.fetched, 'source')} gave" * bool(removed.fetched)
    return Reply(
        f"@{person} is forgotten: {parts[0]}, {parts[1]}{fetched} deleted; further training is refused.", private=True
    )


def unblocked(person: str) -> Reply:
    return Reply(f"@{person} may be trained again.", private=True)


def status(state: Status) -> Reply:
    lines = [
        f"Mockingbird {state.version}, up {clock.duration(state.up)}.",
        *(f"{name}: {how}" for name, how in state.fronts.items()),
        f"{state.training} training, {state.waiting} waiting; {count(state.personas, 'persona')}.",
        f"Base {state.base}; data in {state.data} ({state.megabytes:,.0f} MB, {state.free_gigabytes:,.0f} GB free).",
    ]
    return Reply("\n".join(lines), private=True)


X_TERMS = (
    "X is set up as a source. Its terms forbid using posts to train foundation or frontier models, want deleted posts"
    " deleted here too, and bots labelled as such; whether a persona falls under them is yours to judge:"
    " https://developer.x.com/developer-terms/policy. Files and Bluesky come without such terms. This is said once."
)


def servers_only() -> Reply:
    return Reply("I answer in servers only.", error=True, private=True)


def too_old(command: str) -> str:
    return f"I was away when you sent {command}; send it again if you still want it."


def help_lines(everyone: Sequence[str], admins: Sequence[str], admin: bool) -> Reply:
    lines = ["I learn to tweet like somebody.", *everyone]
    return Reply("\n".join(lines + (["For admins:", *admins] if admin else [])))
