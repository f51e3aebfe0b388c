"""For those who mock: pytest-httpx, pytest-httpx2 and MockTransport see our client as any other."""

from __future__ import annotations

import json
from typing import Any

import httpx
import httpx2
import pytest
from pytest_httpx import HTTPXMock
from respx import Router

from aig_client import (
    AsyncGatewayClient,
    CacheIntent,
    GatewayClient,
    GatewayError,
    Unreachable,
    metadata_of,
    receipt_of,
)

from .asks import TOKEN, chat
from .drivers import Driver, every_driver

pytestmark = pytest.mark.anyio

BASE = "https://gateway.ai.cloudflare.com/v1/" + "0" * 32 + "/prod"
CHAT = f"{BASE}/openai/chat/completions"
HIT = {"cf-aig-cache-status": "HIT", "cf-aig-log-id": "log-1"}
ANSWER = {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}}


def check_request(request: Any) -> None:
    assert str(request.url) == CHAT
    assert request.headers["cf-aig-authorization"] == f"Bearer {TOKEN}"
    assert request.headers["cf-aig-skip-cache"] == "true"
    assert json.loads(request.content)["model"] == "gpt-5"


@pytest.mark.parametrize("given", [True, False], ids=["client given", "client of ours"])
def test_pytest_httpx_mocks_the_sync_client(httpx_mock: HTTPXMock, given: bool) -> None:
    httpx_mock.add_response(url=CHAT, method="POST", json=ANSWER, headers=HIT)
    client = httpx.Client() if given else None
    with GatewayClient(base_url=BASE, token=TOKEN, client=client) as gateway:
        answer = gateway.chat(chat())
    assert answer.data == ANSWER
    assert answer.metadata.log_id == "log-1"
    assert answer.usage is not None
    check_request(httpx_mock.get_request())


@pytest.mark.parametrize("given", [True, False], ids=["client given", "client of ours"])
async def test_pytest_httpx_mocks_the_async_client(httpx_mock: HTTPXMock, given: bool) -> None:
    httpx_mock.add_response(url=CHAT, json=ANSWER, headers=HIT)
    httpx_mock.add_exception(httpx.ConnectTimeout("no"), url=CHAT)
    client = httpx.AsyncClient() if given else None
    async with AsyncGatewayClient(base_url=BASE, token=TOKEN, client=client) as gateway:
        answer = await gateway.chat(chat())
        with pytest.raises(Unreachable) as caught:
            await gateway.chat(chat())
    assert answer.metadata.hit
    assert caught.value.kind == "connect"
    check_request(httpx_mock.get_requests()[0])


@pytest.mark.parametrize("given", [True, False], ids=["client given", "client of ours"])
def test_pytest_httpx2_mocks_the_sync_client(httpx2_mock: Router, given: bool) -> None:
    route = httpx2_mock.post(CHAT).respond(json=ANSWER, headers=HIT)
    client = httpx2.Client() if given else None
    with GatewayClient(base_url=BASE, token=TOKEN, client=client, http=None if given else "httpx2") as gateway:
        answer = gateway.chat(chat())
    assert answer.data == ANSWER
    assert answer.metadata.log_id == "log-1"
    check_request(route.calls.last.request)


@pytest.mark.parametrize("given", [True, False], ids=["client given", "client of ours"])
async def test_pytest_httpx2_mocks_the_async_client(httpx2_mock: Router, given: bool) -> None:
    refusal = {"success": False, "error": [{"code": 2009, "message": "Unauthorized"}]}
    route = httpx2_mock.post(CHAT).respond(401, json=refusal)
    client = httpx2.AsyncClient() if given else None
    http: Any = None if given else "httpx2"
    async with AsyncGatewayClient(base_url=BASE, token=TOKEN, client=client, http=http) as gateway:
        with pytest.raises(GatewayError, match="2009"):
            await gateway.chat(chat())
        route.side_effect = httpx2.ConnectTimeout("no")
        with pytest.raises(Unreachable) as caught:
            await gateway.chat(chat())
    assert caught.value.kind == "connect"
    check_request(route.calls[0].request)


def handler_for(driver: Driver, seen: list[Any]) -> Any:
    module = driver.module

    def handle(request: Any) -> Any:
        seen.append(request)
        if b'"stream":true' in request.content:
            return module.Response(200, headers={"content-type": "text/event-stream"}, content=b"data: [DONE]\n\n")
        return module.Response(200, json=ANSWER, headers=HIT)

    return handle


@every_driver
async def test_a_mock_transport_below_the_client(driver: Driver) -> None:
    seen: list[Any] = []
    client = driver.http_client(transport=driver.module.MockTransport(handler_for(driver, seen)))
    cached = CacheIntent.response(60)
    async with driver.gateway(base_url=BASE, client=client, tenant="acme") as gateway:
        answer = await gateway.chat(chat(), cache=cached, deadline=5)
        async with gateway.stream("chat", chat()) as stream:
            events = [event.data async for event in stream]
    assert answer.metadata.hit
    assert events == []  # nothing but the end mark
    assert stream.receipt is not None
    assert stream.receipt.ended == "complete"
    assert answer.receipt.plan.key is not None
    assert seen[0].headers["cf-aig-cache-key"] == answer.receipt.plan.key.value
    await driver.close(client)


@every_driver
async def test_a_mock_transport_below_our_transport(driver: Driver) -> None:
    seen: list[Any] = []
    async with driver.gateway(base_url=BASE, token=TOKEN) as gateway:
        inner = driver.module.MockTransport(handler_for(driver, seen))
        client = driver.http_client(transport=driver.transport(gateway.rules, inner=inner))
    response = await driver.send(client, "POST", CHAT, json=chat())
    await driver.close(client)
    check_request(seen[0])
    receipt = receipt_of(response)
    assert metadata_of(response).hit
    assert receipt is not None
    assert receipt.usage is not None
    assert receipt.ended == "complete"
