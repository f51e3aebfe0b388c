"""Two credentials that must not be confused: contract 3.3 and 3.4."""

from __future__ import annotations

from dataclasses import replace

import pytest

from aig_client.core import PLACEHOLDER, ConfigurationError, Rules

from ..facts.vectors import document
from .asks import DECLARED, OUTSIDE, REST_CHAT, RULES, SURFACES, TOKEN, asked, planned, sent

# Contract 3.2, fourth column, and more spellings of each.
SPELLINGS = [
    "authorization", "Authorization", "AUTHORIZATION", "aUTHORIZATION",
    "x-api-key", "X-Api-Key", "X-API-KEY",
    "x-goog-api-key", "X-Goog-Api-Key", "X-GOOG-API-KEY",
    "api-key", "Api-Key", "API-KEY",
    "xi-api-key", "Xi-Api-Key", "XI-API-KEY",
]  # fmt: skip
VALUES = [
    "Bearer sk-provider",
    "Token sk-provider",
    "Key sk-provider",
    "sk-provider",
    f"Bearer {PLACEHOLDER}",
    PLACEHOLDER,
    "",
]
REQUEST = Rules(token=TOKEN, gateway_id="prod", gateways=(DECLARED,), credential="request")
HOST_SURFACES = {name: url for name, url in SURFACES.items() if name != "rest"}


@pytest.mark.parametrize("url", HOST_SURFACES.values(), ids=HOST_SURFACES.keys())
@pytest.mark.parametrize("name", SPELLINGS)
def test_with_stored_keys_a_provider_s_header_is_removed_in_every_spelling(name: str, url: str) -> None:
    for value in VALUES:
        headers = sent(planned(asked(url, headers=[(name, value)])))
        assert name.lower() not in headers


@pytest.mark.parametrize("name", SPELLINGS)
def test_with_stored_keys_only_the_token_authorizes_on_rest(name: str) -> None:
    headers = sent(planned(asked(REST_CHAT, headers=[(name, "sk-provider")])))
    assert headers.pop("authorization") == f"Bearer {TOKEN}"
    assert name.lower() not in headers


@pytest.mark.parametrize("url", HOST_SURFACES.values(), ids=HOST_SURFACES.keys())
@pytest.mark.parametrize("name", SPELLINGS)
def test_with_the_caller_s_key_it_passes_unchanged(name: str, url: str) -> None:
    plan = planned(asked(url, headers=[(name, "Bearer sk-provider")]), REQUEST)
    assert (name.encode(), b"Bearer sk-provider") in plan.headers


def test_all_of_them_at_once() -> None:
    many = [(name, "sk-provider") for name in ("Authorization", "x-api-key", "X-Goog-Api-Key", "api-key", "xi-api-key")]
    raw = {(name.encode(), value.encode()) for name, value in many}
    assert raw.isdisjoint(planned(asked(headers=many)).headers)
    assert raw <= set(planned(asked(headers=many), REQUEST).headers)
    assert b"sk-provider" not in b"".join(value for _, value in planned(asked(headers=many)).headers)


@pytest.mark.parametrize("rules", [RULES, REQUEST], ids=["stored", "request"])
@pytest.mark.parametrize("url", HOST_SURFACES.values(), ids=HOST_SURFACES.keys())
def test_on_the_gateway_host_the_token_goes_to_its_own_header(url: str, rules: Rules) -> None:
    headers = sent(planned(asked(url), rules))
    assert headers["cf-aig-authorization"] == f"Bearer {TOKEN}"
    assert "authorization" not in headers
    assert "cf-aig-gateway-id" not in headers


@pytest.mark.parametrize("rules", [RULES, REQUEST], ids=["stored", "request"])
def test_on_rest_the_token_is_the_authorization(rules: Rules) -> None:
    headers = sent(planned(asked(REST_CHAT, headers=[("authorization", "Bearer sk-provider")]), rules))
    assert headers["authorization"] == f"Bearer {TOKEN}"
    assert "cf-aig-authorization" not in headers
    assert headers["cf-aig-gateway-id"] == "prod"


def test_on_rest_without_a_token_of_ours_the_caller_s_own_passes() -> None:
    """Contract 3.3: on REST the Authorization header is Cloudflare's; no provider's key can be in it."""
    request = asked(REST_CHAT, headers=[("Authorization", "Bearer cf-own"), ("x-api-key", "sk-provider")])
    assert sent(planned(request, Rules(credential="request")))["authorization"] == "Bearer cf-own"


def test_without_a_token_there_is_no_authorization_of_ours() -> None:
    for url in SURFACES.values():
        headers = sent(planned(asked(url), Rules(gateways=(DECLARED,))))
        assert "authorization" not in headers
        assert "cf-aig-authorization" not in headers


def test_the_caller_s_own_gateway_token_beats_the_client_s() -> None:
    headers = sent(planned(asked(headers=[("cf-aig-authorization", "Bearer mine")])))
    assert headers["cf-aig-authorization"] == "Bearer mine"


@pytest.mark.parametrize("wrong", ["Bearer x", "a b", "a\r\nb", " a", "", "\u20ac"])
def test_a_token_that_no_header_carries_is_refused_when_the_rules_are_made(wrong: str) -> None:
    with pytest.raises(ConfigurationError):
        Rules(token=wrong)


# --- outside of every gateway ----------------------------------------------------------------------

NO_GATEWAYS = [
    (case["url"], tuple(case.get("gateways", ()))) for case in document("urls.json")["cases"] if case["surface"] is None
]
LOADED = [
    ("cf-aig-authorization", "Bearer cf-own"),
    ("CF-AIG-Metadata", '{"a":1}'),
    ("cf-aig-cache-key", "k"),
    ("cf-aig-of-tomorrow", "1"),
    ("cf-skip-cache", "true"),
    ("CF-Cache-TTL", "300"),
    ("X-Aig-Cache", "response; ttl=60"),
    ("x-aig-tenant", "acme"),
    ("x-aig-anything", "1"),
    ("Accept", "*/*"),
]


@pytest.mark.parametrize(("url", "gateways"), [(OUTSIDE, ()), *NO_GATEWAYS])
def test_a_url_that_is_no_gateway_gets_nothing_of_cloudflare_s_or_ours(url: str, gateways: tuple[str, ...]) -> None:
    rules = Rules(token=TOKEN, gateway_id="prod", gateways=gateways)
    plan = planned(asked(url, headers=LOADED), rules, route_class="summary", tenant="acme")
    assert sent(plan) == {"content-type": "application/json", "accept": "*/*"}
    assert TOKEN.encode() not in b"".join(value for _, value in plan.headers)
    assert plan.surface is None
    assert plan.key is None
    assert plan.reasons == ("not an AI Gateway URL: no Cloudflare header is sent",)


@pytest.mark.parametrize("rules", [RULES, REQUEST], ids=["stored", "request"])
@pytest.mark.parametrize("name", SPELLINGS)
def test_outside_the_placeholder_is_no_key_and_the_caller_s_own_is(name: str, rules: Rules) -> None:
    for value in (PLACEHOLDER, f"Bearer {PLACEHOLDER}", f"Key {PLACEHOLDER}"):
        assert name.lower() not in sent(planned(asked(OUTSIDE, headers=[(name, value)]), rules))
    plan = planned(asked(OUTSIDE, headers=[(name, "Bearer sk-provider")]), rules)
    assert (name.encode(), b"Bearer sk-provider") in plan.headers


def test_where_a_gateway_redirected_to_no_credential_goes_along() -> None:
    request = asked(OUTSIDE, headers=[("Authorization", "Bearer sk-provider"), ("X-Api-Key", "sk-provider"), *LOADED])
    assert sent(planned(replace(request, left_gateway=True))) == {"content-type": "application/json", "accept": "*/*"}
