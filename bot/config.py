"""Configuration: built-in defaults, then a TOML file, then the environment, then the command line; the last wins.

``[training] base`` of the file is ``MOCKINGBIRD_TRAINING__BASE`` in the environment. ``config.example.toml`` shows
every key; its lines come from the descriptions here.
"""

import os
import re
import reprlib
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsConfigDict

DEFAULT_FILE = Path("config.toml")
PREFIX, DELIMITER = "MOCKINGBIRD_", "__"


MEGABYTE = 1_000_000


class ConfigError(Exception):
    """One sentence that names the key, and the file or variable it stands in."""


def _device(value: str) -> str:
    if not re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", value):
        raise ValueError("must be auto, cpu, cuda, cuda:1 or mps")
    return value


def _account(value: str) -> str:
    if not re.fullmatch(r"(discord|telegram):\d+|console:\S+", value):
        raise ValueError('must look like "discord:123", "telegram:456" or "console:NAME"')
    return value


def _split(value: object) -> object:
    """A variable of the environment holds a list as text, with commas."""
    return [item.strip() for item in value.split(",")] if isinstance(value, str) else value


Folder = Annotated[Path, AfterValidator(Path.expanduser)]
Device = Annotated[str, AfterValidator(_device)]
Accounts = Annotated[tuple[Annotated[str, AfterValidator(_account)], ...], BeforeValidator(_split)]


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Storage(Section):
    data: Folder = Field(
        default=Path("data"), description="Folder for the database, personas and caches; ~ is your home."
    )


class Training(Section):
    base: str = Field(
        default="gpt2", min_length=1, description='Base model: "starter" (bundled), a hub id or a local directory.'
    )
    method: Literal["full", "lora"] = Field(
        default="full", description='"full" trains every weight, "lora" a small adapter that needs less memory.'
    )
    device: Device = Field(default="auto", description="Where to train: auto, cpu, cuda, cuda:1 or mps.")
    spare: bool = Field(
        default=True, description="Keep a trainer waiting: a training begins seconds sooner, and it takes 400 MB."
    )
    per_user_a_day: int = Field(default=5, ge=0, description="Trainings a person may ask for in a day; 0 is no limit.")
    per_community_a_day: int = Field(
        default=30, ge=0, description="Trainings all of a server or group may ask for in a day; 0 is no limit."
    )
    max_people: int = Field(default=8, ge=1, le=8, description="People blended into one persona, at most; 1 to 8.")


class Generation(Section):
    temperature: float = Field(
        default=1.0, ge=0.1, le=2.0, description="Higher is wilder, lower is plainer; 0.1 to 2.0."
    )
    top_p: float = Field(
        default=0.95, ge=0.05, le=1.0, description="Draw from the likeliest tokens that hold this share; 0.05 to 1.0."
    )
    top_k: int = Field(
        default=50, ge=0, le=1000, description="Draw from this many likeliest tokens; 0 is all of them, 1000 at most."
    )
    min_tokens: int = Field(
        default=10, ge=0, le=16, description="Tokens of a tweet with its prompt, at least; 0 to 16."
    )
    max_tokens: int = Field(default=160, ge=16, le=1024, description="The same, at most; 16 to 1024.")
    per_user_a_minute: int = Field(
        default=20, ge=0, description="Times a person may ask for tweets in a minute; 0 is no limit."
    )
    memory_mb: int = Field(default=2000, ge=100, description="Megabytes for personas held ready; 100 or more.")
    device: Device = Field(default="auto", description="Where to generate: auto, cpu, cuda, cuda:1 or mps.")


class Limits(Section):
    upload_mb: int = Field(default=200, ge=1, le=200, description="Largest file taken, in megabytes; 1 to 200.")

    @property
    def upload_bytes(self) -> int:
        return self.upload_mb * MEGABYTE


class Platform(Section):
    token: SecretStr = Field(default=SecretStr(""), description="The bot's token; better in the environment than here.")
    token_file: str = Field(default="", description="A file that holds the token, instead.")

    @property
    def secret(self) -> str:
        """The token, or nothing when none is set. Raises ConfigError."""
        return _secret(self.token, self.token_file, type(self))


def _secret(token: SecretStr, file: str, section: type[Section]) -> str:
    if not file:
        return token.get_secret_value().strip()
    try:
        return Path(file).expanduser().read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        key = f"[{section.__name__.lower()}] token_file"
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise ConfigError(f"{key}: the file {file} cannot be read: {why}.") from None


class Discord(Platform):
    api_url: str = Field(default="https://discord.com/api/v10", description="Address of the REST API.")
    gateway_url: str = Field(default="wss://gateway.discord.gg/", description="Address of the gateway.")
    sharded: bool = Field(default=False, description="Several connections: needed from 2,500 servers on.")
    direct_messages: bool = Field(default=True, description="Answer private messages too.")


TELEGRAM = "https://api.telegram.org/bot"


class Telegram(Platform):
    api_url: str = Field(default=TELEGRAM, description="Address of the Bot API server.")
    file_url: str = Field(default="https://api.telegram.org/file/bot", description="Address of its files.")
    webhook_url: str = Field(default="", description="Public https address of a webhook; empty to poll instead.")
    webhook_port: int = Field(default=8443, ge=1, le=65535, description="Port the webhook listens on.")
    oldest_minutes: int = Field(
        default=10, ge=1, description="Commands sent longer ago, while the bot was down, are not carried out."
    )

    @property
    def hosted(self) -> bool:
        """Whether it is Telegram's own server, which hands out no large files."""
        return self.api_url == TELEGRAM


class X(Section):
    bearer_token: SecretStr = Field(default=SecretStr(""), description="App-only token; empty leaves X out.")
    token_file: str = Field(default="", description="A file that holds the token, instead.")
    api_url: str = Field(default="https://api.twitter.com", description="Address of the API.")
    posts: int = Field(default=3200, ge=100, le=3200, description="Posts read of one person, at most 3200.")
    retweets: bool = Field(default=True, description="Read retweets too, to count them; they cost as much.")
    dollars_per_post: float = Field(default=0.005, ge=0, description="X's price for reading a post.")
    dollars_per_person: float = Field(default=0.01, ge=0, description="X's price for looking a person up.")
    confirm_above: float = Field(default=1.0, ge=0, description="Dollars from which a reading is asked about first.")
    month_limit: float = Field(default=10.0, ge=0, description="Dollars a month, at most.")

    @property
    def secret(self) -> str:
        """The token, or nothing when none is set. Raises ConfigError."""
        return _secret(self.bearer_token, self.token_file, type(self))


class Bluesky(Section):
    api_url: str = Field(default="https://public.api.bsky.app", description="Address of the public API.")


class Mastodon(Section):
    api_url: str = Field(default="https://{server}", description="Address of a server, by its name.")


class Admin(Section):
    users: Accounts = Field(
        default=(), description='Who may manage the bot: "discord:123", "telegram:456" or "console:NAME".'
    )


class Logging(Section):
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="DEBUG, INFO, WARNING or ERROR."
    )
    format: Literal["text", "json"] = Field(default="text", description='"text" for people, "json" for machines.')


class Config(BaseSettings):
    """Everything that can be set. Frozen: what the bot started with is what it runs with."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter=DELIMITER,
        env_ignore_empty=True,  # container tools pass variables nobody set as empty ones
        enable_decoding=False,
        extra="forbid",
        frozen=True,
    )

    storage: Storage = Storage()
    training: Training = Training()
    generation: Generation = Generation()
    limits: Limits = Limits()
    discord: Discord = Discord()
    telegram: Telegram = Telegram()
    x: X = X()
    bluesky: Bluesky = Bluesky()
    mastodon: Mastodon = Mastodon()
    admin: Admin = Admin()
    logging: Logging = Logging()

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be shown."""
        return tuple(each for each in (self.discord.secret, self.telegram.secret, self.x.secret) if each)


KEYS = {section: list(type(field.default).model_fields) for section, field in Config.model_fields.items()}

UNSHOWN = ("token", "bearer_token")
"""The keys whose values are never shown."""

WANTED = {
    "bool": "true or false",
    "float": "a number",
    "int": "a whole number",
    "model": "a table",
    "path": "a folder",
    "string": "text",
    "tuple": "a list",
}
"""What each of pydantic's types is called by somebody who has never seen Python."""


def load(path: Path | None = None, **overrides: Mapping[str, Any]) -> Config:
    """Read ``path``, else ``config.toml`` where there is one; ``overrides`` are sections: ``storage={"data": "x"}``.

    Raises ConfigError.
    """
    if path is None and DEFAULT_FILE.exists():
        path = DEFAULT_FILE
    written = _read(path) if path else {}
    _refuse_unknown_variables()
    try:
        return Config(**_merge(written, EnvSettingsSource(Config)(), overrides))
    except ValidationError as error:
        raise ConfigError(_sentence(error.errors()[0], path, overrides)) from None


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:  # not TOML, which says the line, or not UTF-8
        raise ConfigError(f"{path} is not a TOML file: {error}.") from error


def _merge(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """Key by key within a section; the last layer wins."""
    merged: dict[str, Any] = {}
    for layer in layers:
        for section, values in layer.items():
            below: Any = merged.get(section)
            tables = isinstance(values, Mapping) and isinstance(below, Mapping)
            merged[section] = {**below, **values} if tables else values
    return merged


def _refuse_unknown_variables() -> None:
    """Pydantic passes over a misspelt section. Only names with the delimiter are ours: Kubernetes makes others."""
    for variable in os.environ:
        section, delimiter, _ = variable.lower().removeprefix(PREFIX.lower()).partition(DELIMITER)
        if variable.upper().startswith(PREFIX) and delimiter and section not in KEYS:
            raise ConfigError(f"{variable} is not a setting; {_nearest(section, list(KEYS))}")


def _sentence(error: ErrorDetails, path: Path | None, overrides: Mapping[str, Mapping[str, Any]]) -> str:
    section, key, *_ = *(str(part) for part in error["loc"]), ""
    where = _where(section, key, path, overrides)
    if error["type"] == "extra_forbidden":
        return f"{where} is not a setting; {_nearest(key or section, KEYS[section] if key else list(KEYS))}"
    kind, _, trouble = error["type"].partition("_")
    if kind in WANTED and trouble in ("type", "parsing", "from_float"):
        must = f"must be {WANTED[kind]}"
    else:
        must = re.sub(r"^\w+ should ", "must ", error["msg"].removeprefix("Value error, "))
    given = "what it is" if key in UNSHOWN else reprlib.repr(error["input"])
    return f"{where} {must}, not {given}."


def _where(section: str, key: str, path: Path | None, overrides: Mapping[str, Mapping[str, Any]]) -> str:
    """The source a value came from, asked in the order they win."""
    place = f"[{section}] {key}" if key else section
    if key in overrides.get(section, {}):
        return f"The command line: {place}"
    variable = f"{PREFIX}{section}{DELIMITER if key else ''}{key}".upper()
    names = (f"{name}{DELIMITER}".upper() for name, value in os.environ.items() if value)
    if any(name.startswith(variable + DELIMITER) for name in names):
        return variable
    return f"{path}: {place}"


def _nearest(word: str, known: list[str]) -> str:
    if close := get_close_matches(word, known, 1):
        return f"did you mean {close[0]}?"
    return f"choose from {', '.join(known)}."
