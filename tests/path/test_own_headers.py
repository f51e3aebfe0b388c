"""What a caller says in headers: Cloudflare's own names pass, ours are read and stay here."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aig_client.core import CacheIntent, GatewayMetadata, Refused

from .asks import BODY, OUTSIDE, REST_CHAT, RULES, SURFACES, asked, cache_headers, planned, sent

TTL_AND_KEY = CacheIntent.response(300)

OWN_CACHE_HEADERS: list[list[tuple[str, str]]] = [
    [("cf-aig-cache-key", "my-key")],
    [("cf-aig-cache-ttl", "3600")],
    [("cf-aig-skip-cache", "true")],
    [("cf-aig-skip-cache", "false")],
    [("cf-aig-cache-key", "my-key"), ("cf-aig-cache-ttl", "60")],
]


@pytest.mark.parametrize("own", OWN_CACHE_HEADERS)
@pytest.mark.parametrize("intent", [None, CacheIntent.off, TTL_AND_KEY, CacheIntent.gateway_default])
@pytest.mark.parametrize("url", [SURFACES["native"], REST_CHAT])
def test_plain_cloudflare_cache_headers_pass_exactly_and_alone(
    url: str, intent: CacheIntent | None, own: list[tuple[str, str]]
) -> None:
    plan = planned(asked(url, headers=own), cache=intent)
    assert {f"cf-aig-{name}": value for name, value in cache_headers(plan).items()} == dict(own)
    assert plan.intent is CacheIntent.gateway_default
    assert plan.key is None
    assert plan.reasons == ("the caller's own cache headers are sent as they are",)


@pytest.mark.parametrize("own", OWN_CACHE_HEADERS)
def test_plain_cloudflare_cache_headers_may_come_as_a_value(own: list[tuple[str, str]]) -> None:
    values: dict[str, Any] = {
        name.removeprefix("cf-aig-").replace("-", "_"): json.loads(value)
        if value in ("true", "false", "60", "3600")
        else value
        for name, value in own
    }
    plan = planned(gateway=GatewayMetadata(**values), cache=TTL_AND_KEY)
    assert {f"cf-aig-{name}": value for name, value in cache_headers(plan).items()} == dict(own)


@pytest.mark.parametrize(
    ("old", "current"),
    [
        ([("cf-cache-ttl", "300")], {"cache-ttl": "300"}),
        ([("CF-Skip-Cache", "true")], {"skip-cache": "true"}),
        ([("cf-cache-ttl", "300"), ("cf-aig-cache-ttl", "600")], {"cache-ttl": "600"}),
        ([("cf-aig-skip-cache", "false"), ("cf-skip-cache", "true")], {"skip-cache": "false"}),
    ],
)
def test_deprecated_names_are_replaced_by_the_current_ones(old: list[tuple[str, str]], current: dict[str, str]) -> None:
    assert cache_headers(planned(asked(headers=old))) == current


def test_any_other_header_of_cloudflare_s_passes_exactly() -> None:
    own = [
        ("cf-aig-collect-log", "false"),
        ("cf-aig-collect-log-payload", "false"),
        ("cf-aig-event-id", "evt 1"),
        ("cf-aig-request-timeout", "5000"),
        ("cf-aig-max-attempts", "3"),
        ("cf-aig-retry-delay", "100"),
        ("cf-aig-backoff", "linear"),
        ("cf-aig-byok-alias", "team-b"),
        ("cf-aig-no-wholesale", "true"),
        ("cf-aig-zdr", "true"),
        ("cf-aig-otel-trace-id", "0af7651916cd43dd8448eb211c80319c"),
        ("cf-aig-metadata", '{"team":"search","n":1}'),
        ("cf-aig-custom-cost", '{"per_token_in":0.5}'),
        ("cf-aig-authorization", "Bearer mine"),
        ("cf-aig-of-tomorrow", "As It Is, \xe9"),
    ]
    headers = sent(planned(asked(headers=own)))
    assert {name: headers[name] for name, _ in own} == dict(own)
    assert headers["cf-aig-skip-cache"] == "true"


def test_a_header_by_hand_beats_the_same_header_as_a_value() -> None:
    gateway = GatewayMetadata(max_attempts=2, event_id="value", metadata={"a": 1, "b": 1})
    own = [("cf-aig-event-id", "hand"), ("cf-aig-metadata", '{"b":2}')]
    headers = sent(planned(asked(headers=own), gateway=gateway))
    assert (headers["cf-aig-event-id"], headers["cf-aig-max-attempts"]) == ("hand", "2")
    assert json.loads(headers["cf-aig-metadata"]) == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    ("url", "own", "named"),
    [
        (
            REST_CHAT,
            ("cf-aig-custom-cost", '{"total_cost":1}'),
            "custom_cost: cf-aig-custom-cost does nothing on the rest",
        ),
        (REST_CHAT, ("cf-aig-byok-alias", "x"), "byok_alias"),
        (REST_CHAT, ("cf-aig-authorization", "Bearer x"), "authorization"),
        (SURFACES["compat"], ("cf-aig-byok-alias", "x"), "byok_alias"),
        (SURFACES["native"], ("cf-aig-gateway-id", "x"), "gateway_id"),
        (SURFACES["native"], ("cf-aig-session-id", "x"), "session_id"),
        (SURFACES["native"], ("cf-aig-cache-ttl", "59"), "cf-aig-cache-ttl: .* out of range"),
        (SURFACES["native"], ("cf-aig-cache-ttl", "soon"), "cf-aig-cache-ttl: is not a decimal integer"),
        (SURFACES["native"], ("cf-cache-ttl", "0"), "cf-aig-cache-ttl"),
        (SURFACES["native"], ("cf-aig-metadata", '{"a":null}'), "metadata"),
        (SURFACES["native"], ("cf-aig-metadata", "[" * 50_000), "cf-aig-metadata: is not a JSON object"),
        (SURFACES["native"], ("cf-aig-max-attempts", "6"), "cf-aig-max-attempts"),
    ],
)
def test_a_header_that_cannot_work_is_refused_by_name(url: str, own: tuple[str, str], named: str) -> None:
    with pytest.raises(Refused, match=named):
        planned(asked(url, headers=[own]))


def test_what_is_none_of_ours_passes_byte_for_byte_and_in_order() -> None:
    others = [
        ("X-Request-Id", "1"),
        ("Accept", "*/*"),
        ("x-request-id", "2"),
        ("User-Agent", "caf\xe9"),
        ("cf-ray", "x"),
    ]
    plan = planned(asked(headers=others))
    raw = [(name.encode(), value.encode("latin-1")) for name, value in others]
    assert [pair for pair in plan.headers if pair in raw] == raw


# --- our own hints ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hint", "same"),
    [
        ("response; ttl=300", {"cache": CacheIntent.response(300)}),
        (" Response;TTL=300 ", {"cache": CacheIntent.response(300)}),
        ("off", {"cache": CacheIntent.off}),
        ("gateway-default", {"cache": CacheIntent.gateway_default}),
    ],
)
def test_a_cache_hint_is_the_same_intent(hint: str, same: dict[str, Any]) -> None:
    plan = planned(asked(headers=[("X-Aig-Cache", hint)]), tenant="acme")
    assert plan == planned(tenant="acme", **same)


def test_a_hint_may_force() -> None:
    request = asked(
        body={**BODY, "stream": True}, headers=[("x-aig-cache", "response; ttl=60; force"), ("x-aig-tenant", "a")]
    )
    assert cache_headers(planned(request))["cache-ttl"] == "60"


def test_hints_beat_options() -> None:
    hints = [("x-aig-cache", "response; ttl=60"), ("x-aig-tenant", "hint"), ("x-aig-route-class", "summary")]
    plan = planned(asked(headers=hints), cache=CacheIntent.off, tenant="option", route_class="planning")
    assert plan == planned(cache=CacheIntent.response(60), tenant="hint", route_class="summary")


@pytest.mark.parametrize("url", [*SURFACES.values(), OUTSIDE])
def test_hints_are_never_sent(url: str) -> None:
    hints = [("x-aig-cache", "off"), ("X-AIG-Tenant", "acme"), ("x-aig-route-class", "summary")]
    plan = planned(asked(url, headers=hints))
    assert not any(name.startswith("x-aig-") for name in sent(plan))
    assert b"acme" not in b"".join(name + value for name, value in plan.headers)


@pytest.mark.parametrize(
    ("hint", "named"),
    [
        (("x-aig-cahce", "off"), "x-aig-cahce: is no hint we know"),
        (("x-aig-cache", "on"), "x-aig-cache: is not understood"),
        (("x-aig-cache", "response"), "x-aig-cache"),
        (("x-aig-cache", "response; ttl=59"), "cache_ttl"),
        (("x-aig-cache", "response; ttl=-1"), "x-aig-cache"),
        (("x-aig-cache", "response; ttl=60; forever"), "x-aig-cache"),
        (("x-aig-cache", "off; ttl=60"), "x-aig-cache"),
        (("x-aig-tenant", ""), "tenant: is empty"),
    ],
)
def test_a_hint_that_is_none_is_refused_by_name(hint: tuple[str, str], named: str) -> None:
    with pytest.raises(Refused, match=named):
        planned(asked(headers=[hint]))


def test_the_route_class_is_stamped_first_into_the_metadata() -> None:
    gateway = GatewayMetadata(metadata={"team": "search", "tier": 1})
    headers = sent(planned(route_class="summary", gateway=gateway))
    assert headers["cf-aig-metadata"] == '{"route_class":"summary","team":"search","tier":1}'
    five = GatewayMetadata(metadata=dict.fromkeys("abcde", 1))
    with pytest.raises(Refused, match="metadata: has 6 entries"):
        planned(route_class="summary", gateway=five)


HEADER_NAMES = st.sampled_from(
    [
        "x-aig-cache",
        "x-aig-tenant",
        "x-aig-route-class",
        "cf-aig-cache-ttl",
        "cf-aig-metadata",
        "cf-skip-cache",
        "cf-aig-x",
    ]
)
HEADER_VALUES = st.one_of(
    # No superscript digits (category No): CacheIntent.parse stumbles over them.
    st.text(st.characters(max_codepoint=0xFF), max_size=20),
    st.sampled_from(["off", "true", "300", '{"a":1}', "response; ttl=300"]),
    st.text("0123456789-+. ", max_size=8).map("response; ttl=".__add__),
)


@given(
    st.lists(st.tuples(HEADER_NAMES, HEADER_VALUES), max_size=3, unique_by=lambda pair: pair[0]),
    st.sampled_from([*SURFACES.values(), OUTSIDE]),
)
def test_whatever_the_headers_say_there_is_a_plan_or_a_refusal(headers: list[tuple[str, str]], url: str) -> None:
    try:
        plan = planned(asked(url, headers=headers), RULES, tenant="acme")
    except Refused:
        return
    assert not any(name.startswith(b"x-aig-") for name, _ in plan.headers)
    assert url != OUTSIDE or not any(name.startswith(b"cf-") for name, _ in plan.headers)
