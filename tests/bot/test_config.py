"""Where settings come from, and what a person hears when one is wrong."""

import os
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from bot.config import Config, ConfigError, load

EXAMPLE = Path(__file__).parents[2] / "config.example.toml"


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty working directory, and an environment without settings."""
    monkeypatch.chdir(tmp_path)
    for variable in os.environ:
        if variable.upper().startswith("MOCKINGBIRD_"):
            monkeypatch.delenv(variable)


def write(text: str, name: str = "config.toml") -> Path:
    path = Path(name)
    path.write_text(text, encoding="utf-8")
    return path


def keys() -> dict[tuple[str, str], tuple[Any, str | None]]:
    """Default and description of each key, as the code has them."""
    return {
        (section, key): (field.default, field.description)
        for section, table in Config.model_fields.items()
        for key, field in type(table.default).model_fields.items()
    }


def plain(value: Any) -> Any:
    """As TOML can say it."""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return str(value) if isinstance(value, Path) else list(value) if isinstance(value, tuple) else value


def test_the_example_shows_every_key_with_its_default_in_the_same_order() -> None:
    shown = tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))
    expected = {key: plain(default) for key, (default, _) in keys().items()}
    assert [((s, k), v) for s, table in shown.items() for k, v in table.items()] == list(expected.items())


def test_the_line_above_each_key_of_the_example_is_its_description() -> None:
    shown = re.findall(r"^# (.+)\n(\w+) = ", EXAMPLE.read_text(encoding="utf-8"), re.MULTILINE)
    assert shown == [(description, key) for (_, key), (_, description) in keys().items()]


def test_the_example_loads_as_the_defaults() -> None:
    assert load(EXAMPLE) == load() == Config()


def test_every_description_fits_one_line_of_the_example() -> None:
    assert [key for key, (_, description) in keys().items() if not description or len(description) > 118] == []


def test_command_line_wins_over_environment_over_file_over_default(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load().limits.upload_mb == 200
    write("[limits]\nupload_mb = 1")
    assert load().limits.upload_mb == 1
    monkeypatch.setenv("MOCKINGBIRD_LIMITS__UPLOAD_MB", "2")
    assert load().limits.upload_mb == 2
    assert load(limits={"upload_mb": 3}).limits.upload_mb == 3


def test_sources_meet_key_by_key_within_a_section(monkeypatch: pytest.MonkeyPatch) -> None:
    write('[training]\nbase = "starter"\nmethod = "lora"\nmax_people = 2')
    monkeypatch.setenv("MOCKINGBIRD_TRAINING__METHOD", "full")
    training = load(training={"max_people": 3}).training
    assert (training.base, training.method, training.max_people) == ("starter", "full", 3)


def test_a_named_file_is_read_instead_of_the_one_that_lies_about() -> None:
    write("[limits]\nupload_mb = 1")
    assert load(write("[limits]\nupload_mb = 2", "other.toml")).limits.upload_mb == 2


def test_an_empty_variable_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOCKINGBIRD_STORAGE__DATA", "")
    assert load().storage.data == Path("data")
    with pytest.raises(ConfigError, match=r"^config\.toml: \[storage\] data must be a folder"):
        load(write("[storage]\ndata = 4"))


def test_a_tilde_is_the_home_folder() -> None:
    assert load(storage={"data": "~/birds"}).storage.data == Path.home() / "birds"


def test_a_list_in_the_environment_is_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOCKINGBIRD_ADMIN__USERS", "discord:12, console:ann")
    assert load().admin.users == ("discord:12", "console:ann")


def test_nothing_changes_once_loaded() -> None:
    config = load()
    with pytest.raises(ValidationError, match="frozen"):
        config.training = config.training
    with pytest.raises(ValidationError, match="frozen"):
        config.training.base = "starter"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[training]\nbase = 3", "config.toml: [training] base must be text, not 3."),
        ("[training]\nbase = ''", "config.toml: [training] base must have at least 1 character, not ''."),
        ("[training]\nmethod = 'qlora'", "config.toml: [training] method must be 'full' or 'lora', not 'qlora'."),
        ("[training]\nmax_people = 1.5", "config.toml: [training] max_people must be a whole number, not 1.5."),
        ("[generation]\ntop_p = 'all'", "config.toml: [generation] top_p must be a number, not 'all'."),
        ("[storage]\ndata = 4", "config.toml: [storage] data must be a folder, not 4."),
        ("[admin]\nusers = 5", "config.toml: [admin] users must be a list, not 5."),
        ("training = 3", "config.toml: training must be a table, not 3."),
        ("[training]\nbse = 'x'", "config.toml: [training] bse is not a setting; did you mean base?"),
        ("[limits]\nmonth = 1", "config.toml: [limits] month is not a setting; choose from upload_mb."),
        ("[trainig]\nbase = 'x'", "config.toml: trainig is not a setting; did you mean training?"),
        (
            "[generation]\ndevice = 'gpu'",
            "config.toml: [generation] device must be auto, cpu, cuda, cuda:1 or mps, not 'gpu'.",
        ),
        (
            "[admin]\nusers = ['ann']",
            'config.toml: [admin] users must look like "discord:123", "telegram:456" or "console:NAME", not \'ann\'.',
        ),
        (
            "[limits]\n\nupload_mb 5",
            "config.toml is not a TOML file: Expected '=' after a key in a key/value pair (at line 3, column 11).",
        ),
    ],
)
def test_a_mistake_in_the_file_is_one_sentence_that_names_file_and_key(text: str, sentence: str) -> None:
    with pytest.raises(ConfigError) as error:
        load(write(text))
    assert str(error.value) == sentence


def test_a_missing_file_is_named() -> None:
    with pytest.raises(ConfigError, match=r"^nowhere\.toml cannot be read: No such file or directory\.$"):
        load(Path("nowhere.toml"))


def test_a_file_that_is_not_text_is_named() -> None:
    Path("zip.toml").write_bytes(b"PK\x03\x04\xff")
    with pytest.raises(ConfigError, match=r"^zip\.toml is not a TOML file: "):
        load(Path("zip.toml"))


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("LIMITS__UPLOAD_MB", "many", "MOCKINGBIRD_LIMITS__UPLOAD_MB must be a whole number, not 'many'."),
        ("TRAINING__BSE", "x", "MOCKINGBIRD_TRAINING__BSE is not a setting; did you mean base?"),
        ("TRAINIG__BASE", "x", "MOCKINGBIRD_TRAINIG__BASE is not a setting; did you mean training?"),
        ("TRAINING__BASE__ID", "x", "MOCKINGBIRD_TRAINING__BASE must be text, not {'id': 'x'}."),
        ("TRAINING", "x", "MOCKINGBIRD_TRAINING must be a table, not 'x'."),
    ],
)
def test_a_mistake_in_the_environment_names_the_variable(
    variable: str, value: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("[limits]\nupload_mb = 5")
    monkeypatch.setenv(f"MOCKINGBIRD_{variable}", value)
    with pytest.raises(ConfigError) as error:
        load()
    assert str(error.value) == sentence


def test_a_mistake_on_the_command_line_says_so() -> None:
    with pytest.raises(ConfigError) as error:
        load(generation={"top_k": -1})
    assert str(error.value) == ("The command line: [generation] top_k must be greater than or equal to 0, not -1.")


@pytest.mark.parametrize("section", ["discord", "telegram", "x"])
def test_a_token_file_that_cannot_be_read_is_named_with_its_key(section: str) -> None:
    Path("binary").write_bytes(b"\xff")
    for file, why in (("nowhere", "No such file or directory"), ("binary", "it is not text")):
        with pytest.raises(ConfigError) as error:
            load(None, **{section: {"token_file": file}}).secrets  # noqa: B018
        assert str(error.value) == f"[{section}] token_file: the file {file} cannot be read: {why}."


def test_variables_that_kubernetes_makes_for_a_service_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOCKINGBIRD_SERVICE_HOST", "10.0.0.1")
    assert load() == Config()


@pytest.mark.parametrize(
    ("section", "key", "least", "most", "step"),
    [
        ("training", "per_user_a_day", 0, None, 1),
        ("training", "max_people", 1, 8, 1),
        ("generation", "temperature", 0.1, 2.0, 0.01),
        ("generation", "top_p", 0.05, 1.0, 0.01),
        ("generation", "top_k", 0, 1000, 1),
        ("generation", "min_tokens", 0, 16, 1),
        ("generation", "max_tokens", 16, 1024, 1),
        ("generation", "memory_mb", 100, None, 1),
        ("limits", "upload_mb", 1, 200, 1),
    ],
)
def test_a_number_is_taken_up_to_its_bounds_and_not_beyond(
    section: str, key: str, least: float, most: float | None, step: float
) -> None:
    beyond = [least - step]
    if most is not None:
        assert load(None, **{section: {key: most}}) is not None
        beyond.append(most + step)
    assert load(None, **{section: {key: least}}) is not None
    for value in beyond:
        with pytest.raises(ConfigError, match=rf"\[{section}\] {key} must be "):
            load(None, **{section: {key: value}})


@pytest.mark.parametrize("device", ["auto", "cpu", "cuda", "cuda:1", "mps"])
def test_every_device_torch_has_for_us_can_be_named(device: str) -> None:
    assert load(training={"device": device}).training.device == device
