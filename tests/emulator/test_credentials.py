"""Who may use the gateway, which provider key is used, and what a provider gets to see."""

from __future__ import annotations

import json

import pytest

from aig_client.apps.emulator import EmulatorConfig, Forward

from .driver import KEY, Pure, chat

CLOUDFLARE_NAMES = (
    "cf-aig-authorization",
    "cf-aig-gateway-id",
    "cf-aig-skip-cache",
    "cf-aig-cache-ttl",
    "cf-aig-cache-key",
    "cf-aig-metadata",
    "cf-aig-custom-cost",
    "cf-aig-collect-log",
    "cf-aig-collect-log-payload",
    "cf-aig-event-id",
    "cf-aig-request-timeout",
    "cf-aig-max-attempts",
    "cf-aig-retry-delay",
    "cf-aig-backoff",
    "cf-aig-byok-alias",
    "cf-aig-no-wholesale",
    "cf-aig-zdr",
    "cf-aig-otel-trace-id",
    "cf-aig-otel-parent-span-id",
    "cf-aig-session-id",
    "cf-aig-turn-id",
    "cf-aig-some-future-name",
)
GUARDED = EmulatorConfig(auth_tokens=frozenset({"local-token"}), stored_keys=frozenset({"openai", "anthropic"}))
TOKEN = {"cf-aig-authorization": "Bearer local-token"}


@pytest.mark.parametrize(
    "value",
    ["", "Bearer", "Bearer ", "Bearer wrong", "Basic local-token", "local-token", "Bearer local-token2"],
)
def test_a_wrong_token_is_401_2009(value: str) -> None:
    outcome = Pure(GUARDED).send(headers={"cf-aig-authorization": value})
    assert (outcome.status, outcome.code) == (401, 2009)


def test_the_cloudflare_token_in_authorization_does_not_open_the_gateway() -> None:
    outcome = Pure(GUARDED).send("/compat/chat/completions", auth={"authorization": "Bearer local-token"})
    assert (outcome.status, outcome.code) == (401, 2009)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_a_right_token_opens_the_gateway(scheme: str) -> None:
    assert Pure(GUARDED).send(headers={"cf-aig-authorization": f"{scheme} local-token"}).status == 200


def test_with_authentication_off_a_token_changes_nothing() -> None:
    assert Pure().send(headers=TOKEN).status == 200


def test_a_stored_key_is_used_when_no_provider_key_is_sent() -> None:
    pure = Pure(GUARDED)
    assert pure.send(headers=TOKEN, auth={}).status == 200
    assert "authorization" in pure.gateway.provider_calls[0].header_names
    message = json.dumps({"model": "claude", "max_tokens": 9, "messages": [{"role": "user", "content": "x"}]})
    version = {**TOKEN, "anthropic-version": "2023-06-01"}
    assert pure.send("/anthropic/v1/messages", version, message.encode(), auth={}).status == 200
    assert "x-api-key" in pure.gateway.provider_calls[1].header_names
    compat = chat(model="anthropic/claude")
    assert pure.send("/compat/chat/completions", TOKEN, compat, auth={}).status == 200


@pytest.mark.parametrize(
    "auth",
    [
        {"authorization": "Bearer placeholder"},
        {"authorization": ""},
        {"x-api-key": "placeholder"},
        {"x-goog-api-key": "placeholder"},
        {"api-key": "placeholder"},
    ],
)
def test_any_provider_auth_header_switches_stored_keys_off(auth: dict[str, str]) -> None:
    outcome = Pure(GUARDED).send(headers=TOKEN, auth=auth)
    assert outcome.status == 401
    error = json.loads(outcome.body)["error"]
    assert isinstance(error, dict)
    assert outcome.cache == "MISS"


def test_without_stored_key_the_request_goes_out_bare_and_the_provider_refuses() -> None:
    pure = Pure(EmulatorConfig(auth_tokens=frozenset({"local-token"})))
    outcome = pure.send(headers=TOKEN, auth={})
    assert outcome.status == 401
    assert json.loads(outcome.body)["error"]["type"] == "invalid_request_error"
    assert not {"authorization", "x-api-key"} & set(pure.gateway.provider_calls[0].header_names)


def test_stored_keys_need_authentication() -> None:
    with pytest.raises(ValueError, match="stored_keys need auth_tokens"):
        EmulatorConfig(stored_keys=frozenset({"openai"}))


def test_nothing_of_cloudflare_or_of_the_hop_reaches_the_provider() -> None:
    pure = Pure()
    hop = {
        "connection": "keep-alive, x-private",
        "x-private": "1",
        "te": "trailers",
        "host": "here",
        "upgrade": "x",
    }
    deprecated = {"cf-skip-cache": "true", "cf-cache-ttl": "60"}
    decision = pure.decide(
        pure.request(headers={**dict.fromkeys(CLOUDFLARE_NAMES, "1"), **hop, **deprecated, "x-mine": "kept"})
    )
    assert isinstance(decision, Forward)
    assert dict(decision.headers) == {**KEY, "x-mine": "kept"}
