"""A call of a Bot API method: its parameters, however they came."""

import json
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.servers.telegram.rules import bad
from tests.servers.telegram.words import Json

OBJECTS = {
    "allowed_updates",
    "caption_entities",
    "commands",
    "entities",
    "link_preview_options",
    "reply_markup",
    "reply_parameters",
    "results",
    "scope",
}
"""Parameters that are JSON in themselves where they come in a form."""


@dataclass(frozen=True)
class Upload:
    name: str
    content: bytes


@dataclass(frozen=True)
class Call:
    """One of the bot's calls. Asking for a parameter that is missing, with no default given, refuses the call."""

    method: str
    fields: Json
    files: dict[str, Upload] = field(default_factory=dict)

    def text(self, name: str, default: str | None = None) -> str:
        return str(self._get(name, default))

    def integer(self, name: str, default: int | None = None) -> int:
        value = self._get(name, default)
        try:
            return int(value)
        except ValueError:
            raise bad(f"{name} must be a number, not {value!r}") from None

    def flag(self, name: str) -> bool:
        return str(self.fields.get(name, False)).lower() in ("true", "1")

    def value(self, name: str, default: Any = None) -> Any:
        return self._get(name, default)

    def thread(self) -> int | None:
        return self.integer("message_thread_id") if "message_thread_id" in self.fields else None

    def upload(self, name: str) -> Upload | None:
        """A file sent in a field of its own, or under the name that the field refers to."""
        return self.files.get(str(self.fields.get(name, name)).removeprefix("attach://"))

    def _get(self, name: str, default: Any) -> Any:
        value = self.fields.get(name, default)
        if value is None:
            raise bad(f'parameter "{name}" is required')
        return value


async def read(request: web.Request) -> Call:
    """The parameters from a query, a form, a multipart body or a JSON body. Raises Refusal for bad JSON."""
    fields: Json = dict(request.query)
    files = {}
    try:
        if request.content_type == "application/json":
            fields |= await request.json() if request.can_read_body else {}
        for name, value in (await request.post()).items():
            if isinstance(value, web.FileField):
                files[name] = Upload(value.filename, value.file.read())
            else:
                fields[name] = value
        for name in OBJECTS & set(fields):
            if isinstance(fields[name], str):
                fields[name] = json.loads(fields[name])
    except json.JSONDecodeError as error:
        raise bad(f"can't parse JSON object: {error}") from None
    return Call(request.match_info["method"], fields, files)
