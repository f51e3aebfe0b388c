"""The one record of what happened, and what is never in it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aig_client.core import CacheIntent, GatewayMetadata, Meter, NoAnswer, Options, Receipt, Rules

from .asks import BASE, OUTSIDE, SURFACES, Exchange, asked, head

SECRETS = [
    "s3cret-token",
    "s3cret-own-token",
    "s3cret-provider",
    "s3cret-tenant",
    "s3cret-prompt",
    "s3cret-answer",
    "s3cret-in-query",
]
RULES = Rules(
    token="s3cret-token", secret=b"s3cret-secret-of-keys", gateway_id="prod", defaults=Options(tenant="s3cret-tenant")
)
PROMPT = {"model": "gpt-4.1-mini", "messages": [{"role": "user", "content": "s3cret-prompt"}]}
USAGE = {"prompt_tokens": 7, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 4}}
ANSWER = json.dumps({"choices": [{"message": {"content": "s3cret-answer"}}], "usage": USAGE}).encode()
CACHED: dict[str, Any] = {"cache": CacheIntent.response(300), "route_class": "summary"}
HEADERS = [("Authorization", "Bearer s3cret-provider"), ("x-goog-api-key", "s3cret-provider")]
SAID = [("cf-aig-cache-status", "MISS"), ("cf-aig-log-id", "log-1"), ("content-type", "application/json")]


def receipt_of(
    request: Any = None, rules: Rules = RULES, *, body: bytes = ANSWER, headers: Any = SAID, **options: Any
) -> Receipt:
    exchange = Exchange(request or asked(body=PROMPT, headers=HEADERS), rules, **(options or CACHED))
    exchange.answer(head(200, headers, sent_at=10.0, at=10.5))
    receipt = exchange.answer(Meter(len(body), "complete", 12.0, body, body, True))
    assert receipt is not None
    return receipt


def test_a_receipt_as_a_dict_is_plain_and_complete() -> None:
    receipt = receipt_of()
    assert receipt.plan.key is not None
    assert receipt.cost is not None
    assert json.loads(json.dumps(dict(receipt.as_dict()))) == {
        "surface": "native",
        "provider": "openai",
        "endpoint": "chat",
        "model": "gpt-4.1-mini",
        "route_class": "summary",
        "intent": "response",
        "key": receipt.plan.key.value,
        "ttl": 300,
        "reasons": ["route class summary: named by the call", "cached by intent"],
        "status": 200,
        "cache_status": "MISS",
        "log_id": "log-1",
        "ended": "complete",
        "attempts": 1,
        "latency": 2.0,
        "usage": {
            "input_tokens": 7,
            "output_tokens": 3,
            "total_tokens": 10,
            "cache_read_input_tokens": 4,
            "cached_input_tokens": 4,
            "fresh_input_tokens": 3,
            "output_text_tokens": 3,
            "source": "reported",
            "dialect": "openai-chat",
            "by_shape": False,
            "complete": True,
            "contradictions": [],
        },
        "model_served": "gpt-4.1-mini",
        "cost": receipt.cost.as_dict(),
    }
    assert (receipt.time_to_first_byte, receipt.latency) == (0.5, 2.0)


REQUESTS = {
    "native": asked(body=PROMPT, headers=HEADERS),
    "compat": asked(SURFACES["compat"], PROMPT, HEADERS),
    "rest": asked(SURFACES["rest"], PROMPT, HEADERS),
    "a key in the query": asked(
        f"{BASE}/google-ai-studio/v1/models/m:generateContent?key=s3cret-in-query", PROMPT, HEADERS
    ),
    "the caller's own token": asked(
        body=PROMPT, headers=[*HEADERS, ("cf-aig-authorization", "Bearer s3cret-own-token")]
    ),
    "a tenant as a hint": asked(body=PROMPT, headers=[*HEADERS, ("x-aig-tenant", "s3cret-tenant")]),
    "outside": asked(OUTSIDE, PROMPT, HEADERS),
}
WITHOUT_OWN_TOKEN = {name: request for name, request in REQUESTS.items() if name != "the caller's own token"}


@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS.keys())
@pytest.mark.parametrize("credential", ["stored", "request"])
def test_a_receipt_shows_no_secret_no_prompt_and_no_answer(request_: Any, credential: Any) -> None:
    rules = Rules(
        token=RULES.token, secret=RULES.secret, gateway_id="prod", credential=credential, defaults=RULES.defaults
    )
    receipt = receipt_of(request_, rules)
    shown = repr(receipt) + str(receipt) + json.dumps(dict(receipt.as_dict())) + repr(receipt.metadata)
    shown += "".join(map(repr, (receipt.plan, receipt.head, receipt.meter, rules)))
    assert not [secret for secret in [*SECRETS, "s3cret-secret-of-keys"] if secret in shown]


def test_a_receipt_of_nobody_s_answer_shows_none_either() -> None:
    exchange = Exchange(asked(body=PROMPT, headers=HEADERS), RULES, **CACHED)
    receipt = exchange.answer(NoAnswer("connect", "nobody there", 1.0, 2.0))
    shown = repr(receipt)
    assert not [secret for secret in SECRETS if secret in shown]


def test_what_the_client_decides_by_shows_no_secret() -> None:
    gateway = GatewayMetadata(authorization="s3cret-own-token")
    shown = repr(RULES) + repr(Options(tenant="s3cret-tenant", gateway=gateway)) + repr(gateway)
    assert not [secret for secret in [*SECRETS, "s3cret-secret-of-keys"] if secret in shown]


def test_the_key_in_a_receipt_is_sealed_when_there_is_a_secret() -> None:
    sealed, plain = receipt_of().plan.key, receipt_of(rules=Rules(), tenant="a", **CACHED).plan.key
    assert sealed is not None
    assert plain is not None
    assert (sealed.sealed, plain.sealed) == (True, False)
    assert (sealed.value[:6], plain.value[:5]) == ("aig1s.", "aig1.")


def test_a_receipt_from_outside_says_nothing_of_a_gateway() -> None:
    receipt = receipt_of(asked(OUTSIDE, PROMPT))
    said = receipt.as_dict()
    assert (said["surface"], said["provider"], said["endpoint"], said["key"], said["intent"]) == (
        None,
        None,
        None,
        None,
        "off",
    )
    assert (said["cache_status"], said["log_id"]) == (None, None)
    assert receipt.metadata.raw == {}


def test_a_header_of_the_answer_is_found_by_its_name() -> None:
    receipt = receipt_of(headers=[*SAID, ("X-Request-Id", "r\xe9"), ("x-request-id", "second")])
    assert receipt.header("x-request-id") == "r\xe9"
    assert receipt.header("x-nothing") is None


def test_a_body_that_passed_unread_gives_no_tokens() -> None:
    receipt = receipt_of(body=b"\x89PNG")
    assert receipt.usage is None
    assert receipt.as_dict()["usage"] is None
