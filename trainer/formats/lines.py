"""Plain text, one tweet a line."""

import re
from statistics import median

from trainer.errors import NotATimeline
from trainer.formats.timeline import Timeline
from trainer.tweets import Tweet

_LONGEST_TYPICAL = 1_000
"""Characters: where half of the lines are longer, they are no tweets."""
_SAMPLE = 500_000
"""Characters that tell what the text is."""
_CODE = re.compile(
    r"^(?:\t|  +)\S|[;{}]$|^\s*(?:def|class|import|from|return|#include|#!|var|let|const|function|public|private"
    r"|package|using|elif|else:|try:|except|@\w+\(|<\w|/\*|\*/|//)\b.*|\w\(.*\):?$|^[\w.]+\s*=[^=]|[!=]==?|=>|->|\(\)"
)
_CHAT = re.compile(r"\W?\[?\d{1,4}[/.-]\d{1,2}[/.-]\d{1,4},? \d{1,2}:\d\d.{0,12}?(?:\]| -) [^:]{1,40}: ")
_WORD = re.compile(r"[^\W\d_]{2,}")


def read(text: str) -> Timeline:
    """Raises NotATimeline for program code and text that does not come in lines of a tweet's length."""
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    _refuse_others(_sample(text))
    tweets = [Tweet(line, retweet=line.startswith("RT @")) for line in lines]
    return Timeline(tweets, "plain text, one tweet a line")


def refuse_chats(text: str) -> None:
    sample = _sample(text)
    if sum(bool(_CHAT.match(line)) for line in sample) * 2 > len(sample):
        raise NotATimeline("This is an export of a chat, not a timeline of tweets: send an X archive or tweets.")


def _sample(text: str) -> list[str]:
    return [line for line in text.strip()[:_SAMPLE].split("\n") if line.strip()]


def _refuse_others(sample: list[str]) -> None:
    count = len(sample)
    if sum(bool(_CODE.search(line)) for line in sample) * 5 > count * 2:
        raise NotATimeline("This reads like program code, not like tweets: send an X archive or tweets.")
    if median(map(len, sample)) > _LONGEST_TYPICAL:
        raise NotATimeline("The lines of this text are too long for tweets: put one tweet on each line.")
    if sum(bool(_WORD.search(line)) for line in sample) * 2 < count:
        raise NotATimeline("This text does not read like tweets: send an X archive, or tweets as CSV, JSON or text.")
