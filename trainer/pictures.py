"""The two pictures of a persona: training.png, its loss curves, and predictions.png, tweets it wrote.

Text is set in DejaVu Sans, which comes with matplotlib. It has the Latin, Greek, Cyrillic, Hebrew, Arabic and some more
scripts, but neither Chinese, Japanese nor Korean, and few emoji. Signs it lacks are left out; a tweet that would lose
more than a few is not shown, and where all would, the picture says so.
"""

import zlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font
from PIL import Image, ImageDraw, ImageFont

from trainer.card import plain, title

Meta = dict[str, Any]

FONTS = Path(mpl.get_data_path()) / "fonts" / "ttf"
REGULAR, BOLD = FONTS / "DejaVuSans.ttf", FONTS / "DejaVuSans-Bold.ttf"
INK, QUIET, LINE, PAPER, GROUND = "#0f1419", "#5b6b78", "#d9e1e8", "#ffffff", "#f2f6f9"
COLOURS = ["#3b6fb5", "#b5533b", "#3b8f6b", "#7a4fa3", "#a3824f", "#4f8fa3"]
SMOOTHING = 2
"""The cards are drawn this much larger, because Pillow draws circles with rough edges."""
WIDTH, MARGIN, PADDING, AVATAR = 2400, 96, 80, 192
NAME_SIZE, HANDLE_SIZE, TEXT_SIZE, FOOT_SIZE, LINE_HEIGHT = 68, 52, 76, 48, 108
ABSENT = 0.1
"""Share of a tweet's letters that may be missing."""


def draw(meta: Meta, directory: Path) -> None:
    """Write both pictures."""
    draw_training(meta, directory / "training.png")
    draw_predictions(meta, directory / "predictions.png")


def draw_training(meta: Meta, path: Path) -> None:
    """Losses in nats a token by step, with what the base had before as a dashed line."""
    history, metrics = meta["history"], meta["metrics"]
    figure = Figure(figsize=(8, 4.5), dpi=120, layout="constrained")  # no pyplot: no display, no global state
    axes = figure.subplots()
    axes.plot(*_columns(history["train"]), color=COLOURS[0], alpha=0.55, linewidth=1.5, label="trained on")
    axes.plot(*_columns(history["held_out"]), color=COLOURS[1], marker="o", linewidth=2, label="held out")
    axes.axhline(metrics["base_held_out_loss"], color=QUIET, linestyle="--", linewidth=1, label="held out, before")
    best = metrics["best_step"], metrics["held_out_loss"]
    axes.annotate(f"{best[1]:.2f}", best, (0, -16), textcoords="offset points", ha="center", color=COLOURS[1])
    axes.set(xlabel="step", ylabel="loss (nats a token)", xlim=(0, None))
    axes.set_title(_drawable(title(meta)).replace("$", r"\$"), loc="left", fontweight="bold")
    axes.margins(y=0.12)
    axes.grid(color=LINE, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    figure.savefig(path)


def draw_predictions(meta: Meta, path: Path) -> None:
    """One card a tweet, for up to three of the persona's samples."""
    tweets = [_drawable(text) for text in meta["samples"] if _is_drawable(text)][:3]
    tweets = tweets or ["It writes in a script that this picture has no letters for. Its card shows its tweets."]
    cards = [_card(meta, text, place) for place, text in enumerate(tweets)]
    height = sum(card.height for card in cards) + MARGIN * (len(cards) + 1)
    picture = Image.new("RGB", (WIDTH, height), GROUND)
    top = MARGIN
    for card in cards:
        picture.paste(card, (MARGIN, top))
        top += card.height + MARGIN
    picture.reduce(SMOOTHING).save(path, optimize=True)


def _card(meta: Meta, text: str, place: int) -> Image.Image:
    width = WIDTH - 2 * MARGIN
    lines = _wrap(text, width - 2 * PADDING)
    height = 2 * PADDING + AVATAR + 48 + LINE_HEIGHT * len(lines) + 112
    picture = Image.new("RGB", (width, height), GROUND)
    pen = ImageDraw.Draw(picture)
    pen.rounded_rectangle((0, 0, width - 1, height - 1), radius=56, fill=PAPER, outline=LINE, width=4)
    _head(pen, meta, width)
    for number, line in enumerate(lines):
        pen.text((PADDING, PADDING + AVATAR + 48 + LINE_HEIGHT * number), line, INK, _font(REGULAR, TEXT_SIZE))
    pen.text((PADDING, height - PADDING - 48), "AI-generated · not said by a person", QUIET, _font(REGULAR, FOOT_SIZE))
    return picture


def _head(pen: ImageDraw.ImageDraw, meta: Meta, width: int) -> None:
    """Avatar with initials, name, handles, and the mark of a machine."""
    name = _drawable(title(meta)) or meta["persona"]
    handles = _drawable(" ".join("@" + plain(person["handle"]) for person in meta["people"]))
    colour = COLOURS[zlib.crc32(meta["persona"].encode()) % len(COLOURS)]
    pen.ellipse((PADDING, PADDING, PADDING + AVATAR, PADDING + AVATAR), fill=colour)
    middle = (PADDING + AVATAR / 2, PADDING + AVATAR / 2)
    pen.text(middle, _initials(name), PAPER, _font(BOLD, TEXT_SIZE), anchor="mm")
    left, room = PADDING + AVATAR + 48, width - 3 * PADDING - AVATAR - 240
    pen.text((left, PADDING + 24), _shortened(name, BOLD, NAME_SIZE, room), INK, _font(BOLD, NAME_SIZE))
    pen.text((left, PADDING + 116), _shortened(handles, REGULAR, HANDLE_SIZE, room), QUIET, _font(REGULAR, HANDLE_SIZE))
    box = (width - PADDING - 168, PADDING + 24, width - PADDING, PADDING + 112)
    pen.rounded_rectangle(box, radius=44, fill=GROUND, outline=LINE, width=4)
    pen.text(((box[0] + box[2]) / 2, (box[1] + box[3]) / 2), "AI", QUIET, _font(BOLD, FOOT_SIZE), anchor="mm")


def _initials(name: str) -> str:
    words = [word for word in name.replace("&", " ").split() if word[0].isalnum()]
    return "".join(word[0] for word in words[:2]).upper() or "?"


def _wrap(text: str, room: int) -> list[str]:
    """Lines at most ``room`` pixels wide; a word wider than that is broken."""
    lines = [""]
    for word in _breakable(text, room):
        longer = f"{lines[-1]} {word}".lstrip()
        if _width(longer, REGULAR, TEXT_SIZE) <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _breakable(text: str, room: int) -> Iterator[str]:
    for word in text.split():
        start = 0
        if _width(word, REGULAR, TEXT_SIZE) > room:  # measuring takes a millisecond
            for end in range(1, len(word) + 1):
                if _width(word[start:end], REGULAR, TEXT_SIZE) > room:
                    yield word[start : end - 1]
                    start = end - 1
        yield word[start:]


def _shortened(text: str, face: Path, size: int, room: int) -> str:
    if _width(text, face, size) <= room:
        return text
    return next(text[:end] + "…" for end in range(len(text), -1, -1) if _width(text[:end] + "…", face, size) <= room)


def _width(text: str, face: Path, size: int) -> float:
    return _font(face, size).getlength(text)


@cache
def _font(face: Path, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(face, size)


@cache
def _glyphs() -> frozenset[int]:
    """Code points that both faces have."""
    return frozenset(FT2Font(REGULAR).get_charmap()) & frozenset(FT2Font(BOLD).get_charmap())


def _drawable(text: str) -> str:
    """The text without the signs that the font lacks."""
    return " ".join("".join(each for each in text if each.isspace() or ord(each) in _glyphs()).split())


def _is_drawable(text: str) -> bool:
    letters = [each for each in text if each.isalnum()]
    absent = sum(ord(each) not in _glyphs() for each in letters)
    return bool(letters) and absent <= ABSENT * len(letters)


def _columns(points: list[list[float]]) -> tuple[list[float], list[float]]:
    return [step for step, _ in points], [loss for _, loss in points]
