"""An http client of the caller's own: it is used, it is never closed, and it must fit."""

from __future__ import annotations

from typing import Any

import httpx
import httpx2
import pytest

from aig_client import AsyncGatewayClient, AsyncGatewayTransport, ConfigurationError, GatewayClient, GatewayTransport
from aig_client.apps.emulator import RunningEmulator

from .asks import TOKEN, chat, settings
from .drivers import DRIVERS, Driver, every_driver
from .servers import answering, serving

pytestmark = pytest.mark.anyio

BASE: dict[str, Any] = {"base_url": "http://127.0.0.1:9/v1/" + "0" * 32 + "/x"}


@every_driver
async def test_it_is_used_and_stays_open(driver: Driver) -> None:
    with serving(answering(lambda _, peer: peer.answer())) as server:
        headers = {"X-Mine": "yes", "User-Agent": "mine/1", "Content-Type": "text/plain", "Host": "elsewhere"}
        client = driver.http_client(headers=headers, base_url="http://ignored.example/")
        async with driver.gateway(base_url=server.base_url, client=client, token=TOKEN) as gateway:
            await gateway.chat(chat())
        assert not client.is_closed
        assert (await driver.send(client, "GET", server.url("/still-open"))).status_code == 200
        await driver.close(client)
    first, second = server.requests
    assert (first.headers["x-mine"], first.headers["user-agent"]) == ("yes", "mine/1")
    assert first.headers["content-type"] == "application/json"
    assert first.headers["host"] == f"127.0.0.1:{server.port}"
    assert len(first.pairs) == len(first.headers)
    assert "cf-aig-authorization" not in second.headers
    assert server.connection_count == 1


@every_driver
async def test_its_hooks_see_what_is_sent(driver: Driver, emulator: RunningEmulator) -> None:
    seen: list[str] = []

    def note(request: Any) -> None:
        seen.append(str(request.url))

    async def note_async(request: Any) -> None:
        note(request)

    hook = note_async if driver.colour == "async" else note
    client = driver.http_client(event_hooks={"request": [hook]})
    async with driver.gateway(**settings(emulator), client=client) as gateway:
        answer = await gateway.chat(chat())
        async with gateway.stream("chat", chat()) as stream:
            async for _ in stream:
                pass
    await driver.close(client)
    assert answer.status == 200
    assert seen == [emulator.base_url("openai") + "/chat/completions"] * 2


@every_driver
async def test_it_is_not_made_to_follow_redirects(driver: Driver) -> None:
    with serving(answering(lambda _, peer: peer.answer(302, [("Location", "/elsewhere")]))) as server:
        client = driver.http_client(follow_redirects=True)
        async with driver.gateway(base_url=server.base_url, client=client, token=TOKEN) as gateway:
            assert (await gateway.chat(chat())).status == 302
        await driver.close(client)
    assert len(server.requests) == 1


@every_driver
async def test_a_subclass_is_of_its_ancestors_family(driver: Driver, emulator: RunningEmulator) -> None:
    kind: Any = type(driver.http_client())
    client = type("Own", (kind,), {"__module__": "somewhere.else"})()
    async with driver.gateway(**settings(emulator), client=client) as gateway:
        assert (await gateway.chat(chat())).status == 200
    await driver.close(client)


def gateway_class(driver: Driver) -> Any:
    return AsyncGatewayClient if driver.colour == "async" else GatewayClient


@every_driver
def test_a_client_of_the_other_family_is_a_configuration_error(driver: Driver) -> None:
    other = "httpx" if driver.family == "httpx2" else "httpx2"
    with pytest.raises(ConfigurationError, match=f"says {other}, but the client is of {driver.family}") as caught:
        gateway_class(driver)(**BASE, client=driver.http_client(), http=other)
    assert caught.value.field == "http"


@every_driver
def test_a_client_of_the_other_colour_is_a_configuration_error(driver: Driver) -> None:
    (other,) = [one for one in DRIVERS if one.family == driver.family and one.colour != driver.colour]
    with pytest.raises(ConfigurationError, match=rf"is no {driver.family}\.(Async)?Client") as caught:
        gateway_class(driver)(**BASE, client=other.http_client())
    assert caught.value.field == "client"


@pytest.mark.parametrize("client", ["client", 7, httpx, object()], ids=["text", "number", "module", "object"])
@pytest.mark.parametrize("kind", [GatewayClient, AsyncGatewayClient])
def test_what_is_no_client_is_a_configuration_error(client: object, kind: Any) -> None:
    with pytest.raises(ConfigurationError, match="neither httpx nor httpx2"):
        kind(**BASE, client=client)
    with pytest.raises(ConfigurationError, match="must be 'httpx' or 'httpx2'"):
        kind(**BASE, http="aiohttp")


@every_driver
def test_credentials_of_its_own_would_be_added_behind_our_back(driver: Driver) -> None:
    client = driver.http_client(auth=("user", "password"))
    with pytest.raises(ConfigurationError, match="provider_keys") as caught:
        gateway_class(driver)(**BASE, client=client)
    assert "password" not in str(caught.value)


@every_driver
def test_a_proxy_beside_it_would_do_nothing(driver: Driver) -> None:
    with pytest.raises(ConfigurationError, match="proxy"):
        gateway_class(driver)(**BASE, client=driver.http_client(), proxy="http://127.0.0.1:1")


@every_driver
async def test_a_proxy_of_ours_is_used_and_so_is_the_environments(
    driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(answering(lambda _, peer: peer.answer(200, [("cf-aig-cache-status", "HIT")]))) as proxy:
        async with driver.gateway(**BASE, proxy=proxy.url()) as gateway:
            first = await gateway.chat(chat())
        monkeypatch.setenv("HTTP_PROXY", f"127.0.0.1:{proxy.port}")
        async with driver.gateway(**BASE) as gateway:
            await gateway.chat(chat())
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        async with driver.gateway(base_url=proxy.base_url) as gateway:
            await gateway.chat(chat())
    assert first.metadata.hit
    wanted = BASE["base_url"] + "/openai/chat/completions"
    assert [request.target for request in proxy.requests[:2]] == [wanted] * 2
    assert proxy.requests[2].target.startswith("/v1/")


def test_a_transport_takes_the_family_of_its_inner_one() -> None:
    with GatewayClient(**BASE) as gateway:
        rules = gateway.rules
    for factory, client, inner in (
        (GatewayTransport, httpx.Client, httpx.HTTPTransport()),
        (GatewayTransport, httpx2.Client, httpx2.HTTPTransport()),
        (AsyncGatewayTransport, httpx.AsyncClient, httpx.AsyncHTTPTransport()),
        (AsyncGatewayTransport, httpx2.AsyncClient, httpx2.AsyncHTTPTransport()),
    ):
        transport = factory(rules, inner=inner)
        base: Any = (
            httpx if client.__module__.startswith("httpx.") or client in (httpx.Client, httpx.AsyncClient) else httpx2
        )
        assert isinstance(transport, (base.BaseTransport, base.AsyncBaseTransport))
        client(transport=transport)
    assert isinstance(GatewayTransport(rules), httpx.BaseTransport)
    assert isinstance(AsyncGatewayTransport(rules, http="httpx2"), httpx2.AsyncBaseTransport)
    with pytest.raises(ConfigurationError, match="http"):
        GatewayTransport(rules, inner=httpx.HTTPTransport(), http="httpx2")
    with pytest.raises(ConfigurationError, match="neither"):
        GatewayTransport(rules, inner=object())


def test_a_family_is_known_by_its_classes_whatever_their_module_says(monkeypatch: pytest.MonkeyPatch) -> None:
    # The openai SDK writes its own name into `httpx2.BaseTransport.__module__`.
    monkeypatch.setattr(httpx2.BaseTransport, "__module__", "openai")

    class Inner(httpx2.BaseTransport):
        __module__ = "elsewhere"

    with GatewayClient(**BASE) as gateway:
        assert isinstance(GatewayTransport(gateway.rules, inner=Inner()), httpx2.BaseTransport)
