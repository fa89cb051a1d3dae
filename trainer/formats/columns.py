"""Which column holds what, by its name where it is known and by its values where not."""

import re
from collections.abc import Callable
from statistics import fmean

from trainer.cleaning import UNSPACED
from trainer.formats import times
from trainer.formats.rows import BYTES, NOTHING, STATUS_LINK, TRUE, Roles, handle, is_retweet
from trainer.formats.timeline import Row

SAMPLE = 3_000
"""Rows from which the columns are told."""

TEXT = """fulltext tweettext tweet text tweetcontent rawcontent content embeddedtext texto textotweet message body post
    posttext status statustext contents caption title""".split()
LONG = "notetweet.text notetweet.notetweetresults.result.text extendedtweet.fulltext".split()
ID = "idstr tweetid tweetidstr statusid id".split()
TIME = """createdat timestamp datetime date time tweetcreatedat created createdtime postedat publishedat tweetdate
    data fecha datum dateutc timeparsed""".split()
LANGUAGE = "lang language tweetlang tweetlanguage idioma".split()
AUTHOR = """userscreenname screenname authorusername username user.username author.username handle userhandle
    twitterhandle postedby author user fromuser tweetauthor usernametweet account accountname""".split()
NAME = "displayname name username fullname authorname userdisplayname authordisplayname".split()
LINK = "tweeturl permalink permanenturl link url tweetlink twitterurl".split()
FLAG = "isretweet isretweeted isrt retweet".split()
KIND = "type tweettype posttype".split()

_OWNER = {"user", "author", "core", "account"}
_FOREIGN = re.compile(
    r"(?:^|\.)(?:quoted|retweeted|inreplyto|replyto|entities|extendedentities|place|card|usermentions)"
)
_RETWEET = re.compile(
    r"(?:^|\.)(?:retweeted(?:status|tweet|user|from)|retweet(?:id|status|user|date|timestamp|text)|userrt"
    r"|rtuser|referencedtweets\.retweeted)"
)
_WORDS_OF_FLAGS = NOTHING | TRUE
_HANDLE = re.compile(r"@?[\w.-]{1,50}(?:@[\w.-]+)?")
_NOT_TEXT = re.compile(r"\s*(?:<|\[|\{|https?:\S*\s*$)")
_WORD = re.compile(r"[^\W\d_]{2,}")
_UNSPACED = re.compile(f"[{UNSPACED}]")


def key(name: object) -> str:
    """A column's name as the lists above spell it."""
    return re.sub(r"[^\w.]|_", "", str(name).casefold().replace("/", "."))


def is_known(name: object) -> bool:
    """Whether files of tweets use this name for some column."""
    return key(name) in _KNOWN or bool(_RETWEET.search(key(name)))


_KNOWN = {*TEXT, *ID, *TIME, *LANGUAGE, *AUTHOR, *NAME, *LINK, *FLAG, *KIND} | {
    *"favoritecount retweetcount likes retweets replies hashtags mentions urls source location userid".split(),
    *"index referencedtweets".split(),
}


def running(value: object) -> bool:
    """Whether a value looks like something that a person says."""
    text = str(value)
    if _NOT_TEXT.match(text) or times.parse(text):
        return False
    return len(_WORD.findall(text)) >= 3 or len(_UNSPACED.findall(text)) >= 4


def eloquence(values: list[object]) -> float:
    """How much a column looks like tweets: share of running text × share of distinct values × mean length."""
    said = [str(value) for value in values if value not in (None, "")]
    if not said:
        return 0.0
    share = sum(map(running, said)) / len(said)
    return share * len(set(said)) / len(said) * min(300.0, fmean(map(len, said))) * len(said) / len(values)


def tell(rows: list[Row]) -> Roles | None:
    """The roles of the columns in a sample of rows; None where none holds text."""
    columns = {name: [row.get(name) for row in rows] for name in {name: None for row in rows for name in row}}
    own = [name for name in columns if not _FOREIGN.search(key(name))]
    top = [name for name in own if not _OWNER & set(key(name).split(".")[:-1])]
    if not (texts := _texts(columns, top)):
        return None
    values = [str(value) for value in columns[texts[0]] if value]
    roles = Roles(
        texts,
        id=_named(top, ID) or _by_values(columns, _is_id, texts),
        time=_time(columns, top, texts),
        language=_named(top, LANGUAGE),
        flag=next((name for name in _all_named(top, FLAG) if _is_flag(columns[name])), ""),
        kind=_named(top, KIND),
        retweet=[name for name in columns if _RETWEET.search(key(name))],
        cut=next((name for name in top if key(name) == "truncated"), ""),
        bytes_literals=sum(bool(BYTES.fullmatch(value)) for value in values) * 2 > len(values),
    )
    retweets = [is_retweet(row, roles) for row in rows]
    roles.author, roles.link = _author(columns, own, retweets)
    roles.name = next((name for name in _all_named(own, NAME) if name != roles.author), "") if roles.author else ""
    return roles


def _texts(columns: dict[str, list[object]], top: list[str]) -> list[str]:
    score = {name: eloquence(columns[name]) for name in top}
    known = _all_named(top, TEXT)
    best = max(known, key=lambda name: score[name], default="")
    if not best or (score[best] == 0 and not _filled(columns[best])):
        best = max(score, key=lambda name: score[name], default="")
        if not best or score[best] < 5:
            return []
        return [best]
    if score[best] == 0 and max(score.values()) >= 5:
        return [max(score, key=lambda name: score[name])]
    long = [name for name in columns if any(key(name).endswith(ending) for ending in LONG)]
    return [*long, best, *(name for name in known if name != best and score[name] * 4 > score[best])]


def _filled(values: list[object]) -> bool:
    return any(isinstance(value, str) and value.strip() for value in values)


def _all_named(names: list[str], wanted: list[str]) -> list[str]:
    """Columns of these names, in the order wanted; an exact name before a nested one, the shallow before the deep."""
    found = []
    for name in names:
        path = key(name)
        for rank, want in enumerate(wanted):
            if path == want or path.endswith("." + want):
                found.append((path.count(".") - want.count("."), rank, name))
                break
    return [name for _, _, name in sorted(found, key=lambda each: each[:2])]


def _named(names: list[str], wanted: list[str]) -> str:
    return next(iter(_all_named(names, wanted)), "")


def _by_values(columns: dict[str, list[object]], holds: Callable[[str], bool], besides: list[str]) -> str:
    """The first column nearly all of whose values are of a kind."""
    for name, values in columns.items():
        given = [str(value) for value in values if value not in (None, "")]
        if name not in besides and given and sum(map(holds, given)) >= 0.9 * len(given) >= 0.5 * len(values):
            return name
    return ""


def _is_id(value: str) -> bool:
    number = value.strip().lstrip("'")
    return number.isdigit() and 15 <= len(number) <= 20


def _is_time(value: str) -> bool:
    return not value.isdigit() and len(value) < 45 and bool(times.parse(value))


def _time(columns: dict[str, list[object]], top: list[str], texts: list[str]) -> str:
    for name in _all_named(top, TIME):
        given = [value for value in columns[name] if value not in (None, "")]
        if sum(bool(times.parse(value)) for value in given) * 2 > len(given):
            return name
    return _by_values({name: columns[name] for name in top}, _is_time, texts)


def _is_flag(values: list[object]) -> bool:
    """Not a count of retweets under a flag's name."""
    return all(str(value).strip().casefold() in _WORDS_OF_FLAGS for value in values if value is not None)


def _author(columns: dict[str, list[object]], own: list[str], retweets: list[bool]) -> tuple[str, bool]:
    """The column that says who wrote a tweet, and whether it does so by the tweet's address."""
    for looks in (_HANDLE.fullmatch, str.strip):  # a display name under a handle's name is better than nothing
        for name in _all_named(own, AUTHOR):
            given = [handle(value) for value in columns[name] if value not in (None, "")]
            if given and sum(bool(looks(value)) and not value.isdigit() for value in given) >= 0.9 * len(given):
                return name, False
    for name in _all_named(own, LINK):
        links = [value for value, retweet in zip(columns[name], retweets, strict=True) if not retweet]
        if links and sum(bool(STATUS_LINK.search(str(value))) for value in links) >= 0.95 * len(links):
            return name, True
    for name in _all_named(own, [*NAME, "authorid", "userid", "user.id", "user.idstr"]):
        values = [value for value, retweet in zip(columns[name], retweets, strict=True) if not retweet]
        if values and all(value not in (None, "") for value in values) and len(set(map(str, values))) <= 10:
            return name, False
    return "", False
