"""A client whose calls go through a Worker of its own says what it wants, and only there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from aig_client.core import SHARED, CacheIntent, GatewayMetadata, Options, Refused, Rules

from .asks import BODY, CHAT, OUTSIDE, asked, planned, sent

EDGE = "https://edge.example.com/ai"
RULES = Rules(token="service-token", gateways=(EDGE,), edge=EDGE)
AT_EDGE = f"{EDGE}/openai/chat/completions"


def test_class_tenant_and_intent_go_along_and_nothing_is_decided() -> None:
    options: dict[str, Any] = {"tenant": "acme", "route_class": "anything", "targeting_key": "user-1"}
    plan = planned(asked(AT_EDGE), RULES, cache=CacheIntent.response(300), **options)
    assert sent(plan) == {
        "content-type": "application/json",
        "cf-aig-authorization": "Bearer service-token",
        "x-aig-route-class": "anything",
        "x-aig-tenant": "acme",
        "x-aig-cache": "response; ttl=300",
        "x-aig-targeting-key": "user-1",
    }
    assert (plan.key, plan.body, plan.selection, plan.url) == (None, None, None, AT_EDGE)
    assert "left to the edge" in plan.reasons[0]


def test_what_is_not_said_is_not_sent() -> None:
    assert set(sent(planned(asked(AT_EDGE), RULES))) == {"content-type", "cf-aig-authorization"}
    assert "x-aig-tenant" not in sent(planned(asked(AT_EDGE), RULES, tenant=SHARED))
    assert sent(planned(asked(AT_EDGE), RULES, cache=CacheIntent.off))["x-aig-cache"] == "off"
    defaults = replace(RULES, defaults=Options(route_class="summary"))
    assert sent(planned(asked(AT_EDGE), defaults))["x-aig-route-class"] == "summary"


def test_a_hint_by_header_is_an_option_too() -> None:
    plan = planned(asked(AT_EDGE, headers=[("x-aig-route-class", "cheap")]), RULES)
    assert (plan.route_class, sent(plan)["x-aig-route-class"]) == ("cheap", "cheap")


@pytest.mark.parametrize("url", [OUTSIDE, CHAT, "https://edge.example.com/aim/openai/chat/completions"])
def test_nobody_else_hears_any_of_it(url: str) -> None:
    rules = replace(RULES, gateways=(EDGE, "https://edge.example.com/aim"))
    headers = sent(planned(asked(url), rules, tenant="acme", route_class="summary", targeting_key="user-1"))
    assert not [name for name in headers if name.startswith("x-aig-")]
    assert (url == OUTSIDE) == ("cf-aig-authorization" not in headers)


@pytest.mark.parametrize(
    ("headers", "options"),
    [
        ([], {"gateway": GatewayMetadata(max_attempts=2)}),
        ([("cf-aig-cache-ttl", "60")], {}),
        ([], {"tenant": "a\nb"}),
        ([], {"targeting_key": "caf\u00e9"}),
    ],
)
def test_what_would_do_nothing_is_refused(headers: Any, options: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        planned(asked(AT_EDGE, BODY, headers), RULES, **options)


def test_a_provider_s_key_goes_along_only_where_the_caller_brings_its_own() -> None:
    request = asked(AT_EDGE, headers=[("authorization", "Bearer sk-own")])
    assert "authorization" not in sent(planned(request, RULES))
    assert sent(planned(request, replace(RULES, credential="request")))["authorization"] == "Bearer sk-own"
