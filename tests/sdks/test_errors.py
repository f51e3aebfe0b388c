"""Errors of an SDK stay the SDK's own, and so do its retries; of ours it meets ``Refused`` alone."""

from __future__ import annotations

from typing import Any

import anthropic
import openai
import pytest
from google.genai import errors as google_errors

from aig_client import GatewayError, ProviderError, Refused, metadata_of, options
from aig_client.apps.emulator import RunningEmulator

from ..http.asks import settings
from ..http.servers import Peer, Recorded, answering, json_for, serving
from .plugs import Plug, every_plug

pytestmark = [pytest.mark.anyio, every_plug]

OWN_ERRORS: dict[int, dict[str, Any]] = {
    400: {"openai": openai.BadRequestError, "anthropic": anthropic.BadRequestError},
    401: {"openai": openai.AuthenticationError, "anthropic": anthropic.AuthenticationError},
    429: {"openai": openai.RateLimitError, "anthropic": anthropic.RateLimitError},
    500: {"openai": openai.InternalServerError, "anthropic": anthropic.InternalServerError},
}


def own_error(plug: Plug, status: int) -> Any:
    google = google_errors.ServerError if status >= 500 else google_errors.ClientError
    return {**OWN_ERRORS[status], "google": google}[plug.sdk]


def status_of(error: Any) -> int:
    status: int = error.code if isinstance(error, google_errors.APIError) else error.status_code
    return status


async def test_a_gateway_that_refuses_the_token_is_the_sdks_authentication_error(
    plug: Plug, emulator: RunningEmulator
) -> None:
    async with plug.gateway(**{**settings(emulator), "token": "wrong"}) as gateway:
        with options() as scope, pytest.raises(own_error(plug, 401)) as caught:
            await plug.ask(plug.client(gateway))
        with pytest.raises(own_error(plug, 401)):
            await plug.stream(plug.client(gateway))
    assert status_of(caught.value) == 401
    assert not isinstance(caught.value, (GatewayError, ProviderError))
    assert scope.last is not None
    assert (scope.last.status, scope.last.ended) == (401, "complete")
    if plug.sdk != "google":
        assert metadata_of(caught.value).event_id


@pytest.mark.parametrize("status", [400, 429, 500])
async def test_any_other_status_is_the_sdks_own_error_too(plug: Plug, status: int) -> None:
    body = b'{"error":{"message":"no","type":"invalid_request_error","code":"x","status":"NO"}}'
    with serving(answering(lambda _, peer: peer.answer(status, [("cf-aig-log-id", "l")], body))) as server:
        async with plug.gateway(base_url=server.base_url) as gateway:
            with pytest.raises(own_error(plug, status)) as caught:
                await plug.ask(plug.client(gateway))
    assert status_of(caught.value) == status
    assert len(server.requests) == 1


async def test_retries_are_the_sdks_and_each_has_its_receipt(plug: Plug) -> None:
    # google-genai retries when its retry_options say so, and not by itself.
    wanted = [429] if plug.sdk == "google" else [429, 503, 200]
    answers = [429, 503, 200]

    def respond(request: Recorded, peer: Peer) -> None:
        peer.answer(answers.pop(0), [("Retry-After", "0"), ("retry-after-ms", "1")], json_for(request))

    with serving(answering(respond)) as server:
        async with plug.gateway(base_url=server.base_url) as gateway:
            client = plug.client(gateway, max_retries=2)
            with options() as scope:
                if plug.sdk == "google":
                    with pytest.raises(google_errors.ClientError):
                        await plug.ask(client)
                else:
                    await plug.ask(client)
    assert [receipt.status for receipt in scope.receipts] == wanted
    assert {receipt.attempts for receipt in scope.receipts} == {1}
    assert len(server.requests) == len(wanted)


async def test_of_ours_it_meets_refused_alone_and_nothing_was_sent(plug: Plug, emulator: RunningEmulator) -> None:
    """Some SDKs wrap whatever a transport raises in their connection error; the cause is ours."""
    before = len(emulator.log)
    async with plug.gateway(**settings(emulator)) as gateway:
        client = plug.client(gateway)
        for headers in ({"x-aig-cache": "response; ttl=60"}, {"x-aig-typo": "1"}, {"cf-aig-cache-ttl": "1"}):
            with pytest.raises(Exception, match=r".") as caught:
                await plug.ask(client, headers=headers)
            error = caught.value if isinstance(caught.value, Refused) else caught.value.__cause__
            assert isinstance(error, Refused), repr(caught.value)
    assert len(emulator.log) == before


async def test_nobody_answering_is_the_sdks_connection_error(plug: Plug) -> None:
    own: dict[str, Any] = {"openai": openai.APIConnectionError, "anthropic": anthropic.APIConnectionError}
    async with plug.gateway(base_url="http://127.0.0.1:9/v1/" + "0" * 32 + "/gone") as gateway:
        with options() as scope, pytest.raises(own.get(plug.sdk, Exception)) as caught:
            await plug.ask(plug.client(gateway))
    assert type(caught.value).__module__.partition(".")[0] in (plug.sdk, plug.family)
    assert scope.last is not None
    assert scope.last.ended == "unreachable"


async def test_a_deadline_is_the_sdks_timeout(plug: Plug) -> None:
    own: dict[str, Any] = {"openai": openai.APITimeoutError, "anthropic": anthropic.APITimeoutError}

    def stall(peer: Peer) -> None:
        if peer.read() is not None:
            peer.wait_until_left()

    with serving(stall) as server:
        async with plug.gateway(base_url=server.base_url) as gateway:
            with options(deadline=0.1) as scope, pytest.raises(own.get(plug.sdk, Exception)) as caught:
                await plug.ask(plug.client(gateway))
    assert "imeout" in type(caught.value).__name__
    assert scope.last is not None
    assert scope.last.no_answer is not None
    assert scope.last.no_answer.kind == "deadline"
