"""Who said no: contract 4, every shape and every code, in ``errors.json``."""

from __future__ import annotations

from typing import Any

import pytest

from aig_client.core import GatewayError, ProviderError, error_from_binding, error_from_response
from aig_client.core.facts._failures import CODES

from .vectors import cases, document

# Contract 4.2, and 1010 of 1.1; 2018 is known from public reports alone.
CONTRACT_CODES = {
    1010, 2001, 2003, 2005, 2008, 2009, 2016, 2017, 2018, 2019, 2021, 2029, 2030, 2040, 2045, 2049, 5028, 7001, 7002,
    7003, 7010, 7013, 10000,
}  # fmt: skip


def as_json(error: GatewayError | ProviderError, names: dict[str, Any]) -> dict[str, Any]:
    return {name: type(error).__name__ if name == "class" else getattr(error, name) for name in names}


@cases("errors.json", "answers")
def test_an_answer_is_the_error_that_the_contract_says(case: dict[str, Any]) -> None:
    error = error_from_response(
        case["status"], case.get("headers", []), case["body"].encode(), rest_run=case.get("rest_run", False)
    )
    assert as_json(error, case["expect"]) == case["expect"]
    assert error.body == case["body"].encode()


@cases("errors.json", "thrown")
def test_what_a_binding_throws_is_the_error_that_the_contract_says(case: dict[str, Any]) -> None:
    error = error_from_binding(case["thrown"]["name"], case["thrown"]["message"])
    assert as_json(error, case["expect"]) == case["expect"]


def test_every_code_of_the_contract_has_a_row_and_a_vector() -> None:
    assert set(CODES) == CONTRACT_CODES
    assert {case["expect"].get("code") for case in document("errors.json")["answers"]} >= CONTRACT_CODES


def test_headers_may_be_a_mapping_in_any_case() -> None:
    assert error_from_response(429, {"RETRY-After": "3"}, b"").retry_after == 3.0


def test_a_provider_s_error_says_whose_it_is() -> None:
    error = error_from_response(400, [], b'{"error":{"type":"invalid_request_error"}}', provider="openai")
    assert isinstance(error, ProviderError)
    assert error.provider == "openai"
    assert str(error) == "openai answered 400: invalid_request_error"


@pytest.mark.parametrize(
    "body",
    [
        b'{"success":false,"error":[{"code":2040,"message":"Alias x unknown, configured: prod-secret-alias"}]}',
        b'{"success":false,"error":{"message":"rule prod-secret-alias"}}',
        b'{"error":{"message":"your prompt: prod-secret-alias","type":"bad prompt: prod-secret-alias"}}',
        b"<html>prod-secret-alias</html>",
    ],
)
def test_the_gateway_s_and_the_provider_s_sentences_stay_out_of_the_text(body: bytes) -> None:
    error = error_from_response(400, [], body)
    assert "prod-secret-alias" not in str(error) + repr(error)
    assert b"prod-secret-alias" in error.body


def test_the_gateway_s_sentence_is_there_for_who_asks() -> None:
    error = error_from_response(400, [], b'{"success":false,"error":[{"code":2040,"message":"Alias x unknown"}]}')
    assert isinstance(error, GatewayError)
    assert error.detail == "Alias x unknown"
    assert str(error) == "AI Gateway answered 400 (code 2040): byok alias unknown"
