"""Time as the store keeps it and as people read it."""

from datetime import UTC, datetime, timedelta


def now() -> datetime:
    return datetime.now(UTC)


def day_ago() -> datetime:
    return now() - timedelta(days=1)


def relative(moment: datetime) -> str:
    """ "in 3 hours", "2 days ago", "just now"."""
    seconds = (moment - now()).total_seconds()
    if abs(seconds) < 1:
        return "just now"
    return f"in {duration(seconds)}" if seconds > 0 else f"{duration(-seconds)} ago"


def duration(seconds: float) -> str:
    """One unit, rounded: "40 seconds", "1 minute", "3 hours"."""
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size * 1.5 or (seconds >= size and unit == "minute"):
            return _count(round(seconds / size), unit)
    return _count(max(1, round(seconds)), "second")


def _count(number: int, unit: str) -> str:
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"
