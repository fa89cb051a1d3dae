"""One tweet's text: mended, stripped of addresses, and judged. Pure functions of the text alone."""

import html
import re
import unicodedata

import ftfy
from ftfy import badness

UNSPACED = (
    r"\u0e01-\u0e5b\u0e80-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Tibetan, Burmese, Khmer
    r"\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9d\U00020000-\U0003ffff"
)
"""Character class of the scripts written without spaces between words."""

SHORT_WORDS = 3
"""Fewer words than this is a short tweet: huggingtweets' rule."""
SHORT_CHARACTERS = 6
"""Fewer characters of an unspaced script is short: three words of about two characters each."""

_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_INVISIBLE = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u200b\u202a-\u202e\u2066-\u2069\ufeff]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_ADDRESS_CHARACTER = rf"[^\s<>\"“”«»()\[\]{{}}…（）［］【】「」『』、。！？，{UNSPACED}]"
_ADDRESS = re.compile(
    rf"""\ ?
    (?P<open>[(\[{{（［【「『<"“«]\ ?)?
    (?:https?:(?://)?(?:\ (?=[\w-]+\.))?(?:www\.\ )?   # some scrapers put a space after "http://" and after "www."
      |(?<!\w)www\.(?=\w)|pic\.(?:twitter|x)\.com/|(?<!\w)t\.co/)
    (?P<rest>(?:{_ADDRESS_CHARACTER}|\({_ADDRESS_CHARACTER}*\))*+)
    (?:\ ?…(?=\ ?$)|…)?                                # the mark of an address too long to show
    (?(open)\ ?[)\]}}）］】」』>"”»]?)
    """,
    re.IGNORECASE | re.VERBOSE,
)
_HOLDS_ADDRESS = re.compile(r"https?:|www\.|pic\.\w+\.com/|t\.co/", re.IGNORECASE)
_CUT_ADDRESS = re.compile(r" ?\bhttps?:?/{0,2}…$| ht?t?…$", re.IGNORECASE)
_LAST_POINT = re.compile(r"[.,;:!?]+$")
_TAGGED = re.compile(r"http|[@#＠＃]", re.IGNORECASE)
_TAG = re.compile(r"[@#＠＃]\w+")
_UNSPACED_CHARACTER = re.compile(f"[{UNSPACED}]")
_CUT_MARK = re.compile(r"\S…(?P<link>\s{0,4}https?://t\.co/\w+)?\s{0,9}$", re.IGNORECASE)
_LEADING_MENTIONS = re.compile(r"^(?:@\w+\s+)+")


def unescape(text: str) -> str:
    """Decode every entity, once: "&amp;lt;" is somebody's "&lt;"."""
    return _ENTITY.sub(lambda entity: html.unescape(entity.group()), text) if "&" in text else text


def mend(text: str) -> str:
    """Undo mojibake and halves of surrogate pairs. Quotes, widths and all that an author may have meant stay."""
    if text.isascii():
        return text
    if _SURROGATE.search(text):
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return ftfy.fix_encoding(text) if badness.is_bad(text) else text


def clean(text: str) -> str:
    """The text to train on, from mended text: no addresses, no invisible codes, one space between words."""
    text = " ".join(_INVISIBLE.sub("", text).split())
    if text.endswith("…"):
        text = _CUT_ADDRESS.sub("", text)
    if _HOLDS_ADDRESS.search(text):
        text = " ".join(_ADDRESS.sub(_instead, text).split())
    return text


def _instead(address: re.Match[str]) -> str:
    """What stays in an address' place: a space, or the end of the sentence where the words before have none yet."""
    before = address.string[address.start() - 1 : address.start()]
    after = address.string[address.end() : address.end() + 1]
    end = _LAST_POINT.search(address["rest"])
    if end and after in ("", " ") and (before.isalnum() or end.group() in ("!", "?")):
        return end.group()
    return "" if after in tuple(")]}）］】」』") else " "


def is_short(text: str) -> bool:
    """Too short to learn from: words are counted as huggingtweets did, without mentions, hashtags and addresses."""
    if sum(not _TAGGED.search(word) for word in text.split()) >= SHORT_WORDS:
        return False
    return len(_UNSPACED_CHARACTER.findall(_TAG.sub("", text))) < SHORT_CHARACTERS


def is_cut(text: str, truncated: bool = False) -> bool:
    """Whether the source cut the (mended) text off, and not its author.

    A cut leaves U+2026 right after the last character, mostly with a t.co link behind it, and makes the tweet as long
    as the limit allows: 140 characters (116 and up where an address no longer fitted) or 280, X counting characters of
    unspaced scripts twice. Authors write "…" too, after a space or in shorter tweets. ``truncated`` is the source's
    own word for it.
    """
    if (mark := _CUT_MARK.search(text)) is None:
        return False
    if truncated:
        return True
    said = _LEADING_MENTIONS.sub("", text)
    length, weight = len(text), len(said) + len(_UNSPACED_CHARACTER.findall(said))
    if mark["link"]:
        return (weight >= 110 and length <= 145) or 255 <= weight <= 320
    return 139 <= length <= 141 or 277 <= weight <= 281


def whole_before_cut(text: str) -> str:
    """What can be kept of a cleaned text that was cut off: all before the mark where a sentence or a pointer
    ("Watch live:", an arrow, an emoji) ends there, as then an address was cut; "" where it breaks off in a sentence.
    """
    said = text.rstrip(" …")
    return "" if said[-1:].isalnum() or said[-1:] in tuple(",;-–—_'’(&/") else said


def same(text: str) -> str:
    """Equal for two cleaned texts that say the same."""
    return unicodedata.normalize("NFC", text).casefold()


_SCRIPTS = {
    "ja": r"\u3041-\u30ff\uff66-\uff9d",
    "ko": r"\u1100-\u11ff\u3130-\u318f\uac00-\ud7af",
    "zh": r"\u3400-\u4dbf\u4e00-\u9fff",
    "th": r"\u0e01-\u0e5b",
    "lo": r"\u0e80-\u0eff",
    "my": r"\u1000-\u109f",
    "km": r"\u1780-\u17ff",
    "ru": r"\u0400-\u04ff",
    "el": r"\u0370-\u03ff",
    "ar": r"\u0600-\u06ff",
    "he": r"\u0590-\u05ff",
    "hi": r"\u0900-\u097f",
    "bn": r"\u0980-\u09ff",
    "ta": r"\u0b80-\u0bff",
    "te": r"\u0c00-\u0c7f",
    "ka": r"\u10a0-\u10ff",
    "hy": r"\u0530-\u058f",
}
_SCRIPT = {language: re.compile(f"[{letters}]") for language, letters in _SCRIPTS.items()}


def language_by_script(text: str) -> str:
    """A language code where the script suggests one: its commonest language; "" for Latin, which tells nothing.

    A fifth of the letters must be of the script. Japanese comes first, as it mixes kana with Chinese characters.
    """
    if text.isascii():
        return ""
    letters = sum(character.isalpha() for character in text)
    return next((code for code, script in _SCRIPT.items() if len(script.findall(text)) * 5 > letters), "")
