"""A management API with its stores in reach, asked directly or through the official SDK."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx
from cloudflare import AsyncCloudflare, Cloudflare

from aig_client.apps.emulator._config import EmulatorConfig
from aig_client.apps.emulator._documents import Documents
from aig_client.apps.emulator._ids import counted_ids
from aig_client.apps.emulator._journal import NoJournal
from aig_client.apps.emulator._log import LogBook, LogEntry
from aig_client.apps.emulator._messages import GatewayRequest, Reply
from aig_client.apps.emulator._purse import Purse
from aig_client.apps.emulator._registry import Gateways
from aig_client.apps.emulator.management import Management

ACCOUNT = "0123456789abcdef0123456789abcdef"
OTHER_ACCOUNT = "f" * 32
TOKEN = "edit-token"
READ_TOKEN = "read-token"
RUN_TOKEN = "run-token"
NOW = 1_767_225_600.0
"""2026-01-01T00:00:00Z."""

CONFIG = EmulatorConfig(
    auth_tokens=frozenset((TOKEN,)),
    tokens={
        READ_TOKEN: frozenset(("ai-gateway-read",)),
        RUN_TOKEN: frozenset(("ai-gateway-run",)),
        "writer": frozenset(("ai-gateway-edit",)),
    },
)

CREATE: dict[str, Any] = {
    "id": "made",
    "cache_invalidate_on_update": False,
    "cache_ttl": 0,
    "collect_logs": True,
    "rate_limiting_interval": 0,
    "rate_limiting_limit": 0,
}
UPDATE = {name: value for name, value in CREATE.items() if name != "id"}

PREFIX = f"/client/v4/accounts/{ACCOUNT}/ai-gateway"


def entry(log_id: str, **more: Any) -> LogEntry:
    """One log of gateway `demo`."""
    known: dict[str, Any] = {
        "at": NOW,
        "account": ACCOUNT,
        "gateway": "demo",
        "method": "POST",
        "path": f"/v1/{ACCOUNT}/demo/openai/chat/completions",
        "provider": "openai",
        "model": "gpt-5",
        "status": 200,
        "request_type": "native",
        "request_content_type": "application/json",
        "response_content_type": "application/json",
    }
    return LogEntry(log_id=log_id, **(known | more))


@dataclass
class Desk:
    """`now` is the moment of the next request."""

    config: EmulatorConfig = CONFIG
    now: float = NOW
    log: LogBook = field(default_factory=lambda: LogBook(entries=1000, payload_bytes=1_000_000))
    documents: Documents = field(default_factory=lambda: Documents(NoJournal()))

    def __post_init__(self) -> None:
        made = self.config.gateways if self.config.gateways is not None else {self.config.gateway: self.config.settings}
        self.gateways = Gateways(self.config.settings if self.config.gateways is None else None, made)
        self.purse = Purse(self.config.credits)
        self.api = Management(self.config, self.gateways, self.log, self.documents, ids=counted_ids(), purse=self.purse)

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: str | Mapping[str, Any] = "",
        headers: Mapping[str, str] | None = None,
        account: str = ACCOUNT,
    ) -> Reply:
        request = GatewayRequest(
            method,
            PREFIX + path,
            query if isinstance(query, str) else urlencode(query),
            {"authorization": f"Bearer {TOKEN}"} if headers is None else headers,
            body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode(),
        )
        return self.api.reply(request, account, f"/ai-gateway{path}", self.now)

    def ok(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        """The envelope of a success."""
        reply = self.ask(method, path, body, **more)
        envelope = json.loads(reply.body)
        assert (reply.status, envelope["success"], envelope["errors"]) == (200, True, []), envelope
        return envelope

    def result(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        return self.ok(method, path, body, **more)["result"]

    def refused(self, method: str, path: str, body: Any = None, **more: Any) -> tuple[int, int, str]:
        """Status, code and messages of a refusal, whose shape is E2."""
        reply = self.ask(method, path, body, **more)
        envelope = json.loads(reply.body)
        assert set(envelope) == {"success", "errors", "messages", "result"}, envelope
        assert envelope["success"] is False
        assert envelope["result"] is None
        (code,) = {error["code"] for error in envelope["errors"]}
        return reply.status, code, "; ".join(error["message"] for error in envelope["errors"])

    def answer(self, request: httpx.Request) -> httpx.Response:
        """What httpx sends, as the emulator's shell would hand it over."""
        path, _, query = request.url.raw_path.decode("ascii").partition("?")
        _, _, after = path.partition("/accounts/")
        account, _, rest = after.partition("/")
        headers = {name.lower(): value for name, value in request.headers.items()}
        asked = GatewayRequest(request.method, path, query, headers, request.content)
        reply = self.api.reply(asked, account, f"/{rest}", self.now)
        return httpx.Response(reply.status, headers=list(reply.headers), content=reply.body)

    def sdk(self, **options: Any) -> Cloudflare:
        http = httpx.Client(transport=httpx.MockTransport(self.answer))
        return Cloudflare(http_client=http, max_retries=0, **({"api_token": TOKEN} | options))

    def async_sdk(self) -> AsyncCloudflare:
        async def answer(request: httpx.Request) -> httpx.Response:
            return self.answer(request)

        http = httpx.AsyncClient(transport=httpx.MockTransport(answer))
        return AsyncCloudflare(http_client=http, max_retries=0, api_token=TOKEN)
