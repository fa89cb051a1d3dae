"""A Hugging Face hub on this machine, as ``huggingface_hub`` and ``transformers`` see one that serves models."""

import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tests.servers.uploads import Uploads

LARGE = {".bin", ".safetensors"}
"""Suffixes of files that the hub keeps elsewhere: it answers with a redirect to another host."""

FILE = re.compile(r"/(?!api/)(?P<repo>[^/]+(/[^/]+)?)/resolve/(?P<revision>[^/]+)/(?P<file>.+)")
STORED = re.compile(r"/stored/(?P<repo>[^/]+/[^/]+)/(?P<file>.+)")
INFO = re.compile(r"/api/models/(?P<repo>[^/]+(/[^/]+)??)(/revision/(?P<revision>[^/]+))?")
TREE = re.compile(r"/api/models/(?P<repo>[^/]+(/[^/]+)??)/tree/(?P<revision>[^/]+)(/(?P<folder>.+))?")

Asked = dict[str, str | None]
Answer = Callable[[str, Asked], None]


class Hub:
    """Serves the models in ``folder/owner/name`` until the ``with`` block ends.

    It answers nothing that it does not know: such requests stand in ``unknown``.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.gated: set[str] = set()
        """Models whose files are for people who were let in, which nobody was."""
        self.private: set[str] = set()
        """Models that are there for their owner only."""
        self.tokens: dict[str, str] = {}
        """Those that the hub knows, and the one owner each may write for."""
        self.stored: dict[str, bytes] = {}
        """Large files that were sent and are not committed yet, by SHA-256."""
        self.requests: list[str] = []
        """As in ``GET /someone/tiny/resolve/main/config.json``, in order."""
        self.unknown: list[str] = []
        self.unavailable = 0
        """How many of the next requests are answered with 503."""
        self.cut = 0
        """How many of the next large files end in the middle, with the connection."""
        self._stalled = ""
        self._going = threading.Event()
        self._going.set()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (_Handler,), {"hub": self}))

    def __enter__(self) -> "Hub":
        threading.Thread(target=self._server.serve_forever, args=(0.02,), name="hub", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._going.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def storage(self) -> str:
        """Where large files are: another host to the client, which must not send its token there."""
        return f"http://localhost:{self._server.server_port}/stored"

    @property
    def downloads(self) -> list[str]:
        """The requests that carried a file's content."""
        return [each for each in self.requests if each.startswith("GET") and "/api/" not in each]

    @contextmanager
    def stalled(self, part: str = "") -> Iterator[None]:
        """Every answer about a path that holds ``part`` waits for the end of the block."""
        self._stalled = part
        self._going.clear()
        try:
            yield
        finally:
            self._going.set()

    def wait(self, path: str) -> None:
        if self._stalled in path:
            self._going.wait()

    def files(self, repo: str) -> dict[str, Path]:
        """By name; empty for a model that is not there."""
        root = self.folder / repo
        return {path.relative_to(root).as_posix(): path for path in sorted(root.rglob("*")) if path.is_file()}

    def commit(self, repo: str) -> str:
        """Another one whenever a file changes."""
        told = "".join(f"{name} {etag(path)}\n" for name, path in self.files(repo).items())
        return hashlib.sha1(told.encode(), usedforsecurity=False).hexdigest()


def etag(path: Path) -> str:
    """git's name of a small file, the SHA-256 of a large one."""
    content = path.read_bytes()
    if path.suffix in LARGE:
        return hashlib.sha256(content).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


class _Handler(Uploads, BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._serve()

    def do_GET(self) -> None:
        self._serve()

    def log_message(self, *_: object) -> None:
        """Nothing: ``Hub.requests`` has it."""

    def _serve(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.requests.append(f"{self.command} {path}")
        self.hub.wait(path)
        if self.hub.unavailable > 0:
            self.hub.unavailable -= 1
            return self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, "", "Service Unavailable")
        if found := STORED.fullmatch(path):
            return self._send_file(self.hub.files(found["repo"])[found["file"]], {})
        if path == "/api/agent-harnesses":  # the client wants to know, once a day, which programs drive it
            return self._send_json({"standardEnvVars": [], "harnesses": {}})
        for pattern, answer in ((FILE, self._file), (TREE, self._tree), (INFO, self._info)):
            if found := pattern.fullmatch(path):
                return self._known(found.groupdict(), answer)
        self.hub.unknown.append(f"{self.command} {path}")
        return self._refuse(HTTPStatus.NOT_FOUND, "", "Not Found")

    def _known(self, asked: Asked, answer: Answer) -> None:
        repo = str(asked["repo"])
        if "Authorization" in self.headers and not self.owner():
            return self._refuse(HTTPStatus.UNAUTHORIZED, "", "Invalid credentials in Authorization header")
        hidden = repo in self.hub.private and self.owner() != repo.partition("/")[0]
        if hidden or not self.hub.files(repo):  # the hub tells nobody without a token whether a private one is there
            if self.owner():
                return self._refuse(HTTPStatus.NOT_FOUND, "", "Repository not found")
            return self._refuse(HTTPStatus.UNAUTHORIZED, "RepoNotFound", "Invalid username or password.")
        if asked["revision"] not in (None, "main", self.hub.commit(repo)):
            return self._refuse(HTTPStatus.NOT_FOUND, "RevisionNotFound", f"Invalid rev id: {asked['revision']}")
        return answer(repo, asked)

    def _file(self, repo: str, asked: Asked) -> None:
        headers = {"X-Repo-Commit": self.hub.commit(repo)}
        path = self.hub.files(repo).get(str(asked["file"]))
        if repo in self.hub.gated:
            words = f"Access to model {repo} is restricted. You must have access to it and be authenticated."
            return self._refuse(HTTPStatus.UNAUTHORIZED, "GatedRepo", words)
        if path is None:
            return self._refuse(HTTPStatus.NOT_FOUND, "EntryNotFound", "Entry not found", headers)
        if path.suffix in LARGE:
            linked = {"X-Linked-Etag": f'"{etag(path)}"', "X-Linked-Size": str(path.stat().st_size)}
            place = {"Location": f"{self.hub.storage}/{repo}/{asked['file']}"}
            return self._send(HTTPStatus.FOUND, b"", headers | linked | place)
        return self._send_file(path, headers)

    def _info(self, repo: str, _: Asked) -> None:
        siblings = [{"rfilename": name, "size": path.stat().st_size} for name, path in self.hub.files(repo).items()]
        if "blobs=" not in self.path:  # sizes are told to those who ask for them
            siblings = [{"rfilename": each["rfilename"]} for each in siblings]
        gated, private = "auto" if repo in self.hub.gated else False, repo in self.hub.private
        told = {"id": repo, "sha": self.hub.commit(repo), "private": private, "gated": gated, "siblings": siblings}
        self._send_json(told)

    def _tree(self, repo: str, asked: Asked) -> None:
        """All files below a folder; a listing that is not recursive differs only where folders are nested."""
        under = f"{asked['folder']}/" if asked["folder"] else ""
        found = [(name, path) for name, path in self.hub.files(repo).items() if name.startswith(under)]
        if not found:
            return self._refuse(HTTPStatus.NOT_FOUND, "EntryNotFound", f"{asked['folder']} does not exist")
        told = [{"type": "file", "path": name, "size": path.stat().st_size, "oid": etag(path)} for name, path in found]
        return self._send_json(told)

    def _refuse(self, status: HTTPStatus, code: str, words: str, headers: dict[str, str] | None = None) -> None:
        named = {"X-Error-Message": words} | ({"X-Error-Code": code} if code else {})
        self._send(status, json.dumps({"error": words}).encode(), named | (headers or {}))

    def _send_json(self, told: object) -> None:
        self._send(HTTPStatus.OK, json.dumps(told).encode(), {"Content-Type": "application/json"})

    def _send_file(self, path: Path, headers: dict[str, str]) -> None:
        content, start = path.read_bytes(), 0
        headers = headers | {"ETag": f'"{etag(path)}"', "Accept-Ranges": "bytes"}
        if found := re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", "")):
            start = int(found[1])
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        self._send(
            HTTPStatus.PARTIAL_CONTENT if start else HTTPStatus.OK, content[start:], headers, path.suffix in LARGE
        )

    def _send(self, status: HTTPStatus, body: bytes, headers: dict[str, str], large: bool = False) -> None:
        self.send_response(status)
        for name, value in (headers | {"Content-Length": str(len(body))}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        if large and self.hub.cut > 0:
            self.hub.cut -= 1
            body, self.close_connection = body[: len(body) // 2], True
        self.wfile.write(body)
