"""The three SDKs behind one face: one question, asked by each of them in each colour and HTTP family."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal

import anthropic
import openai
import pytest
from google import genai

from aig_client import AsyncGatewayClient, GatewayClient

Sdk = Literal["openai", "anthropic", "google"]
MODELS = {"openai": "gpt-5", "anthropic": "claude-sonnet-5-5", "google": "gemini-3-flash"}
PROVIDERS = {"openai": "openai", "anthropic": "anthropic", "google": "google-ai-studio"}


@dataclass(frozen=True)
class Plug:
    """One SDK in one colour on one HTTP family."""

    sdk: Sdk
    family: Literal["httpx", "httpx2"]
    colour: Literal["sync", "async"]

    def __str__(self) -> str:
        return f"{self.sdk}-{self.family}-{self.colour}"

    @asynccontextmanager
    async def gateway(self, **options: Any) -> AsyncIterator[Any]:
        """A gateway client of this colour, closed at the end."""
        if self.colour == "async":
            async with AsyncGatewayClient(**options) as gateway:
                yield gateway
        else:
            with GatewayClient(**options) as sync_gateway:
                yield sync_gateway

    def client(
        self, gateway: Any, *, api_key: str | None = None, base_url: str | None = None, max_retries: int = 0
    ) -> Any:
        """The SDK's own client, plugged in; ``base_url`` replaces the gateway's."""
        arguments = getattr(gateway, self.sdk)(api_key=api_key, http=self.family)
        if self.sdk == "google":
            if base_url is not None:
                arguments["http_options"]["base_url"] = base_url
            return genai.Client(**arguments, vertexai=False)
        if base_url is not None:
            arguments["base_url"] = base_url
        kinds: dict[str, Any] = {
            "openai-sync": openai.OpenAI,
            "openai-async": openai.AsyncOpenAI,
            "anthropic-sync": anthropic.Anthropic,
            "anthropic-async": anthropic.AsyncAnthropic,
        }
        return kinds[f"{self.sdk}-{self.colour}"](**arguments, max_retries=max_retries)

    async def ask(self, client: Any, text: str = "Hello", *, headers: dict[str, str] | None = None) -> Any:
        """One whole answer, raw where the SDK has it raw: what ``metadata_of`` takes."""
        return await _result(self._create(client, text, headers, stream=False))

    async def stream(self, client: Any, text: str = "Hello", *, headers: dict[str, str] | None = None) -> Any:
        """One streamed answer, read to its end; the stream itself, or google's last chunk."""
        stream = await _result(self._create(client, text, headers, stream=True))
        last = None
        if hasattr(stream, "__aiter__"):
            async for event in stream:
                last = event
        else:
            for event in stream:
                last = event
        return last if self.sdk == "google" else stream

    def _create(self, client: Any, text: str, headers: dict[str, str] | None, *, stream: bool) -> Any:
        if self.sdk == "google":
            models = client.aio.models if self.colour == "async" else client.models
            call = models.generate_content_stream if stream else models.generate_content
            config = {"http_options": {"headers": headers}} if headers else None
            return call(model=MODELS["google"], contents=text, config=config)
        asked: dict[str, Any] = {"model": MODELS[self.sdk], "messages": [{"role": "user", "content": text}]}
        if self.sdk == "anthropic":
            asked["max_tokens"] = 64
        resource = client.messages if self.sdk == "anthropic" else client.chat.completions
        call = resource.create if stream else resource.with_raw_response.create
        if stream:
            asked["stream"] = True
        return call(**asked, extra_headers=headers)


async def _result(found: Any) -> Any:
    return await found if inspect.isawaitable(found) else found


def _cells() -> Iterable[Plug]:
    colours: tuple[Literal["sync", "async"], ...] = ("sync", "async")
    for colour in colours:
        yield Plug("openai", "httpx", colour)
        yield Plug("openai", "httpx2", colour)
        # No cell for anthropic on httpx: anthropic 2 refuses an http client that is not httpx2's.
        yield Plug("anthropic", "httpx2", colour)
        yield Plug("google", "httpx", colour)
        yield Plug("google", "httpx2", colour)


CELLS = tuple(_cells())
every_plug = pytest.mark.parametrize("plug", CELLS, ids=str)
