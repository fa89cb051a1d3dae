"""How an answer to a question begins: with what it is about, so that it reads as an opinion and not as an echo."""

import re

QUESTION = re.compile(
    r"\?\s*$|^(?:what|who|whom|whose|which|where|when|why|how|do|does|did|is|are|was|were|will|would|can|could|should|"
    r"have|has|tell|any)\b",
    re.IGNORECASE,
)
ABOUT = re.compile(r"\b(?:about|of|on)\s+(.{2,60}?)[?!.\s]*$", re.IGNORECASE)

EMPTY = frozenset(
    "a an the this that these those it its i you he she we they me him her us them my your his our their mine yours "
    "and or but so then there here now today please really ever just do does did doing is are was were be been being "
    "will would can could should have has had think thinks like likes love feel say know want what who whom whose "
    "which where when why how about to in at by for from with as if not no yes".split()
)
"""English words that are about nothing by themselves."""

SHORTEST = 4
"""Letters of a word that may be a subject, where nothing else tells."""


def opening(words: str) -> str:
    """ "what do you think about mondays" -> "mondays"; words that are no question stay as they are.

    A question without a subject ("why?") gives nothing: the answer is a fresh tweet.
    """
    if not QUESTION.search(words):
        return words
    if (about := ABOUT.search(words)) and (subject := _subject(about[1].split())):
        return subject
    rest = [word for word in re.findall(r"[^\W_][\w'’-]*", words) if word.lower() not in EMPTY]
    return next((word for word in reversed(rest) if len(word) >= SHORTEST), "")


def _subject(words: list[str]) -> str:
    """Without the empty words at its end: "mondays to you" is about mondays."""
    while words and words[-1].lower() in EMPTY:
        words.pop()
    return "" if all(word.lower() in EMPTY for word in words) else " ".join(words)
