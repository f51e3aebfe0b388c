"""Drives the pure gateway without a socket: a fake clock, counted ids, the fake providers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from aig_client.apps.emulator import (
    EmulatorConfig,
    Forward,
    Gateway,
    GatewayRequest,
    Reply,
    counted_ids,
    provider_answer,
)

ACCOUNT = "0123456789abcdef0123456789abcdef"
PREFIX = f"/v1/{ACCOUNT}/demo"
KEY = {"authorization": "Bearer sk-test-one"}


def chat(text: str = "Hello", **fields: object) -> bytes:
    body = {"model": "gpt-4.1-mini", "messages": [{"role": "user", "content": text}], **fields}
    return json.dumps(body).encode()


@dataclass(frozen=True)
class Outcome:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def cache(self) -> str | None:
        return self.headers.get("cf-aig-cache-status")

    @property
    def code(self) -> int:
        found: int = json.loads(self.body)["internalCode"]
        return found


class Pure:
    """One gateway and its clock."""

    def __init__(self, config: EmulatorConfig | None = None) -> None:
        self.config = config or EmulatorConfig()
        self.gateway = Gateway(self.config, ids=counted_ids())
        self.now = 1_800_000_000.0

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

    def decide(self, request: GatewayRequest) -> Reply | Forward:
        return self.gateway.receive(request, self.now)

    def finish(self, decision: Reply | Forward) -> Outcome:
        if isinstance(decision, Reply):
            return Outcome(decision.status, dict(decision.headers), decision.body)
        self.gateway.called(decision)
        answer = provider_answer(decision, self.config.provider_keys)
        head = self.gateway.answered(decision, answer.status, answer.headers, self.now)
        body = b"".join(answer.frames)
        if head.keep:
            self.gateway.store(decision, head, body, self.now)
        return Outcome(head.status, dict(head.headers), body)

    def send(
        self,
        path: str = "/openai/chat/completions",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        *,
        method: str = "POST",
        query: str = "",
        auth: Mapping[str, str] = KEY,
    ) -> Outcome:
        return self.finish(self.decide(self.request(path, headers, body, method=method, query=query, auth=auth)))
