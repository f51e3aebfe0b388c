"""Drives the pure gateway without a socket: a fake clock, counted ids, the fake providers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aig_client.apps.emulator import (
    EmulatorConfig,
    Gateway,
    GatewayRequest,
    ProviderAnswer,
    ProviderRequest,
    Reply,
    Scenario,
    counted_ids,
)
from aig_client.apps.emulator._asks import Buffer, Call, Exchange, Relay, Sleep
from aig_client.apps.emulator._messages import Answered, Body, Break, Hangup, NoAnswer, Part, Pause

ACCOUNT = "0123456789abcdef0123456789abcdef"
PREFIX = f"/v1/{ACCOUNT}/demo"
KEY = {"authorization": "Bearer sk-test-one"}
START = 1_800_000_000.0


def chat(text: str = "Hello", **fields: object) -> bytes:
    body = {"model": "gpt-4.1-mini", "messages": [{"role": "user", "content": text}], **fields}
    return json.dumps(body).encode()


@dataclass(frozen=True)
class Outcome:
    status: int
    headers: dict[str, str]
    body: bytes
    complete: bool = True

    @property
    def cache(self) -> str | None:
        return self.headers.get("cf-aig-cache-status")

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> int:
        found: int = self.json["internalCode"]
        return found


RESET = Outcome(0, {}, b"", complete=False)


@dataclass
class Pending:
    """An exchange that has asked for something and waits for its answer."""

    exchange: Exchange
    question: object


@dataclass
class Pure:
    """One gateway and its clock. Time passes only where the gateway or a provider lets it."""

    config: EmulatorConfig = field(default_factory=EmulatorConfig)
    scenario: Scenario | None = None
    provider: Callable[[ProviderRequest], ProviderAnswer] | None = None
    """Instead of the fake providers."""
    now: float = START
    calls: list[ProviderRequest] = field(default_factory=list[ProviderRequest])
    """What each provider was asked."""
    asked: list[Call] = field(default_factory=list[Call])

    def __post_init__(self) -> None:
        self.gateway = Gateway(self.config, ids=counted_ids(), scenario=self.scenario)

    def request(
        self,
        path: str = "/openai/chat/completions",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        *,
        method: str = "POST",
        query: str = "",
        auth: Mapping[str, str] = KEY,
        prefix: str = PREFIX,
    ) -> GatewayRequest:
        merged = {**auth, **(headers or {})}
        return GatewayRequest(method, prefix + path, query, merged, chat() if body is None else body)

    def send(
        self,
        path: str = "/openai/chat/completions",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        *,
        method: str = "POST",
        query: str = "",
        auth: Mapping[str, str] = KEY,
        prefix: str = PREFIX,
    ) -> Outcome:
        return self.serve(self.request(path, headers, body, method=method, query=query, auth=auth, prefix=prefix))

    def serve(self, request: GatewayRequest) -> Outcome:
        return self.finish(self.begin(request))

    def begin(self, request: GatewayRequest) -> Pending | Outcome:
        """Drive an exchange to its first question: a provider's call, where there is one."""
        exchange = self.gateway.exchange(request, self.now)
        try:
            return Pending(exchange, next(exchange))
        except StopIteration as end:
            return _outcome(end.value)

    def finish(self, pending: Pending | Outcome) -> Outcome:
        if isinstance(pending, Outcome):
            return pending
        exchange, question = pending.exchange, pending.question
        parts: tuple[Part, ...] = ()
        relayed: Outcome | None = None
        try:
            while True:
                answer: object
                if isinstance(question, Call):
                    parts, answer = self._call(question)
                elif isinstance(question, Sleep):
                    self.now += question.seconds
                    answer = self.now
                elif isinstance(question, Buffer):
                    data = self._read(parts)
                    fits = data is not None and len(data) <= question.limit
                    answer = Body(data if fits else None, data is not None, self.now)
                else:
                    assert isinstance(question, Relay)
                    data = self._read(parts)
                    shown = b"".join(part for part in parts if isinstance(part, bytes)) if data is None else data
                    relayed = Outcome(question.status, dict(question.headers), shown, data is not None)
                    answer = Body(data, data is not None, self.now)
                question = exchange.send(answer)
        except StopIteration as end:
            return relayed or _outcome(end.value)

    def _call(self, call: Call) -> tuple[tuple[Part, ...], Answered | NoAnswer]:
        self.calls.append(call.request)
        self.asked.append(call)
        answer = self.provider(call.request) if self.provider else self.gateway.imitate(call, self.now)
        if call.timeout is not None and answer.delay > call.timeout:
            self.now += call.timeout
            return (), NoAnswer("timeout", self.now)
        self.now += answer.delay
        if answer.parts and isinstance(answer.parts[0], Break):
            return (), NoAnswer("unreachable", self.now)
        return answer.parts, Answered(answer.status, answer.headers, self.now)

    def _read(self, parts: tuple[Part, ...]) -> bytes | None:
        data = b""
        for part in parts:
            if isinstance(part, Break):
                return None
            if isinstance(part, Pause):
                self.now += part.seconds
            else:
                data += part
        return data


def _outcome(ended: Reply | Hangup | None) -> Outcome:
    if isinstance(ended, Reply):
        return Outcome(ended.status, dict(ended.headers), ended.body)
    assert isinstance(ended, Hangup)
    return RESET
