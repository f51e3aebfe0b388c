"""The official `cloudflare` SDK against the emulator, through its own transport."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import cloudflare
import pytest
from cloudflare.types.ai_gateway import dynamic_routing_create_params

from aig_client.apps.emulator._config import EmulatorConfig

from .desk import ACCOUNT, CREATE, NOW, TOKEN, UPDATE, Desk, entry

GATEWAY: dict[str, Any] = {"account_id": ACCOUNT, "gateway_id": "demo"}


def _fill(desk: Desk, count: int) -> None:
    for index in range(count):
        provider = "openai" if index % 2 else "anthropic"
        desk.log.put(
            entry(
                f"log-{index}",
                at=NOW + index,
                provider=provider,
                cost=0.1,
                tokens_in=index,
                tokens_out=1,
                metadata={"team": "a"},
                request_body=b'{"messages":[]}',
                response_body=b'{"choices":[]}',
            )
        )


def _metadata(log: Any) -> object:
    return log.metadata


def _extra(log: Any) -> dict[str, Any]:
    """What the SDK's model has no field for."""
    extra: dict[str, Any] = log.model_extra
    return extra


def test_gateways(desk: Desk) -> None:
    api = desk.sdk().ai_gateway
    created = api.create(
        account_id=ACCOUNT,
        **CREATE,
        guardrails={"prompt": {"s1": "BLOCK"}, "response": {}},
        spend_limits={"enabled": True, "rules": [{"limit": 5, "limit_type": "cost", "window": 60}]},
        dlp={"enabled": True, "action": "FLAG", "profiles": ["p"]},
        otel=[{"url": "https://otel.example", "headers": {}, "authorization": "x"}],
    )
    assert created.guardrails is not None
    assert created.guardrails.prompt.s1 == "BLOCK"
    assert created.spend_limits is not None
    assert created.spend_limits.rules is not None
    assert created.spend_limits.rules[0].limit_type == "cost"
    record = desk.gateways.find(ACCOUNT, "made")
    assert record is not None
    assert (record.settings.spend_limits[0].limit, record.settings.dlp[0].action) == (5, "FLAG")

    read = api.get("made", account_id=ACCOUNT)
    assert read.to_dict() == created.to_dict()
    desk.now += 60
    # A full PUT: what was read, with a change (contract 10, rule 12).
    sent: dict[str, Any] = {name: value for name, value in read.to_dict().items() if name not in ("id", "is_default")}
    sent.pop("created_at")
    sent.pop("modified_at")
    updated = api.update("made", account_id=ACCOUNT, **(sent | {"cache_ttl": 600}))
    assert updated.cache_ttl == 600
    assert updated.to_dict()["otel"] == read.to_dict()["otel"]
    assert (updated.modified_at - updated.created_at).total_seconds() == 60

    assert [row.id for row in api.list(account_id=ACCOUNT)] == ["demo", "made"]
    assert api.delete("made", account_id=ACCOUNT).id == "made"
    with pytest.raises(cloudflare.NotFoundError) as missing:
        api.get("made", account_id=ACCOUNT)
    assert missing.value.errors[0].code == 7002


def test_a_refusal_is_the_sdks_own_error(desk: Desk) -> None:
    with pytest.raises(cloudflare.BadRequestError) as refused:
        desk.sdk().ai_gateway.create(account_id=ACCOUNT, **(CREATE | {"cache_ttl": 59}))
    assert refused.value.errors[0].code == 7001
    with pytest.raises(cloudflare.AuthenticationError):
        desk.sdk(api_token="wrong").ai_gateway.list(account_id=ACCOUNT)
    with pytest.raises(cloudflare.PermissionDeniedError):
        desk.sdk(api_token="read-token").ai_gateway.create(account_id=ACCOUNT, **CREATE)


def test_logs_are_listed_over_all_pages(desk: Desk) -> None:
    _fill(desk, 23)
    logs = desk.sdk().ai_gateway.logs.list("demo", account_id=ACCOUNT, per_page=5)
    assert [row.id for row in logs] == [f"log-{index}" for index in reversed(range(23))]
    first = desk.sdk().ai_gateway.logs.list("demo", account_id=ACCOUNT)
    assert len(first.result) == 20
    assert first.result_info is not None
    assert (first.result_info.page, first.result_info.per_page) == (1, 20)


def test_logs_are_filtered(desk: Desk) -> None:
    _fill(desk, 10)
    api = desk.sdk().ai_gateway.logs
    filters = [
        {"key": "provider", "operator": "eq", "value": ["openai"]},
        {"key": "tokens_in", "operator": "gt", "value": [5]},
    ]
    found = api.list("demo", account_id=ACCOUNT, extra_query={"filters": json.dumps(filters)})
    assert [row.id for row in found] == ["log-9", "log-7"]
    named = api.list(
        "demo",
        account_id=ACCOUNT,
        provider="openai",
        cached=False,
        success=True,
        min_tokens_in=3,
        max_total_tokens=6,
        start_date="2026-01-01T00:00:00Z",
        order_by="created_at",
        order_by_direction="asc",
        meta_info=True,
    )
    assert [row.id for row in named] == ["log-3", "log-5"]


def test_one_filter_of_the_sdks_own_works_and_two_are_refused(desk: Desk) -> None:
    _fill(desk, 4)
    api = desk.sdk().ai_gateway.logs
    one = api.list("demo", account_id=ACCOUNT, filters=[{"key": "provider", "operator": "eq", "value": ["openai"]}])
    assert [row.id for row in one] == ["log-3", "log-1"]
    with pytest.raises(cloudflare.BadRequestError, match="JSON array"):
        api.list(
            "demo",
            account_id=ACCOUNT,
            filters=[
                {"key": "provider", "operator": "eq", "value": ["openai"]},
                {"key": "cached", "operator": "eq", "value": [False]},
            ],
        )


def test_a_log_is_read_rated_and_deleted(desk: Desk) -> None:
    _fill(desk, 3)
    api = desk.sdk().ai_gateway.logs
    log = api.get("log-1", **GATEWAY)
    assert (log.id, log.provider, log.tokens_in, log.ai_model_type, log.status_code) == (
        "log-1",
        "openai",
        1,
        "chat",
        200,
    )
    assert (log.request_head, log.request_head_complete) == ('{"messages":[]}', True)
    # Typed as text, in truth an object (contract 6.3); what the type lacks is kept.
    assert _metadata(log) == {"team": "a"}
    assert _extra(log)["byok"] is False
    assert api.request("log-1", **GATEWAY) == {"messages": []}
    assert api.response("log-1", **GATEWAY) == {"choices": []}

    api.edit("log-1", **GATEWAY, feedback=1, score=80, metadata={"reviewed": True})
    assert _metadata(api.get("log-1", **GATEWAY)) == {"reviewed": True}
    rated = api.list("demo", account_id=ACCOUNT, feedback=1)
    assert [row.id for row in rated] == ["log-1"]

    gone = api.delete("demo", account_id=ACCOUNT, filters=[{"key": "id", "operator": "eq", "value": ["log-1"]}])
    assert gone.success is True
    with pytest.raises(cloudflare.NotFoundError) as missing:
        api.get("log-1", **GATEWAY)
    assert missing.value.errors[0].code == 7002
    assert len(desk.log.snapshot()) == 2


@pytest.mark.parametrize(
    "trap",
    [
        lambda monkeypatch: monkeypatch.setenv("CLOUDFLARE_EMAIL", "dev@example.com"),
        lambda monkeypatch: monkeypatch.setenv("CLOUDFLARE_API_KEY", "global-key"),
    ],
    ids=["CLOUDFLARE_EMAIL", "CLOUDFLARE_API_KEY"],
)
def test_an_environment_of_old_keeps_the_token_unsent(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, trap: Callable[[pytest.MonkeyPatch], None]
) -> None:
    """Contract 6.4, trap 2."""
    trap(monkeypatch)
    with pytest.raises(cloudflare.AuthenticationError):
        desk.sdk().ai_gateway.list(account_id=ACCOUNT)
    explicit = desk.sdk(default_headers={"Authorization": f"Bearer {TOKEN}"})
    assert len(explicit.ai_gateway.list(account_id=ACCOUNT).result) == 1


def test_urls(desk: Desk) -> None:
    urls = desk.sdk().ai_gateway.urls
    assert urls.get("openai", **GATEWAY) == f"https://gateway.ai.cloudflare.com/v1/{ACCOUNT}/demo/openai"
    local = desk.sdk(base_url="http://127.0.0.1:8787/client/v4").ai_gateway.urls
    assert local.get("universal", **GATEWAY) == f"http://127.0.0.1:8787/v1/{ACCOUNT}/demo/"


def test_dynamic_routing(desk: Desk) -> None:
    api = desk.sdk().ai_gateway.dynamic_routing
    elements: list[dynamic_routing_create_params.Element] = [
        {"id": "start", "type": "start", "outputs": {"next": {"element_id": "end"}}},
        {"id": "end", "type": "end", "outputs": {}},
    ]
    made = api.create("demo", account_id=ACCOUNT, name="r", elements=elements)
    assert (made.name, made.version.active, made.version.is_valid) == ("r", "true", True)
    assert api.get(made.id, **GATEWAY).to_dict() == made.to_dict()
    assert api.list("demo", account_id=ACCOUNT).data.routes[0].id == made.id
    assert api.update(made.id, **GATEWAY, name="s").route.name == "s"
    api.create_version(made.id, **GATEWAY, elements=elements)
    versions = api.list_versions(made.id, **GATEWAY).data.versions
    assert [version.active for version in versions] == ["true", "false"]
    second = versions[1].version_id
    assert api.get_version(second, **GATEWAY, id=made.id).version_id == second
    assert api.create_deployment(made.id, **GATEWAY, version_id=second).id == made.id
    assert [row.version_id for row in api.list_deployments(made.id, **GATEWAY).data.deployments][-1] == second
    assert api.delete(made.id, **GATEWAY).id == made.id
    assert api.list("demo", account_id=ACCOUNT).data.routes == []


def test_provider_keys_and_custom_providers(desk: Desk) -> None:
    api = desk.sdk().ai_gateway
    config = api.provider_configs.create(
        "demo", account_id=ACCOUNT, alias="a", default_config=False, provider_slug="openai", secret="sk-secret"
    )
    assert [row.id for row in api.provider_configs.list("demo", account_id=ACCOUNT)] == [config.id]
    assert "sk-secret" not in config.to_json()
    made = api.custom_providers.create(
        account_id=ACCOUNT, base_url="https://x.example", name="X", slug="x", enable=True
    )
    assert api.custom_providers.get(made.id, account_id=ACCOUNT).slug == "x"
    assert [row.id for row in api.custom_providers.list(account_id=ACCOUNT, enable=True)] == [made.id]
    assert api.custom_providers.delete(made.id, account_id=ACCOUNT).id == made.id


def test_billing() -> None:
    desk = Desk(EmulatorConfig(auth_tokens=frozenset((TOKEN,)), unified_billing=True, credits=3.0))
    billing = desk.sdk().ai_gateway.billing
    assert billing.credit_balance(account_id=ACCOUNT).balance == 3.0
    assert billing.usage_history(account_id=ACCOUNT, value_grouping_window="day").history == []
    assert billing.invoice_history(account_id=ACCOUNT).invoices == []
    assert billing.invoice_preview(account_id=ACCOUNT).amount_due == 0
    assert billing.topup.config.get(account_id=ACCOUNT).amount is None
    with pytest.raises(cloudflare.PermissionDeniedError):
        billing.topup.config.create(account_id=ACCOUNT, amount=1000, threshold=500)


def test_custom_domains_through_the_raw_path(desk: Desk) -> None:
    path = f"/accounts/{ACCOUNT}/ai-gateway/gateways/demo/custom-domains"
    made = desk.sdk().post(path, body={"domain": "ai.example.com", "zone_id": "z"}, cast_to=object)
    assert isinstance(made, dict)
    assert made["result"]["status"] == "pending_dcv"


@pytest.mark.anyio
async def test_the_asynchronous_client(desk: Desk) -> None:
    _fill(desk, 7)
    async with desk.async_sdk() as client:
        api = client.ai_gateway
        assert (await api.create(account_id=ACCOUNT, **CREATE)).id == "made"
        assert (await api.update("made", account_id=ACCOUNT, **(UPDATE | {"cache_ttl": 60}))).cache_ttl == 60
        assert (await api.get("made", account_id=ACCOUNT)).cache_ttl == 60
        assert [row.id async for row in api.list(account_id=ACCOUNT)] == ["demo", "made"]
        await api.delete("made", account_id=ACCOUNT)
        logs = [row.id async for row in api.logs.list("demo", account_id=ACCOUNT, per_page=3)]
        assert logs == [f"log-{index}" for index in reversed(range(7))]
        await api.logs.edit("log-0", **GATEWAY, feedback=-1)
        assert _extra(await api.logs.get("log-0", **GATEWAY))["feedback"] == -1
        assert await api.logs.response("log-0", **GATEWAY) == {"choices": []}
        assert (await api.logs.delete("demo", account_id=ACCOUNT)).success is True
