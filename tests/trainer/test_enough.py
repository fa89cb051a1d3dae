"""Whether there is enough text."""

import pytest

from trainer.enough import Amount, check
from trainer.errors import TooLittleText


def verdict(people: list[Amount], force: bool = False) -> TooLittleText:
    with pytest.raises(TooLittleText) as refusal:
        check(people, force)
    return refusal.value


def test_a_thin_timeline_trains_only_with_force() -> None:
    thin = Amount("keeper", 112, 9_300)

    refusal = verdict([thin])

    assert refusal.sentence == (
        "112 tweets, 9,300 characters: it will mostly repeat itself; train anyway with `force`."
    )
    assert refusal.details == {"tweets": 112, "characters": 9_300, "force": True}
    check([thin], force=True)


def test_next_to_nothing_is_refused_with_force_too() -> None:
    refusal = verdict([Amount("keeper", 30, 1_999)], force=True)

    assert refusal.details == {"tweets": 30, "characters": 1_999, "force": False}


def test_a_usual_timeline_trains() -> None:
    check([Amount("keeper", 135, 10_600)], force=False)


def test_one_thin_account_does_not_refuse_its_company() -> None:
    check([Amount("keeper", 600, 60_000), Amount("mara", 40, 3_000)], force=False)


def test_people_who_are_all_thin_need_force_together() -> None:
    assert verdict([Amount("keeper", 100, 9_000), Amount("mara", 100, 9_000)]).details["force"] is True


def test_somebody_without_any_usable_tweet_is_named() -> None:
    silent = Amount("mara", 0, 0)

    refusal = verdict([Amount("keeper", 600, 60_000), silent], force=True)

    assert "@mara" in refusal.sentence
    assert refusal.details["force"] is False


def test_nobody_s_tweets_are_too_little() -> None:
    assert verdict([Amount("mara", 0, 0)]).details["tweets"] == 0


def test_a_single_tweet_however_long_leaves_nothing_to_train_on_once_it_is_held_out() -> None:
    alone = verdict([Amount("mara", 1, 5_000)], force=True)

    assert alone.details["force"] is False
    assert "two tweets" in alone.sentence
    assert "@mara" in verdict([Amount("keeper", 600, 60_000), Amount("mara", 1, 200)], force=True).sentence
    check([Amount("mara", 2, 5_000)], force=True)
