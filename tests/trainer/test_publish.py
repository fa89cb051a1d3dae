from pathlib import Path

import pytest
import torch

from trainer import base, publish
from trainer.mixture import Fit


@pytest.mark.parametrize(("weight", "published"), [(0.1, 0.0999755859375), (70_000.0, 70_000.0)])
def test_weights_are_rounded_unless_half_precision_cannot_hold_them(
    tiny_base: Path, weight: float, published: float
) -> None:
    model = base.load(str(tiny_base), "cpu")
    norm = model.model.get_parameter("transformer.ln_f.weight")
    with torch.no_grad():
        norm.fill_(weight)

    def measure() -> Fit:
        return Fit(None, 0.0, norm.max().item(), 0.0)

    assert publish.round_weights(model, weight, measure).loss == published
    assert norm.unique().tolist() == [published]
