"""Points in time in every spelling met."""

import pytest

from trainer.formats import times


@pytest.mark.parametrize(
    "spelled",
    [
        "Wed Nov 16 21:52:28 +0000 2022",
        "2022-11-16T21:52:28.000Z",
        "2022-11-16 21:52:28",
        "2022-11-16 21:52:28 +0000",
        "2022-11-16 21:52:28 UTC",
        "2022-11-16 22:52:28+01:00",
        "Wed Nov 16 16:52:28 -0500 2022",
        "1668635548",
        1668635548000,
        "11/16/2022 21:52:28",
        "16/11/2022 21:52:28",
        "16.11.2022 21:52:28",
        "Nov 16, 2022 · 9:52:28 PM UTC",
    ],
)
def test_every_spelling_is_the_same_moment(spelled: object) -> None:
    assert times.parse(spelled) == "2022-11-16T21:52:28+00:00"


def test_a_day_alone_is_its_midnight() -> None:
    assert times.parse("2022-11-16") == times.parse("Nov 16, 2022") == "2022-11-16T00:00:00+00:00"


@pytest.mark.parametrize("value", ["", None, "soon", "12", "1400000000000000000", "2022-13-45", "99/99/2022", "x" * 99])
def test_other_values_are_no_time(value: object) -> None:
    assert times.parse(value) == ""


def test_an_id_tells_when_it_was_given_out() -> None:
    assert times.of_id("1212092628029698048") == "2019-12-31T19:26:16+00:00"
    assert times.of_id("12345") == times.of_id("8.92E+17") == ""
