"""The month's budget, and the sentences of sources."""

import pytest

from bot.errors import MockingbirdError
from bot.sources import errors
from bot.sources.base import Budget

EXAMPLES: list[tuple[MockingbirdError, str]] = [
    (errors.UnknownPerson("X", "nasaa"), "check the spelling"),
    (errors.NotMastodon("pier.example"), "pier.example"),
    (errors.NoPosts("mara"), "file:tweets.csv"),
    (errors.Protected("X", "mara"), "archive"),
    (errors.Suspended("X", "mara"), "choose another"),
    (errors.Declined("Bluesky", "mara.example", "the label !hide"), "(the label !hide on Bluesky)"),
    (errors.ServerClosed("pier.example"), "members only"),
    (errors.BudgetSpent(16, 9.5, 50), "would cost $16.00, and $9.50 of this month's $50.00"),
    (errors.BadToken(), "[x] bearer_token"),
    (errors.NoAccess(), "developer console"),
    (errors.NoCredit(), "buy more"),
    (errors.UsageCapped(), "next month"),
    (errors.SourceBusy("X", 7200), "another 2 hours"),
    (errors.SourceDown("X"), "is kept"),
    (errors.OddAnswer("X", "status 418"), "status 418"),
]


@pytest.mark.parametrize(("error", "words"), EXAMPLES)
def test_an_error_tells_in_one_sentence_what_is_wrong_and_what_to_do(error: MockingbirdError, words: str) -> None:
    assert words in error.sentence
    assert "\n" not in error.sentence


def test_no_error_is_without_an_example() -> None:
    kinds = {each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, MockingbirdError)}
    assert {type(error) for error, _ in EXAMPLES} >= {each for each in kinds if "sentence" in vars(each)}


def test_a_budget_is_spent_to_its_last_cent_and_no_further() -> None:
    budget = Budget(limit=1.0, spent=sum([0.005] * 199))
    budget.check(0.005)
    with pytest.raises(errors.BudgetSpent):
        budget.check(0.01)


def test_a_budget_that_was_overspent_has_nothing_left() -> None:
    assert Budget(limit=1.0, spent=2.0).left == 0.0
