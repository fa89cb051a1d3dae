"""What the local servers of sources share: a port of their own, a log, and faults."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web


@dataclass
class Fault:
    """Of one request whose path holds ``route``."""

    route: str = ""
    status: int = 0
    """0 cuts the connection instead of an answer."""
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    after: int = 0
    """Matching requests that are answered well before."""


class Local:
    """An HTTP server on this machine until the ``async with`` block ends."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, str]]] = []
        """Path and query, in order."""
        self.faults: list[Fault] = []
        self.url = ""
        app = web.Application()
        app.router.add_get("/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    def answer(self, path: str, query: Mapping[str, str], headers: Mapping[str, str]) -> tuple[int, Any]:
        """Status and JSON body."""
        raise NotImplementedError

    def paths(self) -> list[str]:
        return [path for path, _ in self.requests]

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append((request.path, dict(request.query)))
        if fault := self._fault(request.path):
            if fault.status == 0 and request.transport:
                request.transport.abort()
            if isinstance(fault.body, str):
                return web.Response(text=fault.body, status=fault.status, headers=fault.headers)
            return web.json_response(fault.body or {}, status=fault.status or 500, headers=fault.headers)
        status, body = self.answer(request.path, request.query, request.headers)
        return web.json_response(body, status=status)

    def _fault(self, path: str) -> Fault | None:
        for fault in [each for each in self.faults if each.route in path][:1]:
            if fault.after == 0:
                self.faults.remove(fault)
                return fault
            fault.after -= 1
        return None


def soon() -> str:
    """A reset that is over within the second, as seconds since 1970."""
    return str(int(time.time()))
