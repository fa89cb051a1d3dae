import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.quality import PAIRS, describe, distinct_pairs, gap, lengths

sizes = st.lists(st.integers(1, 280), min_size=1, max_size=60)


def of(sizes: list[int]) -> list[str]:
    return ["x" * size for size in sizes]


def test_variety_is_the_share_of_distinct_pairs_within_texts() -> None:
    assert distinct_pairs(["the gull hums", "the gull naps"]) == 3 / 4
    assert distinct_pairs(["gull", "goat"]) == 0.0


def test_variety_is_measured_on_equally_many_pairs() -> None:
    words = [f"gull{number % 50} goat{number}" for number in range(PAIRS)]
    assert distinct_pairs(words) == distinct_pairs(words * 3) == 1.0


def test_the_tenths_of_lengths_go_from_the_shortest_to_the_longest() -> None:
    assert lengths(of(list(range(10, 111, 10)))) == [float(each) for each in range(10, 111, 10)]


@given(sizes)
def test_texts_are_as_long_as_themselves(sizes: list[int]) -> None:
    assert gap(of(sizes), lengths(of(sizes))) == pytest.approx(0.0, abs=1e-9)


@given(sizes)
def test_texts_that_are_all_longer_or_all_shorter_are_as_far_apart_as_can_be(sizes: list[int]) -> None:
    real = lengths(of([size + 300 for size in sizes]))
    assert gap(of(sizes), real) == gap(of([size + 600 for size in sizes]), real) == 1.0


def test_texts_of_which_half_are_too_short_are_half_apart() -> None:
    real = lengths(of(list(range(100, 201))))
    assert gap(of([*range(100, 201), *[10] * 101]), real) == pytest.approx(0.5, abs=0.02)


def test_a_description_depends_on_the_seed_alone_and_not_on_the_texts_order() -> None:
    texts = [f"gull {number % 7} naps on goat {number % 11}" for number in range(400)]
    assert describe(texts, 1) == describe(texts, 1)
    assert describe(texts, 1)["lengths"] == describe(texts[::-1], 2)["lengths"]
