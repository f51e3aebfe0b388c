"""What a deployment decides apart from its policy: front door, certificates, metering, ledger; and a bad gateway."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from aig_client.core.path._principal import stored_token

from ..serving import in_thread
from .conftest import assert_quiet
from .edges import document, publish, variables
from .workerd import WRANGLER, Running, Tools, serve

ACCOUNT, GATEWAY = "0123456789abcdef0123456789abcdef", "deployed"
CHAT, MESSAGES = "/openai/chat/completions", "/anthropic/v1/messages"
HELLO: dict[str, Any] = {"model": "gpt-5-nano", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 100}
DOOR = 3
"""What the narrow Worker lets in of one principal: whoever calls there has a principal of their own."""
PERIOD = 60
LIMIT = 100_000
HASTY = {"strategy": "fixed", "targets": ["openai/gpt-5-mini"], "limits": {"deadline": 0.3}}
FINGERPRINT = "0123456789abcdef" * 4
VERIFIED = {"cf-cert-verified": "true", "cf-cert-revoked": "false", "cf-cert-fingerprint-sha256": FINGERPRINT}
NAMES = ("many", "other", "page", "broken", "slow", "plain")
SPENDERS = ("spender", "unlucky", "hasty", "fresh")


def token(name: str) -> str:
    return f"aig_{name}_0123456789abcdef"


def principal(name: str, **more: Any) -> dict[str, Any]:
    return {"tenant": name, "tokens": [stored_token(token(name), "0123456789abcdef")], "classes": ["*"], **more}


BUDGET = {"limits": [{"what": "tokens", "limit": LIMIT, "window": 86_400}]}
PRINCIPALS: dict[str, Any] = {
    **{name: principal(name) for name in NAMES},
    **{name: principal(name, **BUDGET) for name in SPENDERS},
    "certified": {"tenant": "certified", "certificates": [FINGERPRINT], "classes": ["*"]},
}
POLICY = document(classes={"hasty": HASTY}, principals=PRINCIPALS)


# --- A gateway that answers what it is told ---


@dataclass(frozen=True)
class Told:
    status: int
    kind: str
    content: bytes
    seconds: float = 0.0
    """How long it waits before it answers."""


GOOD = Told(
    200,
    "application/json",
    json.dumps({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}}).encode(),
)
PAGE = '<!doctype html>\r\n<title>Größer als \N{EURO SIGN}</title>\n<p>{"usage":'.encode() + b"\xff\x00\n"


@dataclass
class Gateway:
    """``next`` is answered once, then ``GOOD`` again; ``seen`` holds who came, by the Worker's metadata."""

    origin: str
    account: str = ACCOUNT
    gateway: str = GATEWAY
    next: list[Told] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    leaving = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            one.seen.append(json.loads(self.headers["cf-aig-metadata"])["principal"])
            told = one.next.pop() if one.next else GOOD
            leaving.wait(told.seconds)
            try:
                self.send_response(told.status)
                self.send_header("content-type", told.kind)
                self.send_header("content-length", str(len(told.content)))
                self.end_headers()
                self.wfile.write(told.content)
            except ConnectionError:  # whoever asked did not wait
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base class's name)
            pass

    with in_thread(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as origin:
        one = Gateway(origin)
        yield one
        leaving.set()


@pytest.fixture(autouse=True)
def _empty(gateway: Gateway) -> None:
    gateway.next.clear()
    gateway.seen.clear()


# --- Two deployments ---


def deployed(harness: Tools, gateway: Gateway, folder: Path, text: str, **more: str) -> Iterator[Running]:
    config = folder / "wrangler.toml"
    config.write_text(
        text.replace('"worker/entry.py"', f'"{WRANGLER.parent / "worker" / "entry.py"}"'), encoding="utf-8"
    )
    with serve(harness, config, folder / "log", vars=variables(gateway, **more)) as running:
        publish(running, 1, POLICY)
        yield running
    assert_quiet(folder / "log")


@pytest.fixture(scope="module")
def narrow(harness: Tools, gateway: Gateway, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A narrow front door, certificates that the zone has verified, and nobody who reads the answers."""
    text, changed = re.subn(r"limit = \d+, period = \d+", f"limit = {DOOR}, period = {PERIOD}", WRANGLER.read_text())
    assert changed == 1
    folder = tmp_path_factory.mktemp("narrow")
    yield from deployed(harness, gateway, folder, text, CLIENT_CERTIFICATES="verified-by-the-zone", METERING="off")


@pytest.fixture(scope="module")
def bare(harness: Tools, gateway: Gateway, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """No ledger, and no word about certificates."""
    text, _, rest = WRANGLER.read_text("utf-8").partition("[[durable_objects.bindings]]")
    assert "Ledger" in rest
    assert "LEDGER" not in text
    yield from deployed(harness, gateway, tmp_path_factory.mktemp("bare"), text)


def ask(edge: Running, name: str | None, path: str = CHAT, **headers: str) -> httpx.Response:
    sent = {**({"authorization": f"Bearer {token(name)}"} if name else {}), **headers}
    with httpx.Client(trust_env=False, timeout=20) as client:
        return client.post(edge.url + path, json=HELLO, headers=sent)


# --- The front door ---


def test_the_front_door_counts_each_principal_by_itself(narrow: Running, gateway: Gateway) -> None:
    left = PERIOD - time.time() % PERIOD
    if left < 5:  # a window of the limit is one of the clock: all of this must fall into one
        time.sleep(left + 0.05)
    assert [ask(narrow, "many").status_code for _ in range(DOOR)] == [200] * DOOR
    openai, anthropic = ask(narrow, "many"), ask(narrow, "many", MESSAGES)
    for refused in (openai, anthropic):
        assert (refused.status_code, refused.headers["x-aig-refused"]) == (429, "too_many_requests")
    assert openai.json() == {
        "error": {
            "message": "There are too many requests: wait a little.",
            "type": "rate_limit_error",
            "param": None,
            "code": "too_many_requests",
        }
    }
    said = anthropic.json()
    assert (said["type"], said["error"]["type"]) == ("error", "rate_limit_error")
    assert "too many requests" in said["error"]["message"]
    assert ask(narrow, "other").status_code == 200
    assert ask(narrow, "many").status_code == 429
    assert gateway.seen == ["many"] * DOOR + ["other"]


# --- Client certificates ---


def test_a_certificate_that_the_zone_has_verified_is_a_principal(narrow: Running, gateway: Gateway) -> None:
    assert ask(narrow, None, **VERIFIED).status_code == 200
    assert gateway.seen == ["certified"]


@pytest.mark.parametrize(
    "change",
    [
        {"cf-cert-verified": "false"},
        {"cf-cert-verified": ""},
        {"cf-cert-revoked": "true"},
        {"cf-cert-fingerprint-sha256": FINGERPRINT[::-1]},
        {"cf-cert-fingerprint-sha256": ""},
    ],
)
def test_any_other_certificate_is_nobody(narrow: Running, gateway: Gateway, change: dict[str, str]) -> None:
    refused = ask(narrow, None, **{**VERIFIED, **change})
    assert (refused.status_code, refused.headers["x-aig-refused"]) == (401, "unauthenticated")
    assert not gateway.seen


def test_where_no_zone_verifies_anybody_could_send_the_headers(bare: Running, gateway: Gateway) -> None:
    refused = ask(bare, None, **VERIFIED)
    assert (refused.status_code, refused.headers["x-aig-refused"]) == (401, "unauthenticated")
    assert not gateway.seen


# --- Without metering ---


def test_without_metering_the_whole_hold_is_booked(narrow: Running) -> None:
    first = ask(narrow, "spender")
    assert (first.status_code, first.content) == (200, GOOD.content)
    held = LIMIT - int(first.headers["x-aig-remaining-tokens"])
    assert held > json.loads(GOOD.content)["usage"]["total_tokens"]
    time.sleep(0.5)  # settling comes after the answer
    again = ask(narrow, "spender")
    assert int(again.headers["x-aig-remaining-tokens"]) == LIMIT - 2 * held


def test_without_metering_an_error_still_gives_its_hold_back(narrow: Running, gateway: Gateway) -> None:
    """So holds are settled there as well: one that nobody settles would be booked in full, whatever the answer was."""
    left: list[int] = []
    for _ in range(DOOR):
        gateway.next.append(Told(500, "application/json", b"{}"))
        answer = ask(narrow, "unlucky")
        assert answer.status_code == 500
        left.append(int(answer.headers["x-aig-remaining-tokens"]))
        time.sleep(0.5)
    assert left[0] < LIMIT
    assert left[-1] == left[0], left


# --- A gateway that is none ---


@pytest.mark.parametrize(("name", "status"), [("page", 200), ("broken", 502)])
@pytest.mark.parametrize("metered", [True, False], ids=["metered", "unmetered"])
def test_a_page_passes_untouched(
    request: pytest.FixtureRequest, gateway: Gateway, metered: bool, name: str, status: int
) -> None:
    edge: Running = request.getfixturevalue("bare" if metered else "narrow")
    gateway.next.append(Told(status, "text/html; charset=utf-8", PAGE))
    answer = ask(edge, name)
    assert (answer.status_code, answer.content) == (status, PAGE)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "x-aig-refused" not in answer.headers
    after = ask(edge, name)
    assert (after.status_code, after.content) == (200, GOOD.content)


@pytest.mark.parametrize("edge", ["bare", "narrow"])
def test_a_gateway_that_is_later_than_the_deadline(request: pytest.FixtureRequest, gateway: Gateway, edge: str) -> None:
    running: Running = request.getfixturevalue(edge)
    gateway.next.append(Told(200, "application/json", GOOD.content, seconds=3))
    began = time.monotonic()
    late = ask(running, "slow", f"/c/hasty{CHAT}")
    took = time.monotonic() - began
    assert (late.status_code, late.headers["x-aig-refused"]) == (504, "gateway_unreachable")
    assert late.json()["error"]["code"] == "gateway_unreachable"
    assert 0.3 <= took < 2
    assert gateway.seen == ["slow"]
    assert ask(running, "slow", f"/c/hasty{CHAT}").status_code == 200


def test_what_was_too_late_is_booked_for_the_provider_may_bill_it(narrow: Running, gateway: Gateway) -> None:
    gateway.next.append(Told(200, "application/json", GOOD.content, seconds=2))
    assert ask(narrow, "hasty", f"/c/hasty{CHAT}").status_code == 504
    time.sleep(0.5)
    after = int(ask(narrow, "hasty", f"/c/hasty{CHAT}").headers["x-aig-remaining-tokens"])
    assert (LIMIT - after) % 2 == 0
    assert LIMIT - after > 100, "two holds: the one that was too late, and this one"
    fresh = int(ask(narrow, "fresh", f"/c/hasty{CHAT}").headers["x-aig-remaining-tokens"])
    assert LIMIT - after == 2 * (LIMIT - fresh)


# --- Without a ledger ---


@pytest.mark.parametrize(
    ("path", "said"),
    [(CHAT, {"type": "api_error", "code": "no_ledger"}), (MESSAGES, {"type": "api_error"})],
    ids=["openai", "anthropic"],
)
def test_limits_without_a_ledger_let_nobody_through(
    bare: Running, gateway: Gateway, path: str, said: dict[str, str]
) -> None:
    refused = ask(bare, "spender", path)
    assert (refused.status_code, refused.headers["x-aig-refused"]) == (500, "no_ledger")
    error = refused.json()["error"]
    assert error.items() >= said.items()
    assert "no ledger is bound" in error["message"]
    assert not gateway.seen
    assert ask(bare, "plain").status_code == 200
    assert gateway.seen == ["plain"]
