"""Who said no, each with its receipt."""

from __future__ import annotations

import pytest

from aig_client import AigError, CacheIntent, CacheStatus, GatewayError, ProviderError, Refused
from aig_client.apps.emulator import EmulatorConfig, GatewaySettings, RunningEmulator, serve_in_thread

from .asks import chat, message, settings
from .drivers import Driver, every_driver
from .servers import Peer, Recorded, answering, serving

pytestmark = [pytest.mark.anyio, every_driver]


async def test_a_wrong_token_is_the_gateways_own_401(driver: Driver, emulator: RunningEmulator) -> None:
    async with driver.gateway(**{**settings(emulator), "token": "wrong"}) as gateway:
        with pytest.raises(GatewayError) as caught:
            await gateway.chat(chat())
    error = caught.value
    assert (error.status, error.code, error.meaning, error.retryable) == (401, 2009, "authentication_failed", False)
    assert b"Unauthorized" in error.body
    assert "wrong" not in str(error)
    assert error.receipt is not None
    assert (error.receipt.status, error.receipt.ended) == (401, "complete")
    assert error.receipt.metadata.event_id


async def test_a_slug_that_the_gateway_does_not_have_is_2008(driver: Driver, emulator: RunningEmulator) -> None:
    async with driver.gateway(**settings(emulator), gateways=[emulator.origin]) as gateway:
        with pytest.raises(GatewayError) as caught:
            await gateway.post("nowhere/chat/completions", json=chat())
    assert (caught.value.status, caught.value.code) == (400, 2008)
    assert caught.value.receipt is not None


async def test_a_gateway_that_does_not_exist_is_2001(driver: Driver) -> None:
    with serve_in_thread(EmulatorConfig(gateways={"demo": GatewaySettings()})) as emulator:
        async with driver.gateway(base_url=f"{emulator.origin}/v1/{emulator.account}/other") as gateway:
            with pytest.raises(GatewayError, match="gateway not found") as caught:
                await gateway.chat(chat())
    assert caught.value.code == 2001


async def test_a_providers_refusal_is_the_providers(driver: Driver, emulator: RunningEmulator) -> None:
    keys = {"openai": "PROVIDER-KEY", "anthropic": "PROVIDER-KEY"}
    async with driver.gateway(**settings(emulator), provider_keys=keys) as gateway:
        with pytest.raises(ProviderError) as refused:
            await gateway.chat(chat())
        with pytest.raises(ProviderError) as other:
            await gateway.messages(message())
    async with driver.gateway(**settings(emulator)) as gateway:
        with pytest.raises(ProviderError) as invalid:
            await gateway.chat({"model": "gpt-5"})
    assert (refused.value.status, refused.value.kind, refused.value.provider) == (401, "invalid_api_key", "openai")
    assert (other.value.status, other.value.provider) == (401, "anthropic")
    assert (invalid.value.status, invalid.value.kind) == (400, "missing_required_parameter")
    for caught in (refused, other, invalid):
        assert caught.value.receipt is not None
        assert caught.value.receipt.metadata.log_id
        assert "PROVIDER-KEY" not in f"{caught.value} {caught.value!r} {caught.value.receipt!r}"


async def test_a_stream_that_is_refused_raises_when_it_is_opened(driver: Driver, emulator: RunningEmulator) -> None:
    async with driver.gateway(**{**settings(emulator), "token": "wrong"}) as gateway:
        with pytest.raises(GatewayError) as caught:
            async with gateway.stream("chat", chat()):
                pytest.fail("it opened")
    assert caught.value.code == 2009
    assert caught.value.receipt is not None


async def test_a_rate_limit_says_how_long_to_wait(driver: Driver) -> None:
    limited = b'{"success":false,"result":[],"messages":[],"error":[{"code":2003,"message":"Rate limited"}]}'
    busy = b'{"error":{"message":"secret words of the prompt","type":"overloaded_error"}}'

    def respond(request: Recorded, peer: Peer) -> None:
        if "anthropic" in request.target:
            peer.answer(529, [], busy)
        else:
            peer.answer(429, [("Retry-After", "7")], limited)

    with serving(answering(respond)) as server:
        async with driver.gateway(base_url=server.base_url) as gateway:
            with pytest.raises(GatewayError) as caught:
                await gateway.chat(chat())
            with pytest.raises(ProviderError) as overloaded:
                await gateway.messages(message())
    assert (caught.value.code, caught.value.retryable, caught.value.retry_after) == (2003, True, 7.0)
    assert caught.value.detail == "Rate limited"
    assert (overloaded.value.kind, overloaded.value.retryable) == ("overloaded_error", True)
    assert "secret words" not in str(overloaded.value)
    assert len(server.requests) == 2  # the direct client never retries


async def test_html_from_the_edge_is_an_error_too(driver: Driver) -> None:
    page = b"<html><title>502 Bad Gateway</title></html>"
    with serving(answering(lambda _, peer: peer.answer(502, [("Content-Type", "text/html")], page))) as server:
        async with driver.gateway(base_url=server.base_url) as gateway:
            with pytest.raises(ProviderError) as caught:
                await gateway.chat(chat())
    assert caught.value.retryable
    assert caught.value.body == page


def cached_error(request: Recorded, peer: Peer) -> None:
    if "cf-aig-cache-key" in request.headers:
        peer.answer(500, [("cf-aig-cache-status", "HIT")], b'{"error":{"message":"stored"}}')
    else:
        peer.answer(200, [("cf-aig-cache-status", "MISS")], b'{"fresh":true}')


async def test_an_error_out_of_the_cache_is_asked_again_past_it(driver: Driver) -> None:
    with serving(answering(cached_error)) as server:
        async with driver.gateway(base_url=server.base_url, tenant="acme", cache=CacheIntent.response(60)) as gateway:
            answer = await gateway.chat(chat())
    first, second = server.requests
    assert answer.data == {"fresh": True}
    assert (answer.receipt.attempts, answer.receipt.cache_status) == (2, CacheStatus.MISS)
    assert answer.receipt.plan.key is None
    assert "past the cache" in answer.receipt.plan.reasons[-1]
    assert first.body == second.body
    assert "cf-aig-skip-cache" not in first.headers
    assert second.headers["cf-aig-skip-cache"] == "true"
    assert not {"cf-aig-cache-key", "cf-aig-cache-ttl"} & second.headers.keys()


async def test_a_forced_intent_takes_the_error_that_the_cache_holds(driver: Driver) -> None:
    with serving(answering(cached_error)) as server:
        async with driver.gateway(base_url=server.base_url, tenant="acme") as gateway:
            with pytest.raises(ProviderError) as caught:
                await gateway.chat(chat(), cache=CacheIntent.response(60, force=True))
    assert caught.value.receipt is not None
    assert caught.value.receipt.cache_status is CacheStatus.HIT
    assert len(server.requests) == 1


REFUSED = {
    "no tenant": {"options": {"cache": CacheIntent.response(60)}},
    "a hint that nobody knows": {"headers": {"x-aig-cahce": "off"}},
    "a cache hint that makes no sense": {"headers": {"x-aig-cache": "forever"}},
    "a ttl out of range": {"headers": {"cf-aig-cache-ttl": "5"}},
    "a ttl that is no number": {"headers": {"cf-cache-ttl": "soon"}},
    "a header of another surface": {"headers": {"cf-aig-gateway-id": "other"}},
    "metadata that is nested": {"headers": {"cf-aig-metadata": '{"a":{"b":1}}'}},
    "two cache intents at once": {"headers": {"cf-aig-skip-cache": "true", "cf-aig-cache-key": "k"}},
    "a body without one meaning": {
        "content": b'{"model":"a","model":"b"}',
        "options": {"cache": CacheIntent.response(60), "tenant": "acme"},
    },
    "a url with a port that is none": {"url": "http://127.0.0.1:99999/v1"},
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED.keys())
async def test_what_is_refused_is_never_sent(
    driver: Driver, emulator: RunningEmulator, case: dict[str, object]
) -> None:
    before = len(emulator.log)
    url = case.get("url", "openai/chat/completions")
    headers = {"content-type": "application/json", **case.get("headers", {})}  # type: ignore[dict-item]
    content = case.get("content", b'{"model":"gpt-5","messages":[{"role":"user","content":"x"}]}')
    async with driver.gateway(**settings(emulator)) as gateway:
        with pytest.raises(Refused) as caught:
            await gateway.post(url, content=content, headers=headers, **case.get("options", {}))  # type: ignore[arg-type]
    assert len(emulator.log) == before
    assert isinstance(caught.value, AigError)
    assert caught.value.where
