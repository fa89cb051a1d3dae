"""Pieces of which sentences are made: stages, bars, counts, buttons."""

from collections.abc import Sequence

from bot.domain import Version
from bot.reply import Button

BLOCKS = "▁▂▃▄▅▆▇█"
MARK = "🤖 AI-generated"

STAGES = {
    "queue": "waiting in line",
    "fetch": "fetching the tweets",
    "wait": "waiting until the source lets me read on",
    "ingest": "reading the tweets",
    "clean": "cleaning the tweets",
    "load": "loading the base model",
    "tokenize": "cutting the tweets into tokens",
    "train": "training",
    "evaluate": "checking what it learnt",
    "publish": "putting it in place",
    "download": "downloading the model",
    "merge": "merging the adapter into its base",
    "zip": "packing",
    "upload": "uploading",
}

COUNTS = {
    "downloaded": "Tweets downloaded",
    "retweets": "Retweets",
    "short": "Short tweets",
    "dropped": "Duplicates and cut-off tweets",
    "kept": "Tweets kept",
}


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


def tweet_button(persona: str) -> Button:
    return Button("Tweet", f"/tweet @{persona}")


def cancel_button(job: str) -> Button:
    return Button("Cancel", f"/cancel {job}")


def people_line(version: Version) -> str:
    return " ".join(f"@{person['handle']}" for person in version.meta["people"])


def count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"
