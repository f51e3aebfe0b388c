"""The proof, for the SDKs: pointed at another host, and redirected out of a gateway and into one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ..http.leaks import LOADED, OWN_KEY, TEMPTING, check_clean, check_gateway
from ..http.servers import Peer, RawServer, Recorded, answering, json_for, serving
from .plugs import PROVIDERS, Plug, every_plug

pytestmark = [pytest.mark.anyio, every_plug]

every_redirect = pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
HINTS = {name: value for name, value in TEMPTING.items() if "key" not in name.lower() and name != "AUTHORIZATION"}


def answer(request: Recorded, peer: Peer) -> None:
    peer.answer(body=json_for(request))


@pytest.fixture
def outsider() -> Iterator[RawServer]:
    with serving(answering(answer)) as server:
        yield server


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_an_sdk_that_is_pointed_at_another_host(plug: Plug, outsider: RawServer, host: str) -> None:
    with serving(answering(answer)) as server:
        async with plug.gateway(base_url=server.base_url, **LOADED) as gateway:
            client = plug.client(gateway, base_url=outsider.url(f"/v1/x/{PROVIDERS[plug.sdk]}", host=host))
            await plug.ask(client)
            await plug.ask(client, headers=HINTS)
    check_clean(outsider, 2)
    assert not server.requests


@every_redirect
async def test_an_sdk_that_a_gateway_sends_elsewhere(plug: Plug, outsider: RawServer, status: int) -> None:
    def redirect(request: Recorded, peer: Peer) -> None:
        peer.answer(status, [("Location", outsider.url(request.target, host="localhost"))])

    with serving(answering(redirect)) as server:
        async with plug.gateway(base_url=server.base_url, **LOADED) as gateway:
            await plug.ask(plug.client(gateway), headers=HINTS)
            await plug.ask(plug.client(gateway, api_key=OWN_KEY), headers=HINTS)
    for request in server.requests:
        check_gateway(request)
    check_clean(outsider, 2)


@every_redirect
async def test_an_sdk_that_another_host_sends_to_a_gateway(plug: Plug, status: int) -> None:
    with serving(answering(answer)) as server:

        def redirect(request: Recorded, peer: Peer) -> None:
            peer.answer(status, [("Location", server.base_url + request.target)])

        with serving(answering(redirect)) as outsider:
            async with plug.gateway(base_url=server.base_url, **LOADED) as gateway:
                base_url = outsider.url(f"/{PROVIDERS[plug.sdk]}", host="localhost")
                await plug.ask(plug.client(gateway, base_url=base_url), headers=HINTS)
    check_clean(outsider, 1)
    (request,) = server.requests
    check_gateway(request)
