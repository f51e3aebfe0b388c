"""Every surface of contract 3: native slugs, Universal, REST, custom domains."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aig_client.apps.emulator import EmulatorConfig, GatewayRequest, ProviderAnswer
from aig_client.apps.emulator._messages import Break, ProviderRequest
from aig_client.apps.emulator._routes import PROVIDERS

from .driver import ACCOUNT, KEY, Outcome, Pure, chat

REST = f"/client/v4/accounts/{ACCOUNT}/ai"
TOKENS = EmulatorConfig(
    auth_tokens=frozenset({"all"}),
    tokens={"workers-ai": frozenset({"workers-ai-read"}), "gateway": frozenset({"ai-gateway-run", "ai-gateway-read"})},
    stored_keys=frozenset({"openai", "anthropic", "grok"}),
)


def universal(*entries: dict[str, Any]) -> bytes:
    return json.dumps(list(entries)).encode()


def entry(provider: str = "openai", **more: Any) -> dict[str, Any]:
    return {
        "provider": provider,
        "endpoint": "chat/completions",
        "headers": {"Authorization": "Bearer sk-test-one", "Content-Type": "application/json"},
        "query": json.loads(chat()),
        **more,
    }


def rest(pure: Pure, path: str, body: object, token: str = "workers-ai", **headers: str) -> Outcome:
    auth = {"authorization": f"Bearer {token}", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return pure.send(path, body=json.dumps(body).encode(), auth=auth, prefix=REST)


# --- native ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("slug", [*PROVIDERS, "custom-mine"])
def test_every_slug_is_served(slug: str) -> None:
    pure = Pure()
    row = PROVIDERS.get(slug)
    header, prefix = (row.key_header, row.key_prefix) if row else ("authorization", "Bearer ")
    outcome = pure.send(f"/{slug}/chat/completions", auth={header: f"{prefix}sk-test-one"})
    assert outcome.cache == "MISS"
    assert (pure.gateway.log[0].provider, pure.calls[0].path) == (slug, "/chat/completions")


@pytest.mark.parametrize("slug", PROVIDERS)
def test_every_slug_takes_a_stored_key(slug: str) -> None:
    pure = Pure(EmulatorConfig(auth_tokens=frozenset({"t"}), stored_keys=frozenset({slug})))
    pure.send(f"/{slug}/chat/completions", {"cf-aig-authorization": "Bearer t"}, auth={})
    row = PROVIDERS[slug]
    assert dict(pure.calls[0].headers)[row.key_header] == f"{row.key_prefix}sk-test-stored"
    assert pure.gateway.log[0].byok


# --- Universal ---------------------------------------------------------------------------------------------------


def test_a_universal_body_is_the_native_request() -> None:
    pure = Pure()
    outcome = pure.send("", body=universal(entry()), auth={})
    native = Pure().send()
    assert (outcome.status, outcome.headers["cf-aig-step"], outcome.json) == (200, "0", native.json)
    call = pure.calls[0]
    assert (call.method, call.path, call.header("authorization")) == ("POST", "/chat/completions", "Bearer sk-test-one")


def failing(*statuses: int | None) -> Any:
    """A provider that fails in turn; `None`: it cannot be reached."""
    left = list(statuses)

    def answer(_request: ProviderRequest) -> ProviderAnswer:
        status = left.pop(0)
        kind = (("content-type", "application/json"),)
        return ProviderAnswer(status or 200, kind, (b"{}",) if status else (Break(),))

    return answer


@pytest.mark.parametrize("failure", [None, 400, 401, 429, 500, 503])
def test_the_next_entry_answers_when_one_fails_and_the_step_says_so(failure: int | None) -> None:
    pure = Pure(provider=failing(failure, failure, 200))
    steps = universal(entry("openai"), entry("groq"), entry("mistral"))
    outcome = pure.send("", body=steps, auth={})
    assert (outcome.status, outcome.headers["cf-aig-step"]) == (200, "2")
    assert [call.provider for call in pure.calls] == ["openai", "groq", "mistral"]
    assert (pure.gateway.log[0].step, len(pure.gateway.log)) == (2, 1)


def test_the_last_failure_is_the_answer() -> None:
    outcome = Pure(provider=failing(500, 503)).send("", body=universal(entry(), entry("groq")), auth={})
    assert (outcome.status, outcome.headers["cf-aig-step"]) == (503, "1")
    nobody = Pure(provider=failing(500, None)).send("", body=universal(entry(), entry("groq")), auth={})
    assert (nobody.status, nobody.code) == (400, 2005)


def test_an_entry_s_headers_and_config_beat_the_request_s() -> None:
    pure = Pure()
    own = entry(config={"cacheKey": "config", "cacheTtl": 60, "metadata": {"a": 1}})
    asked = {"cf-aig-cache-key": "request"}
    assert [pure.send("", asked, universal(own), auth={}).cache for _ in range(2)] == ["MISS", "HIT"]
    pure.now += 60
    assert pure.send("", {"cf-aig-cache-key": "request"}, universal(own), auth={}).cache == "MISS"
    assert pure.gateway.log[0].metadata == {"a": 1}
    named = entry(headers={**own["headers"], "cf-aig-cache-key": "config", "cf-aig-skip-cache": True})
    assert pure.send("", body=universal(named), auth={}).cache == "MISS"


def test_each_entry_has_its_own_default_key() -> None:
    from aig_client.apps.emulator import GatewaySettings

    pure = Pure(EmulatorConfig(settings=GatewaySettings(caching=True)))
    slugs = ("openai", "groq") * 2
    outcomes = [pure.send("", body=universal(entry(slug)), auth={}).cache for slug in slugs]
    assert outcomes == ["MISS", "MISS", "HIT", "HIT"]
    assert len(pure.calls) == 2


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"[]", b"[1]", b'[{"provider": "openai"}]', b'[{"endpoint": "x"}]', b"\xff", b"[" * 100_000],
)
def test_a_universal_body_that_is_none_is_400(body: bytes) -> None:
    outcome = Pure().send("", body=body, auth={})
    assert (outcome.status, outcome.code) == (400, 2008)


def test_an_unknown_provider_in_an_entry_is_2008() -> None:
    outcome = Pure().send("", body=universal(entry("nobody")), auth={})
    assert (outcome.status, outcome.code) == (400, 2008)


# --- REST --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "provider"),
    [("openai/gpt-4.1", "openai"), ("xai/grok-3", "grok"), ("anthropic/claude-sonnet-4.5", "anthropic")],
)
def test_rest_chat_completions(model: str, provider: str) -> None:
    pure = Pure(TOKENS)
    outcome = rest(pure, "/v1/chat/completions", {**json.loads(chat()), "model": model})
    assert (outcome.status, outcome.json["object"], outcome.cache) == (200, "chat.completion", "MISS")
    assert (pure.gateway.log[0].provider, pure.gateway.log[0].gateway) == (provider, "default")


def test_rest_messages_and_responses_have_the_native_shapes() -> None:
    pure = Pure(TOKENS)
    message = {"model": "anthropic/claude-sonnet-4.5", "max_tokens": 50, "messages": [{"role": "user", "content": "x"}]}
    answer = rest(pure, "/v1/messages", message).json
    assert (answer["type"], answer["model"]) == ("message", "claude-sonnet-4-5")
    assert rest(pure, "/v1/responses", {"model": "openai/gpt-5", "input": "x"}).json["object"] == "response"


def test_rest_run_wraps_a_third_party_s_answer_twice() -> None:
    pure = Pure(TOKENS)
    asked = {"model": "openai/gpt-4.1", "input": {"messages": [{"role": "user", "content": "x"}]}}
    answer = rest(pure, "/run", asked).json
    assert answer["success"] is True
    assert (answer["result"]["state"], answer["result"]["gatewayMetadata"]) == ("Completed", {"keySource": "BYOK"})
    assert answer["result"]["result"]["object"] == "chat.completion"


@pytest.mark.parametrize("named", [True, False])
def test_rest_runs_workers_ai_through_a_named_gateway_only(named: bool) -> None:
    pure = Pure(TOKENS)
    header = {"cf-aig-gateway-id": "demo"} if named else {}
    for path, body in (
        ("/run/@cf/meta/llama-3.1-8b-instruct", {"prompt": "x"}),
        ("/run", {"model": "@cf/meta/llama-3.1-8b-instruct", "input": {"prompt": "x"}}),
    ):
        outcome = rest(pure, path, body, **header)
        assert outcome.status == 200
        assert ("cf-aig-log-id" in outcome.headers) is named
        assert pure.gateway.log[-1].collected is named


@pytest.mark.parametrize("token", ["gateway", "nobody", ""])
def test_rest_wants_workers_ai_read(token: str) -> None:
    outcome = rest(Pure(TOKENS), "/v1/chat/completions", json.loads(chat(model="openai/gpt-5")), token)
    assert outcome.status == 401
    assert outcome.json["errors"][0]["code"] == 10000
    assert outcome.json["result"] is None


def test_rest_knows_nine_headers_only() -> None:
    pure = Pure(TOKENS)
    body = json.loads(chat(model="openai/gpt-5"))
    priced = {"cf-aig-custom-cost": '{"total_cost": 5}', "cf-aig-byok-alias": "other", "cf-aig-metadata": '{"a": 1}'}
    assert rest(pure, "/v1/chat/completions", body, **priced).status == 200
    entry = pure.gateway.log[0]
    assert (entry.custom_cost, dict(entry.metadata)) == (False, {"a": 1})
    for cache in ("MISS", "HIT"):
        assert rest(pure, "/v1/chat/completions", body, **{"cf-aig-cache-key": "k"}).cache == cache


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/v1/chat/completions", {"model": "gpt-5"}, 404),
        ("/v1/chat/completions", {"model": "nobody/x"}, 404),
        ("/v1/chat/completions", {"model": "dynamic/mine"}, 404),
        ("/v1/messages", {"model": "openai/gpt-5"}, 404),
        ("/v1/embeddings", {"model": "openai/x"}, 404),
        ("/nothing", {}, 404),
        ("/run", [], 404),
    ],
)
def test_what_rest_lacks_is_a_v4_error(path: str, body: object, status: int) -> None:
    outcome = rest(Pure(TOKENS), path, body)
    assert (outcome.status, outcome.json["success"], outcome.json["errors"][0]["code"]) == (status, False, 7003)


def test_a_refused_stored_key_on_run_is_401_2009() -> None:
    pure = Pure(TOKENS, provider=failing(401))
    outcome = rest(pure, "/run", {"model": "openai/gpt-5", "input": {}})
    assert (outcome.status, outcome.json["errors"][0]["code"]) == (401, 2009)


# --- custom domains ----------------------------------------------------------------------------------------------


def test_a_custom_domain_is_one_gateway_without_ids_in_its_paths() -> None:
    pure = Pure(EmulatorConfig(custom_domains={"ai.example.com": "prod"}))
    for host in ("ai.example.com", "AI.example.com:8787"):
        request = GatewayRequest("POST", "/openai/chat/completions", headers={**KEY, "host": host}, body=chat())
        assert pure.serve(request).status == 200
        assert pure.gateway.log[-1].gateway == "prod"
    assert pure.serve(GatewayRequest("POST", "/openai/x", headers={**KEY, "host": "other"}, body=chat())).status == 404
    # REST does not work there (contract 3.6).
    elsewhere = GatewayRequest("POST", f"{REST}/run", headers={**KEY, "host": "ai.example.com"}, body=chat())
    assert pure.serve(elsewhere).code == 2008


def test_a_dynamic_route_is_not_walked() -> None:
    outcome = Pure().send("/compat/chat/completions", body=chat(model="dynamic/mine"))
    assert (outcome.status, outcome.code) == (400, 2005)
