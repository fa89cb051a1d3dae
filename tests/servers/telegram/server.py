"""The Bot API over HTTP, on this machine."""

import asyncio
from collections.abc import Hashable
from typing import Self

from aiohttp import web

from tests.servers.telegram.call import Call, read
from tests.servers.telegram.faults import Fault
from tests.servers.telegram.methods import METHODS
from tests.servers.telegram.people import People
from tests.servers.telegram.rules import UPLOAD_BYTES, Refusal
from tests.servers.telegram.world import BOT_ID, Violation

GRACE = 0.2
"""Seconds that calls under way have when the server ends."""


class Telegram(People):
    """A Telegram of its own for one test, until the ``async with`` block ends.

    It refuses what Telegram refuses, in the same words. A bot without mistakes leaves ``violations`` empty.
    """

    token = f"{BOT_ID}:a-token-of-nobody"

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=2 * UPLOAD_BYTES)
        app.router.add_route("*", "/bot{token}/{method}", self._answer)
        app.router.add_get("/file/bot{token}/{path:.+}", self._download)
        # A poller that is gone must not be given updates, so its handler ends with its connection.
        self._runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=GRACE)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.mailbox.close()
        await self._runner.cleanup()

    @property
    def api_url(self) -> str:
        """As python-telegram-bot's ``base_url``."""
        return f"{self._host}/bot"

    @property
    def file_url(self) -> str:
        """As python-telegram-bot's ``base_file_url``."""
        return f"{self._host}/file/bot"

    @property
    def _host(self) -> str:
        host, port = self._runner.addresses[0][:2]
        return f"http://{host}:{port}"

    async def _answer(self, request: web.Request) -> web.Response:
        try:
            return await self._perform(request)
        except Refusal as refusal:
            self._note(request.match_info["method"], refusal)
            return _json(refusal.code, str(refusal), refusal.parameters)
        finally:
            self.bell.ring()

    async def _perform(self, request: web.Request) -> web.Response:
        if request.match_info["token"] != self.token:
            raise Refusal(401, "Unauthorized")
        call = await read(request)
        self.calls.append(call)
        self.bell.ring()
        self.flood.heed(_banned(call))
        await self.faults.wait(call.method)
        fault = self.faults.next(call.method)
        if fault and not fault.after and (spoiled := await self._spoil(fault, request, _banned(call))):
            return spoiled
        if call.method not in METHODS:
            raise Refusal(404, "Not Found: method not found")
        answer = web.json_response({"ok": True, "result": await METHODS[call.method](self, call)})
        self.bell.ring()
        if fault and fault.after and (spoiled := await self._spoil(fault, request, _banned(call))):
            return spoiled
        return answer

    async def _spoil(self, fault: Fault, request: web.Request, key: Hashable) -> web.Response | None:
        """What the fault makes of the answer; None where it only comes late."""
        await asyncio.sleep(fault.delay)
        if fault.cut and request.transport:
            request.transport.abort()
            return web.Response(status=500)
        if fault.retry_after:
            self.flood.ban(key, fault.retry_after)
        if fault.body is not None:
            return web.Response(status=fault.status, text=fault.body)
        parameters = {"retry_after": fault.retry_after} if fault.retry_after else {}
        return _json(fault.status, fault.words, parameters) if fault.status else None

    def _note(self, method: str, refusal: Refusal) -> None:
        violation = Violation(method, refusal.code, str(refusal))
        self.refusals.append(violation)
        if refusal.blamed:
            self.violations.append(violation)

    async def _download(self, request: web.Request) -> web.Response:
        if (fault := self.faults.next("file")) and (spoiled := await self._spoil(fault, request, "file")):
            return spoiled
        path, token = request.match_info["path"], request.match_info["token"]
        file = next((file for file in self.files if file.path == path), None)
        if token != self.token or not file:
            return _json(404, "Not Found", {})
        return web.Response(body=file.content, content_type="application/octet-stream")


def _banned(call: Call) -> Hashable:
    """What a 429 that a test asked for is about: the method in the chat."""
    return call.method, call.fields.get("chat_id")


def _json(code: int, words: str, parameters: dict[str, int]) -> web.Response:
    """A call that failed, as Telegram tells it."""
    more = {"parameters": parameters} if parameters else {}
    return web.json_response({"ok": False, "error_code": code, "description": words} | more, status=code)
