"""Asks the fake providers, straight or through an SDK."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx2

from aig_client.apps.emulator._json import read_object
from aig_client.apps.emulator._messages import ProviderAnswer, ProviderRequest
from aig_client.apps.emulator.providers import FakeProviders

START = 1_800_000_000.0
# Every way to show a key, for the tests that are not about keys; Anthropic's version too.
KEYS: Mapping[str, str] = {
    "authorization": "Bearer sk-test",
    "x-api-key": "sk-test",
    "api-key": "sk-test",
    "xi-api-key": "sk-test",
    "x-goog-api-key": "sk-test",
    "anthropic-version": "2023-06-01",
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "days": {"type": "integer"},
        "unit": {"enum": ["C", "F"]},
        "place": {"type": "object", "properties": {"lat": {"type": "number"}}, "required": ["lat"]},
    },
    "required": ["city", "days", "unit", "place"],
    "additionalProperties": False,
}


@dataclass(frozen=True)
class Told:
    """An answer, read."""

    answer: ProviderAnswer

    @property
    def status(self) -> int:
        return self.answer.status

    @property
    def headers(self) -> dict[str, str]:
        return dict(self.answer.headers)

    @property
    def parts(self) -> list[bytes]:
        assert all(isinstance(part, bytes) for part in self.answer.parts)
        return [part for part in self.answer.parts if isinstance(part, bytes)]

    @property
    def body(self) -> bytes:
        return b"".join(self.parts)

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def events(self) -> list[Any]:
        """The data of its server-sent events, without the closing mark."""
        blocks = self.body.decode().split("\n\n")
        data = [block.split("data: ", 1)[1] for block in blocks if "data: " in block]
        return [json.loads(one) for one in data if one != "[DONE]"]


@dataclass
class Desk:
    """One set of fake providers, and a clock that stands."""

    fakes: FakeProviders = field(default_factory=FakeProviders)
    now: float = START

    def ask(
        self,
        provider: str,
        path: str,
        payload: object = None,
        *,
        body: bytes | None = None,
        method: str = "POST",
        query: str = "",
        headers: Mapping[str, str] = KEYS,
        more: Mapping[str, str] | None = None,
        dialect: Literal["native", "chat"] = "native",
        say: str | None = None,
    ) -> Told:
        sent = body if body is not None else json.dumps(payload).encode()
        read = read_object(sent)
        model = (read or {}).get("model")
        request = ProviderRequest(
            provider=provider,
            method=method,
            path=path,
            query=query,
            headers=tuple({**headers, **(more or {})}.items()),
            body=sent,
            payload=read,
            model=model if isinstance(model, str) else None,
            dialect=dialect,
        )
        return Told(self.fakes.answer(request, self.now, say=say))

    def chat(self, provider: str = "openai", text: str = "Hello", path: str = "/chat/completions", **more: Any) -> Told:
        """A chat completion; `say` and `headers` go to `ask`, everything else into the body."""
        aside = {name: more.pop(name) for name in ("say", "headers", "dialect") if name in more}
        body = {"model": "gpt-4.1-mini", "messages": [{"role": "user", "content": text}], **more}
        return self.ask(provider, path, body, **aside)

    def client(self, say: str | None = None) -> httpx2.Client:
        """An HTTP client whose host names are slugs: `https://openai.test/...`."""
        return httpx2.Client(transport=httpx2.MockTransport(lambda request: self._serve(request, say)))

    def _serve(self, request: httpx2.Request, say: str | None) -> httpx2.Response:
        raw = request.url.raw_path.decode("ascii")
        path, _, query = raw.partition("?")
        told = self.ask(
            request.url.host.removesuffix(".test"),
            path,
            body=request.read(),
            method=request.method,
            query=query,
            headers={name.lower(): value for name, value in request.headers.items()},
            say=say,
        )

        def pieces() -> Iterator[bytes]:
            yield from told.parts

        return httpx2.Response(told.status, headers=told.headers, content=pieces())
