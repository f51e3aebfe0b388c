"""Miss, hit, and everything that parts one answer from another: one suite, four drivers, real sockets."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aig_client import SHARED, CacheIntent, CacheStatus, GatewayMetadata, Refused, cache_key
from aig_client.apps.emulator import RunningEmulator

from .asks import chat, last, last_headers, settings
from .drivers import Driver, every_driver

pytestmark = [pytest.mark.anyio, every_driver]

CACHED = CacheIntent.response(300)
HIT, MISS = CacheStatus.HIT, CacheStatus.MISS


async def status_of(driver: Driver, emulator: RunningEmulator, body: dict[str, object], **options: Any) -> Any:
    """The cache status of one call by a client of its own."""
    call = {name: options.pop(name) for name in ("cache", "tenant", "gateway") if name in options}
    async with driver.gateway(**settings(emulator), **options) as gateway:
        answer = await gateway.chat(body, **call)
    assert answer.receipt.ended == "complete"
    return answer.metadata.ai_gateway_cache_status


async def test_the_same_request_misses_then_hits_and_the_answers_are_the_same(
    driver: Driver, emulator: RunningEmulator
) -> None:
    body = chat()
    async with driver.gateway(**settings(emulator), cache=CACHED, tenant="acme") as gateway:
        first = await gateway.chat(body)
        again = await gateway.chat(body)
    assert (first.receipt.cache_status, again.receipt.cache_status) == (MISS, HIT)
    assert first.content == again.content
    assert again.metadata.hit
    assert not first.metadata.hit
    assert again.metadata.log_id != first.metadata.log_id


async def test_another_word_is_another_answer(driver: Driver, emulator: RunningEmulator) -> None:
    body, changed = chat(), chat()
    async with driver.gateway(**settings(emulator), cache=CACHED, tenant="acme") as gateway:
        statuses = [(await gateway.chat(one)).receipt.cache_status for one in (body, changed, body, changed)]
    assert statuses == [MISS, MISS, HIT, HIT]


async def test_a_field_that_changes_no_answer_changes_no_key(driver: Driver, emulator: RunningEmulator) -> None:
    body = chat()
    async with driver.gateway(**settings(emulator), cache=CACHED, tenant="acme") as gateway:
        await gateway.chat(body)
        answer = await gateway.chat({"user": "someone", **dict(reversed(body.items()))})
    assert answer.receipt.cache_status is HIT


async def test_without_a_word_nothing_is_cached(driver: Driver, emulator: RunningEmulator) -> None:
    body = chat()
    async with driver.gateway(**settings(emulator), tenant="acme") as gateway:
        for _ in range(2):
            answer = await gateway.chat(body)
            assert answer.receipt.cache_status is MISS
            assert last_headers(emulator) == {"cf-aig-skip-cache": "true"}
            assert answer.receipt.plan.key is None


async def test_an_intent_of_off_goes_past_a_stored_answer(driver: Driver, emulator: RunningEmulator) -> None:
    body = chat()
    async with driver.gateway(**settings(emulator), cache=CACHED, tenant="acme") as gateway:
        await gateway.chat(body)
        assert (await gateway.chat(body, cache=CacheIntent.off)).receipt.cache_status is MISS
        assert (await gateway.chat(body)).receipt.cache_status is HIT


@pytest.mark.parametrize(
    "change",
    [
        {"tenant": "globex"},
        {"tenant": SHARED},
        {"namespace": "staging"},
        {"policy_epoch": "2"},
        {"secret": b"0123456789abcdef0123456789abcdef"},
        {"credential": "request", "provider_keys": {"openai": "sk-test-own"}},
    ],
    ids=["tenant", "shared", "namespace", "epoch", "sealed", "credential"],
)
async def test_what_parts_callers_parts_their_answers(
    driver: Driver, emulator: RunningEmulator, change: dict[str, Any]
) -> None:
    body = chat()
    usual: dict[str, Any] = {"cache": CACHED, "tenant": "acme"}
    assert await status_of(driver, emulator, body, **usual) is MISS
    assert await status_of(driver, emulator, body, **{**usual, **change}) is MISS
    assert await status_of(driver, emulator, body, **{**usual, **change}) is HIT
    assert await status_of(driver, emulator, body, **usual) is HIT


async def test_key_and_ttl_go_out_together_and_the_key_is_the_one_computed_beforehand(
    driver: Driver, emulator: RunningEmulator
) -> None:
    body = chat()
    async with driver.gateway(**settings(emulator), namespace="n", policy_epoch="e") as gateway:
        answer = await gateway.chat(body, cache=CacheIntent.response(120), tenant="acme")
        planned = gateway.plan("openai/chat/completions", json=body, cache=CacheIntent.response(120), tenant="acme")
    key = cache_key(
        emulator.base_url("openai") + "/chat/completions",
        body,
        tenant="acme",
        namespace="n",
        policy_epoch="e",
        gateways=[emulator.origin],
    )
    assert last_headers(emulator) == {"cf-aig-cache-key": key.value, "cf-aig-cache-ttl": "120"}
    assert answer.receipt.plan.key == planned.key == key
    assert not key.sealed


async def test_a_secret_seals_the_key(driver: Driver, emulator: RunningEmulator) -> None:
    async with driver.gateway(**settings(emulator), secret="a secret of sixteen bytes or more") as gateway:
        answer = await gateway.chat(chat(), cache=CACHED, tenant="acme")
    assert answer.receipt.plan.key is not None
    assert answer.receipt.plan.key.sealed
    assert last_headers(emulator)["cf-aig-cache-key"].startswith("aig1s.")


async def test_neither_prompt_nor_tenant_nor_token_is_in_the_key(driver: Driver, emulator: RunningEmulator) -> None:
    async with driver.gateway(**settings(emulator)) as gateway:
        await gateway.chat(chat("PROMPT"), cache=CACHED, tenant="TENANT")
    sent = last_headers(emulator)["cf-aig-cache-key"]
    assert len(sent) == 48
    assert sent.isascii()


async def test_bytes_and_a_tree_that_say_the_same_share_an_answer(driver: Driver, emulator: RunningEmulator) -> None:
    body = chat()
    pretty = json.dumps(body, indent=2, sort_keys=True).encode()
    async with driver.gateway(**settings(emulator), cache=CACHED, tenant="acme") as gateway:
        await gateway.post("openai/chat/completions", json=body)
        answer = await gateway.post(
            "openai/chat/completions", content=pretty, headers={"Content-Type": "application/json"}
        )
    assert answer.receipt.cache_status is HIT


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"stream": True}, "stream"),
        ({"tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}]}, "tools"),
    ],
    ids=["stream", "tools"],
)
async def test_streams_and_tools_are_not_cached_unless_forced(
    driver: Driver, emulator: RunningEmulator, members: dict[str, Any], reason: str
) -> None:
    body = chat(**members)
    async with driver.gateway(**settings(emulator), tenant="acme") as gateway:
        answer = await gateway.chat(body, cache=CACHED)
        assert last_headers(emulator) == {"cf-aig-skip-cache": "true"}
        assert reason in answer.receipt.plan.reasons[0]
        forced = [await gateway.chat(body, cache=CacheIntent.response(300, force=True)) for _ in range(2)]
    assert [one.receipt.cache_status for one in forced] == [MISS, HIT]


async def test_gateway_default_sends_no_cache_header_at_all(driver: Driver, emulator: RunningEmulator) -> None:
    async with driver.gateway(**settings(emulator), cache=CacheIntent.gateway_default) as gateway:
        await gateway.chat(chat())
    assert last_headers(emulator) == {}


async def test_plain_cloudflare_headers_are_sent_as_they_are(driver: Driver, emulator: RunningEmulator) -> None:
    async with driver.gateway(**settings(emulator), cache=CACHED, tenant="acme") as gateway:
        await gateway.chat(chat(), gateway=GatewayMetadata(cache_ttl=600))
        assert last_headers(emulator) == {"cf-aig-cache-ttl": "600"}
        await gateway.post("openai/chat/completions", json=chat(), headers={"cf-cache-ttl": "120"})
        assert last_headers(emulator) == {"cf-aig-cache-ttl": "120"}
        assert "cf-cache-ttl" not in last(emulator).header_names


async def test_a_response_cache_without_a_tenant_is_refused_and_nothing_is_sent(
    driver: Driver, emulator: RunningEmulator
) -> None:
    before = len(emulator.log)
    async with driver.gateway(**settings(emulator), cache=CACHED) as gateway:
        with pytest.raises(Refused, match="tenant"):
            await gateway.chat(chat())
        with pytest.raises(Refused, match="tenant"):
            async with gateway.stream("chat", chat(), cache=CacheIntent.response(300, force=True)):
                pass
    assert len(emulator.log) == before
