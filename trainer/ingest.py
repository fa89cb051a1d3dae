"""``python -m trainer ingest``: one uploaded file to one person's corpus, within limits."""

import contextlib
import logging
import resource
import signal
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from trainer import formats, wording
from trainer.child import Report, serve
from trainer.disk import is_full
from trainer.errors import NoSpace, NotATimeline, SeveralAuthors, TooBig
from trainer.formats.timeline import several
from trainer.protocol import IngestResult, IngestTask
from trainer.tweets import Sieve, Tweet

log = logging.getLogger(__name__)

MOST_MEMORY = 4_000_000_000
"""Bytes of address space: 200 MB of JSON take about 2 GB as Python objects."""
MOST_SECONDS = 120
"""Of processor time a file."""
MOST_TWEETS = 1_000_000
REPORT_EVERY = 5_000
"""Tweets between two reports of progress."""

LONGEST_NAME = 50
"""Characters of a display name on X."""


def main() -> None:
    limit_memory()
    signal.signal(signal.SIGXCPU, _out_of_time)
    serve(handle)


def limit_memory() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    with contextlib.suppress(ValueError, OSError):  # macOS has the name and refuses the limit
        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, hard))


def limit_time() -> None:
    """Give this file its processor time, counted from now."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + MOST_SECONDS, hard))


def _out_of_time(signal_number: int, frame: FrameType | None) -> NoReturn:
    raise TooBig(f"Reading this file took more than {MOST_SECONDS} s and was stopped: send a part of the tweets.")


def handle(values: dict[str, Any], report: Report) -> IngestResult:
    limit_time()
    try:
        return ingest(IngestTask.read(values), report)
    except MemoryError as error:
        raise TooBig("This file needs more memory than is allowed: send a part of the tweets.") from error


def ingest(task: IngestTask, report: Report) -> IngestResult:
    """Read, choose the author, clean, count, and write the corpus to ``task.output`` in one rename."""
    report("ingest", step=0)
    timeline = formats.read(Path(task.file))
    tweets = _limited(_told(timeline.tweets, report))
    if not tweets:
        raise NotATimeline("This file holds no tweets: send an X archive, or tweets as CSV, JSON or text.")
    said, tweets = of_one_author(tweets, task.author)
    sieve = _sift(tweets, report)
    asked = task.author.strip().removeprefix("@")
    theirs = said or timeline.handle
    name = timeline.names.get(theirs.casefold()) or theirs
    notes = [*timeline.notes, *_notes(sieve)]
    if asked and theirs and asked.casefold() != theirs.casefold():
        name = asked
        notes.insert(0, f"The file says it is by @{plain_name(theirs)}.")
    corpus = sieve.corpus((asked or theirs).casefold(), plain_name(name or asked))
    try:
        corpus.save(Path(task.output))
    except OSError as error:
        if is_full(error):
            raise NoSpace("The disk is full: the tweets could not be stored.") from error
        raise
    return IngestResult(
        handle=corpus.handle,
        name=corpus.name,
        format=timeline.format,
        counts=vars(corpus.counts),
        characters=corpus.characters,
        languages=corpus.languages,
        notes=notes,
    )


def plain_name(name: str) -> str:
    """A name as a file holds it, fit to be shown: no controls, no half characters, no longer than X allows."""
    return wording.clean(name)[:LONGEST_NAME]


def _told(tweets: Iterable[Tweet], report: Report) -> Iterator[Tweet]:
    for count, tweet in enumerate(tweets, start=1):
        if count % REPORT_EVERY == 0:
            report("ingest", step=count)
        yield tweet


def _limited(tweets: Iterable[Tweet]) -> list[Tweet]:
    read: list[Tweet] = []
    for tweet in tweets:
        if len(read) == MOST_TWEETS:
            raise TooBig(f"This file holds more than {MOST_TWEETS:,} tweets: send a part of them.")
        read.append(tweet)
    return read


def of_one_author(tweets: list[Tweet], asked: str) -> tuple[str, list[Tweet]]:
    """Whose tweets these are, as the file spells the handle ("" where it names nobody), and that person's tweets.

    Retweets may carry the name of whoever was retweeted, so they do not count unless there is nothing else. Raises
    SeveralAuthors, also where one of them wrote nearly all: a stranger's tweets are not to be trained on unasked.
    """
    own = [tweet for tweet in tweets if not tweet.retweet] or tweets
    counts = Counter(tweet.author.casefold() for tweet in own if tweet.author)
    spelled = {tweet.author.casefold(): tweet.author for tweet in own if tweet.author}
    if len(counts) <= 1:
        author = next(iter(spelled.values()), "")
        return ("" if author.isdigit() else author), tweets
    wanted = asked.strip().removeprefix("@").casefold()
    if wanted in counts:
        return spelled[wanted], [tweet for tweet in tweets if tweet.author.casefold() == wanted]
    authors = {plain_name(spelled[author]): count for author, count in counts.most_common(20)}
    listed = ", ".join(f"@{author} ({count:,})" for author, count in list(authors.items())[:5])
    more = f" and {len(counts) - 5:,} more" if len(counts) > 5 else ""
    sentence = f"This file holds tweets of {len(counts):,} accounts, {listed}{more}: say whose to take."
    raise SeveralAuthors(sentence, authors=authors)


def _sift(tweets: list[Tweet], report: Report) -> Sieve:
    sieve = Sieve()
    for count, tweet in enumerate(tweets):
        if count % REPORT_EVERY == 0:
            report("clean", step=count, steps=len(tweets))
        sieve.take(tweet)
    report("clean", step=len(tweets), steps=len(tweets))
    return sieve


def _notes(sieve: Sieve) -> list[str]:
    """What was mended, and what was left out and why."""
    found = [
        (sieve.mended, "with damaged characters: mended"),
        (sieve.cut, "cut off by the source: left out"),
        (sieve.duplicates, "saying the same as another: left out"),
    ]
    return [f"{several(count, 'tweet')} {what}." for count, what in found if count]
