"""What is said of how good a persona is."""

from collections.abc import Sequence
from typing import Any

from bot.domain import Persona
from bot.reply import Reply


def evaluated(persona: Persona, quality: dict[str, Any]) -> Reply:
    """``quality`` as ``trainer.protocol.JudgeResult`` tells it."""
    own = quality["held_out_loss_per_character"]
    lines = [
        f"{persona.handle}, version {persona.current.number}, on tweets it never saw and on {quality['samples']} of its"
        " own, drawn with no copy held back:",
        f"Loss {own:.3f} nats a character; its base {quality['base_held_out_loss_per_character']:.3f},"
        f" bare word counts {quality['unigram_held_out_loss_per_character']:.3f}.",
        f"Copies of a real tweet: {quality['verbatim_share']:.1%}. What I show is checked for them.",
        f"Distinct pairs of words: {quality['distinct_2']:.1%}; the real tweets {quality['real_distinct_2']:.1%}.",
        f"Characters: {_spread(quality['lengths'])}; the real tweets {_spread(quality['real_lengths'])}"
        f" (apart by {quality['length_gap']:.2f} of 1).",
    ]
    return Reply("\n".join(lines), private=True)


def _spread(lengths: Sequence[float]) -> str:
    """From tenths: what most tweets lie between, and the middle."""
    return f"{lengths[1]:.0f} to {lengths[9]:.0f}, median {lengths[5]:.0f}"
