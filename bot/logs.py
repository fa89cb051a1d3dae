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


def to_file(settings: Config) -> None:
    path = settings.storage.data / "mockingbird.log"
    _install(RotatingFileHandler(path, maxBytes=BYTES, backupCount=FILES, encoding="utf-8"), settings)


def to_stderr(settings: Config) -> None:
    _install(logging.StreamHandler(), settings)


def _install(handler: logging.Handler, settings: Config) -> None:
    handler.setFormatter(JsonFormatter() if settings.logging.format == "json" else logging.Formatter(FORMAT))
    logging.basicConfig(level=settings.logging.level, handlers=[handler], force=True)
    logging.getLogger("aiosqlite").setLevel(logging.WARNING)  # at DEBUG it prints every value of every statement
