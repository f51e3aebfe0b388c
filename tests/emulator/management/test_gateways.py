from __future__ import annotations

from typing import Any

import pytest

from aig_client.apps.emulator._config import EmulatorConfig
from aig_client.apps.emulator._registry import GatewayRecord
from aig_client.apps.emulator._settings import GatewaySettings

from .desk import ACCOUNT, CREATE, NOW, TOKEN, UPDATE, Desk, entry


def _record(desk: Desk, name: str) -> GatewayRecord:
    record = desk.gateways.find(ACCOUNT, name)
    assert record is not None
    return record


def test_a_made_gateway_serves_and_is_shown(desk: Desk) -> None:
    made = desk.result("POST", "/gateways", {**CREATE, "cache_ttl": 600, "rate_limiting_limit": 10})
    assert made == desk.result("GET", "/gateways/made")
    assert (made["id"], made["cache_ttl"], made["rate_limiting_limit"]) == ("made", 600, 10)
    assert made["created_at"] == made["modified_at"] == "2026-01-01T00:00:00.000Z"
    assert made["is_default"] is False
    assert made["authentication"] is True
    settings = _record(desk, "made").settings
    assert (settings.caching, settings.cache_ttl, settings.rate_limiting_limit) == (True, 600, 10)


def test_only_the_gateway_named_default_is_the_default(desk: Desk) -> None:
    assert desk.result("POST", "/gateways", {**CREATE, "id": "default"})["is_default"] is True


def test_a_cache_ttl_of_null_is_stored_as_zero_and_does_not_cache(desk: Desk) -> None:
    assert desk.result("POST", "/gateways", {**CREATE, "cache_ttl": None})["cache_ttl"] == 0
    assert _record(desk, "made").settings.caching is False


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"id": ""}, "id"),
        ({"id": "x" * 65}, "id"),
        ({"id": "a/b"}, "id"),
        ({"id": ".."}, "id"),
        ({"cache_ttl": 59}, "cache_ttl"),
        ({"cache_ttl": 2_592_001}, "cache_ttl"),
        ({"cache_ttl": True}, "cache_ttl"),
        ({"cache_ttl": -1}, "cache_ttl"),
        ({"collect_logs": "yes"}, "collect_logs"),
        ({"retry_delay": 60_001}, "retry_delay"),
        ({"retry_max_attempts": 6}, "retry_max_attempts"),
        ({"retry_backoff": "none"}, "retry_backoff"),
        ({"rate_limiting_technique": "bucket"}, "rate_limiting_technique"),
        ({"log_management": 9_999}, "log_management"),
        ({"log_management_strategy": "DROP"}, "log_management_strategy"),
        ({"workers_ai_billing_mode": "free"}, "workers_ai_billing_mode"),
        ({"logpush": "on"}, "logpush"),
        ({"otel": [{"url": "x"}]}, "headers"),
        ({"stripe": {"authorization": "x"}}, "usage_events"),
        ({"stripe": {"authorization": "x", "usage_events": [{}]}}, "payload"),
        ({"dlp": {"enabled": True, "action": "FLAG", "profiles": [1]}}, "profiles"),
        ({"dlp": {"enabled": True, "policies": [{"check": ["BOTH"]}]}}, "check"),
        ({"dlp": {"enabled": True, "policies": [{"id": "a"}, {"id": "a"}]}}, "twice"),
        ({"dlp": {"enabled": True, "policies": [{"id": str(index)} for index in range(101)]}}, "check"),
        ({"spend_limits": {"rules": [{"metadata": {"user": None}}]}}, "user"),
        ({"spend_limits": {"rules": [{"metadata": {"user": {"mode": "filter"}}}]}}, "values"),
        ({"guardrails": {"prompt": {}}}, "response"),
        ({"guardrails": {"prompt": {"S14": "FLAG"}, "response": {}}}, "S14"),
        ({"guardrails": {"prompt": {"S1": "WARN"}, "response": {}}}, "S1"),
        ({"dlp": {"enabled": True}}, "action"),
        ({"dlp": {"enabled": True, "policies": [{"id": "a"}]}}, "check"),
        ({"spend_limits": {"rules": [{"limit": 1, "limitType": "count", "window": 60}]}}, "limitType"),
        ({"spend_limits": {"rules": [{"limit": -1, "limitType": "cost", "window": 60}]}}, "limit"),
        ({"spend_limits": {"rules": [{"limit": 1, "limitType": "cost", "window": 0}]}}, "window"),
        ({"spend_limits": {"rules": [{"limit": 1, "limitType": "cost", "window": 60}] * 21}}, "rules"),
    ],
)
def test_a_bad_field_is_refused_by_its_name(desk: Desk, changes: dict[str, Any], field: str) -> None:
    status, code, message = desk.refused("POST", "/gateways", {**CREATE, **changes})
    assert (status, code) == (400, 7001)
    assert field in message
    assert [record.id for record in desk.gateways.of(ACCOUNT)] == ["demo"]


@pytest.mark.parametrize("name", sorted(UPDATE))
def test_a_full_update_needs_every_required_field(desk: Desk, name: str) -> None:
    short = {other: value for other, value in UPDATE.items() if other != name}
    assert desk.refused("PUT", "/gateways/demo", short) == (400, 7001, f"{name}: required")


def test_an_update_replaces_what_it_does_not_name(desk: Desk) -> None:
    desk.ok("POST", "/gateways", {**CREATE, "zdr": True, "retry_delay": 100})
    desk.now += 5
    changed = desk.result("PUT", "/gateways/made", {**UPDATE, "retry_delay": 200})
    assert (changed["zdr"], changed["retry_delay"]) == (False, 200)
    assert changed["created_at"] == "2026-01-01T00:00:00.000Z"
    assert changed["modified_at"] == "2026-01-01T00:00:05.000Z"


def test_what_is_read_can_be_put_back_whole(desk: Desk) -> None:
    sent = {
        **CREATE,
        "cache_ttl": 60,
        "dlp": {"enabled": True, "action": "FLAG", "profiles": ["p"]},
        "spend_limits": {"enabled": False, "rules": [{"limit": 1.5, "limitType": "cost", "window": 60}]},
        "logpush_public_key": "k" * 16,
        "something_new": {"a": [1, None]},
    }
    desk.ok("POST", "/gateways", sent)
    read = desk.result("GET", "/gateways/made")
    assert {name: read[name] for name in sent} == sent
    assert desk.result("PUT", "/gateways/made", read) == read


def test_a_configured_gateway_can_be_updated_and_is_no_longer_as_configured(desk: Desk) -> None:
    assert desk.result("GET", "/gateways/demo")["created_at"] == "1970-01-01T00:00:00.000Z"
    desk.ok("PUT", "/gateways/demo", {**UPDATE, "zdr": True})
    assert _record(desk, "demo").settings.zdr is True
    assert len(desk.result("GET", "/gateways")) == 1


def test_an_update_leaves_the_cache_alone_unless_it_invalidates(desk: Desk) -> None:
    before = _record(desk, "demo").generation
    desk.ok("PUT", "/gateways/demo", UPDATE)
    assert _record(desk, "demo").generation == before
    desk.ok("PUT", "/gateways/demo", {**UPDATE, "cache_invalidate_on_update": True})
    first = _record(desk, "demo").generation
    desk.ok("PUT", "/gateways/demo", {**UPDATE, "cache_invalidate_on_update": True})
    assert before < first < _record(desk, "demo").generation


def test_a_gateway_made_again_has_a_cache_of_its_own_also_when_no_time_passes(desk: Desk) -> None:
    seen = set[int]()
    for _ in range(3):
        desk.ok("POST", "/gateways", CREATE)
        seen.add(_record(desk, "made").generation)
        desk.ok("PUT", "/gateways/made", {**UPDATE, "cache_invalidate_on_update": True})
        seen.add(_record(desk, "made").generation)
        desk.ok("DELETE", "/gateways/made")
    assert len(seen) == 6


def test_a_deleted_gateway_is_gone_with_its_logs_and_documents(desk: Desk) -> None:
    desk.ok("POST", "/gateways", CREATE)
    desk.log.put(entry("mine", gateway="made"))
    desk.log.put(entry("other"))
    desk.ok("POST", "/gateways/made/routes", {"name": "r", "elements": []})
    config = {"alias": "default", "default_config": True, "provider_slug": "openai", "secret": "sk"}
    desk.ok("POST", "/gateways/made/provider_configs", config)
    desk.ok("POST", "/gateways/made/custom-domains", {"domain": "ai.example.com", "zone_id": "z"})
    assert desk.result("DELETE", "/gateways/made")["id"] == "made"
    assert desk.refused("GET", "/gateways/made") == (404, 7002, "Gateway not found")
    assert desk.gateways.find(ACCOUNT, "made") is None
    assert [left.log_id for left in desk.log.snapshot()] == ["other"]
    desk.ok("POST", "/gateways", CREATE)
    assert desk.ok("GET", "/gateways/made/routes")["data"]["routes"] == []
    assert desk.result("GET", "/gateways/made/provider_configs") == []
    assert desk.result("GET", "/gateways/made/custom-domains") == []


def test_a_taken_name_is_refused(desk: Desk) -> None:
    status, code, message = desk.refused("POST", "/gateways", {**CREATE, "id": "demo"})
    assert (status, code) == (400, 7001)
    assert "already exists" in message


def test_an_account_has_twenty_gateways_at_most(desk: Desk) -> None:
    for index in range(19):
        desk.ok("POST", "/gateways", {**CREATE, "id": f"g{index}"})
    assert desk.refused("POST", "/gateways", CREATE)[:2] == (400, 7001)
    desk.ok("DELETE", "/gateways/g0")
    desk.ok("POST", "/gateways", CREATE)


def test_the_list_has_pages_and_a_search(desk: Desk) -> None:
    for index in range(5):
        desk.ok("POST", "/gateways", {**CREATE, "id": f"G{index}"})
    second = desk.ok("GET", "/gateways", query="page=2&per_page=4")
    assert [row["id"] for row in second["result"]] == ["G3", "G4"]
    assert second["result_info"] == {"page": 2, "per_page": 4, "count": 2, "total_count": 6}
    assert [row["id"] for row in desk.result("GET", "/gateways", query="search=g1")] == ["G1"]


def test_a_gateway_that_nobody_made_serves_but_is_not_managed(desk: Desk) -> None:
    assert desk.gateways.find(ACCOUNT, "anything") is not None
    assert desk.refused("GET", "/gateways/anything")[:2] == (404, 7002)
    assert desk.refused("DELETE", "/gateways/anything")[:2] == (404, 7002)
    assert desk.result("GET", "/gateways/anything/logs") == []


def test_where_gateways_are_listed_an_unknown_one_has_nothing_beneath() -> None:
    desk = Desk(EmulatorConfig(auth_tokens=frozenset((TOKEN,)), gateways={"demo": GatewaySettings()}))
    assert desk.refused("GET", "/gateways/other/logs") == (404, 7002, "Gateway not found")


def test_authentication_is_shown_as_it_acts() -> None:
    desk = Desk(EmulatorConfig())
    assert desk.result("GET", "/gateways/demo")["authentication"] is False
    assert desk.result("POST", "/gateways", {**CREATE, "authentication": True})["authentication"] is True


@pytest.mark.parametrize(
    ("headers", "origin"),
    [
        ({}, "https://gateway.ai.cloudflare.com"),
        ({"host": "api.cloudflare.com"}, "https://gateway.ai.cloudflare.com"),
        ({"host": "127.0.0.1:8787"}, "http://127.0.0.1:8787"),
        ({"host": "[::1]:8787"}, "http://[::1]:8787"),
        ({"host": "emulator", "x-forwarded-proto": "https"}, "https://emulator"),
        ({"host": "evil.example/#"}, "https://gateway.ai.cloudflare.com"),
    ],
)
def test_a_url_stays_where_it_was_asked(desk: Desk, headers: dict[str, str], origin: str) -> None:
    headers = {"authorization": f"Bearer {TOKEN}", **headers}
    base = f"{origin}/v1/{ACCOUNT}/demo/"
    assert desk.result("GET", "/gateways/demo/url/openai", headers=headers) == base + "openai"
    assert desk.result("GET", "/gateways/demo/url/universal", headers=headers) == base


def test_the_url_of_an_unknown_provider_is_refused(desk: Desk) -> None:
    assert desk.refused("GET", "/gateways/demo/url/no%20provider")[:2] == (400, 7001)
    assert desk.result("GET", "/gateways/demo/url/custom-mine").endswith("/custom-mine")


def test_moments_come_from_the_request_alone(desk: Desk) -> None:
    desk.now = NOW + 0.1239
    assert desk.result("POST", "/gateways", CREATE)["created_at"] == "2026-01-01T00:00:00.123Z"
