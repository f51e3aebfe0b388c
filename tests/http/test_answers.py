"""What a call gives back, and what leaves for it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aig_client import ConfigurationError, GatewayMetadata, normalize_usage
from aig_client.apps.emulator import RunningEmulator

from .asks import TOKEN, chat, last, last_headers, message, settings
from .drivers import Driver, every_driver
from .servers import answering, serving

pytestmark = [pytest.mark.anyio, every_driver]

CREDENTIALS = {"authorization", "x-api-key", "x-goog-api-key", "api-key", "xi-api-key"}


async def test_an_answer_has_its_data_its_metadata_and_its_receipt(driver: Driver, emulator: RunningEmulator) -> None:
    async with driver.gateway(**settings(emulator), route_class="summary") as gateway:
        answer = await gateway.chat(chat())
    data: Any = answer.data
    assert data == json.loads(answer.content) == answer.json() == json.loads(answer.text)
    assert data is answer.json()
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.metadata is answer.receipt.metadata
    assert answer.metadata.log_id == last(emulator).log_id
    assert answer.metadata.raw["cf-aig-cache-status"] == "MISS"
    assert answer.usage == normalize_usage("openai-chat", data["usage"])
    assert answer.usage.input_tokens == data["usage"]["prompt_tokens"]
    assert answer.usage.output_tokens == data["usage"]["completion_tokens"]
    receipt = answer.receipt
    assert (receipt.ended, receipt.attempts, receipt.status) == ("complete", 1, 200)
    assert receipt.plan.model == "gpt-5"
    assert receipt.latency is not None
    assert receipt.time_to_first_byte is not None
    assert 0 < receipt.time_to_first_byte <= receipt.latency < 10
    assert receipt.meter is not None
    assert receipt.meter.size == len(answer.content)
    assert json.loads(last_headers(emulator)["cf-aig-metadata"]) == {"route_class": "summary"}
    assert "MISS" in repr(answer)


async def test_each_helper_reaches_its_endpoint(driver: Driver, emulator: RunningEmulator) -> None:
    async with driver.gateway(**settings(emulator)) as gateway:
        embedded = await gateway.embeddings({"model": "text-embedding-3-small", "input": "a"})
        responded = await gateway.responses({"model": "gpt-5", "input": "Hello"})
        messaged = await gateway.messages(message())
        compat = await gateway.chat(chat(model="anthropic/claude-sonnet-5-5"), provider="compat")
    got: list[Any] = [one.data for one in (embedded, responded, messaged, compat)]
    assert len(got[0]["data"][0]["embedding"]) == 1536
    assert got[1]["object"] == "response"
    assert got[2]["type"] == "message"
    assert got[3]["model"] == "claude-sonnet-5-5"
    prefix = f"/v1/{emulator.account}/{emulator.gateway}"
    assert [entry.path for entry in emulator.log[-4:]] == [
        f"{prefix}/openai/embeddings",
        f"{prefix}/openai/responses",
        f"{prefix}/anthropic/v1/messages",
        f"{prefix}/compat/chat/completions",
    ]
    assert "anthropic-version" in emulator.log[-2].header_names
    assert [one.receipt.plan.surface and one.receipt.plan.surface.kind for one in (embedded, responded, messaged)] == [
        "embeddings",
        "responses",
        "messages",
    ]
    for answer in (embedded, responded, messaged, compat):
        assert answer.usage is not None
        assert answer.usage.input_tokens


async def test_a_provider_without_the_endpoint_is_a_configuration_error(
    driver: Driver, emulator: RunningEmulator
) -> None:
    async with driver.gateway(**settings(emulator)) as gateway:
        with pytest.raises(ConfigurationError, match="anthropic has no embeddings"):
            await gateway.embeddings({"model": "m", "input": "a"}, provider="anthropic")
        with pytest.raises(ConfigurationError, match="Did you mean 'anthropic'"):
            await gateway.messages(message(), provider="antropic")
        with pytest.raises(ConfigurationError, match="json"):
            await gateway.chat({"model": "m", "messages": [float("nan")]})
        with pytest.raises(ConfigurationError, match="content"):
            await gateway.post("openai/chat/completions", json={}, content=b"{}")
        with pytest.raises(ConfigurationError, match="headers"):
            await gateway.post("openai/chat/completions", json={}, headers={"x": "a\r\nb: c"})


async def test_a_relative_and_an_absolute_url_are_the_same_place(driver: Driver, emulator: RunningEmulator) -> None:
    async with driver.gateway(**settings(emulator)) as gateway:
        for url in ("openai/models", "/openai/models", f"{gateway.base_url}/openai/models"):
            answer = await gateway.request("get", url)
            data: Any = answer.data
            assert data["object"] == "list"
            assert last(emulator).method == "GET"
            assert answer.metadata.log_id
        posted = await gateway.request("POST", "openai/chat/completions", json=chat())
    assert posted.status == 200


async def test_a_body_leaves_as_its_caller_made_it(driver: Driver) -> None:
    spaced = b'{ "model": "gpt-5",\n "messages": [] }'
    tree = {"z": 1, "a": {"y": "\u00e9", "b": None}, "model": "m"}
    with serving(answering(lambda _, peer: peer.answer())) as server:
        async with driver.gateway(base_url=server.base_url) as gateway:
            await gateway.post("openai/chat/completions", content=spaced, headers={"content-type": "text/plain"})
            await gateway.chat(tree)
            await gateway.request("GET", "openai/models")
    first, second, third = server.requests
    assert first.body == spaced
    assert first.headers["content-type"] == "text/plain"
    assert second.body == b'{"z":1,"a":{"y":"\xc3\xa9","b":null},"model":"m"}'
    assert second.headers["content-type"] == "application/json"
    assert second.headers["host"] == f"127.0.0.1:{server.port}"
    assert second.headers["user-agent"].startswith("aig-client/")
    assert third.body == b""
    assert "content-length" not in third.headers
    for request in server.requests:
        names = [name for name, _ in request.pairs]
        assert len(names) == len(set(names)), names


async def test_headers_of_the_caller_replace_the_usual_ones(driver: Driver) -> None:
    with serving(answering(lambda _, peer: peer.answer())) as server:
        async with driver.gateway(base_url=server.base_url) as gateway:
            headers = {"USER-AGENT": "mine/1", "Accept": "text/plain", "X-Trace": "t"}
            await gateway.post("openai/chat/completions", json={"a": 1}, headers=headers)
    (request,) = server.requests
    for name, value in (("user-agent", "mine/1"), ("accept", "text/plain"), ("x-trace", "t")):
        assert [found for spelled, found in request.pairs if spelled == name] == [value]


@pytest.mark.parametrize("name", ["Host", "content-length", "Transfer-Encoding"])
async def test_headers_that_only_the_client_can_know_are_a_configuration_error(driver: Driver, name: str) -> None:
    with serving(answering(lambda _, peer: peer.answer())) as server:
        async with driver.gateway(base_url=server.base_url) as gateway:
            with pytest.raises(ConfigurationError, match=f"(?i){name}"):
                await gateway.post("openai/chat/completions", json={"a": 1}, headers={name: "7"})
    assert not server.requests


async def test_with_stored_keys_no_provider_credential_leaves_in_any_spelling(
    driver: Driver, emulator: RunningEmulator
) -> None:
    wrong = {"AUTHORIZATION": "Bearer sk-wrong", "X-Api-Key": "sk-wrong", "x-goog-api-key": "k", "Api-Key": "k"}
    async with driver.gateway(**settings(emulator)) as gateway:
        answer = await gateway.post("openai/chat/completions", json=chat(), headers=wrong)
    assert answer.status == 200
    assert not CREDENTIALS & set(last(emulator).header_names)
    assert "cf-aig-authorization" in last(emulator).header_names


async def test_a_key_of_ones_own_goes_to_its_provider_and_to_no_other(driver: Driver) -> None:
    with serving(answering(lambda _, peer: peer.answer())) as server:
        keys = {"openai": "sk-test-own", "anthropic": "sk-ant-own"}
        async with driver.gateway(base_url=server.base_url, token=TOKEN, provider_keys=keys) as gateway:
            await gateway.chat(chat())
            await gateway.messages(message())
            await gateway.chat(chat(), provider="groq")
            await gateway.request("GET", server.url("/no/gateway"))
    openai, anthropic, groq, outside = server.requests
    assert openai.headers["authorization"] == "Bearer sk-test-own"
    assert anthropic.headers["x-api-key"] == "sk-ant-own"
    assert "authorization" not in anthropic.headers
    assert not CREDENTIALS & groq.headers.keys()
    assert not CREDENTIALS & outside.headers.keys()
    for request in (openai, anthropic, groq):
        assert request.headers["cf-aig-authorization"] == f"Bearer {TOKEN}"


async def test_a_redirect_is_an_answer_and_is_never_followed(driver: Driver) -> None:
    with serving(answering(lambda _, peer: peer.answer(307, [("Location", "/elsewhere")]))) as server:
        async with driver.gateway(base_url=server.base_url, token=TOKEN) as gateway:
            answer = await gateway.chat(chat())
    assert answer.status == 307
    assert len(server.requests) == 1


async def test_an_answer_that_is_no_json_keeps_its_text_and_its_repeated_headers(driver: Driver) -> None:
    headers = [("Content-Type", "text/plain"), ("X-Two", "a"), ("x-two", "b")]
    with serving(answering(lambda _, peer: peer.answer(200, headers, b"caf\xe9"))) as server:
        async with driver.gateway(base_url=server.base_url) as gateway:
            answer = await gateway.chat(chat())
    assert answer.text == "caf\ufffd"
    assert answer.headers["x-two"] == "a, b"
    assert answer.usage is None
    assert answer.metadata.ai_gateway_cache_status is None
    with pytest.raises(ValueError, match=r"."):
        answer.json()


async def test_options_of_the_call_beat_those_of_the_client(driver: Driver, emulator: RunningEmulator) -> None:
    usual = GatewayMetadata(metadata={"team": "search", "env": "prod"}, collect_log=False, max_attempts=2)
    async with driver.gateway(**settings(emulator), gateway=usual) as gateway:
        await gateway.chat(chat(), gateway=GatewayMetadata(metadata={"env": "test"}, max_attempts=3))
    sent = last_headers(emulator)
    assert json.loads(sent["cf-aig-metadata"]) == {"team": "search", "env": "test"}
    assert (sent["cf-aig-collect-log"], sent["cf-aig-max-attempts"]) == ("false", "3")


async def test_no_secret_shows_in_any_text(driver: Driver, emulator: RunningEmulator) -> None:
    secret, key = "sealing-secret-of-the-tests", "sk-test-own-key"
    options = {"secret": secret, "provider_keys": {"openai": key}}
    async with driver.gateway(**settings(emulator), **options) as gateway:
        answer = await gateway.chat(chat("PROMPT"), tenant="TENANT")
        shown = [gateway, gateway.rules, answer, answer.receipt, answer.receipt.plan, answer.receipt.as_dict()]
        text = " ".join(f"{one!r} {one!s} {getattr(one, '__dict__', '')}" for one in shown[2:])
        text += repr(shown[:2])
    for hidden in (TOKEN, secret, key, "PROMPT", "TENANT"):
        assert hidden not in text
