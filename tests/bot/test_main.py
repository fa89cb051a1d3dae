"""The command line, before anything is started."""

import pytest

from bot.__main__ import parse


@pytest.mark.parametrize("verb", ["", "demo", "run", "chat", "train", "tweet", "personas", "evaluate", "doctor"])
def test_every_verb_explains_itself(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse([*verb.split(), "--help"])
    assert ended.value.code == 0
    assert f"mockingbird {verb}".strip() in capsys.readouterr().out


@pytest.mark.parametrize(
    ("verb", "told"),
    [
        ("train", "or a small adapter: full or lora"),
        ("train", "bundled or kept or x or bluesky or mastodon"),
        ("tweet", "how many tweets: a whole number from 1 to 10"),
        ("tweet", "higher is wilder: a number from 0.1 to 2"),
        ("run", "Discord and Telegram"),
    ],
)
def test_help_says_what_an_option_takes(
    verb: str, told: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit):
        parse([verb, "--help"])
    assert told in capsys.readouterr().out


@pytest.mark.parametrize(
    "words",
    [
        ("nasa", "my dream", "-n", "2", "--seed", "3"),
        ("nasa", "-n", "2", "my dream", "--seed", "3"),
        ("nasa", "-n", "2", "--seed=3", "my dream"),
        ("-n", "2", "nasa", "--seed", "3", "my dream"),
    ],
)
def test_a_prompt_may_stand_behind_options(words: tuple[str, ...]) -> None:
    arguments = parse(["tweet", *words])
    assert (arguments.persona, arguments.prompt) == ("nasa", ["my dream"])
    assert (arguments.count, arguments.seed) == ("2", "3")


def test_words_between_options_keep_their_order() -> None:
    assert parse(["tweet", "nasa", "to", "-n", "2", "the", "--seed", "3", "moon"]).prompt == ["to", "the", "moon"]
    assert parse(["train", "a", "--seed", "3", "b"]).people == ["a", "b"]


@pytest.mark.parametrize(
    ("line", "unknown"),
    [("tweet nasa --loud my dream", "--loud"), ("evaluate nasa twice", "twice"), ("doctor nasa", "nasa")],
)
def test_what_no_option_is_called_is_named(line: str, unknown: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(line.split())
    assert ended.value.code == 2
    assert capsys.readouterr().err.endswith(f"unrecognized arguments: {unknown}\n")
