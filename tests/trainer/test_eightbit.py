import numpy as np
import pytest

from trainer.eightbit import eight_bits


@pytest.mark.parametrize(("bits", "largest"), [(8, 127), (7, 63)])
def test_weights_are_rounded_to_the_nearest_number_and_each_output_uses_all_of_them(bits: int, largest: int) -> None:
    matrix = np.random.default_rng(1).standard_normal((100, 16)) * np.logspace(-3, 3, 16)
    numbers, scales = eight_bits(matrix, bits)
    assert (np.abs(numbers).max(0) == largest).all()
    assert (np.abs(numbers * scales - matrix) <= 0.501 * scales).all()


def test_an_output_of_nothing_but_zeros_stays_so() -> None:
    numbers, scales = eight_bits(np.zeros((8, 2), np.float16), 8)
    assert (numbers * scales == 0).all()
