import pytest

from trainer import meta
from trainer.checkpoint import State
from trainer.corpus import HeldOut, batches, epoch
from trainer.mixture import Fit
from trainer.runs import Data


def test_an_epoch_counts_as_one_however_often_thin_people_come_in_it() -> None:
    people = [[[5] * 20] * 200, [[6] * 20] * 10]
    data = Data(people, [HeldOut(batches(rows, 512), 1000) for rows in people], [])
    state = State(tokens=sum(batch.tokens for batch in epoch(people, 512, seed=1, number=0)))
    assert meta.metrics(state, data, 1.0, Fit(None, 0.0, 1.0, 1.0), 0.0, 1.0)["epochs"] == pytest.approx(1.0)
