"""The proof: no Cloudflare header, token, hint or placeholder ever reaches a host that is no gateway.

The other hosts are recording servers of raw sockets; what is searched is every byte that they got.
"""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aig_client import GatewayClient, options, surface_of
from aig_client.core import Request

from .asks import chat
from .drivers import Driver, every_driver
from .leaks import LOADED, OWN_KEY, TEMPTING, WRONG, check_clean, check_gateway
from .servers import ACCOUNT, RawServer, answering, serving

pytestmark = pytest.mark.anyio


@pytest.fixture
def gateway_server() -> Iterator[RawServer]:
    with serving(answering(lambda _, peer: peer.answer())) as server:
        yield server


@pytest.fixture
def outsider() -> Iterator[RawServer]:
    with serving(answering(lambda _, peer: peer.answer())) as server:
        yield server


def urls_outside(outsider: RawServer, gateway: RawServer) -> list[str]:
    path = f"/v1/{ACCOUNT}/fake/openai/chat/completions"
    return [
        outsider.url("/v1/chat/completions"),
        outsider.url("/v1/chat/completions", host="localhost"),
        outsider.url(path),  # a gateway's path on another port
        outsider.url(path, host="localhost"),
        f"http://127.0.0.1:{gateway.port}@localhost:{outsider.port}{path}",
        f"http://gateway.ai.cloudflare.com@localhost:{outsider.port}{path}",
        outsider.url(f"/?url={gateway.url(path)}"),
        outsider.url(f"/#{gateway.url(path)}"),
        outsider.url(f"/https://gateway.ai.cloudflare.com{path}"),
        outsider.url(path, host="LOCALHOST"),
        outsider.url(path, host="127.1"),
    ]


@every_driver
async def test_a_direct_call_to_another_host(driver: Driver, outsider: RawServer, gateway_server: RawServer) -> None:
    urls = urls_outside(outsider, gateway_server)
    keys = {"openai": OWN_KEY, "anthropic": OWN_KEY}
    async with driver.gateway(base_url=gateway_server.base_url, provider_keys=keys, **LOADED) as gateway:
        for url in urls:
            answer = await gateway.post(url, json=chat("x"), headers={**TEMPTING, **WRONG, "X-Mine": "stays"})
            assert answer.receipt.plan.surface is None
            assert "no Cloudflare header" in answer.receipt.plan.reasons[0]
            assert answer.metadata.ai_gateway_cache_status is None
        await gateway.chat(chat("x"))
    for request in check_clean(outsider, len(urls)):
        assert request.headers["x-mine"] == "stays"
        assert request.body == b'{"model":"gpt-5","messages":[{"role":"user","content":"x"}]}'
    assert len(gateway_server.requests) == 1
    check_gateway(gateway_server.requests[0])


@every_driver
async def test_a_call_by_another_name_of_the_gateways_own_host(driver: Driver, gateway_server: RawServer) -> None:
    """The gateway is declared by its address and its path; its name, and its other paths, are not it."""
    path = f"/v1/{ACCOUNT}/fake/openai/chat/completions"
    async with driver.gateway(base_url=gateway_server.base_url, **LOADED) as gateway:
        for url in (
            gateway_server.url(path, host="localhost"),
            gateway_server.url("/elsewhere"),
            gateway_server.url(f"/v1/{ACCOUNT}/other/openai/chat/completions"),
            gateway_server.url(f"/v1/{ACCOUNT}/fake-not/openai/chat/completions"),
            gateway_server.url(f"/v1/{ACCOUNT}/fake/../x/openai/chat/completions"),
            gateway_server.url(f"/v1/{ACCOUNT}/fake/%2e%2e/openai/chat/completions"),
            gateway_server.url(f"/v1/{ACCOUNT}/fake//openai/chat/completions"),
        ):
            await gateway.post(url, json=chat("x"), headers={**TEMPTING, **WRONG})
    check_clean(gateway_server, 7)


@every_driver
async def test_a_transport_around_any_client(driver: Driver, outsider: RawServer, gateway_server: RawServer) -> None:
    async with driver.gateway(base_url=gateway_server.base_url, **LOADED) as gateway:
        rules = gateway.rules
    client = driver.http_client(transport=driver.transport(rules, options=rules.defaults), headers=TEMPTING)
    urls = urls_outside(outsider, gateway_server)
    with options(**{name: LOADED[name] for name in ("cache", "tenant", "route_class", "gateway")}):
        for url in urls:
            await driver.send(client, "POST", url, json=chat("x"), headers=WRONG)
            await driver.send(client, "GET", url)
        await driver.send(client, "POST", f"{gateway_server.base_url}/openai/chat/completions", json=chat("x"))
    await driver.close(client)
    check_clean(outsider, 2 * len(urls))
    (asked,) = gateway_server.requests
    check_gateway(asked)


@every_driver
async def test_a_key_of_the_callers_own_reaches_the_host_that_it_was_written_for(
    driver: Driver, outsider: RawServer, gateway_server: RawServer
) -> None:
    async with driver.gateway(base_url=gateway_server.base_url, **LOADED) as gateway:
        await gateway.request("GET", outsider.url("/v1/models"), headers={"Authorization": "Bearer sk-direct"})
    (request,) = check_clean(outsider, 1)
    assert request.headers["authorization"] == "Bearer sk-direct"


@every_driver
async def test_a_client_of_ones_own_whose_headers_are_loaded(
    driver: Driver, outsider: RawServer, gateway_server: RawServer
) -> None:
    client = driver.http_client(headers={**TEMPTING, "User-Agent": "mine"})
    async with driver.gateway(base_url=gateway_server.base_url, client=client, **LOADED) as gateway:
        await gateway.post(outsider.url("/v1/chat/completions", host="localhost"), json=chat("x"))
        await gateway.chat(chat("x"))
    await driver.close(client)
    check_clean(outsider, 1)
    check_gateway(gateway_server.requests[0])


_PIECES = st.sampled_from(
    ["http://", "https://", "HTTP://", "127.0.0.1", "localhost", ":8080", ":80", ":443", "@", "/", "//", "\\", "?", "#",
     "..", ".", "%2e", "%2f", "%00", "\t", "\n", " ", ":", "[::1]", "gateway.ai.cloudflare.com", "evil.example", "v1",
     ACCOUNT, "fake", "openai", "compat", "chat/completions", "\uff0e", "\u3002", "xn--", "127.1", "0x7f.1", ";", "&"]
)  # fmt: skip


@given(st.lists(_PIECES, min_size=2, max_size=12).map("".join))
def test_what_we_take_for_a_gateway_is_what_httpx_connects_to(text: str) -> None:
    """Two parsers read each URL: ours decides, httpx's connects. Where ours says yes they must agree."""
    declared = f"http://127.0.0.1:8080/v1/{ACCOUNT}/fake"
    for url in (text, declared + text, f"https://gateway.ai.cloudflare.com/v1/{ACCOUNT}/g{text}"):
        surface = surface_of(url, gateways=[declared])
        if surface is not None:
            parsed = httpx.URL(url)
            port = parsed.port or {"http": 80, "https": 443, "ws": 80, "wss": 443}[parsed.scheme]
            origin = httpx.URL(surface.origin)
            assert not parsed.userinfo
            assert parsed.host == origin.host in ("127.0.0.1", "gateway.ai.cloudflare.com")
            assert port == (8080 if origin.host == "127.0.0.1" else 443)
            assert "/../" not in parsed.path


def test_a_key_in_a_query_shows_in_no_text() -> None:
    """Google takes its key as ``?key=`` too."""
    url = (
        f"https://gateway.ai.cloudflare.com/v1/{ACCOUNT}/g/google-ai-studio/v1beta/models/m:generateContent?key=SECRET"
    )
    asked = Request("POST", url, ((b"x-goog-api-key", b"SECRET"),), b"SECRET")
    with GatewayClient(base_url=f"https://gateway.ai.cloudflare.com/v1/{ACCOUNT}/g") as gateway:
        plan = gateway.plan(url, json={"text": "SECRET"})
    assert "SECRET" not in f"{asked!r} {asked} {plan!r} {plan} {plan.surface!r} {surface_of(url)}"
