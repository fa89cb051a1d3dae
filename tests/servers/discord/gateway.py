"""Discord's gateway, version 10: sessions that outlive their connections, heartbeats, resuming."""

import asyncio
import json
import secrets
from dataclasses import dataclass, field

from aiohttp import WSMessage, WSMsgType, web

from tests.servers.discord import wire
from tests.servers.discord.things import VIEW, Json
from tests.servers.discord.world import GUILDS, MESSAGE_CONTENT, Session, World

HEARTBEAT, IDENTIFY, PRESENCE, VOICE, RESUME, RECONNECT, INVALID, HELLO, ACK = 1, 2, 3, 4, 6, 7, 9, 10, 11
PRIVILEGED = 1 << 1 | 1 << 8 | MESSAGE_CONTENT
"""Intents that an application must be granted: members, presences, the content of messages."""
MAX_PAYLOAD = 4096
ENDING = (4004, 4009, 4010, 4013, 4014)
"""Codes after which a session cannot be resumed."""


class Closing(Exception):
    """The bot is disconnected for a reason."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(f"{code} {why}")
        self.code, self.why = code, why


@dataclass(eq=False)
class Connection:
    socket: web.WebSocketResponse
    request: web.Request
    frames: "asyncio.Queue[Json]" = field(default_factory=asyncio.Queue)
    session: Session | None = None

    def send(self, op: int, data: object = None) -> None:
        self.frames.put_nowait({"op": op, "d": data, "s": None, "t": None})

    async def write(self) -> None:
        while not self.socket.closed:
            await self.socket.send_str(json.dumps(await self.frames.get()))

    def cut(self) -> None:
        self.leave()
        if self.request.transport:
            self.request.transport.abort()

    def leave(self) -> None:
        if self.session and self.session.line is self.frames:
            self.session.line = None


class Gateway:
    """Where bots connect, and the hand that disturbs them."""

    def __init__(self, world: World, token: str, heartbeat: float, granted: int) -> None:
        self.identified = 0
        """How many sessions were begun."""
        self.resumed = 0
        self.token = token
        self._world, self._heartbeat, self._granted = world, heartbeat, granted
        self._connections: set[Connection] = set()

    @property
    def connected(self) -> bool:
        return any(session.line for session in self._world.sessions.values())

    # What a scenario does to every connection.

    def drop(self) -> None:
        """Cut, without a word."""
        for connection in self._connections:
            connection.cut()
        self._world.changed()

    def reconnect(self) -> None:
        """Asked to come again and resume."""
        for connection in self._connections:
            connection.send(RECONNECT)

    def invalidate(self, resumable: bool = False) -> None:
        for connection in self._connections:
            if connection.session and not resumable:
                self._world.sessions.pop(connection.session.id, None)
            connection.send(INVALID, resumable)

    async def close(self, code: int) -> None:
        """Such as 4000 for an unknown error, 4004 for a bad token, 4014 for an intent that was not granted."""
        for connection in list(self._connections):
            await self._close(connection, code)

    # What a bot does.

    async def connect(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(timeout=1.0)
        await socket.prepare(request)
        connection = Connection(socket, request)
        self._connections.add(connection)
        writing = asyncio.create_task(connection.write())
        try:
            connection.send(HELLO, {"heartbeat_interval": int(self._heartbeat * 1000)})
            await self._listen(connection)
        except Closing as closing:
            self._world.violate(f"disconnected with {closing}")
            await self._close(connection, closing.code)
        finally:
            self._connections.discard(connection)
            writing.cancel()
            await asyncio.wait([writing])
            connection.leave()
            self._world.changed()
        return socket

    async def _close(self, connection: Connection, code: int) -> None:
        if connection.session and code in ENDING:
            self._world.sessions.pop(connection.session.id, None)
        connection.leave()
        await connection.socket.close(code=code)

    async def _listen(self, connection: Connection) -> None:
        while True:
            try:
                message = await connection.socket.receive(self._heartbeat * 1.5)
            except TimeoutError:
                raise Closing(4009, "no heartbeat") from None
            if message.type is not WSMsgType.TEXT:
                return self._left(connection, message)
            self._receive(connection, message.data)

    def _left(self, connection: Connection, message: WSMessage) -> None:
        """Only a bot that says goodbye ends its session."""
        if message.type is WSMsgType.CLOSE and message.data in (1000, 1001) and connection.session:
            self._world.sessions.pop(connection.session.id, None)

    def _receive(self, connection: Connection, text: str) -> None:
        if len(text) > MAX_PAYLOAD:
            raise Closing(4002, "a payload too large")
        frame = json.loads(text)
        if frame["op"] == HEARTBEAT:
            connection.send(ACK)
        elif frame["op"] == IDENTIFY:
            self._identify(connection, frame["d"])
        elif frame["op"] == RESUME:
            self._resume(connection, frame["d"])
        elif frame["op"] not in (PRESENCE, VOICE):
            raise Closing(4001, f"the unknown opcode {frame['op']}")

    def _identify(self, connection: Connection, told: Json) -> None:
        if connection.session:
            raise Closing(4005, "already authenticated")
        self._check_token(told)
        if refused := told["intents"] & PRIVILEGED & ~self._granted:
            raise Closing(4014, f"intents that were not granted: {refused}")
        sessions = self._world.sessions
        for stale in [id for id, session in sessions.items() if not session.line]:
            del sessions[stale]
        session = sessions.setdefault(key := secrets.token_hex(16), Session(key, told["intents"]))
        self._attach(connection, session)
        self.identified += 1
        self._greet(session, told)

    def _greet(self, session: Session, told: Json) -> None:
        world = self._world
        guilds = [guild for guild in world.guilds if not guild.kicked]
        shard = {"shard": told["shard"]} if told.get("shard") else {}
        ready = {
            "v": 10, "user": wire.user(world.bot), "session_id": session.id, "private_channels": [],
            "resume_gateway_url": f"ws://{world.address}/gateway", "application": {"id": str(world.bot.id), "flags": 0},
            "guilds": [{"id": str(guild.id), "unavailable": True} for guild in guilds],
        }  # fmt: skip
        session.push("READY", ready | shard)
        for guild in guilds if session.intents & GUILDS else []:
            channels = [each for each in world.channels.values() if each.guild is guild and not each.deleted]
            seen = [each for each in channels if world.permissions(world.bot, each) & VIEW]
            session.push("GUILD_CREATE", wire.guild(guild, seen, world.bot, len(world.users)))
        world.changed()

    def _resume(self, connection: Connection, told: Json) -> None:
        self._check_token(told)
        session = self._world.sessions.get(told["session_id"])
        if session is None:
            return connection.send(INVALID, False)
        for frame in session.sent[told["seq"] or 0 :]:
            connection.frames.put_nowait(frame)
        self._attach(connection, session)
        self.resumed += 1
        session.push("RESUMED", {})
        return self._world.changed()

    def _check_token(self, told: Json) -> None:
        if told["token"].removeprefix("Bot ") != self.token:
            raise Closing(4004, "a wrong token")

    @staticmethod
    def _attach(connection: Connection, session: Session) -> None:
        connection.session, session.line = session, connection.frames
