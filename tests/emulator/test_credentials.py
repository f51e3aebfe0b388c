"""Who may use the gateway, which provider key is used, and what a provider gets to see."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aig_client.apps.emulator import EmulatorConfig, GatewaySettings

from .driver import ACCOUNT, KEY, Pure, chat

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
    private = {"x-aig-route-class": "summary", "x-aig-fault": "latency;ms=1", "x-mine": "kept"}
    pure.send(headers={**dict.fromkeys(CLOUDFLARE_NAMES, "1"), **hop, **deprecated, **private})
    assert dict(pure.calls[0].headers) == {**KEY, "x-mine": "kept"}


# --- BYOK aliases, Unified Billing, no-wholesale (contract 3.4) ------------------------------------------------------


def test_an_alias_chooses_a_stored_key_and_an_unknown_one_is_2040_with_those_that_there_are() -> None:
    stored = frozenset({"openai", "openai:team-a", "anthropic:other"})
    pure = Pure(EmulatorConfig(auth_tokens=frozenset({"local-token"}), stored_keys=stored))
    assert pure.send(headers={**TOKEN, "cf-aig-byok-alias": "team-a"}, auth={}).status == 200
    outcome = pure.send(headers={**TOKEN, "cf-aig-byok-alias": "team-b"}, auth={})
    assert (outcome.status, outcome.code) == (400, 2040)
    message = outcome.json["error"][0]["message"]
    assert "'default', 'team-a'" in message
    assert "other" not in message


def test_a_key_stored_through_the_api_is_used() -> None:
    pure = Pure(EmulatorConfig(auth_tokens=frozenset({"local-token"})))
    assert pure.send(headers=TOKEN, auth={}).status == 401
    body = {"alias": "default", "default_config": True, "provider_slug": "openai", "secret": "s", "secret_id": "i"}
    path = f"/client/v4/accounts/{ACCOUNT}/ai-gateway/gateways"
    fields = {"cache_invalidate_on_update": True, "cache_ttl": None, "collect_logs": True, "id": "demo"}
    limits = {"rate_limiting_interval": None, "rate_limiting_limit": None}
    edit = {"authorization": "Bearer local-token"}
    for where, what in ((path, {**fields, **limits}), (f"{path}/demo/provider_configs", body)):
        outcome = pure.send("", body=json.dumps(what).encode(), auth=edit, prefix=where)
        assert outcome.status == 200 or where == path, outcome.json
    assert pure.send(headers=TOKEN, auth={}).status == 200
    assert pure.gateway.log[-1].byok


def unified(**settings: Any) -> EmulatorConfig:
    return EmulatorConfig(auth_tokens=frozenset({"local-token"}), unified_billing=True, **settings)


@pytest.mark.parametrize(("slug", "billed"), [("openai", True), ("groq", True), ("grok", True), ("mistral", False)])
def test_unified_billing_pays_for_its_providers(slug: str, billed: bool) -> None:
    pure = Pure(unified())
    pure.send(f"/{slug}/v1/chat/completions", TOKEN, auth={})
    assert pure.gateway.log[-1].wholesale is billed
    assert ("authorization" in dict(pure.calls[0].headers)) is billed


def test_a_stored_key_and_a_key_on_the_request_come_before_unified_billing() -> None:
    pure = Pure(unified(stored_keys=frozenset({"openai"})))
    pure.send(headers=TOKEN, auth={})
    pure.send("/groq/chat/completions", TOKEN)
    assert [(entry.byok, entry.wholesale) for entry in pure.gateway.log] == [(True, False), (False, False)]


def test_no_wholesale_and_byok_only_forbid_unified_billing() -> None:
    outcome = Pure(unified()).send(headers={**TOKEN, "cf-aig-no-wholesale": "true"}, auth={})
    assert (outcome.status, outcome.json["name"], "internalCode" in outcome.json) == (400, "AiGatewayError", False)
    strict = Pure(unified(settings=GatewaySettings(byok_only=True)))
    assert strict.send(headers={**TOKEN, "cf-aig-no-wholesale": "false"}, auth={}).status == 400
    assert strict.send(headers=TOKEN).status == 200


def test_credits_run_out_and_may_go_below_zero_once() -> None:
    pure = Pure(unified(credits=1.5))
    priced = {**TOKEN, "cf-aig-custom-cost": '{"total_cost": 1}'}
    assert [pure.send(headers=priced, auth={}, body=chat(str(n))).status for n in range(3)] == [200, 200, 402]
    assert pure.send(headers=priced, auth={}).code == 2021


def test_unified_billing_takes_200_requests_a_minute() -> None:
    pure = Pure(unified())
    pure.now = 60.0 * 20_000_000
    statuses = [pure.send(headers=TOKEN, auth={}).status for _ in range(201)]
    assert statuses == [200] * 200 + [429]
    pure.now += 60
    assert pure.send(headers=TOKEN, auth={}).status == 200


def test_workers_ai_is_billed_in_unified_mode_only() -> None:
    for mode in ("postpaid", "unified"):
        pure = Pure(unified(settings=GatewaySettings(workers_ai_billing_mode=mode)))
        pure.send("/workers-ai/@cf/meta/llama-3.1-8b-instruct", TOKEN, auth={})
        assert pure.gateway.log[-1].wholesale is (mode == "unified")


def test_a_token_with_other_permissions_does_not_open_the_gateway() -> None:
    config = EmulatorConfig(tokens={"read": frozenset({"ai-gateway-read"}), "run": frozenset({"ai-gateway-run"})})
    statuses = [
        Pure(config).send(headers={"cf-aig-authorization": f"Bearer {name}"}).status for name in ("read", "run")
    ]
    assert statuses == [401, 200]
