"""What the Worker writes into Analytics Engine, as workerd hands it over: one point for each request, and no words."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from aig_client.apps.emulator import EmulatorConfig, RunningEmulator, serve_in_thread
from aig_client.core.path._edge_told import tenant_digest

from .edges import ACME, ADMIN, GATEWAY_TOKEN, GLOBEX, KEY_SECRET, NARROW, POLICY_KEY, document, publish, variables
from .workerd import WRANGLER, Running, Tools, serve

PROMPT = "the prompt that nobody may read"
BODY: dict[str, Any] = {"model": "gpt-5-mini", "messages": [{"role": "user", "content": PROMPT}]}
CHAT, CACHED = "/openai/chat/completions", "/c/cached/openai/chat/completions"
COLUMNS = (
    ("principal", "tenant", "class", "provider", "model", "endpoint", "cache", "ended", "decision", "reasons"),
    ("status", "input", "output", "cached", "cost", "saved", "latency", "attempts"),
)
UNKNOWN = dict.fromkeys(COLUMNS[1][1:], -1)


class Edge:
    """A Worker whose events are told in its log."""

    def __init__(self, running: Running) -> None:
        self.running = running
        self._seen = 0

    def ask(self, path: str = CHAT, body: Any = BODY, *, token: str | None = ACME, **headers: str) -> httpx.Response:
        sent = {**({"authorization": f"Bearer {token}"} if token else {}), **headers}
        with httpx.Client(trust_env=False, timeout=20) as client:
            if isinstance(body, dict):
                return client.post(self.running.url + path, json=body, headers=sent)
            return client.post(self.running.url + path, content=body, headers=sent)

    def events(self) -> list[dict[str, Any]]:
        """Those that came since it was last asked; they come after the answer."""
        found: list[dict[str, Any]] = []
        for line in self.running.log.read_text("utf-8").splitlines():
            if line.startswith("log: event "):
                point = json.loads(line.removeprefix("log: event "))
                assert point["indexes"] == point["blobs"][:1]
                found.append(dict(zip(COLUMNS[0] + COLUMNS[1], (*point["blobs"], *point["doubles"]), strict=True)))
        return found

    def event(self) -> dict[str, Any]:
        """The one event that came since."""
        end = time.monotonic() + 10
        while len(found := self.events()) <= self._seen:
            assert time.monotonic() < end, "no event came"
            time.sleep(0.02)
        self._seen += 1
        assert len(found) == self._seen
        return found[-1]


@pytest.fixture(scope="module")
def emulator() -> Iterator[RunningEmulator]:
    stored = frozenset({"openai", "anthropic"})
    with serve_in_thread(EmulatorConfig(auth_tokens=frozenset({GATEWAY_TOKEN}), stored_keys=stored)) as running:
        yield running


@pytest.fixture(scope="module")
def edge(harness: Tools, emulator: RunningEmulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    log: Path = tmp_path_factory.mktemp("events") / "log"
    with serve(harness, WRANGLER, log, vars=variables(emulator), events=True) as running:
        publish(running, 1, document())
        yield Edge(running)
    told = log.read_text("utf-8")
    for hidden in (PROMPT, "emulator says", ACME, GLOBEX, NARROW, ADMIN, GATEWAY_TOKEN, POLICY_KEY, KEY_SECRET):
        assert hidden not in told
    assert [line for line in told.splitlines() if not line.startswith("log: ")] == []


def test_an_answer_is_counted_once_with_all_that_is_known_of_it(edge: Edge) -> None:
    answer = edge.ask(CACHED)
    usage = answer.json()["usage"]
    event = edge.event()
    assert event["principal"] == "acme"
    assert event["tenant"] == tenant_digest("acme", KEY_SECRET.encode())
    assert (event["class"], event["provider"], event["model"]) == ("cached", "openai", "gpt-5-mini")
    assert (event["endpoint"], event["cache"], event["ended"]) == ("chat", "MISS", "complete")
    assert event["decision"] == answer.headers["x-aig-decision-id"]
    assert event["reasons"]
    assert (event["status"], event["attempts"]) == (200, 1)
    assert (event["input"], event["output"]) == (usage["prompt_tokens"], usage["completion_tokens"])
    assert event["cost"] > 0
    assert event["latency"] > 0
    assert edge.ask(CACHED).headers["cf-aig-cache-status"] == "HIT"
    hit = edge.event()
    assert (hit["cache"], hit["cost"], hit["saved"]) == ("HIT", 0, event["cost"])
    assert edge.ask(CACHED, token=GLOBEX).status_code == 200
    assert edge.event()["tenant"] == tenant_digest("globex", KEY_SECRET.encode()) != event["tenant"]
    assert edge.ask(CACHED, **{"x-aig-tenant": "below"}).headers["cf-aig-cache-status"] == "MISS"
    assert edge.event()["tenant"] == tenant_digest("4:acme/below", KEY_SECRET.encode())


def test_a_stream_is_counted_when_it_has_ended(edge: Edge) -> None:
    answer = edge.ask(body={**BODY, "stream": True, "stream_options": {"include_usage": True}})
    assert answer.text.rstrip().endswith("[DONE]")
    event = edge.event()
    assert (event["ended"], event["status"]) == ("complete", 200)
    assert event["output"] > 0
    messages = {"model": "claude-sonnet-5-5", "max_tokens": 64, "messages": BODY["messages"]}
    assert edge.ask("/anthropic/v1/messages", messages, **{"anthropic-version": "2023-06-01"}).status_code == 200
    event = edge.event()
    assert (event["endpoint"], event["provider"]) == ("messages", "anthropic")
    assert event["output"] > 0


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"token": None}, ("", "chat", "unauthenticated", 401)),
        ({"token": "aig_nobody"}, ("", "chat", "unauthenticated", 401)),
        ({"path": "/c/research" + CHAT, "token": NARROW}, ("narrow", "chat", "forbidden_class", 403)),
        ({"path": "/nowhere/at/all"}, ("", "other", "not_found", 404)),
        ({"body": b"{"}, ("acme", "chat", "bad_body", 400)),
        ({"content-type": "text/plain"}, ("acme", "chat", "unsupported_type", 415)),
        ({"x-aig-route-class": "cheep"}, ("acme", "chat", "unknown_class", 400)),
    ],
)
def test_a_refusal_is_counted_as_one(edge: Edge, change: Any, told: tuple[str, str, str, int]) -> None:
    answer = edge.ask(**{"content-type": "application/json", **change})
    event = edge.event()
    assert (event["principal"], event["endpoint"], event["reasons"], event["status"]) == told
    assert (answer.status_code, answer.headers["x-aig-refused"]) == (told[3], told[2])
    assert event["decision"] == answer.headers["x-aig-decision-id"]
    assert {name: event[name] for name in UNKNOWN} == UNKNOWN
    assert (event["ended"], event["tenant"], event["class"], event["model"]) == ("refused", "", "", "")


def explain(edge: Edge, question: Any) -> httpx.Response:
    headers = {"authorization": f"Bearer {ADMIN}"}
    return httpx.post(f"{edge.running.url}/_aig/explain", json=question, headers=headers, trust_env=False)


def test_an_explanation_is_neither_sent_nor_counted(edge: Edge, emulator: RunningEmulator) -> None:
    before = len(emulator.log)
    told = explain(edge, {"principal": "acme", "path": CACHED, "body": BODY}).json()
    assert (told["route_class"], told["dispatch"], told["holds"]) == ("cached", "fetch", None)
    refused = explain(edge, {"principal": "narrow", "path": f"/c/research{CHAT}", "body": BODY})
    assert refused.status_code == 200
    assert refused.json()["refused"]["code"] == "forbidden_class"
    kept = explain(edge, {"principal": "acme", "method": "get", "path": "/openai/files?limit=3"}).json()
    assert kept["refused"]["code"] == "forbidden_endpoint"
    assert len(emulator.log) == before
    assert explain(edge, ["acme"]).status_code == 400
    assert edge.event()["reasons"] == "bad_question"


def test_a_body_without_a_length_is_read_as_far_as_it_may_be(edge: Edge, emulator: RunningEmulator) -> None:
    whole = json.dumps(BODY).encode()

    def pieces() -> Iterator[bytes]:
        for at in range(0, len(whole), 7):
            yield whole[at : at + 7]

    before = len(emulator.log)
    kind = {"content-type": "application/json"}
    assert edge.ask(body=pieces(), **kind).status_code == 200
    assert emulator.log[-1].request_body == whole
    assert edge.event()["status"] == 200

    def endless() -> Iterator[bytes]:
        for _ in range(26):
            yield b" " * 1024 * 1024

    answer = edge.ask(body=endless(), **kind)
    assert (answer.status_code, answer.headers["x-aig-refused"]) == (413, "too_large")
    assert edge.event()["reasons"] == "too_large"
    assert len(emulator.log) == before + 1
    assert edge.ask().status_code == 200
    assert edge.event()["status"] == 200
