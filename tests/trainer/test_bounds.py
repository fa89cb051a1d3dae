from typing import Any

import pytest

from trainer import bounds
from trainer.errors import TrainerError
from trainer.protocol import GenerateTask


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("count", 0),
        ("count", 11),
        ("count", "3"),
        ("count", True),
        ("count", 2.0),
        ("temperature", 0.09),
        ("temperature", 2.1),
        ("temperature", float("nan")),
        ("temperature", None),
        ("top_p", 0.0),
        ("top_p", 1.01),
        ("top_k", -1),
        ("top_k", 1001),
        ("min_tokens", -1),
        ("max_tokens", 7),
        ("max_tokens", 1025),
        ("seed", -1),
        ("seed", 2**63),
        ("seed", "1"),
    ],
)
def test_a_value_out_of_bounds_is_named_in_a_sentence(name: str, value: Any) -> None:
    with pytest.raises(TrainerError, match=f"^{name} must be a (whole )?number from .* to .*; choose another.$"):
        bounds.check(GenerateTask("there", **{name: value}))


@pytest.mark.parametrize("values", [{}, {"count": 10, "temperature": 2, "top_k": 0, "seed": 0}, {"prompt": "é" * 280}])
def test_values_within_bounds_pass(values: dict[str, Any]) -> None:
    bounds.check(GenerateTask("there", **values))


def test_a_prompt_longer_than_a_tweet_is_refused_with_its_length() -> None:
    with pytest.raises(TrainerError, match="281 characters"):
        bounds.check(GenerateTask("there", "x" * 281))
    bounds.check(GenerateTask("there", "x" * 280 + "\n \n"))


@pytest.mark.parametrize("task", [GenerateTask("there", 3), GenerateTask(None)])  # type: ignore[arg-type]
def test_a_prompt_or_model_that_is_no_text_is_refused(task: GenerateTask) -> None:
    with pytest.raises(TrainerError, match="must be text"):
        bounds.check(task)
