"""Points in time as files spell them, to ISO 8601 in UTC."""

import re
from datetime import UTC, datetime, timedelta, timezone

_ISO = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:[ T]+(\d\d):(\d\d)(?::(\d\d))?(?:[.,]\d+)?)?\s*(Z|UTC|[+-]\d\d:?\d\d)?")
_NUMERIC = re.compile(r"(\d{1,4})[/.](\d{1,2})[/.](\d{2,4})\b")
_MONTH = re.compile(r"\b(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\b", re.IGNORECASE)
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DAY = re.compile(r"(?<![\d:+-])(\d{1,2})(?![\d:])")
_YEAR = re.compile(r"(?<![\d+-])(20\d\d)\b")
_CLOCK = re.compile(r"\b(\d{1,2}):(\d\d)(?::(\d\d))?\s*([AaPp][Mm])?")
_OFFSET = re.compile(r"(?<= )[+-]\d{4}\b")
_EPOCH = re.compile(r"1\d{9}(\d{3})?(\.\d+)?")

_LONGEST = 45
"""Characters: longer values are texts that mention a date."""
_SNOWFLAKE_EPOCH = 1_288_834_974_657
"""Milliseconds from 1970 to the first moment that an X id of the kind used since November 2010 can name."""


def parse(value: object) -> str:
    """ISO 8601 with seconds in UTC, or "" for what is no point in time between 2006 and 2100.

    Without an offset it counts as UTC. "3/4/2015" is read the American way, "3.4.2015" the European.
    """
    text = str(value).strip()
    if not 6 <= len(text) <= _LONGEST or text.isalpha():
        return ""
    try:
        moment = _iso(text) or _epoch(text) or _words(text) or _numeric(text)
    except (ValueError, OverflowError):
        return ""
    return moment.astimezone(UTC).isoformat(timespec="seconds") if moment and 2006 <= moment.year < 2100 else ""


def of_id(number: str) -> str:
    """When an X id was given out; "" for ids of other kinds."""
    if not (number.isascii() and number.isdigit() and 17 <= len(number) <= 19):
        return ""
    return parse(str((int(number) >> 22) + _SNOWFLAKE_EPOCH))


def _iso(text: str) -> datetime | None:
    if not (found := _ISO.match(text)):
        return None
    year, month, day, hour, minute, second, zone = found.groups()
    return datetime(
        int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0), tzinfo=_zone(zone)
    )


def _epoch(text: str) -> datetime | None:
    if not (found := _EPOCH.fullmatch(text)):
        return None
    return datetime.fromtimestamp(float(text) / (1000 if found[1] else 1), UTC)


def _words(text: str) -> datetime | None:
    """With the month's English name: "Wed Nov 16 21:52:28 +0000 2022", "9:52 PM · Nov 16, 2022"."""
    month, day, year = _MONTH.search(text), _DAY.search(text), _YEAR.search(text)
    if not (month and day and year):
        return None
    offset = _OFFSET.search(text)
    return _at(int(year[1]), _MONTHS.index(month[1].lower()) + 1, int(day[1]), text, offset and offset.group())


def _numeric(text: str) -> datetime | None:
    if not (found := _NUMERIC.search(text)):
        return None
    first, second, third = map(int, found.groups())
    if first > 31:
        return _at(first, second, third, text)
    day_first = first > 12 or ("." in found.group() and second <= 12)
    month, day = (second, first) if day_first else (first, second)
    return _at(third + 2000 * (third < 100), month, day, text)


def _at(year: int, month: int, day: int, text: str, offset: str | None = None) -> datetime:
    hour = minute = second = 0
    if clock := _CLOCK.search(text):
        hour, minute, second = int(clock[1]), int(clock[2]), int(clock[3] or 0)
        if half := clock[4]:
            hour = hour % 12 + 12 * (half.lower() == "pm")
    return datetime(year, month, day, hour, minute, second, tzinfo=_zone(offset))


def _zone(offset: str | None) -> timezone:
    if offset in (None, "", "Z", "UTC"):
        return UTC
    digits = str(offset).replace(":", "")
    return timezone(int(digits[0] + "1") * timedelta(hours=int(digits[1:3]), minutes=int(digits[3:5])))
