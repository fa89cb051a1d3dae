import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer import recipe
from trainer.errors import Failed

STARTER = 2_600_000


def test_the_rates_at_the_measured_sizes_are_the_measured_rates() -> None:
    assert recipe.choose(75_000, STARTER, "full", {}).learning_rate == pytest.approx(4e-3)
    assert recipe.choose(15_000, STARTER, "full", {}).learning_rate == pytest.approx(2e-3, rel=0.02)
    assert recipe.choose(15_000, STARTER, "lora", {}).learning_rate == pytest.approx(5e-3, rel=0.02)
    assert recipe.choose(75_000, 124_000_000, "full", {}).learning_rate == pytest.approx(1.372e-4, rel=0.02)
    assert recipe.choose(75_000, 124_000_000, "lora", {}).learning_rate == pytest.approx(7e-4, rel=0.05)


@pytest.mark.parametrize(
    ("parameters", "method", "averaged"),
    [(STARTER, "full", True), (STARTER, "lora", False), (124_000_000, "full", False)],
)
def test_only_all_weights_of_a_small_base_are_pulled_back_and_averaged(
    parameters: int, method: str, averaged: bool
) -> None:
    chosen = recipe.choose(75_000, parameters, method, {})
    assert bool(chosen.averaged) == bool(chosen.pull) == (chosen.outer_factor > 1) == averaged


def test_a_language_new_to_the_base_is_learnt_longer_and_without_the_pull() -> None:
    known, foreign = (recipe.choose(20_000, STARTER, "full", {}, foreign=each) for each in (False, True))
    assert (known.epochs, foreign.epochs) == (2.5, 6)
    assert known.pull > foreign.pull == 0
    assert known.averaged == foreign.averaged == 1


@pytest.mark.parametrize(("method", "expected"), [("full", [2.5, 1.5, 0.45]), ("lora", [6.0, 2.25, 0.45])])
def test_much_text_gets_fewer_epochs_and_little_text_more(method: str, expected: list[float]) -> None:
    sizes = (10_000, 80_000, 600_000)
    assert [recipe.choose(tokens, STARTER, method, {}).epochs for tokens in sizes] == expected


def test_little_text_gets_small_batches_so_that_there_are_enough_steps() -> None:
    sizes = (4_000, 30_000, 500_000)
    assert [recipe.choose(tokens, STARTER, "full", {}).batch_tokens for tokens in sizes] == [256, 400, 512]
    assert [recipe.choose(tokens, STARTER, "lora", {}).batch_tokens for tokens in sizes] == [256, 400, 1024]


@given(st.integers(1, 10**9), st.integers(1, 10**12), st.sampled_from(["full", "lora"]))
def test_every_size_gets_a_usable_recipe(tokens: int, parameters: int, method: str) -> None:
    chosen = recipe.choose(tokens, parameters, method, {})
    assert 0 < chosen.learning_rate < 0.1
    assert 0 < chosen.epochs <= recipe.MOST_EPOCHS
    assert 1 <= chosen.slice_tokens <= recipe.LARGEST_BATCH


def test_settings_have_the_last_word_and_keep_their_kind() -> None:
    chosen = recipe.choose(75_000, STARTER, "full", {"learning_rate": 3e-3, "patience": 7.0})
    assert (chosen.learning_rate, chosen.patience) == (3e-3, 7)
    assert isinstance(chosen.patience, int)


@pytest.mark.parametrize(
    ("name", "value", "least"),
    [
        ("epochs", 0.0, "a number above 0"),
        ("epochs", -1.0, "a number above 0"),
        ("epochs", float("inf"), "a number above 0"),
        ("evaluations", 0.0, "a number above 0"),
        ("batch_tokens", 0.0, "1 or more"),
        ("batch_tokens", 0.5, "1 or more"),
        ("slice_tokens", -64.0, "1 or more"),
        ("patience", 0.0, "1 or more"),
        ("lora_rank", float("nan"), "1 or more"),
        ("learning_rate", -1.0, "a number from 0 up"),
    ],
)
def test_a_setting_with_which_no_training_can_be_is_named_with_what_to_choose(
    name: str, value: float, least: str
) -> None:
    with pytest.raises(Failed, match=f"'{name}' cannot be .*: choose {least}\\."):
        recipe.choose(75_000, STARTER, "full", {name: value})


def test_what_may_be_off_can_be_switched_off() -> None:
    off = {"pull": 0.0, "averaged": 0.0, "warmup": 0.0, "checkpoint_seconds": 0.0}
    chosen = recipe.choose(75_000, STARTER, "full", off)
    assert not any(getattr(chosen, name) for name in off)


def test_an_unknown_setting_is_named_with_the_known_ones() -> None:
    with pytest.raises(Failed, match=r"'speed'.*learning_rate"):
        recipe.choose(75_000, STARTER, "full", {"speed": 1.0})
