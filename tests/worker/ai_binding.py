"""What stands behind a Worker's ``AI`` binding in tests: knows the account, as Cloudflare does, and asks the emulator.

The binding in workerd is the real one. Miniflare sends what it asks for to this server: ``MF-URL`` says which URL, each
header comes as ``MF-Header-{name}``, the body as it is.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

import httpx

from ..serving import in_thread

RUN: Final = "https://workers-binding.ai/ai-gateway/universal/run/"  # contract 7.1
_PREFIX: Final = "mf-header-"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the Worker has sent through its binding: the header names are in lower case."""

    url: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Account:
    """The account behind the binding: where its gateways are, and what it was asked."""

    base: str
    token: str
    url: str = ""
    asked: list[Asked] = field(default_factory=list)


@contextmanager
def account(base: str, token: str) -> Generator[Account]:
    """Serve until the block ends. ``base`` is the URL below which the account's gateways are (``.../v1/{account}``)."""
    one = Account(base, token)
    with httpx.Client(trust_env=False, timeout=30) as client:

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                self.close_connection = True
                _serve(self, one, client)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (its name there)
                pass

        with in_thread(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as origin:
            one.url = f"{origin}/"
            yield one


def _serve(handler: BaseHTTPRequestHandler, one: Account, client: httpx.Client) -> None:
    asked = _asked(handler)
    one.asked.append(asked)
    assert asked.url.startswith(RUN), asked.url
    # Whoever comes through a binding is known by that: the token is ours, not the Worker's.
    headers = {**asked.headers, "cf-aig-authorization": f"Bearer {one.token}", "accept-encoding": "identity"}
    url = f"{one.base}/{asked.url.removeprefix(RUN)}"
    try:
        with client.stream("POST", url, headers=headers, content=asked.body) as answer:
            handler.send_response(answer.status_code)
            for name, value in answer.headers.items():
                if name not in ("transfer-encoding", "connection", "content-length"):
                    handler.send_header(name, value)
            handler.send_header("mf-forwarded-response", "true")
            handler.send_header("transfer-encoding", "chunked")
            handler.end_headers()
            for piece in answer.iter_raw():
                handler.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            handler.wfile.write(b"0\r\n\r\n")
    except (httpx.TransportError, ConnectionError):
        pass  # nobody answers, or nobody listens: the connection is closed, as it is then


def _asked(handler: BaseHTTPRequestHandler) -> Asked:
    lowered = {name.lower(): value for name, value in handler.headers.items()}
    sent = {name.removeprefix(_PREFIX): value for name, value in lowered.items() if name.startswith(_PREFIX)}
    length = lowered.get("content-length")
    body = handler.rfile.read(int(length)) if length is not None else b"".join(_chunks(handler))
    return Asked(lowered["mf-url"], {name: value for name, value in sent.items() if name != "content-length"}, body)


def _chunks(handler: BaseHTTPRequestHandler) -> Iterator[bytes]:
    while size := int(handler.rfile.readline(), 16):
        yield handler.rfile.read(size)
        handler.rfile.readline()
    handler.rfile.readline()
