"""Drives the path by hand: what is asked, what is decided, and what a person would see of it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from aig_client.core import (
    NO_OPTIONS,
    UNSET,
    Ask,
    Deliver,
    Head,
    Meter,
    NoAnswer,
    Options,
    Path,
    Plan,
    Receipt,
    Request,
    Rules,
    Send,
    decide,
    exchange,
    read,
)

ACCOUNT = "0123456789abcdef0123456789abcdef"
BASE = f"https://gateway.ai.cloudflare.com/v1/{ACCOUNT}/prod"
CHAT = f"{BASE}/openai/chat/completions"
REST = f"https://api.cloudflare.com/client/v4/accounts/{ACCOUNT}/ai"
REST_CHAT = f"{REST}/v1/chat/completions"
REST_RUN = f"{REST}/run"
OUTSIDE = "https://api.openai.com/v1/chat/completions"
DECLARED = "https://ai.example.com"
SURFACES = {
    "native": CHAT,
    "compat": f"{BASE}/compat/chat/completions",
    "universal": BASE,
    "custom domain": f"{DECLARED}/openai/chat/completions",
    "rest": REST_CHAT,
}

TOKEN = "cf-token"
RULES = Rules(token=TOKEN, gateway_id="prod", gateways=(DECLARED,))
BODY = {"model": "gpt-4.1-mini", "messages": [{"role": "user", "content": "Hello"}]}
JSON = (b"Content-Type", b"application/json")

Pairs = Iterable[tuple[str, str]]


def asked(
    url: str = CHAT,
    body: Any = BODY,
    headers: Pairs = (),
    *,
    method: str = "POST",
    kind: tuple[bytes, bytes] | None = JSON,
) -> Request:
    """A request as a shell hands it in; a body of bytes goes as it is, anything else as JSON."""
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    content = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
    return Request(method, url, (*([kind] if kind else []), *raw), content, UNSET)


def planned(request: Request | None = None, rules: Rules = RULES, **options: Any) -> Plan:
    """What is decided about a request, ``CHAT`` with ``BODY`` if none is given."""
    return decide(read(request or asked(), rules), rules, Options(**options) if options else NO_OPTIONS)


def sent(plan: Plan) -> dict[str, str]:
    """The headers that go out, by lower-case name; none may go out twice."""
    names = [name.lower().decode() for name, _ in plan.headers]
    assert len(names) == len(set(names))
    return {name.lower().decode(): value.decode("latin-1") for name, value in plan.headers}


def cache_headers(plan: Plan) -> dict[str, str]:
    """The headers that go out and speak to the gateway's cache."""
    return {
        name.removeprefix("cf-aig-"): value
        for name, value in sent(plan).items()
        if name in ("cf-aig-skip-cache", "cf-aig-cache-key", "cf-aig-cache-ttl", "cf-skip-cache", "cf-cache-ttl")
    }


def head(status: int = 200, headers: Pairs = (), *, sent_at: float = 1.0, at: float = 1.25) -> Head:
    return Head(status, tuple((name.encode(), value.encode("latin-1")) for name, value in headers), sent_at, at)


class Exchange:
    """One exchange under way: ``answer`` answers the question that is open and gives the next one, or the receipt."""

    def __init__(self, request: Request | None = None, rules: Rules = RULES, **options: Any) -> None:
        self.path: Path[Receipt] = exchange(request or asked(), rules, Options(**options) if options else NO_OPTIONS)
        self.open: Ask[Any] = next(self.path)
        self.sends = [self.plan]

    @property
    def plan(self) -> Plan:
        assert isinstance(self.open, (Send, Deliver))
        return self.open.plan

    def answer(self, value: Head | NoAnswer | Meter) -> Receipt | None:
        try:
            self.open = self.path.send(value)
        except StopIteration as stop:
            receipt: Receipt = stop.value
            return receipt
        if isinstance(self.open, Send):
            self.sends.append(self.open.plan)
        return None
