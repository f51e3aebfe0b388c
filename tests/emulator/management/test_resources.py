"""Dynamic routes, stored keys, custom providers, custom domains, billing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aig_client.apps.emulator._config import EmulatorConfig

from .desk import ACCOUNT, NOW, TOKEN, Desk, entry

ROUTES = "/gateways/demo/routes"
CONFIGS = "/gateways/demo/provider_configs"
DOMAINS = "/gateways/demo/custom-domains"
PROVIDERS = "/custom-providers"

START = {"id": "start", "type": "start", "outputs": {"next": {"elementId": "model"}}}
END = {"id": "end", "type": "end", "outputs": {}}


def _elements(model: str = "gpt-5") -> list[dict[str, Any]]:
    properties = {"provider": "openai", "model": model, "retries": 1, "timeout": 1000}
    outputs = {"success": {"elementId": "end"}, "fallback": {"elementId": "end"}}
    return [START, {"id": "model", "type": "model", "properties": properties, "outputs": outputs}, END]


def _route(desk: Desk) -> dict[str, Any]:
    made: dict[str, Any] = desk.result("POST", ROUTES, {"name": "support", "elements": _elements()})
    return made


def test_a_route_is_made_with_its_first_version_deployed(desk: Desk) -> None:
    made = _route(desk)
    assert (made["name"], made["gateway_id"], made["elements"]) == ("support", "demo", _elements())
    assert (made["version"]["active"], made["version"]["is_valid"]) == ("true", True)
    assert json.loads(made["version"]["data"]) == {"elements": _elements()}
    assert made["deployment"]["version_id"] == made["version"]["version_id"]
    assert desk.result("GET", f"{ROUTES}/{made['id']}") == made
    listed = desk.ok("GET", ROUTES)
    assert listed["data"]["routes"] == [made]


def test_a_version_serves_only_once_it_is_deployed(desk: Desk) -> None:
    path = f"{ROUTES}/{_route(desk)['id']}"
    desk.now += 1
    version = desk.result("POST", f"{path}/versions", {"elements": _elements("gpt-6")})["version_id"]
    assert desk.result("GET", path)["elements"] == _elements()
    versions = desk.ok("GET", f"{path}/versions")["data"]["versions"]
    assert [(row["active"], row["is_valid"]) for row in versions] == [("true", True), ("false", True)]
    deployed = desk.result("POST", f"{path}/deployments", {"version_id": version})
    assert (deployed["elements"], deployed["modified_at"]) == (_elements("gpt-6"), "2026-01-01T00:00:01.000Z")
    assert desk.result("GET", path)["version"]["version_id"] == version
    one = desk.result("GET", f"{path}/versions/{version}")
    assert (one["active"], one["elements"], one["version_id"]) == ("true", _elements("gpt-6"), version)
    deployments = desk.ok("GET", f"{path}/deployments")["data"]["deployments"]
    assert [row["version_id"] for row in deployments] == [row["version_id"] for row in versions]


def test_a_route_is_renamed_and_deleted_with_its_versions(desk: Desk) -> None:
    path = f"{ROUTES}/{_route(desk)['id']}"
    assert desk.ok("PATCH", path, {"name": "sales"})["route"]["name"] == "sales"
    assert desk.ok("PATCH", path, {"name": "sales"})["route"]["name"] == "sales"
    assert desk.result("DELETE", path)["name"] == "sales"
    assert desk.refused("GET", path) == (404, 7002, "Dynamic route not found")
    assert desk.refused("GET", f"{path}/versions")[:2] == (404, 7002)
    assert not desk.documents._all


def test_route_names_are_taken_once(desk: Desk) -> None:
    _route(desk)
    other = desk.result("POST", ROUTES, {"name": "other", "elements": []})
    assert desk.refused("POST", ROUTES, {"name": "support", "elements": []})[:2] == (400, 7001)
    assert desk.refused("PATCH", f"{ROUTES}/{other['id']}", {"name": "support"})[:2] == (400, 7001)


@pytest.mark.parametrize(
    "elements",
    [
        [],
        [START, END],
        [START, START | {"id": "again"}, END],
        [*_elements(), {"id": "loose", "type": "percentage", "outputs": {"50": {"elementId": "nowhere"}}}],
    ],
)
def test_a_graph_that_is_not_whole_is_kept_as_not_valid(desk: Desk, elements: list[dict[str, Any]]) -> None:
    made = desk.result("POST", ROUTES, {"name": "r", "elements": elements})
    assert made["version"]["is_valid"] is False


@pytest.mark.parametrize(
    "elements",
    [
        None,
        {},
        ["start"],
        [{"id": "a", "type": "start"}],
        [{"id": "a", "type": "jump", "outputs": {}}],
        [{"id": "a", "type": "model", "outputs": {}}],
        [{"id": "a", "type": "start", "outputs": {"next": {}}}],
        [{"id": "a", "type": "start", "outputs": {"next": None}}],
        [END, END],
        [END | {"id": str(index)} for index in range(201)],
    ],
)
def test_an_element_without_form_is_refused(desk: Desk, elements: Any) -> None:
    assert desk.refused("POST", ROUTES, {"name": "r", "elements": elements})[:2] == (400, 7001)


def test_what_a_route_does_not_have_is_404(desk: Desk) -> None:
    path = f"{ROUTES}/{_route(desk)['id']}"
    assert desk.refused("GET", f"{path}/versions/none") == (404, 7002, "Version not found")
    assert desk.refused("POST", f"{path}/deployments", {"version_id": "none"})[:2] == (404, 7002)
    assert desk.refused("POST", f"{path}/deployments", {})[:2] == (400, 7001)
    assert desk.refused("GET", f"{ROUTES}/none")[:2] == (404, 7002)


def _config(**more: Any) -> dict[str, Any]:
    return {"alias": "default", "default_config": True, "provider_slug": "openai", **more}


def test_a_stored_key_is_never_shown_nor_kept(desk: Desk) -> None:
    secret = "sk-live-0123456789"
    body = desk.ask("POST", CONFIGS, _config(secret=secret, rate_limit=5, rate_limit_period=60)).body
    listed = desk.ok("GET", CONFIGS)
    assert secret.encode() not in body
    assert secret not in json.dumps([listed, [str(value) for value in desk.documents._all.values()]])
    (row,) = listed["result"]
    assert row == json.loads(body)["result"]
    assert (row["gateway_id"], row["alias"], row["default_config"], row["rate_limit"]) == ("demo", "default", True, 5)
    assert listed["result_info"]["total_count"] == 1


@pytest.mark.parametrize(
    "more",
    [
        {"provider_slug": "no such"},
        {"alias": ""},
        {"alias": None},
        {"default_config": "yes"},
        {"secret": ""},
        {"rate_limit": -1},
    ],
)
def test_a_bad_stored_key_is_refused(desk: Desk, more: dict[str, Any]) -> None:
    assert desk.refused("POST", CONFIGS, _config(**more))[:2] == (400, 7001)


def test_an_alias_is_taken_once_by_provider(desk: Desk) -> None:
    desk.ok("POST", CONFIGS, _config())
    desk.ok("POST", CONFIGS, _config(provider_slug="custom-mine"))
    assert desk.refused("POST", CONFIGS, _config())[:2] == (400, 7001)


def _provider(**more: Any) -> dict[str, Any]:
    return {"name": "Mine", "slug": "mine", "base_url": "https://api.mine.example", **more}


def test_a_custom_provider_is_made_read_changed_and_deleted(desk: Desk) -> None:
    made = desk.result("POST", PROVIDERS, _provider(description="d"))
    assert (made["enable"], made["beta"], made["link"], made["description"]) == (False, False, None, "d")
    path = f"{PROVIDERS}/{made['id']}"
    assert desk.result("GET", path) == made
    desk.now += 1
    changed = desk.result("PATCH", path, {"enable": True, "slug": "mine"})
    assert changed == made | {"enable": True, "modified_at": "2026-01-01T00:00:01.000Z"}
    assert desk.result("DELETE", path) == changed
    assert desk.refused("GET", path) == (404, 7002, "Custom provider not found")


def test_custom_providers_are_listed_by_name_with_a_search(desk: Desk) -> None:
    for name, enable in (("b", True), ("a", False), ("c", True)):
        desk.ok("POST", PROVIDERS, _provider(name=name, slug=f"slug-{name}", enable=enable))
    listed = desk.ok("GET", PROVIDERS, query="per_page=2")
    assert [row["name"] for row in listed["result"]] == ["a", "b"]
    assert (listed["result_info"]["total_count"], listed["result_info"]["total_pages"]) == (3, 2)
    assert [row["name"] for row in desk.result("GET", PROVIDERS, query="enable=true")] == ["b", "c"]
    assert [row["name"] for row in desk.result("GET", PROVIDERS, query="search=SLUG-A")] == ["a"]


def test_headers_of_a_custom_provider_are_kept_without_their_values(desk: Desk) -> None:
    made = desk.result("POST", PROVIDERS, _provider(headers='{"x-key": "sk-secret"}'))
    assert made["headers"] == '{"x-key":"********"}'
    assert "sk-secret" not in str(desk.documents._all)


@pytest.mark.parametrize(
    "more",
    [
        {"slug": "Mine"},
        {"slug": "-mine"},
        {"slug": None},
        {"base_url": "http://api.mine.example"},
        {"base_url": "https://"},
        {"base_url": "https://user:pw@api.mine.example"},
        {"base_url": "https://[::1"},
        {"name": ""},
        {"headers": "x-key: 1"},
        {"headers": '{"x": 1}'},
        {"position": -1},
    ],
)
def test_a_bad_custom_provider_is_refused(desk: Desk, more: dict[str, Any]) -> None:
    assert desk.refused("POST", PROVIDERS, _provider(**more))[:2] == (400, 7001)


def test_a_slug_is_taken_once(desk: Desk) -> None:
    desk.ok("POST", PROVIDERS, _provider())
    other = desk.result("POST", PROVIDERS, _provider(slug="other"))
    assert desk.refused("POST", PROVIDERS, _provider())[:2] == (400, 7001)
    assert desk.refused("PATCH", f"{PROVIDERS}/{other['id']}", {"slug": "mine"})[:2] == (400, 7001)


def test_a_custom_domain_waits_for_its_dns_record(desk: Desk) -> None:
    made = desk.result("POST", DOMAINS, {"domain": "AI.example.com", "zone_id": "z"})
    assert made == {
        "hostname": "ai.example.com",
        "gateway_id": "demo",
        "status": "pending_dcv",
        "cname_target": f"demo.{ACCOUNT}.invalid",
        "created_at": int(NOW * 1000),
        "modified_at": int(NOW * 1000),
    }
    assert desk.result("GET", DOMAINS) == [made]
    assert desk.result("GET", f"{DOMAINS}/ai.example.com") == made
    assert desk.refused("GET", "/gateways/other/custom-domains/ai.example.com")[:2] == (404, 7002)
    assert (
        desk.refused("POST", "/gateways/other/custom-domains", {"domain": "ai.example.com", "zone_id": "z"})[0] == 400
    )
    assert desk.result("DELETE", f"{DOMAINS}/ai.example.com") == made
    assert desk.result("GET", DOMAINS) == []


@pytest.mark.parametrize("domain", ["", "localhost", "a..b", "-a.example", "a_b.example", "https://x.example", None])
def test_a_bad_domain_is_refused(desk: Desk, domain: str | None) -> None:
    assert desk.refused("POST", DOMAINS, {"domain": domain, "zone_id": "z"})[:2] == (400, 7001)


def test_a_configured_domain_is_active_and_stays() -> None:
    desk = Desk(EmulatorConfig(auth_tokens=frozenset((TOKEN,)), custom_domains={"ai.example.com": "demo"}))
    assert [row["status"] for row in desk.result("GET", DOMAINS)] == ["active"]
    assert desk.result("GET", "/gateways/other/custom-domains") == []
    assert desk.refused("DELETE", f"{DOMAINS}/ai.example.com")[:2] == (400, 7001)
    assert desk.refused("POST", DOMAINS, {"domain": "ai.example.com", "zone_id": "z"})[:2] == (400, 7001)


def test_billing_counts_what_credits_paid() -> None:
    desk = Desk(EmulatorConfig(auth_tokens=frozenset((TOKEN,)), unified_billing=True, credits=10.0))
    desk.log.put(entry("a", wholesale=True, cost=0.5))
    desk.log.put(entry("b", wholesale=True, cost=0.25, at=NOW + 3599))
    desk.log.put(entry("c", wholesale=True, cost=1.0, at=NOW + 3600))
    desk.log.put(entry("d", cost=4.0))
    desk.purse.pay(1_750_000_000)
    assert desk.result("GET", "/billing/credit-balance")["balance"] == 8.25
    history = desk.result("GET", "/billing/usage-history", query="value_grouping_window=hour")["history"]
    begin = int(NOW * 1000)
    assert [(row["start_time"] - begin, row["aggregated_value"]) for row in history] == [(0, 0.75), (3_600_000, 1.0)]
    late = {"value_grouping_window": "day", "start_time": begin + 1, "end_time": begin + 3_600_000}
    assert [row["aggregated_value"] for row in desk.result("GET", "/billing/usage-history", query=late)["history"]] == [
        0.25
    ]


def test_billing_makes_nothing_up(desk: Desk) -> None:
    assert desk.result("GET", "/billing/credit-balance")["balance"] == 0.0
    assert desk.result("GET", "/billing/invoice-history")["invoices"] == []
    preview = desk.result("GET", "/billing/invoice-preview")
    assert (preview["amount_due"], preview["period_start"], preview["period_end"]) == (0, NOW, NOW + 31 * 86_400)
    assert desk.result("GET", "/billing/topup/config")["amount"] is None
    assert desk.refused("GET", "/billing/usage-history")[:2] == (400, 7001)
    assert desk.refused("GET", "/billing/usage-history", query="value_grouping_window=week")[:2] == (400, 7001)
    assert desk.refused("POST", "/billing/topup", {"amount": 999})[:2] == (400, 7001)
    assert desk.refused("POST", "/billing/topup", {"amount": 1000}) == (400, 7001, "there is no payment method")
    assert desk.refused("POST", "/billing/topup/status", {"payment_intent_id": "x"})[:2] == (404, 7002)
    assert desk.refused("POST", "/billing/topup/config", {})[:2] == (403, 10000)
    assert desk.refused("DELETE", "/billing/topup/config")[:2] == (403, 10000)
