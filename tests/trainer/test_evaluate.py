import math

import pytest

from trainer.corpus import HeldOut, batches
from trainer.evaluate import unigram_loss

END = 0


def test_frequencies_foretell_tokens_as_often_as_they_stood_in_the_training() -> None:
    train = [[END, 1, 1, 2, END]]  # of 4 counted tokens two are 1, one is 2, one is the end
    held_out = HeldOut(batches([[END, 1, 3, END]], 64), characters=6)
    chances = [(2 + 1) / 8, 1 / 8, (1 + 1) / 8]  # 4 seen, 3 kinds and one for all others
    assert unigram_loss(train, held_out) == pytest.approx(-sum(map(math.log, chances)) / 6)
