"""Each SDK, sync and async, on both HTTP families, through the emulator."""

from __future__ import annotations

from typing import Any

import anthropic
import httpx
import pytest

from aig_client import ConfigurationError, GatewayClient, metadata_of, options, receipt_of
from aig_client.apps.emulator import EmulatorConfig, RunningEmulator, serve_in_thread
from aig_client.core import PLACEHOLDER

from ..http.asks import TOKEN, last, settings
from ..http.servers import answering, json_for, serving
from .plugs import PROVIDERS, Plug, every_plug

pytestmark = pytest.mark.anyio

CREDENTIALS = {"authorization", "x-api-key", "x-goog-api-key", "api-key", "xi-api-key"}


@every_plug
async def test_an_answer_comes_back_with_its_metadata_and_its_receipt(plug: Plug, emulator: RunningEmulator) -> None:
    async with plug.gateway(**settings(emulator)) as gateway:
        with options(route_class="summary") as scope:
            answer = await plug.ask(plug.client(gateway))
    receipt = scope.last
    assert receipt is not None
    assert (receipt.ended, receipt.status, receipt.attempts) == ("complete", 200, 1)
    assert receipt.usage is not None
    assert receipt.usage.output_tokens
    assert receipt.plan.surface is not None
    assert receipt.plan.surface.provider == PROVIDERS[plug.sdk]
    assert metadata_of(answer).log_id == receipt.metadata.log_id == last(emulator).log_id
    # google's models keep the headers and not the response, so their receipt comes from the block alone.
    assert receipt_of(answer) is (None if plug.sdk == "google" else receipt)


@every_plug
async def test_a_stream_ends_with_its_metadata_and_its_receipt(plug: Plug, emulator: RunningEmulator) -> None:
    async with plug.gateway(**settings(emulator)) as gateway:
        with options(route_class="tool_loop") as scope:
            stream = await plug.stream(plug.client(gateway))
    receipt = scope.last
    assert receipt is not None
    assert receipt.ended == "complete"
    assert receipt.plan.route_class == "tool_loop"
    assert metadata_of(stream).log_id == receipt.metadata.log_id == last(emulator).log_id
    assert receipt_of(stream) is (None if plug.sdk == "google" else receipt)
    if plug.sdk != "openai":  # openai's streams say their usage when they are asked to
        assert receipt.usage is not None
        assert receipt.usage.output_tokens


@every_plug
async def test_with_stored_keys_no_credential_of_a_provider_is_sent(plug: Plug, emulator: RunningEmulator) -> None:
    async with plug.gateway(**settings(emulator)) as gateway:
        client = plug.client(gateway)
        for call in (plug.ask, plug.stream):
            await call(client)
            assert not CREDENTIALS & set(last(emulator).header_names)
            assert "cf-aig-authorization" in last(emulator).header_names


@every_plug
async def test_the_placeholder_is_never_sent(plug: Plug) -> None:
    """Byte for byte: the emulator notes names of headers only."""
    with serving(answering(lambda request, peer: peer.answer(body=json_for(request)))) as server:
        async with plug.gateway(base_url=server.base_url, token=TOKEN) as gateway:
            await plug.ask(plug.client(gateway))
    (request,) = server.requests
    assert PLACEHOLDER.encode() not in request.raw_head + request.body
    assert not CREDENTIALS & request.headers.keys()
    assert request.headers["cf-aig-authorization"] == f"Bearer {TOKEN}"


@every_plug
async def test_a_key_of_ones_own_passes(plug: Plug) -> None:
    config = EmulatorConfig(auth_tokens=frozenset({TOKEN}), provider_keys=frozenset({"accepted-key"}))
    with serve_in_thread(config) as keyless:
        async with plug.gateway(**settings(keyless)) as gateway:
            answer = await plug.ask(plug.client(gateway, api_key="accepted-key"))
            with pytest.raises(Exception, match=r"(?i)api.?key|authentication"):
                await plug.ask(plug.client(gateway, api_key="another-key"))
            with pytest.raises(Exception, match=r"(?i)api.?key|authentication|identity"):
                await plug.ask(plug.client(gateway))
    assert metadata_of(answer).log_id == keyless.log[0].log_id
    assert CREDENTIALS & set(keyless.log[0].header_names)
    assert not CREDENTIALS & set(keyless.log[2].header_names)


@every_plug
async def test_closing_the_gateway_closes_what_the_sdks_were_given(plug: Plug, emulator: RunningEmulator) -> None:
    async with plug.gateway(**settings(emulator)) as gateway:
        client = plug.client(gateway)
        await plug.ask(client)
    with pytest.raises(Exception, match=r"(?i)closed|connection error"):
        await plug.ask(client)


async def test_the_family_is_the_one_that_the_sdk_stands_on(emulator: RunningEmulator) -> None:
    with GatewayClient(**settings(emulator)) as gateway:
        plugs: list[Any] = [gateway.openai(), gateway.anthropic()]
        clients = [one["http_client"] for one in plugs] + [gateway.google()["http_options"]["httpx_client"]]
        assert [type(client).__module__.partition(".")[0] for client in clients] == ["httpx2"] * 3
        refused: Any = gateway.anthropic(http="httpx")
        assert isinstance(refused["http_client"], httpx.Client)
        with pytest.raises(TypeError, match="httpx2"):
            anthropic.Anthropic(**refused)


async def test_no_arguments_show_a_token(emulator: RunningEmulator) -> None:
    with GatewayClient(**settings(emulator)) as gateway:
        shown = repr([gateway.openai(), gateway.anthropic(), gateway.google()])
        with pytest.raises(ConfigurationError, match="Did you mean 'groq'"):
            gateway.openai(provider="grog")
    assert TOKEN not in shown
    assert PLACEHOLDER in shown


def test_a_provider_s_key_given_to_the_client_serves_its_sdk_plugs_too() -> None:
    keys = {"openai": "sk-test-of-my-own", "google-ai-studio": "AIza-of-my-own"}
    with GatewayClient(account_id="0" * 32, gateway_id="prod", token="cf-token", provider_keys=keys) as gateway:
        assert gateway.openai()["api_key"] == keys["openai"]
        assert gateway.google()["api_key"] == keys["google-ai-studio"]
        assert gateway.anthropic()["api_key"] == PLACEHOLDER
        assert gateway.openai(provider="custom-acme")["base_url"].endswith("/prod/custom-acme")
