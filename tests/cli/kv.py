"""The two endpoints of Workers KV that `aig policy push` uses, over a real socket, as Cloudflare answers them."""

from __future__ import annotations

import json
import re
from collections.abc import Generator
from contextlib import contextmanager
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

from ..serving import in_thread

ACCOUNT = "0123456789abcdef0123456789abcdef"
NAMESPACE = "0f2ac74b498b48028cb68387c421e279"
API_TOKEN = "cloudflare-api-token-of-the-tests"
_PATH = re.compile(r"/client/v4/accounts/([^/]+)/storage/kv/namespaces/([^/]+)/values/([^/]+)")


class Kv(ThreadingHTTPServer):
    """``values`` is what the namespace holds; ``writes`` is the order in which keys were written."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.values: dict[str, bytes] = {}
        self.writes: list[str] = []
        self.garbles = False
        self.refuses: dict[str, int] = {}

    @property
    def environ(self) -> dict[str, str]:
        """What makes the SDK talk to it."""
        return {
            "CLOUDFLARE_BASE_URL": f"http://127.0.0.1:{self.server_port}/client/v4",
            "CLOUDFLARE_API_TOKEN": API_TOKEN,
            "CLOUDFLARE_ACCOUNT_ID": ACCOUNT,
        }


class _Handler(BaseHTTPRequestHandler):
    @property
    def kv(self) -> Kv:
        assert isinstance(self.server, Kv)
        return self.server

    def do_GET(self) -> None:
        key = self._key()
        if key is None:
            return
        value = self.kv.values.get(key)
        if value is None:
            self._no(404, 10009, "get: 'key not found'")
        else:
            self._say(200, value, "application/octet-stream")

    def do_PUT(self) -> None:
        raw = self.rfile.read(int(self.headers["content-length"]))
        key = self._key()
        if key is None:
            return
        if key in self.kv.refuses:
            self._no(self.kv.refuses[key], 10000, "no")
            return
        whole = f"Content-Type: {self.headers['content-type']}\r\n\r\n".encode() + raw
        message = BytesParser().parsebytes(whole)
        _, part = message.walk()  # the whole, and its one part
        assert part.get_param("name", header="content-disposition") == "value"
        value = part.get_payload(decode=True)
        assert isinstance(value, bytes)
        self.kv.values[key] = value[:-1] if self.kv.garbles else value
        self.kv.writes.append(key)
        self._say(200, json.dumps({"success": True, "errors": [], "messages": [], "result": {}}).encode())

    def _key(self) -> str | None:
        found = _PATH.fullmatch(self.path)
        assert found is not None, self.path
        if self.headers["authorization"] != f"Bearer {API_TOKEN}":
            self._no(403, 10000, "Authentication error")
        elif (found[1], found[2]) != (ACCOUNT, NAMESPACE):
            self._no(404, 10013, "namespace not found")
        else:
            return unquote(found[3])
        return None

    def _no(self, status: int, code: int, message: str) -> None:
        errors = [{"code": code, "message": message}]
        body = {"success": False, "errors": errors, "messages": [], "result": None}
        self._say(status, json.dumps(body).encode())

    def _say(self, status: int, body: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the standard library's name)
        pass


@contextmanager
def serve() -> Generator[Kv]:
    """A namespace of one test."""
    server = Kv()
    with in_thread(server):
        yield server
