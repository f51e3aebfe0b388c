"""The transport that SDKs are given: it decides, and otherwise behaves as any transport of its family."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from aig_client import CacheIntent, GatewayMetadata, Options, Receipt, Refused, metadata_of, options, receipt_of
from aig_client.apps.emulator import RunningEmulator

from .asks import TOKEN, chat, last, last_headers, settings
from .drivers import Driver, every_driver
from .servers import Peer, Recorded, answering, serving

pytestmark = [pytest.mark.anyio, every_driver]


async def rules_of(driver: Driver, **arguments: Any) -> Any:
    async with driver.gateway(**arguments) as gateway:
        return gateway.rules


async def test_statuses_go_back_as_responses(driver: Driver, emulator: RunningEmulator) -> None:
    rules = await rules_of(driver, **{**settings(emulator), "token": "wrong"})
    client = driver.http_client(transport=driver.transport(rules))
    response = await driver.send(client, "POST", emulator.base_url("openai") + "/chat/completions", json=chat())
    await driver.close(client)
    receipt = receipt_of(response)
    assert response.status_code == 401
    assert response.json()["error"][0]["code"] == 2009
    assert receipt is not None
    assert receipt.status == 401


async def test_families_own_exceptions_go_through(driver: Driver) -> None:
    heard: list[Receipt] = []
    rules = await rules_of(driver, base_url="http://127.0.0.1:9/v1/" + "0" * 32 + "/x")
    client = driver.http_client(transport=driver.transport(rules, on_receipt=heard.append))
    with pytest.raises(driver.module.ConnectError):
        await driver.send(client, "GET", "http://127.0.0.1:9/v1/" + "0" * 32 + "/x/openai/models")
    await driver.close(client)
    assert [receipt.ended for receipt in heard] == ["unreachable"]


async def test_only_refused_is_raised_and_before_anything_is_sent(driver: Driver, emulator: RunningEmulator) -> None:
    before = len(emulator.log)
    rules = await rules_of(driver, **settings(emulator))
    client = driver.http_client(transport=driver.transport(rules))
    url = emulator.base_url("openai") + "/chat/completions"
    for headers in ({"x-aig-cache": "response; ttl=60"}, {"x-aig-typo": "1"}, {"cf-aig-cache-ttl": "1"}):
        with pytest.raises(Refused):
            await driver.send(client, "POST", url, json=chat(), headers=headers)
    await driver.close(client)
    assert len(emulator.log) == before


async def test_hints_become_decisions_and_never_leave(driver: Driver, emulator: RunningEmulator) -> None:
    rules = await rules_of(driver, **settings(emulator))
    client = driver.http_client(transport=driver.transport(rules))
    headers = {"X-AIG-Cache": "response; ttl=90", "x-aig-tenant": "acme", "x-aig-route-class": "summary"}
    body = chat()
    for status in ("MISS", "HIT"):
        response = await driver.send(
            client, "POST", emulator.base_url("openai") + "/chat/completions", json=body, headers=headers
        )
        assert response.headers["cf-aig-cache-status"] == status
    await driver.close(client)
    sent = last_headers(emulator)
    assert sent["cf-aig-cache-ttl"] == "90"
    assert sent["cf-aig-metadata"] == '{"route_class":"summary"}'
    assert not [name for name in last(emulator).header_names if name.startswith("x-aig")]


async def test_the_callers_request_is_not_written_to(driver: Driver, emulator: RunningEmulator) -> None:
    rules = await rules_of(driver, **settings(emulator))
    client = driver.http_client(transport=driver.transport(rules))
    response = await driver.send(
        client, "GET", emulator.base_url("openai") + "/models", headers={"authorization": "Bearer aig-stored-key"}
    )
    await driver.close(client)
    assert response.status_code == 200
    assert response.request.headers["authorization"] == "Bearer aig-stored-key"
    assert not [name for name in response.request.headers if name.startswith("cf-aig")]
    assert "authorization" not in last(emulator).header_names


async def test_options_of_the_transport_give_way_to_the_requests_own(driver: Driver, emulator: RunningEmulator) -> None:
    rules = await rules_of(driver, **settings(emulator))
    usual = Options(cache=CacheIntent.gateway_default, gateway=GatewayMetadata(collect_log=False))
    client = driver.http_client(transport=driver.transport(rules, options=usual))
    url = emulator.base_url("openai") + "/chat/completions"
    await driver.send(client, "POST", url, json=chat())
    assert last_headers(emulator) == {"cf-aig-collect-log": "false"}
    await driver.send(client, "POST", url, json=chat(), headers={"x-aig-cache": "off"})
    await driver.close(client)
    assert last_headers(emulator) == {"cf-aig-skip-cache": "true", "cf-aig-collect-log": "false"}


async def test_bodies_that_stream_pass_untouched_and_unkeyed(driver: Driver) -> None:
    def parts() -> Iterator[bytes]:
        yield b'{"model":'
        yield b'"gpt-5"}'

    async def parts_async() -> AsyncIterator[bytes]:
        for part in parts():
            yield part

    with serving(answering(lambda _, peer: peer.answer())) as server:
        rules = await rules_of(driver, base_url=server.base_url, token=TOKEN)
        client = driver.http_client(transport=driver.transport(rules))
        url = f"{server.base_url}/openai/chat/completions"
        with options(cache=CacheIntent.response(60), tenant="acme") as scope:
            content = parts_async() if driver.colour == "async" else parts()
            await driver.send(client, "POST", url, content=content, headers={"content-type": "application/json"})
            await driver.send(client, "POST", url, files={"file": b"bytes of a file"}, data={"model": "whisper"})
        await driver.close(client)
    streamed, multipart = server.requests
    assert streamed.body == b'9\r\n{"model":\r\n8\r\n"gpt-5"}\r\n0\r\n\r\n'
    assert b"bytes of a file" in multipart.body
    assert multipart.headers["content-type"].startswith("multipart/form-data")
    for request, receipt in zip(server.requests, scope.receipts, strict=True):
        assert request.headers["cf-aig-skip-cache"] == "true"
        assert receipt.plan.key is None
        assert "not JSON" in receipt.plan.reasons[0]


async def test_a_cached_error_is_asked_again_below_the_sdk_too(driver: Driver) -> None:
    def respond(request: Recorded, peer: Peer) -> None:
        if "cf-aig-cache-key" in request.headers:
            peer.answer(429, [("cf-aig-cache-status", "HIT")], b'{"old":true}')
        else:
            peer.answer(200, [("cf-aig-cache-status", "MISS")], b'{"fresh":true}')

    with serving(answering(respond)) as server:
        rules = await rules_of(driver, base_url=server.base_url)
        client = driver.http_client(transport=driver.transport(rules))
        with options(cache=CacheIntent.response(60), tenant="acme") as scope:
            response = await driver.send(client, "POST", f"{server.base_url}/openai/chat/completions", json=chat())
        await driver.close(client)
    assert response.json() == {"fresh": True}
    assert scope.last is not None
    assert scope.last.attempts == 2
    assert server.requests[0].body == server.requests[1].body


async def test_closing_the_client_closes_the_inner_transport(driver: Driver) -> None:
    closed: list[str] = []
    kind = "AsyncBaseTransport" if driver.colour == "async" else "BaseTransport"

    class Inner(getattr(driver.module, kind)):  # type: ignore[misc]
        def close(self) -> None:
            closed.append("sync")

        async def aclose(self) -> None:
            closed.append("async")

    rules = await rules_of(driver, base_url="http://127.0.0.1:9/v1/" + "0" * 32 + "/x")
    await driver.close(driver.http_client(transport=driver.transport(rules, inner=Inner())))
    assert closed == [driver.colour]


async def test_metadata_comes_from_whatever_has_headers(driver: Driver) -> None:
    response = driver.module.Response(200, headers={"cf-aig-cache-status": "HIT", "cf-aig-log-id": "l"})
    for one in (response, response.headers, dict(response.headers)):
        assert metadata_of(one).log_id == "l"
    assert metadata_of(metadata_of(response)).hit
    assert receipt_of(response) is None
    for nothing in (object(), "text", None):
        with pytest.raises(TypeError, match="with_raw_response"):
            metadata_of(nothing)
