"""Discord's REST interface, version 10, as far as a bot of commands and messages needs it."""

import json
import re
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from aiohttp import web

from tests.servers.discord import rules, wire
from tests.servers.discord.limits import Key, Limits
from tests.servers.discord.rules import Refusal, invalid
from tests.servers.discord.things import ATTACH, HISTORY, SEND, VIEW, Channel, File, Json, Message
from tests.servers.discord.world import World

API = "/api/v10"
CREATE, EDIT = "POST /channels/{channel}/messages", "PATCH /channels/{channel}/messages/{message}"
FOLLOW_UP, EDIT_ANSWER = "POST /webhooks/{bot}/{token}", "PATCH /webhooks/{bot}/{token}/messages/{message}"
LIMITED = {CREATE, EDIT, FOLLOW_UP, EDIT_ANSWER}
"""Each is limited by channel or by token."""
OPEN = ("/interactions/", "/webhooks/")
"""Where the token in the path is authority enough."""

Answer = Json | list[Any] | None
Handler = Callable[[web.Request], Awaitable[Answer]]


def respond(status: int, body: Answer, headers: dict[str, str] | None = None) -> web.Response:
    """With a Content-Type of exactly "application/json", as clients want it."""
    if body is None:
        return web.Response(status=HTTPStatus.NO_CONTENT, headers=headers)
    content = json.dumps(body).encode()
    return web.Response(status=status, body=content, content_type="application/json", headers=headers)


def key_of(request: web.Request) -> Key:
    """What a request is limited by."""
    resource = request.match_info.route.resource
    path = resource.canonical.removeprefix(API) if resource else request.path
    major = request.match_info.get("channel") or request.match_info.get("token") or ""
    return f"{request.method} {path}", major


async def read(request: web.Request) -> tuple[Json, list[File]]:
    """The JSON of a request and the files beside it."""
    if not request.content_type.startswith("multipart/"):
        return (await request.json() if request.can_read_body else {}), []
    body: Json = {}
    files: list[File] = []
    form = await request.post()
    for name, value in form.items():
        if name == "payload_json":
            body = json.loads(str(value))
        elif re.fullmatch(r"files\[\d+\]", name) and isinstance(value, web.FileField):
            files.append((value.filename, value.file.read()))
    if any(len(content) > wire.MAX_FILE for _, content in files):
        raise Refusal(413, 40005, "Request entity too large", "a file that is too large")
    return body, files


def kept_of(message: Message) -> Json:
    """What an edit leaves unless it says otherwise, for the check that something is left."""
    return {
        "content": message.content, "embeds": message.embeds, "components": message.components,
        "attachments": message.attachments,
    }  # fmt: skip


class Rest:
    def __init__(self, world: World, token: str, limits: Limits) -> None:
        self.token = token
        self._world, self._limits = world, limits

    def routes(self) -> dict[str, Handler]:
        return {
            "GET /users/@me": self._me,
            "POST /users/@me/channels": self._open_direct,
            "GET /applications/@me": self._application,
            "GET /oauth2/applications/@me": self._application,
            "GET /gateway/bot": self._gateway,
            "GET /applications/{bot}/commands": self._commands,
            "PUT /applications/{bot}/commands": self._set_commands,
            "GET /channels/{channel}": self._channel,
            "POST /channels/{channel}/typing": self._type,
            CREATE: self._create,
            "GET /channels/{channel}/messages/{message}": self._get,
            EDIT: self._edit,
            "DELETE /channels/{channel}/messages/{message}": self._delete,
        }

    def serve(self, handler: Handler) -> Callable[[web.Request], Awaitable[web.Response]]:
        """A handler behind what every request meets: authority, limits, errors in Discord's shape."""

        async def served(request: web.Request) -> web.Response:
            headers: dict[str, str] = {}
            try:
                self._admit(request)
                headers = self._count(request)
                return respond(HTTPStatus.OK, await handler(request), headers)
            except Refusal as refusal:
                if refusal.violation:
                    self._world.violate(f"{request.method} {request.path}: {refusal.violation}")
                self._world.changed()
                return respond(refusal.status, refusal.body, headers | refusal.headers)

        return served

    async def unknown(self, request: web.Request) -> Answer:
        raise Refusal(404, 0, "404: Not Found", "no such route")

    def _admit(self, request: web.Request) -> None:
        given = request.headers.get("Authorization")
        by_path = request.path.removeprefix(API).startswith(OPEN)
        if given != f"Bot {self.token}" and not (by_path and given is None):
            raise Refusal(401, 0, "401: Unauthorized", "a wrong token" if given else "no token")

    def _count(self, request: web.Request) -> dict[str, str]:
        key = key_of(request)
        if self._limits.too_early(key):
            self._world.violate(f"{request.method} {request.path}: again before retry_after was over")
        return self._limits.take(key) if key[0] in LIMITED else {}

    # The bot itself.

    async def _me(self, request: web.Request) -> Answer:
        return wire.user(self._world.bot) | {"mfa_enabled": True, "verified": True, "locale": "en-US"}

    async def _application(self, request: web.Request) -> Answer:
        bot, owner = self._world.bot, self._world.users["admin"]
        return {
            "id": str(bot.id), "name": bot.name, "icon": None, "description": "", "flags": 0, "verify_key": "0" * 64,
            "bot_public": True, "bot_require_code_grant": False, "owner": wire.user(owner), "team": None,
            "interactions_endpoint_url": None, "bot": wire.user(bot),
        }  # fmt: skip

    async def _gateway(self, request: web.Request) -> Answer:
        starts = {"total": 1000, "remaining": 1000, "reset_after": 14_400_000, "max_concurrency": 1}
        return {"url": f"ws://{self._world.address}/gateway", "shards": 1, "session_start_limit": starts}

    async def _commands(self, request: web.Request) -> Answer:
        return self._world.commands

    async def _set_commands(self, request: web.Request) -> Answer:
        world, commands = self._world, await request.json()
        rules.check_commands(commands)
        known = {each["name"]: each["id"] for each in world.commands}
        world.commands = [
            {"type": 1, "default_member_permissions": None}
            | command
            | {"id": known.get(command["name"]) or str(world.new_id()), "version": str(world.new_id())}
            | {"application_id": str(world.bot.id)}
            for command in commands
        ]
        world.syncs += 1
        world.changed()
        return world.commands

    # Channels.

    async def _open_direct(self, request: web.Request) -> Answer:
        body = await request.json()
        found = next((each for each in self._world.users.values() if str(each.id) == str(body["recipient_id"])), None)
        if found is None or found.bot:
            raise Refusal(400, 50007, "Cannot send messages to this user")
        return wire.channel(self._world.direct(found), self._world.bot)

    async def _channel(self, request: web.Request) -> Answer:
        return wire.channel(self._channel_of(request), self._world.bot)

    async def _type(self, request: web.Request) -> Answer:
        self._world.typing.append(self._channel_of(request, SEND))
        self._world.changed()
        return None

    def _channel_of(self, request: web.Request, needed: int = 0) -> Channel:
        channel = self._world.channel_by_id(_number(request, "channel"))
        if channel is None:
            raise Refusal(404, 10003, "Unknown Channel")
        may = self._world.permissions(self._world.bot, channel)
        if not may & VIEW:
            raise Refusal(403, 50001, "Missing Access")
        if needed & ~may:
            raise Refusal(403, 50013, "Missing Permissions")
        return channel

    # Messages.

    async def _create(self, request: web.Request) -> Answer:
        body, files = await read(request)
        channel = self._channel_of(request, SEND | ATTACH * bool(files))
        rules.check_message(body, {}, len(files))
        if body.get("enforce_nonce") and (earlier := self._same(channel, body["nonce"])):
            return wire.message(earlier)
        message = Message(self._world.new_id(), channel, self._world.bot, nonce=body.get("nonce"))
        message.reply_to = self._replied(channel, body.get("message_reference"))
        return wire.message(self._world.post(message, body, files))

    def _same(self, channel: Channel, nonce: str) -> Message | None:
        written = reversed(self._world.messages(channel.name))
        return next((each for each in written if each.nonce == nonce and each.author is self._world.bot), None)

    def _replied(self, channel: Channel, reference: Json | None) -> Message | None:
        if reference is None:
            return None
        found = self._world.written(int(reference["message_id"]))
        if found and found.channel is channel and not found.deleted and not found.ephemeral:
            return found
        if reference.get("fail_if_not_exists", True):
            refusal = invalid("message_reference", "Unknown message")
            refusal.violation = ""  # it may have been deleted a moment ago
            raise refusal
        return None

    async def _get(self, request: web.Request) -> Answer:
        return wire.message(self._message_of(request, HISTORY))

    async def _edit(self, request: web.Request) -> Answer:
        body, files = await read(request)
        message = self._message_of(request)
        if message.author is not self._world.bot:
            raise Refusal(403, 50005, "Cannot edit a message authored by another user", "an edit of another's message")
        rules.check_message(body, kept_of(message), len(files))
        return wire.message(self._world.edit(message, body, files))

    async def _delete(self, request: web.Request) -> Answer:
        message = self._message_of(request)
        if message.author is not self._world.bot:
            raise Refusal(403, 50013, "Missing Permissions")
        self._world.delete(message)
        return None

    def _message_of(self, request: web.Request, needed: int = 0) -> Message:
        channel = self._channel_of(request, needed)
        message = self._world.written(_number(request, "message"))
        if message is None or message.channel is not channel or message.deleted or message.ephemeral:
            raise Refusal(404, 10008, "Unknown Message")
        return message


def _number(request: web.Request, name: str) -> int:
    given = request.match_info[name]
    if not given.isdecimal():
        raise invalid(f"{name}_id", f"Value {given!r} is not snowflake.")
    return int(given)
