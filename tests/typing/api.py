"""The public API as its users write it. Type checkers read this file (mypy and pyright, strict); nothing runs it."""

# pyright: strict, reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, assert_type

import anthropic
import httpx
import httpx2
import openai
from google import genai

import aig_client
from aig_client import (
    SHARED,
    AigError,
    AsyncGatewayClient,
    AsyncGatewayStream,
    CacheIntent,
    CacheKey,
    CacheStatus,
    ConfigurationError,
    GatewayClient,
    GatewayError,
    GatewayMetadata,
    GatewayResponse,
    GatewayStream,
    GatewayTransport,
    Options,
    Plan,
    ProviderError,
    Receipt,
    Refused,
    ResponseMetadata,
    Rules,
    StreamEvent,
    Surface,
    Unkeyable,
    Unreachable,
    Usage,
    canonical_json,
    metadata_of,
    options,
    receipt_of,
    surface_of,
)
from aig_client.http import AsyncHttpx2Transport, AsyncHttpxTransport, Httpx2Transport, HttpxTransport

BODY = {"model": "gpt-5", "messages": [{"role": "user", "content": "Hello"}]}
URL = "https://gateway.ai.cloudflare.com/v1/0123456789abcdef0123456789abcdef/prod/openai/chat/completions"


def heard(receipt: Receipt) -> None:
    assert_type(receipt.usage, Usage | None)
    assert_type(receipt.metadata, ResponseMetadata)
    assert_type(receipt.cache_status, CacheStatus | None)
    assert_type(receipt.latency, float | None)
    assert_type(receipt.as_dict(), Mapping[str, object])


def the_sync_client() -> None:
    with GatewayClient(
        account_id="0123456789abcdef0123456789abcdef",
        gateway_id="prod",
        token="token",
        http="httpx2",
        provider_keys={"openai": "sk"},
        cache=CacheIntent.response(300),
        tenant=SHARED,
        route_class="summary",
        gateway=GatewayMetadata(metadata={"team": "search", "version": 3, "beta": True}),
        deadline=30,
        on_receipt=heard,
    ) as gateway:
        assert_type(gateway, GatewayClient)
        answer = gateway.chat(BODY, tenant="acme", cache=CacheIntent.off)
        assert_type(answer, GatewayResponse)
        assert_type(answer.data, Any)
        assert_type(answer.metadata, ResponseMetadata)
        assert_type(answer.receipt, Receipt)
        assert_type(answer.usage, Usage | None)
        assert_type(answer.metadata.ai_gateway_cache_status, CacheStatus | None)
        assert_type(gateway.responses({"model": "gpt-5", "input": "Hello"}), GatewayResponse)
        assert_type(gateway.messages(BODY, provider="anthropic"), GatewayResponse)
        assert_type(gateway.embeddings({"model": "m", "input": "a"}, deadline=5.0), GatewayResponse)
        assert_type(gateway.request("GET", "openai/models"), GatewayResponse)
        assert_type(gateway.post(URL, content=b"{}", headers={"content-type": "application/json"}), GatewayResponse)
        assert_type(gateway.plan(URL, json=BODY), Plan)
        assert_type(gateway.rules, Rules)
        with gateway.stream("chat", BODY, provider="groq") as stream:
            assert_type(stream, GatewayStream)
            for event in stream:
                assert_type(event, StreamEvent)
                assert_type(event.data, bytes)
                assert_type(event.json(), Any)
            for chunk in stream.iter_bytes():
                assert_type(chunk, bytes)
        assert_type(stream.receipt, Receipt | None)
        gateway.chat(BODY, tennant="acme")  # type: ignore[call-arg]
        gateway.stream("chats", BODY)  # type: ignore[arg-type]


async def the_async_client() -> None:
    async with AsyncGatewayClient(client=httpx.AsyncClient()) as gateway:
        assert_type(gateway, AsyncGatewayClient)
        assert_type(await gateway.chat(BODY), GatewayResponse)
        async with gateway.stream("messages", BODY) as stream:
            assert_type(stream, AsyncGatewayStream)
            async for event in stream:
                assert_type(event, StreamEvent)
            async for chunk in stream.iter_bytes():
                assert_type(chunk, bytes)
        assert_type(stream.metadata, ResponseMetadata)
        openai.AsyncOpenAI(**gateway.openai(), max_retries=0)
        anthropic.AsyncAnthropic(**gateway.anthropic())


def the_sdks(gateway: GatewayClient) -> None:
    sdk = openai.OpenAI(**gateway.openai(provider="compat", http="httpx"))
    with options(cache=CacheIntent.response(60), tenant="acme", route_class="planning") as scope:
        raw = sdk.chat.completions.with_raw_response.create(
            model="openai/gpt-5", messages=[{"role": "user", "content": "Hello"}]
        )
    assert_type(metadata_of(raw), ResponseMetadata)
    assert_type(receipt_of(raw), Receipt | None)
    assert_type(scope.last, Receipt | None)
    anthropic.Anthropic(**gateway.anthropic(api_key="sk-ant"))
    genai.Client(**gateway.google())


def the_transports(rules: Rules) -> None:
    httpx.Client(transport=HttpxTransport(rules, inner=httpx.HTTPTransport(), on_receipt=heard))
    httpx2.Client(transport=Httpx2Transport(rules, options=Options(route_class="summary")))
    httpx.AsyncClient(transport=AsyncHttpxTransport(rules))
    httpx2.AsyncClient(transport=AsyncHttpx2Transport(rules, inner=httpx2.AsyncHTTPTransport()))
    httpx.Client(transport=Httpx2Transport(rules))  # type: ignore[arg-type]
    whichever: Any = GatewayTransport(rules, http="httpx2")
    httpx2.Client(transport=whichever)


def the_keys() -> None:
    assert_type(aig_client.cache_key(URL, BODY, tenant="acme"), CacheKey)
    aig_client.cache_key(URL, BODY)  # type: ignore[call-arg]
    explained = aig_client.explain_key(URL, b"{}", tenant=SHARED, secret=b"0123456789abcdef")
    assert_type(explained.key, CacheKey)
    assert_type(aig_client.diff_keys(explained, explained).pointers, tuple[str, ...])
    assert_type(canonical_json(BODY), bytes)


def the_surfaces() -> None:
    surface = surface_of(URL, gateways=["https://ai.example.com"])
    assert_type(surface, Surface | None)
    metadata = GatewayMetadata(cache_ttl=300, backoff="linear", custom_cost={"per_token_in": 0.1})
    assert_type(metadata.headers(surface), dict[str, str])
    GatewayMetadata(backoff="sometimes")  # type: ignore[arg-type]
    assert_type(ResponseMetadata.from_headers({"cf-aig-step": "0"}), ResponseMetadata)
    assert_type(aig_client.base_url("0123456789abcdef0123456789abcdef", "prod", "openai"), str)
    assert_type(aig_client.__version__, str)


def the_errors(error: AigError) -> str:
    match error:
        case ConfigurationError(field=field):
            return assert_type(field, str)
        case Unkeyable(pointer=pointer):
            return assert_type(pointer, str)
        case Refused():
            return error.problem
        case GatewayError(meaning=meaning, retry_after=wait):
            assert_type(wait, float | None)
            return assert_type(meaning, str)
        case ProviderError(body=body):
            assert_type(body, bytes)
        case Unreachable(kind=kind):
            return kind
        case _:
            pass
    assert_type(error.receipt, Receipt | None)
    return str(error)
