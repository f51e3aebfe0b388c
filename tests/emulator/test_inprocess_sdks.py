"""The official SDKs and the client end in this process, with a client from outside or with their own."""

from __future__ import annotations

from collections.abc import Callable

import anthropic
import anyio
import cloudflare
import httpx
import httpx2
import openai
import pytest
from google import genai

from aig_client import AsyncGatewayClient, CacheIntent, GatewayClient, GatewayTransport, Unreachable
from aig_client.apps.emulator import LocalGateway

from .driver import ACCOUNT

MODEL = "gpt-4.1-mini"
ASKED = [{"role": "user", "content": "Say hello."}]
NATIVE = f"https://gateway.ai.cloudflare.com/v1/{ACCOUNT}/demo"


@pytest.fixture
def gateway() -> LocalGateway:
    gateway = LocalGateway()
    gateway.say("hello from here")
    return gateway


def ask_openai(sdk: openai.OpenAI) -> str | None:
    return (
        sdk.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "Hi"}])
        .choices[0]
        .message.content
    )


def test_an_sdk_with_a_client_from_outside(gateway: LocalGateway) -> None:
    with gateway.client("httpx2") as http_client:
        sdk = openai.OpenAI(
            base_url=gateway.base_url("openai"),
            api_key="sk-test",
            http_client=http_client,
            default_headers=gateway.auth_headers,
        )
        assert ask_openai(sdk) == "hello from here"


def test_a_transport_of_ours_around_it(gateway: LocalGateway) -> None:
    with GatewayClient(**gateway.client_options(), tenant="acme") as client:
        transport = GatewayTransport(client.rules, inner=gateway.transport("httpx2"))
        with httpx2.Client(transport=transport) as http_client:
            sdk = openai.OpenAI(base_url=gateway.base_url("openai"), api_key="unused", http_client=http_client)
            assert ask_openai(sdk) == "hello from here"
    gateway.assert_skipped()


def with_openai(client: GatewayClient) -> str | None:
    with openai.OpenAI(**client.openai()) as sdk:
        return ask_openai(sdk)


def with_anthropic(client: GatewayClient) -> str | None:
    with anthropic.Anthropic(**client.anthropic()) as sdk:
        message = sdk.messages.create(
            model="claude-sonnet-5-5", max_tokens=9, messages=[{"role": "user", "content": "Hi"}]
        )
    return getattr(message.content[0], "text", None)


def with_google(client: GatewayClient) -> str | None:
    return genai.Client(**client.google()).models.generate_content(model="gemini-3-flash", contents="Hi").text


@pytest.mark.parametrize("ask", [with_openai, with_anthropic, with_google])
@pytest.mark.parametrize("production", [False, True], ids=["local", "production"])
def test_sdks_that_make_their_own_clients_are_led_here(
    gateway: LocalGateway, ask: Callable[[GatewayClient], str | None], production: bool
) -> None:
    base_url = NATIVE if production else gateway.base_url()
    with gateway.intercept(), GatewayClient(base_url=base_url, token=gateway.token) as client:
        assert ask(client) == "hello from here"
    gateway.assert_skipped()
    gateway.assert_no_gateway_headers_at_provider()


def test_an_sdk_reads_a_stream_and_the_next_one_hits(gateway: LocalGateway) -> None:
    def stream(client: GatewayClient) -> str:
        with openai.OpenAI(**client.openai()) as sdk:
            answer = sdk.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "Hi"}], stream=True)
            return "".join(chunk.choices[0].delta.content or "" for chunk in answer if chunk.choices)

    forced = CacheIntent.response(300, force=True)
    with gateway.intercept(), GatewayClient(base_url=NATIVE, token=gateway.token, tenant="a", cache=forced) as client:
        assert [stream(client), stream(client)] == ["hello from here"] * 2
    gateway.assert_missed(0)
    gateway.assert_hit(1)


def test_the_management_api_is_there_for_cloudflares_own_sdk(gateway: LocalGateway) -> None:
    with gateway.intercept(), cloudflare.Cloudflare(api_token=gateway.token or "") as sdk:
        assert [one.id for one in sdk.ai_gateway.list(account_id=ACCOUNT)] == ["demo"]


@pytest.mark.parametrize("http", ["httpx", "httpx2"])
def test_the_async_client_is_led_here(gateway: LocalGateway, http: str) -> None:
    async def ask() -> None:
        async with AsyncGatewayClient(base_url=NATIVE, token=gateway.token, http=http) as client:  # type: ignore[arg-type]
            await client.chat({"model": MODEL, "messages": ASKED})
            async with client.stream("chat", {"model": MODEL, "messages": ASKED}) as stream:
                assert [event async for event in stream]

    with gateway.intercept():
        anyio.run(ask)
    assert len(gateway.log) == 2


def test_other_hosts_are_reached_as_before_and_all_is_undone(gateway: LocalGateway) -> None:
    genuine = httpx.HTTPTransport.handle_request, httpx2.AsyncHTTPTransport.handle_async_request
    with gateway.intercept():
        for family in (httpx, httpx2):
            with pytest.raises(family.ConnectError, match="refused"):
                family.get("http://127.0.0.1:1/v1")
    assert (httpx.HTTPTransport.handle_request, httpx2.AsyncHTTPTransport.handle_async_request) == genuine
    with httpx.Client() as client, pytest.raises(httpx.ConnectError):
        client.get(gateway.base_url())
    assert gateway.log == ()


def test_the_client_tells_a_break_as_it_does_over_a_socket(gateway: LocalGateway) -> None:
    gateway.fault("cut;after=1")
    with GatewayClient(**gateway.client_options()) as client:
        with pytest.raises(Unreachable) as caught, client.stream("chat", {"model": MODEL, "messages": ASKED}) as stream:
            list(stream)
        assert caught.value.receipt is not None
        assert caught.value.receipt.ended == "cut"


def test_a_deadline_is_a_timeout_in_virtual_time(gateway: LocalGateway) -> None:
    gateway.fault("latency;ms=60000")
    with GatewayClient(**gateway.client_options(), deadline=30) as client, pytest.raises(Unreachable) as caught:
        client.chat({"model": MODEL, "messages": ASKED})
    assert caught.value.kind == "timeout"
