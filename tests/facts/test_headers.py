"""The request headers: contract 1.2, 1.4 and 1.5, case by case, in ``headers.json``."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from aig_client.core import ConfigurationError, GatewayMetadata, Surface, surface_of
from aig_client.core.facts._headers import REQUEST_HEADERS, gateway_metadata_from_headers, supported_on

from .vectors import cases, document

SURFACES: dict[str, Any] = document("headers.json")["surfaces"]

# Contract 1.2, the first column, and "where the header set applies".
HOST = {"native", "compat", "universal"}
REST_TOO = {*HOST, "rest"}
NAMES: dict[str, set[str]] = {
    "cf-aig-authorization": HOST,
    "cf-aig-gateway-id": {"rest"},
    "cf-aig-skip-cache": REST_TOO,
    "cf-aig-cache-ttl": REST_TOO,
    "cf-aig-cache-key": REST_TOO,
    "cf-aig-metadata": REST_TOO,
    "cf-aig-custom-cost": HOST,
    "cf-aig-collect-log": REST_TOO,
    "cf-aig-collect-log-payload": HOST,
    "cf-aig-event-id": HOST,
    "cf-aig-request-timeout": REST_TOO,
    "cf-aig-max-attempts": REST_TOO,
    "cf-aig-retry-delay": REST_TOO,
    "cf-aig-backoff": REST_TOO,
    "cf-aig-byok-alias": {"native"},
    "cf-aig-no-wholesale": HOST,
    "cf-aig-zdr": HOST,
    "cf-aig-otel-trace-id": HOST,
    "cf-aig-otel-parent-span-id": HOST,
    "cf-aig-session-id": {"rest"},
    "cf-aig-turn-id": {"rest"},
    "cf-aig-no-session-affinity": {"rest"},
    "cf-aig-allowed-models": {"rest"},
    "cf-aig-allowed-providers": {"rest"},
    "payment-method": {"rest"},
}


def surface(name: str) -> Surface:
    found = surface_of(SURFACES[name]["url"], gateways=SURFACES[name].get("gateways", ()))
    assert found is not None
    return found


def built(values: dict[str, Any]) -> GatewayMetadata:
    lists = {
        name: tuple(value) for name, value in values.items() if name.startswith("allowed_") and isinstance(value, list)
    }
    return GatewayMetadata(**{**values, **lists})


@cases("headers.json", "written")
def test_a_surface_gets_exactly_the_headers_that_it_takes(case: dict[str, Any]) -> None:
    metadata = built(case["fields"])
    for name, expected in case["surfaces"].items():
        if "refused" in expected:
            with pytest.raises(ConfigurationError) as caught:
                metadata.headers(surface(name))
            assert caught.value.field == expected["refused"], name
        else:
            assert metadata.headers(surface(name)) == expected, name


@cases("headers.json", "written")
def test_a_url_that_is_no_gateway_gets_no_header(case: dict[str, Any]) -> None:
    assert built(case["fields"]).headers(None) == {}


@cases("headers.json", "refused")
def test_a_value_that_no_gateway_takes_is_refused_by_name(case: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        built(case["fields"])
    assert caught.value.field == case["refused"]
    assert case["refused"] in str(caught.value)


@cases("headers.json", "read")
def test_headers_that_a_caller_set_are_understood(case: dict[str, Any]) -> None:
    if case.get("refused"):
        with pytest.raises(ConfigurationError):
            gateway_metadata_from_headers(case["given"])
    else:
        assert gateway_metadata_from_headers(case["given"]) == built(case["fields"])


def test_the_rows_are_the_contract_s_headers() -> None:
    assert {row.name.lower(): set(row.families) for row in REQUEST_HEADERS} == NAMES


def test_each_row_is_one_field() -> None:
    assert [row.field for row in REQUEST_HEADERS] == [field.name for field in fields(GatewayMetadata)]


def test_every_field_is_in_a_vector() -> None:
    vectors = document("headers.json")
    used = {name for case in vectors["written"] for name in case["fields"]}
    assert used == {field.name for field in fields(GatewayMetadata)}


def test_a_header_of_tomorrow_is_neither_supported_nor_refused() -> None:
    assert supported_on("cf-aig-of-tomorrow", "native") is None
    assert supported_on("CF-AIG-Cache-TTL", "rest") is True
    assert supported_on("cf-aig-zdr", "rest") is False


def test_the_token_is_in_no_repr_and_no_refusal() -> None:
    assert "s3cret" not in repr(GatewayMetadata(authorization="s3cret"))
    for value in ("Bearer s3cret", "s3cret\r\n", " s3cret", "s3cret\u2028"):
        with pytest.raises(ConfigurationError) as caught:
            GatewayMetadata(authorization=value)
        assert "s3cret" not in str(caught.value) + repr(caught.value)


def test_a_header_that_a_surface_lacks_says_where_it_works() -> None:
    with pytest.raises(
        ConfigurationError, match=r"does nothing on the rest surface\. It works on: compat, native, universal"
    ):
        GatewayMetadata(zdr=True).headers(surface("rest"))


def test_the_narrower_value_is_laid_over_the_wider() -> None:
    wider = GatewayMetadata(cache_ttl=60, collect_log=True, metadata={"team": "a", "tier": "free"})
    narrower = GatewayMetadata(cache_ttl=90, metadata={"team": "b"})
    assert wider.merged(narrower) == GatewayMetadata(
        cache_ttl=90, collect_log=True, metadata={"team": "b", "tier": "free"}
    )
    assert wider.merged(None) is wider
    assert wider.merged(GatewayMetadata()) == wider


def test_metadata_joined_to_more_than_five_entries_is_refused() -> None:
    four = GatewayMetadata(metadata=dict.fromkeys("abcd", 1))
    with pytest.raises(ConfigurationError, match="has 6 entries"):
        four.merged(GatewayMetadata(metadata={"e": 1, "f": 1}))
