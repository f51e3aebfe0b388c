"""Every request states its cache intent: contract 10.2 and 10.4."""

from __future__ import annotations

from typing import Any

import pytest

from aig_client.core import SHARED, CacheIntent, GatewayMetadata, Options, Refused, Rules, Unkeyable, cache_key

from .asks import BASE, BODY, CHAT, DECLARED, REST_RUN, RULES, SURFACES, TOKEN, asked, cache_headers, planned, sent

FIVE_MINUTES = CacheIntent.response(300)
FORCED = CacheIntent.response(300, force=True)


def expected_key(url: str = CHAT, body: Any = BODY, tenant: Any = "acme", **more: Any) -> str:
    return cache_key(url, body, tenant=tenant, gateways=(DECLARED,), **more).value


@pytest.mark.parametrize("url", SURFACES.values(), ids=SURFACES.keys())
def test_off_is_the_default_and_says_so_to_the_gateway(url: str) -> None:
    for plan in (planned(asked(url)), planned(asked(url), cache=CacheIntent.off, tenant="acme")):
        assert cache_headers(plan) == {"skip-cache": "true"}
        assert plan.intent is CacheIntent.off
        assert (plan.key, plan.ttl) == (None, None)


@pytest.mark.parametrize("url", SURFACES.values(), ids=SURFACES.keys())
def test_response_sends_key_and_ttl_together(url: str) -> None:
    plan = planned(asked(url), cache=FIVE_MINUTES, tenant="acme")
    assert cache_headers(plan) == {"cache-key": expected_key(url), "cache-ttl": "300"}
    assert plan.key is not None
    assert (plan.key.value, plan.ttl) == (expected_key(url), 300)
    assert plan.reasons == ("cached by intent",)


@pytest.mark.parametrize("url", SURFACES.values(), ids=SURFACES.keys())
def test_gateway_default_sends_nothing(url: str) -> None:
    plan = planned(asked(url), cache=CacheIntent.gateway_default)
    assert cache_headers(plan) == {}
    assert plan.intent is CacheIntent.gateway_default
    assert plan.reasons == ("cache left to the gateway's settings, as asked",)


def test_a_call_s_intent_beats_the_client_s() -> None:
    rules = Rules(defaults=Options(cache=FIVE_MINUTES, tenant="acme"))
    assert "cache-key" in cache_headers(planned(rules=rules))
    assert cache_headers(planned(rules=rules, cache=CacheIntent.off)) == {"skip-cache": "true"}
    assert cache_headers(planned(rules=rules, cache=CacheIntent.gateway_default)) == {}


GEMINI = f"{BASE}/google-ai-studio/v1beta/models/m"
CONTENTS = {"contents": [{"parts": [{"text": "Hello"}]}]}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {}}}
STREAMS = {
    "in the body": asked(body={**BODY, "stream": True}),
    "in Gemini's path": asked(f"{GEMINI}:streamGenerateContent", CONTENTS),
    "in the query": asked(f"{GEMINI}:generateContent?alt=sse", CONTENTS),
    "in Vertex' path": asked(f"{BASE}/google-vertex-ai/v1/projects/p/models/m:streamRawPredict", BODY),
    "in Bedrock's path": asked(f"{BASE}/aws-bedrock/bedrock-runtime/us-east-1/model/m/invoke-with-response-stream"),
    "in Bedrock's other path": asked(f"{BASE}/aws-bedrock/bedrock-runtime/us-east-1/model/m/converse-stream"),
    "in ElevenLabs' path": asked(f"{BASE}/elevenlabs/v1/text-to-speech/voice/stream", {"text": "Hello"}),
    "in a Universal entry": asked(
        BASE, [{"provider": "openai", "query": BODY}, {"provider": "groq", "query": {"stream": True}}]
    ),
    "in the envelope of /ai/run": asked(REST_RUN, {"model": "m", "input": {"stream": True}}),
}
TOOLS = {
    "OpenAI's": asked(body={**BODY, "tools": [TOOL]}),
    "OpenAI's old functions": asked(body={**BODY, "functions": [TOOL["function"]]}),
    "OpenAI's web search": asked(body={**BODY, "web_search_options": {"search_context_size": "low"}}),
    "Anthropic's": asked(f"{BASE}/anthropic/v1/messages", {**BODY, "tools": [{"name": "f", "input_schema": {}}]}),
    "Anthropic's MCP servers": asked(f"{BASE}/anthropic/v1/messages", {**BODY, "mcp_servers": [{"url": "https://x"}]}),
    "Gemini's": asked(f"{GEMINI}:generateContent", {**CONTENTS, "tools": [{"functionDeclarations": []}]}),
    "Bedrock's": asked(
        f"{BASE}/aws-bedrock/bedrock-runtime/us-east-1/model/m/converse", {"toolConfig": {"tools": [{}]}}
    ),
    "in a Universal entry": asked(BASE, [{"provider": "openai", "query": {**BODY, "tools": [TOOL]}}]),
    "in the envelope of /ai/run": asked(REST_RUN, {"model": "m", "input": {"tools": [TOOL]}}),
}


@pytest.mark.parametrize("request_", STREAMS.values(), ids=STREAMS.keys())
def test_a_stream_is_not_cached_unless_forced(request_: Any) -> None:
    plan = planned(request_, cache=FIVE_MINUTES, tenant="acme")
    assert cache_headers(plan) == {"skip-cache": "true"}
    assert plan.reasons == ("cache off: the answer is a stream",)
    assert plan.intent is CacheIntent.off
    assert plan.stream
    assert set(cache_headers(planned(request_, cache=FORCED, tenant="acme"))) == {"cache-key", "cache-ttl"}


@pytest.mark.parametrize("request_", TOOLS.values(), ids=TOOLS.keys())
def test_a_request_with_tools_is_not_cached_unless_forced(request_: Any) -> None:
    plan = planned(request_, cache=FIVE_MINUTES, tenant="acme")
    assert cache_headers(plan) == {"skip-cache": "true"}
    assert plan.reasons == ("cache off: the request has tools",)
    assert set(cache_headers(planned(request_, cache=FORCED, tenant="acme"))) == {"cache-key", "cache-ttl"}


@pytest.mark.parametrize(
    "body", [{**BODY, "stream": False}, {**BODY, "tools": []}, {**BODY, "tools": None, "stream": None}]
)
def test_no_stream_and_no_tools_said_is_none(body: dict[str, Any]) -> None:
    assert "cache-key" in cache_headers(planned(asked(body=body), cache=FIVE_MINUTES, tenant="acme"))


LARGE = b'{"model":"m","x":"' + b"x" * (25 * 1024 * 1024) + b'"}'
UNKEYED = {
    "a GET": (asked(method="GET"), "GET is not keyed, only POST is"),
    "a PUT": (asked(method="PUT"), "PUT is not keyed, only POST is"),
    "no body": (asked(body=None), "the body is not JSON"),
    "an empty body": (asked(body=b""), "the body is not JSON"),
    "a form": (asked(body=b"a=1", kind=(b"content-type", b"multipart/form-data; boundary=x")), "the body is not JSON"),
    "no content type": (asked(kind=None), "the body is not JSON"),
    "more than 25 MB": (asked(body=LARGE), "the body is larger than the gateway caches (25 MB)"),
}


@pytest.mark.parametrize(("request_", "reason"), UNKEYED.values(), ids=UNKEYED.keys())
@pytest.mark.parametrize("intent", [FIVE_MINUTES, FORCED], ids=["asked", "forced"])
def test_what_no_key_can_cover_is_not_cached_even_if_forced(request_: Any, reason: str, intent: CacheIntent) -> None:
    plan = planned(request_, cache=intent, tenant="acme")
    assert cache_headers(plan) == {"skip-cache": "true"}
    assert plan.reasons == (f"cache off: {reason}",)


@pytest.mark.parametrize("kind", [b"application/json", b"APPLICATION/JSON; charset=utf-8", b"application/vnd.api+json"])
def test_json_is_known_by_its_content_type(kind: bytes) -> None:
    plan = planned(asked(kind=(b"CONTENT-TYPE", kind)), cache=FIVE_MINUTES, tenant="acme")
    assert cache_headers(plan)["cache-key"] == expected_key()


def test_a_response_cache_without_a_tenant_is_refused() -> None:
    with pytest.raises(Refused, match="tenant: is needed to cache a response, and there is no default"):
        planned(cache=FIVE_MINUTES)


def test_without_a_tenant_what_is_not_cached_anyway_is_sent() -> None:
    assert cache_headers(planned(asked(body={**BODY, "stream": True}), cache=FIVE_MINUTES)) == {"skip-cache": "true"}


def test_a_shared_answer_is_asked_for_by_name() -> None:
    keys = {
        cache_headers(planned(cache=FIVE_MINUTES, tenant=tenant))["cache-key"]
        for tenant in (SHARED, "shared", "*", "acme")
    }
    assert len(keys) == 4
    assert expected_key(tenant=SHARED) in keys


@pytest.mark.parametrize("body", [b'{"a":1,"a":2}', b'{"a":NaN}', b'{"a":1', b"\xff", b"[" * 100_000])
def test_a_body_without_one_meaning_is_refused_when_it_should_be_cached(body: bytes) -> None:
    with pytest.raises(Unkeyable):
        planned(asked(body=body), cache=FIVE_MINUTES, tenant="acme")
    assert cache_headers(planned(asked(body=body))) == {"skip-cache": "true"}


def test_the_key_covers_who_asks_with_whose_key_under_which_policy() -> None:
    def key(rules: Rules = RULES, headers: Any = (), **options: Any) -> str:
        plan = planned(asked(headers=headers), rules, cache=FIVE_MINUTES, **({"tenant": "acme"} | options))
        return cache_headers(plan)["cache-key"]

    keys = [
        key(),
        key(tenant="other"),
        key(Rules(credential="request")),
        key(Rules(namespace="staging")),
        key(Rules(policy_epoch="2")),
        key(Rules(secret=b"0123456789abcdef")),
        key(headers=[("anthropic-beta", "x")]),
        key(gateway=GatewayMetadata(byok_alias="team-b")),
    ]
    assert len(set(keys)) == len(keys)
    assert key(Rules()) == key() == key(headers=[("X-Request-Id", "1"), ("Authorization", "Bearer x")])
    assert keys[2] == expected_key(credential="request")
    assert keys[7] == expected_key(credential="stored:team-b")


def test_a_dynamic_route_is_not_cached_beside_metadata_that_it_may_branch_on() -> None:
    request = asked(SURFACES["compat"], {**BODY, "model": "dynamic/support"})
    assert "cache-key" in cache_headers(planned(request, cache=FIVE_MINUTES, tenant="acme"))
    for more in ({"route_class": "summary"}, {"gateway": GatewayMetadata(metadata={"plan": "free"})}):
        with pytest.raises(Refused, match="a dynamic route may branch on cf-aig-metadata"):
            planned(request, cache=FIVE_MINUTES, tenant="acme", **more)


def test_the_token_is_in_no_key() -> None:
    other = Rules(token="another", gateway_id="prod", gateways=(DECLARED,))
    keys = {
        cache_headers(planned(rules=rules, cache=FIVE_MINUTES, tenant="acme"))["cache-key"] for rules in (RULES, other)
    }
    assert len(keys) == 1
    assert TOKEN not in keys.pop()


# --- plain Workers AI is no gateway ----------------------------------------------------------------

PLAIN = f"{REST_RUN}/@cf/meta/llama-3.1-8b-instruct"


def test_plain_workers_ai_gets_no_header_of_the_gateway() -> None:
    """Contract 3.7.2: ``/ai/run/@cf/...`` without ``cf-aig-gateway-id`` is plain Workers AI, not the gateway."""
    for intent in (None, CacheIntent.off, CacheIntent.gateway_default):
        headers = sent(planned(asked(PLAIN), Rules(token=TOKEN), cache=intent))
        assert not any(name.startswith("cf-aig-") for name in headers)
        assert headers["authorization"] == f"Bearer {TOKEN}"


def test_plain_workers_ai_caches_nothing() -> None:
    with pytest.raises(Refused, match="gateway_id: is required for an @cf/ model on the REST API"):
        planned(asked(PLAIN), Rules(token=TOKEN), cache=FIVE_MINUTES, tenant="acme")
    for request in (
        asked(PLAIN, headers=[("cf-aig-cache-key", "k")]),
        asked(PLAIN, headers=[("x-aig-route-class", "summary")]),
    ):
        with pytest.raises(Refused, match="gateway_id: is required"):
            planned(request, Rules(token=TOKEN))


def test_workers_ai_through_a_gateway_names_the_gateway() -> None:
    named = asked(PLAIN, headers=[("cf-aig-gateway-id", "mine")])
    for request, rules, gateway in ((asked(PLAIN), RULES, "prod"), (named, RULES, "mine"), (named, Rules(), "mine")):
        headers = sent(planned(request, rules))
        assert (headers["cf-aig-gateway-id"], headers["cf-aig-skip-cache"]) == (gateway, "true")
        assert "cf-aig-cache-key" in sent(planned(request, rules, cache=FIVE_MINUTES, tenant="acme"))
