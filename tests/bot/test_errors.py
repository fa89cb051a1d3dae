"""Every error has its sentence, and can be raised anywhere."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from bot import clock, errors
from bot.errors import MockingbirdError, UnknownPersona

EXAMPLES: list[tuple[MockingbirdError, str]] = [
    (errors.UnknownCommand("trian", "train"), "Did you mean /train?"),
    (errors.UnknownCommand("xyz"), "/help"),
    (errors.BadOption("count", "99", "a whole number from 1 to 10"), "from 1 to 10, not “99”."),
    (errors.MissingOption("job", "/cancel job"), "/cancel job"),
    (errors.BadHandle("a b"), "no user name"),
    (errors.TooManyPeople(8), "at most 8"),
    (errors.UnknownPersona("nasa"), "/train @nasa"),
    (errors.UnknownPersona("nas", ("nasa",)), "Did you mean @nasa?"),
    (errors.NoPersonaChosen(), "/personas"),
    (errors.UnknownVersion("nasa", 3), "no version 3"),
    (errors.NoEarlierVersion("nasa"), "/models versions @nasa"),
    (errors.Pinned("nasa"), "/models pin @nasa"),
    (errors.UnknownJob("abc"), "/queue"),
    (errors.UnknownTweet(), "/tweet makes a new one"),
    (errors.JobOver("abc", "done"), "already done"),
    (errors.SameUnderWay("nasa"), "/queue"),
    (errors.NoTweets("nasa"), "file:tweets.csv"),
    (errors.NoFile("x.csv"), "x.csv"),
    (errors.NoFile("\x1b[31m" + "y" * 1000), "[31m" + "y" * 56 + "…"),
    (errors.SameTweets(("a", "b")), "@a and @b"),
    (errors.StoreBroken("data/mockingbird.db", "disk I/O error"), "disk I/O error"),
    (errors.FileTooBig(500, 200), "500 MB"),
    (errors.NotAdmin("use"), "for admins"),
    (errors.NotOwner("models import"), "configuration names"),
    (errors.CannotProve("nasa"), "/block @nasa"),
    (errors.NotProven("nasa", "code-1"), "does not say code-1 yet"),
    (errors.BaseNotAllowed("big"), "Only admins"),
    (errors.NotYours("abc"), "Only who asked"),
    (errors.QuotaSpent(5, clock.now() + timedelta(hours=3)), "free in 3 hours"),
    (errors.CommunityQuotaSpent(9, clock.now() + timedelta(hours=3)), "All 9 trainings of today"),
    (errors.TooFast(9, clock.now() + timedelta(hours=3)), "in 3 hours"),
    (errors.Blocked("nasa"), "they asked for that, or an admin did"),
    (errors.NotBlocked("nasa"), "@nasa is not blocked"),
    (errors.WrongChannel(), "the admins here have chosen others"),
    (errors.UploadLost("x.csv"), "x.csv: send it again"),
    (errors.TooBigForTelegram(), "tweets.js"),
    (errors.OldButton(), "type the command"),
    (errors.NoPlatform(), "MOCKINGBIRD_DISCORD__TOKEN"),
    (errors.GeneratorDied(), "try again"),
    (errors.ChildFailed("NotFinite", "The loss became infinite."), "The loss became infinite."),
    (errors.DiskFull(), "then send it again"),
    (errors.FolderInUse("data"), "--data"),
    (errors.Broken(), "log"),
]


@pytest.mark.parametrize(("error", "words"), EXAMPLES)
def test_an_error_tells_in_one_sentence_what_is_wrong_and_what_to_do(error: MockingbirdError, words: str) -> None:
    assert words in error.sentence
    assert "\n" not in error.sentence


def test_no_error_is_without_an_example() -> None:
    kinds = {each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, MockingbirdError)}
    said = {each for each in kinds if "sentence" in vars(each)} - {MockingbirdError}
    assert {type(error) for error, _ in EXAMPLES} >= said


def test_an_error_passes_through_a_context_manager() -> None:
    @contextmanager
    def room() -> Iterator[None]:
        yield

    with pytest.raises(UnknownPersona), room():
        raise UnknownPersona("nobody")
