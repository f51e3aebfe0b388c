"""Refusals: status, code and shape E1 to E4 (contract 4.1, 4.2), also as our client and the SDKs read them."""

from __future__ import annotations

import json

import anthropic
import httpx2
import openai
import pytest

from aig_client.apps.emulator._errors import Fault, e1_body, reply_of
from aig_client.apps.emulator._refusals import (
    DLP_REQUEST_BLOCKED,
    DLP_RESPONSE_BLOCKED,
    NO_CREDITS,
    PROMPT_BLOCKED,
    RATE_LIMITED,
    RESPONSE_BLOCKED,
    UNDOCUMENTED,
    UNIFIED_RATE_LIMITED,
    no_credential,
    policy_blocked,
    policy_capped,
    provider_refused_key,
    rest_token_refused,
    spend_limited,
    unknown_alias,
)
from aig_client.apps.emulator._settings import SpendRule
from aig_client.core import GatewayError, error_from_response

HOST = "http://gateway.test"
RULE = SpendRule(id="daily-cap", limit=1.0, window=86_400)

ROWS = [
    (RATE_LIMITED, 429, 2003, "rate_limited", True),
    (spend_limited(RULE), 429, 2045, "spend_limit_reached", False),
    (PROMPT_BLOCKED, 424, 2016, "guardrail_prompt_blocked", False),
    (RESPONSE_BLOCKED, 424, 2017, "guardrail_response_blocked", False),
    (DLP_REQUEST_BLOCKED, 400, 2029, "dlp_request_blocked", False),
    (DLP_RESPONSE_BLOCKED, 400, 2030, "dlp_response_blocked", False),
    (NO_CREDITS, 402, 2021, "no_credits", False),
    (UNIFIED_RATE_LIMITED, 429, 2018, "rate_limited", True),
    (unknown_alias([]), 400, 2040, "byok_alias_unknown", False),
    (rest_token_refused(), 401, 10000, "token_permission_missing", False),
]


@pytest.mark.parametrize(("fault", "status", "code", "meaning", "retryable"), ROWS)
def test_our_client_reads_each_row_of_the_contract(
    fault: Fault, status: int, code: int, meaning: str, retryable: bool
) -> None:
    reply = reply_of(fault)
    error = error_from_response(reply.status, reply.headers, reply.body)
    assert isinstance(error, GatewayError)
    assert (error.status, error.code, error.meaning, error.retryable) == (status, code, meaning, retryable)


@pytest.mark.parametrize("fault", [row[0] for row in ROWS if row[2] != 10000])
def test_the_gateways_own_are_of_shape_e1(fault: Fault) -> None:
    body = json.loads(reply_of(fault).body)
    assert body["error"] == [{"code": fault.code, "message": fault.message}]
    assert (body["success"], body["name"], body["internalCode"]) == (False, "AiGatewayError", fault.code)
    assert "errors" not in body


@pytest.mark.parametrize(
    "fault", [rest_token_refused(), provider_refused_key("stored"), provider_refused_key("unified")]
)
def test_those_of_the_api_are_of_shape_e2(fault: Fault) -> None:
    assert json.loads(reply_of(fault).body) == {
        "success": False,
        "errors": [{"code": fault.code, "message": fault.message}],
        "messages": [],
        "result": None,
    }


@pytest.mark.parametrize(("payer", "status", "retryable"), [("stored", 401, False), ("unified", 503, True)])
def test_a_credential_that_the_provider_refused_on_run(payer: str, status: int, retryable: bool) -> None:
    reply = reply_of(provider_refused_key(payer))
    error = error_from_response(reply.status, reply.headers, reply.body, rest_run=True)
    assert isinstance(error, GatewayError)
    assert (error.status, error.code, error.retryable) == (status, 2009, retryable)


def test_shape_e3_has_no_code() -> None:
    blocked = error_from_response(403, [], policy_blocked().body or b"")
    capped = error_from_response(429, [], policy_capped("daily", 10.5, 10).body or b"")
    assert isinstance(blocked, GatewayError)
    assert isinstance(capped, GatewayError)
    assert (blocked.code, blocked.meaning, blocked.retryable) == (None, "policy_blocked", False)
    assert (capped.code, capped.meaning, capped.retryable) == (None, "policy_spend_cap_reached", False)
    assert json.loads(policy_capped("daily", 10.5, 10).body or b"") == {
        "success": False,
        "error": {"message": "Spend cap reached", "bucket": "daily", "spent": 10.5, "limit": 10},
    }


def _answering(fault: Fault) -> httpx2.Client:
    reply = reply_of(fault)
    answer = httpx2.Response(reply.status, headers=list(reply.headers), content=reply.body)
    return httpx2.Client(transport=httpx2.MockTransport(lambda request: answer))


def test_shape_e4_is_what_the_openai_sdk_makes_of_e1() -> None:
    with (
        _answering(spend_limited(RULE)) as http,
        openai.OpenAI(api_key="sk-test", base_url=HOST, max_retries=0, http_client=http) as client,
        pytest.raises(openai.RateLimitError) as raised,
    ):
        client.chat.completions.create(model="gpt-5", messages=[])
    assert raised.value.body == [{"code": 2045, "message": spend_limited(RULE).message}]
    error = error_from_response(429, [], json.dumps(raised.value.body).encode())
    assert isinstance(error, GatewayError)
    assert error.code == 2045


def test_the_anthropic_sdk_keeps_e1_whole() -> None:
    with (
        _answering(PROMPT_BLOCKED) as http,
        anthropic.Anthropic(api_key="sk-test", base_url=HOST, max_retries=0, http_client=http) as client,
        pytest.raises(anthropic.APIStatusError) as raised,
    ):
        client.messages.create(model="claude-sonnet-5", messages=[], max_tokens=1)
    assert raised.value.status_code == 424
    assert raised.value.body == json.loads(e1_body(PROMPT_BLOCKED))


def test_the_message_of_a_spend_limit_names_its_rule() -> None:
    assert "daily-cap" in spend_limited(RULE).message


def test_the_message_of_an_unknown_alias_lists_those_that_are_configured() -> None:
    message = unknown_alias(["default", "batch"], provider="openai", alias="nope").message
    assert message.endswith("Configured aliases: 'default', 'batch'")
    assert "'openai'" in message
    assert "'nope'" in message
    assert unknown_alias([]).message.endswith("Configured aliases: none")


def test_a_missing_credential_is_the_gateways_400_without_a_code() -> None:
    fault = no_credential()
    reply = reply_of(fault)
    error = error_from_response(reply.status, reply.headers, reply.body)
    assert isinstance(error, GatewayError)
    assert (fault.code, error.status, error.code, error.meaning) == (UNDOCUMENTED, 400, None, "unknown")
    assert not error.retryable
