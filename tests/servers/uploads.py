"""The half of the hub that takes models: repositories are made, large files stored elsewhere, and both committed."""

import base64
import hashlib
import json
import re
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import yaml  # type: ignore[import-untyped]  # comes with the hub's client

if TYPE_CHECKING:
    from tests.servers.hub import Hub

REPO = r"(?P<repo>[^/]+/[^/]+)"
PREUPLOAD = re.compile(rf"/api/models/{REPO}/preupload/main")
COMMIT = re.compile(rf"/api/models/{REPO}/commit/main")
BATCH = re.compile(rf"/{REPO}\.git/info/lfs/objects/batch")
VERIFY = re.compile(rf"/api/models/{REPO}/verify")
OBJECT = re.compile(r"/storage/(?P<oid>[0-9a-f]{64})")
LARGE = {".bin", ".npz", ".safetensors"}
"""Suffixes that a new repository's .gitattributes names."""


class Uploads(BaseHTTPRequestHandler):
    """Writing needs a token of ``Hub.tokens``, but for the storage, which must not see one."""

    hub: "Hub"

    def do_POST(self) -> None:
        path, body = self._begin()
        if self.hub.unavailable > 0:
            self.hub.unavailable -= 1
            return self._answer(HTTPStatus.SERVICE_UNAVAILABLE, {"error": "Service Unavailable"})
        if not (owner := self.owner()):
            return self._answer(HTTPStatus.UNAUTHORIZED, {"error": "Invalid username or password."})
        match path:
            case "/api/validate-yaml":
                self._validate(json.loads(body)["content"])
            case "/api/repos/create":
                self._create(owner, json.loads(body))
            case _:
                self._change(owner, path, body)
        return None

    def do_PUT(self) -> None:
        path, body = self._begin()
        found = OBJECT.fullmatch(path)
        if not found or "Authorization" in self.headers or hashlib.sha256(body).hexdigest() != found["oid"]:
            self.hub.unknown.append(f"PUT {path}")
            return self._answer(HTTPStatus.BAD_REQUEST, {"error": "Bad request"})
        self.hub.stored[found["oid"]] = body
        return self._answer(HTTPStatus.OK, {})

    def owner(self) -> str:
        """For whom the token in the request may write; empty for none."""
        return self.hub.tokens.get(self.headers.get("Authorization", "").removeprefix("Bearer "), "")

    def _change(self, owner: str, path: str, body: bytes) -> None:
        """One of the steps that put files into a repository."""
        steps: list[tuple[re.Pattern[str], Callable[[str, bytes], None]]] = [
            (PREUPLOAD, self._preupload),
            (BATCH, self._batch),
            (VERIFY, self._verify),
            (COMMIT, self._commit),
        ]
        for pattern, step in steps:
            if found := pattern.fullmatch(path):
                if not found["repo"].startswith(f"{owner}/"):
                    return self._answer(HTTPStatus.FORBIDDEN, {"error": "You have read access but not write access."})
                return step(found["repo"], body)
        self.hub.unknown.append(f"POST {path}")
        return self._answer(HTTPStatus.NOT_FOUND, {"error": "Not Found"})

    def _begin(self) -> tuple[str, bytes]:
        path = unquote(urlsplit(self.path).path)
        self.hub.requests.append(f"{self.command} {path}")
        self.hub.wait(path)
        return path, self._body()

    def _body(self) -> bytes:
        """As long as its header says, or in chunks."""
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _validate(self, card: str) -> None:
        try:
            yaml.safe_load(card.split("---\n")[1])
        except (IndexError, yaml.YAMLError) as error:
            return self._answer(HTTPStatus.BAD_REQUEST, {"errors": [{"message": str(error)}], "warnings": []})
        return self._answer(HTTPStatus.OK, {"errors": [], "warnings": []})

    def _create(self, owner: str, asked: dict[str, Any]) -> None:
        repo = f"{asked['organization']}/{asked['name']}"
        url = {"url": f"{self.hub.url}/{repo}"}
        if asked["organization"] != owner:
            words = f'You don\'t have the rights to create a model under the namespace "{asked["organization"]}".'
            return self._answer(HTTPStatus.FORBIDDEN, {"error": words})
        if self.hub.files(repo):
            return self._answer(HTTPStatus.CONFLICT, {"error": "You already created this model repo", **url})
        self._write(repo, ".gitattributes", "".join(f"*{each} filter=lfs\n" for each in sorted(LARGE)).encode())
        if asked.get("visibility") == "private":
            self.hub.private.add(repo)
        return self._answer(HTTPStatus.OK, url)

    def _preupload(self, repo: str, body: bytes) -> None:
        paths = [each["path"] for each in json.loads(body)["files"]]
        modes = {path: "lfs" if Path(path).suffix in LARGE else "regular" for path in paths}
        files = [{"path": path, "uploadMode": mode, "shouldIgnore": False} for path, mode in modes.items()]
        self._answer(HTTPStatus.OK, {"files": files})

    def _batch(self, repo: str, body: bytes) -> None:
        told = []
        for each in json.loads(body)["objects"]:
            upload = {"href": f"{self.hub.url.replace('127.0.0.1', 'localhost')}/storage/{each['oid']}"}
            verify = {"href": f"{self.hub.url}/api/models/{repo}/verify"}
            actions = {} if each["oid"] in self.hub.stored else {"actions": {"upload": upload, "verify": verify}}
            told.append({"oid": each["oid"], "size": each["size"], **actions})
        self._answer(HTTPStatus.OK, {"transfer": "basic", "objects": told})

    def _verify(self, repo: str, body: bytes) -> None:
        asked = json.loads(body)
        whole = len(self.hub.stored.get(asked["oid"], b"")) == asked["size"]
        self._answer(HTTPStatus.OK if whole else HTTPStatus.NOT_FOUND, {})

    def _commit(self, repo: str, body: bytes) -> None:
        for line in map(json.loads, body.splitlines()):
            match line["key"], line["value"]:
                case "file", {"path": path, "content": content}:
                    self._write(repo, path, base64.b64decode(content))
                case "lfsFile", {"path": path, "oid": oid}:
                    self._write(repo, path, self.hub.stored.pop(oid))
        oid = self.hub.commit(repo)
        url = f"{self.hub.url}/{repo}/commit/{oid}"
        self._answer(HTTPStatus.OK, {"success": True, "commitOid": oid, "commitUrl": url, "hookOutput": ""})

    def _write(self, repo: str, name: str, content: bytes) -> None:
        path = self.hub.folder / repo / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def _answer(self, status: HTTPStatus, told: object) -> None:
        body = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
