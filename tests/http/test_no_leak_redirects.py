"""The proof, continued: over every kind of redirect, out of a gateway, into one, and through several hosts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from .asks import TOKEN, chat
from .drivers import Driver, every_driver
from .leaks import LOADED, OWN_KEY, TEMPTING, check_clean, check_gateway
from .servers import ACCOUNT, Peer, RawServer, Recorded, answering, serving

pytestmark = [pytest.mark.anyio, every_driver]

every_redirect = pytest.mark.parametrize("status", [301, 302, 303, 307, 308])


@pytest.fixture
def outsider() -> Iterator[RawServer]:
    with serving(answering(lambda _, peer: peer.answer())) as server:
        yield server


def redirecting(status: int, location: Callable[[Recorded], str | None]) -> Callable[[Peer], None]:
    def respond(request: Recorded, peer: Peer) -> None:
        target = location(request)
        if target is None:
            peer.answer()
        else:
            peer.answer(status, [("Location", target)])

    return answering(respond)


async def ask(driver: Driver, base_url: str, url: str, *, key: str | None = None, **arguments: Any) -> Any:
    """One request by the http client that an SDK is given."""
    async with driver.gateway(base_url=base_url, **LOADED, **arguments) as gateway:
        client = gateway.openai(api_key=key, http=driver.family)["http_client"]
        headers = {**TEMPTING, **({"Authorization": f"Bearer {key}", "x-api-key": key} if key else {})}
        return await driver.send(client, "POST", url, json=chat("x"), headers=headers)


@every_redirect
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_out_of_a_gateway_to_another_host(driver: Driver, outsider: RawServer, status: int, host: str) -> None:
    landing = outsider.url(f"/v1/{ACCOUNT}/fake/openai/landing", host=host)
    with serving(redirecting(status, lambda _: landing)) as server:
        url = f"{server.base_url}/openai/chat/completions"
        response = await ask(driver, server.base_url, url)
    assert response.status_code == 200
    assert [one.status_code for one in response.history] == [status]
    check_gateway(server.requests[0])
    (request,) = check_clean(outsider, 1)
    assert request.method == ("POST" if status in (307, 308) else "GET")
    assert bool(request.body) == (status in (307, 308))


@every_redirect
async def test_out_of_a_gateway_to_another_path_of_its_host(driver: Driver, status: int) -> None:
    def location(request: Recorded) -> str | None:
        return None if request.target == "/landing" else "/landing"

    with serving(redirecting(status, location)) as server:
        await ask(driver, server.base_url, f"{server.base_url}/openai/chat/completions")
    check_gateway(server.requests.pop(0))
    check_clean(server, 1)


@every_redirect
async def test_out_of_a_gateway_with_a_key_of_ones_own(driver: Driver, outsider: RawServer, status: int) -> None:
    """httpx itself drops ``Authorization`` at a change of host, and no other credential; we drop them all."""
    with serving(redirecting(status, lambda _: outsider.url("/landing", host="localhost"))) as server:
        await ask(driver, server.base_url, f"{server.base_url}/anthropic/v1/messages", key=OWN_KEY)
    assert server.requests[0].headers["x-api-key"] == OWN_KEY
    check_clean(outsider, 1)


@every_redirect
async def test_out_of_the_rest_surface_whose_token_is_in_authorization(
    driver: Driver, outsider: RawServer, status: int
) -> None:
    with serving(redirecting(status, lambda _: outsider.url("/landing", host="localhost"))) as server:
        async with driver.gateway(base_url=server.base_url, gateways=[server.url()], token=TOKEN) as gateway:
            client = gateway.openai(http=driver.family)["http_client"]
            url = server.url(f"/client/v4/accounts/{ACCOUNT}/ai/v1/chat/completions")
            await driver.send(client, "POST", url, json=chat("x"))
    assert server.requests[0].headers["authorization"] == f"Bearer {TOKEN}"
    check_clean(outsider, 1)


@every_redirect
async def test_from_another_host_into_a_gateway(driver: Driver, status: int) -> None:
    with serving(answering(lambda _, peer: peer.answer())) as server:
        url = f"{server.base_url}/openai/chat/completions"
        with serving(redirecting(status, lambda _: url)) as outsider:
            response = await ask(driver, server.base_url, outsider.url("/start", host="localhost"))
    assert response.status_code == 200
    check_clean(outsider, 1)
    check_gateway(server.requests[0])


@every_redirect
async def test_out_of_a_gateway_and_back_and_out_again(driver: Driver, outsider: RawServer, status: int) -> None:
    def from_outside(_: Recorded) -> str:
        return f"{server.base_url}/openai/back"

    def from_gateway(request: Recorded) -> str:
        end = outsider.url("/end")
        return end if request.target.endswith("/back") else middle.url("/middle", host="localhost")

    with serving(redirecting(status, from_outside)) as middle, serving(redirecting(status, from_gateway)) as server:
        await ask(driver, server.base_url, f"{server.base_url}/openai/chat/completions")
    first, back = server.requests
    check_gateway(first)
    check_gateway(back)
    check_clean(middle, 1)
    check_clean(outsider, 1)


@every_redirect
async def test_within_a_gateway_a_redirect_keeps_its_headers(driver: Driver, status: int) -> None:
    def location(request: Recorded) -> str | None:
        return None if request.target.endswith("/landing") else f"/v1/{ACCOUNT}/fake/openai/landing"

    with serving(redirecting(status, location)) as server:
        await ask(driver, server.base_url, f"{server.base_url}/openai/chat/completions")
    assert len(server.requests) == 2
    for request in server.requests:
        check_gateway(request)
