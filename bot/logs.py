"""Where the log goes: beside the data while somebody looks at the terminal, to standard error otherwise."""

import json
import logging
from logging.handlers import RotatingFileHandler

from bot.config import Config

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
BYTES, FILES = 5_000_000, 3


class JsonFormatter(logging.Formatter):
    """One JSON object a record."""

    def format(self, record: logging.LogRecord) -> str:
        values = {
            "at": self.formatTime(record),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            values["trace"] = self.formatException(record.exc_info)
        return json.dumps(values, ensure_ascii=False)


class Discreet(logging.Formatter):
    """Whatever a library writes into the log, a token in it is not shown."""

    def __init__(self, inner: logging.Formatter, secrets: tuple[str, ...]) -> None:
        super().__init__()
        self._inner, self._secrets = inner, secrets

    def format(self, record: logging.LogRecord) -> str:
        text = self._inner.format(record)
        for secret in self._secrets:
            text = text.replace(secret, "(secret)")
        return text


def to_file(settings: Config) -> None:
    path = settings.storage.data / "mockingbird.log"
    _install(RotatingFileHandler(path, maxBytes=BYTES, backupCount=FILES, encoding="utf-8"), settings)


def to_stderr(settings: Config) -> None:
    _install(logging.StreamHandler(), settings)


def _install(handler: logging.Handler, settings: Config) -> None:
    inner = JsonFormatter() if settings.logging.format == "json" else logging.Formatter(FORMAT)
    handler.setFormatter(Discreet(inner, settings.secrets))
    logging.basicConfig(level=settings.logging.level, handlers=[handler], force=True)
    for chatty in ("aiosqlite", "httpcore", "httpx"):  # they print every value of every statement, every address called
        logging.getLogger(chatty).setLevel(logging.WARNING)
