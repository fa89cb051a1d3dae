"""Public text made fit for a base model: short, plain, decent, and about nobody in particular.

A corpus file holds one text a line (``.txt`` or ``.txt.zst``). What comes out reads like a tweet: one paragraph of
at most 280 characters, no address, no user name, no slur, none of a forum's own jargon.
"""

import codecs
import io
import random
import re
from collections.abc import Iterator
from pathlib import Path

SHARES = {"titles": 0.40, "selftext": 0.38, "dialogue": 0.22}
"""Share of characters drawn from each corpus: the closer to a tweet's register, the more."""

LONGEST, SHORTEST = 280, 20

ADDRESS = re.compile(r"\(?\b(?:https?:/|www\.)\S+|\b\S+\.(?:com|org|net|co\.uk|be|ly|gl|gov|edu)\b\S*", re.I)
PRIVATE = re.compile(
    r"\S@\S+\.\w|(?:\W|^)/?u/\w|\b[A-Za-z]+\d{2,}[A-Za-z0-9]*\b|\w_\w"  # mail, forum users, names like Bob1987 or a_b
    r"|\+?\d[\d ().-]{7,}\d"  # telephone numbers
)
HANDLE = re.compile(r"(?<!\w)@\w+")
JARGON = re.compile(
    r"(?:\W|^)/?r/\w|\b(?:sub)?reddit\w*|\bx-?post\w*|\bupvot\w*|\bdownvot\w*|\bkarma\b|\bthrowaway\b|\bAMA\b|\bIAmA\b"
    r"|\bELI5\b|\bTIL\b|\bNSFW\b|\bOP\b|\btl;?dr\b|\bmods?\b|^EDIT|\bpic(?:s|ture)? in comments|[\[\]{}<>|=\\#~^]|\*",
    re.I,
)
# Stems of slurs and explicit words, in rot13 so that reading or searching this file shows none of them.
STEMS = codecs.decode(
    "avttre|avttn|snttbg|snt|snttl|xvxr|puvax|fcvp|jrgonpx|genaal|qlxr|ergneq|phag|juber|fyhg|pbpx|qvpx|chffl|cbea|"
    "ungr penvzr|encr|encvfg|encvat|zbyrfg|crqb|pvhz|phz|wvmm|oybjwbo|unaqwbo|znfgheongr|znfgheong|betnfz|ravf|intvan|"
    "obbof|gvgf|avccyr|urn gvgg|fuvg|shpx|ovgpu|onfgneq|nany|nahf|qvyqb|frk|ahqr|anxrq|ubeal|fhvpvqr|xvyy lbhefrys|"
    "anmv|uvgyre|ubybpnhfg|tbbx|wnc|pbba|enturnq|gbjryurnq|furznyr|unyvg|jnax|gjng|pyvg|crrf|nff|nffubyr|qnza lbh",
    "rot13",
)
INDECENT = re.compile(rf"\b(?:{STEMS})(?:s|es|ed|er|ers|ing|in|y|t|ty|ted|head|heads|hole|holes|face)?\b", re.I)


def texts(path: Path) -> Iterator[str]:
    """Every fit text of a corpus file, in its order."""
    for line in _lines(path):
        for piece in _pieces(_plain(line)):
            if fit(piece):
                yield piece


def fit(text: str) -> bool:
    """Whether the text is one a base model may learn from: mostly plain words, and nothing private or indecent."""
    words = text.split()
    plain = sum(word[0].islower() for word in words)
    return (
        SHORTEST <= len(text) <= LONGEST
        and text.isprintable()
        and plain * 2 >= len(words) >= 4
        and not (PRIVATE.search(text) or JARGON.search(text) or INDECENT.search(text))
    )


def mix(folder: Path, characters: int, seed: int) -> list[str]:
    """About ``characters`` characters of distinct texts by ``SHARES``, shuffled.

    A corpus too small for its share is used whole.
    """
    chosen: list[str] = []
    for name, share in SHARES.items():
        found = sorted(set(texts(_find(folder, name))))
        random.Random(seed).shuffle(found)
        chosen += _until(found, int(characters * share))
    random.Random(seed + 1).shuffle(chosen)
    return chosen


def _until(found: list[str], characters: int) -> list[str]:
    total = 0
    for count, text in enumerate(found):
        total += len(text)
        if total > characters:
            return found[:count]
    return found


def _plain(line: str) -> str:
    text = HANDLE.sub("@user", ADDRESS.sub("", line))
    return " ".join(text.replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">").split())


def _pieces(text: str) -> Iterator[str]:
    """The text itself when it is short, otherwise its sentences gathered into pieces that are."""
    piece = ""
    for sentence in re.split(r"(?<=[.!?]) ", text):
        if piece and len(piece) + len(sentence) + 1 > LONGEST * 3 // 4:
            yield piece
            piece = ""
        piece = f"{piece} {sentence}".strip()
    yield piece


def _find(folder: Path, name: str) -> Path:
    for path in (folder / f"{name}.txt", folder / f"{name}.txt.zst"):
        if path.exists():
            return path
    raise FileNotFoundError(f"{folder} holds neither {name}.txt nor {name}.txt.zst")


def _lines(path: Path) -> Iterator[str]:
    if path.suffix != ".zst":
        with path.open(encoding="utf-8") as plain:
            yield from plain
        return
    import zstandard  # only whoever makes the base again needs it

    with path.open("rb") as packed, zstandard.ZstdDecompressor().stream_reader(packed) as stream:
        yield from io.TextIOWrapper(stream, encoding="utf-8")
