from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from trainer import pictures


def meta(*samples: str, name: str = "The Keeper") -> dict[str, Any]:
    return {
        "persona": "keeper",
        "people": [{"handle": "keeper", "name": name}],
        "samples": list(samples),
        "history": {"train": [[1.0, 5.0], [2.0, 4.0]], "held_out": [[1, 4.8], [2, 4.2]]},
        "metrics": {"base_held_out_loss": 5.2, "held_out_loss": 4.2, "best_step": 2},
    }


def drawn(told: dict[str, Any], folder: Path) -> Image.Image:
    pictures.draw_predictions(told, folder / "predictions.png")
    return Image.open(folder / "predictions.png").convert("RGB")


def test_both_pictures_are_drawn(tmp_path: Path) -> None:
    pictures.draw(meta("send soup"), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"training.png", "predictions.png"}


def test_up_to_three_tweets_stand_below_each_other(tmp_path: Path) -> None:
    heights = [drawn(meta(*["send soup"] * count), tmp_path).height for count in (1, 2, 3, 4)]
    assert heights[0] < heights[1] < heights[2] == heights[3]


def test_a_long_tweet_is_wrapped_within_the_card(tmp_path: Path) -> None:
    picture = drawn(meta("W" * 140 + " " + "gull " * 28), tmp_path)
    margin = picture.crop((picture.width - 47, 0, picture.width, picture.height))
    assert margin.getcolors() == [(47 * picture.height, (242, 246, 249))]


def test_an_emoji_that_the_font_lacks_leaves_no_box(tmp_path: Path) -> None:
    with_goat = drawn(meta("send soup 🐐🐐"), tmp_path).tobytes()
    assert with_goat == drawn(meta("send soup"), tmp_path).tobytes()


def test_a_script_that_the_font_lacks_is_told_instead_of_boxes(tmp_path: Path) -> None:
    japanese = drawn(meta("今日は朝から港でかもめを数えていました"), tmp_path).tobytes()
    assert japanese == drawn(meta("夜は灯台の下で静かに本を読む"), tmp_path).tobytes()
    assert japanese != drawn(meta("send soup"), tmp_path).tobytes()


@pytest.mark.parametrize("name", ["", "🐐", "今日", "$x^2$ \\frac", "A" * 300, "<b>&amp;"])
def test_any_name_can_be_drawn(tmp_path: Path, name: str) -> None:
    pictures.draw(meta("send soup", name=name), tmp_path)


def test_matplotlib_keeps_no_figure_open(tmp_path: Path) -> None:
    pictures.draw_training(meta("send soup"), tmp_path / "training.png")
    from matplotlib import pyplot

    assert pyplot.get_fignums() == []
