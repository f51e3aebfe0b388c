"""Routes, credentials, errors, headers and logs of the pure gateway."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

import aig_client
from aig_client.apps import emulator
from aig_client.apps.emulator import EmulatorConfig, GatewayRequest, GatewaySettings, ProviderAnswer
from aig_client.apps.emulator._messages import Break

from .driver import ACCOUNT, KEY, PREFIX, Pure, chat

GUARDED = EmulatorConfig(auth_tokens=frozenset({"local-token"}), stored_keys=frozenset({"openai", "anthropic"}))
TOKEN = {"cf-aig-authorization": "Bearer local-token"}


def test_error_shape_e1_exactly() -> None:
    outcome = Pure(GUARDED).send()
    assert outcome.status == 401
    assert json.loads(outcome.body) == {
        "success": False,
        "result": [],
        "messages": [],
        "error": [{"code": 2009, "message": "Unauthorized"}],
        "name": "AiGatewayError",
        "httpCode": 401,
        "internalCode": 2009,
        "description": "Unauthorized",
    }
    assert outcome.headers["content-type"] == "application/json"
    assert outcome.cache is None
    assert "cf-aig-log-id" not in outcome.headers
    assert outcome.headers["cf-aig-event-id"] == outcome.headers["cf-aig-request-id"]


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/nobody/chat/completions", 2008),
        ("/compat/models", 2008),
        ("/custom-/x", 2008),
        ("", 2008),
    ],
)
def test_unknown_provider_is_400_2008(path: str, code: int) -> None:
    outcome = Pure().send(path)
    assert (outcome.status, outcome.code) == (400, code)


def test_unknown_gateway_is_400_2001_when_the_existing_ones_are_listed() -> None:
    pure = Pure(EmulatorConfig(gateways={"demo": GatewaySettings()}))
    assert pure.send().status == 200
    outcome = pure.send(prefix=PREFIX.replace("demo", "other"))
    assert (outcome.status, outcome.code) == (400, 2001)
    assert Pure().send(prefix=PREFIX.replace("demo", "other")).status == 200


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/v1",
        f"/v2/{ACCOUNT}/demo/openai/models",
        f"/v1/{ACCOUNT.upper().replace('0', 'A')}/demo/openai/models",
        f"/v1/{ACCOUNT[:-1]}/demo/openai/models",
        f"/v1/{ACCOUNT}/{'g' * 65}/openai/models",
        f"/v1/{ACCOUNT}//openai/models",
        f"/v1/{ACCOUNT}/demo/openai/../anthropic/v1/messages",
        f"/v1/{ACCOUNT}/demo/openai/%2e%2E/x",
        f"/v1/{ACCOUNT}/demo/openai/a%2Fb",
        f"/v1/{ACCOUNT}/../openai/models",
        f"//v1/{ACCOUNT}/demo/openai/models",
        f"/v1/{ACCOUNT}/demo/OpenAI/models",
    ],
)
def test_what_is_no_gateway_url_is_a_plain_404(path: str) -> None:
    pure = Pure()
    outcome = pure.serve(GatewayRequest("GET", path, headers=KEY))
    assert outcome.status == 404
    assert not any(name.startswith("cf-aig-") for name in outcome.headers)


def test_gateway_ids_have_1_to_64_characters() -> None:
    pure = Pure()
    assert pure.send(prefix=f"/v1/{ACCOUNT}/{'g' * 64}").status == 200


@pytest.mark.parametrize("path", ["/openai/v1/chat/completions", "/openai/chat/completions/"])
def test_the_v1_trap_is_forgiven(path: str) -> None:
    assert Pure().send(path).status == 200


@pytest.mark.parametrize("model", ["openai/gpt-5", "anthropic/claude-sonnet-5-5", "google-ai-studio/gemini-3"])
def test_compat_takes_the_provider_from_the_model(model: str) -> None:
    pure = Pure()
    outcome = pure.send("/compat/chat/completions", body=chat(model=model))
    slug, _, name = model.partition("/")
    assert json.loads(outcome.body)["model"] == name
    assert json.loads(outcome.body)["object"] == "chat.completion"
    assert (pure.gateway.log[0].provider, pure.gateway.log[0].model) == (slug, name)
    for header in ("cf-aig-provider", "cf-aig-model"):
        assert header not in outcome.headers


@pytest.mark.parametrize(
    ("path", "body", "method"),
    [
        ("/compat/chat/completions", chat(model="gpt-5"), "POST"),
        ("/compat/chat/completions", chat(model="openai/"), "POST"),
        ("/compat/chat/completions", chat(model="nobody/x"), "POST"),
        ("/compat/chat/completions", chat(model=5), "POST"),
        ("/compat/chat/completions", b"{", "POST"),
        ("/compat/chat/completions", chat(model="openai/gpt-5"), "GET"),
        ("/compat/moderations", chat(model="openai/gpt-5"), "POST"),
        ("/compat", b"{}", "POST"),
    ],
)
def test_what_compat_cannot_do_is_400_2019(path: str, body: bytes, method: str) -> None:
    outcome = Pure().send(path, body=body, method=method)
    assert (outcome.status, outcome.code) == (400, 2019)


def test_compat_embeddings() -> None:
    body = json.dumps({"model": "openai/text-embedding-3-small", "input": "x", "dimensions": 3}).encode()
    outcome = Pure().send("/compat/embeddings", body=body)
    assert len(json.loads(outcome.body)["data"][0]["embedding"]) == 3


def test_response_headers_of_a_miss_and_a_hit() -> None:
    pure = Pure()
    for status in ("MISS", "HIT"):
        headers = pure.send(headers={"cf-aig-cache-key": "k"}).headers
        log_id = headers["cf-aig-log-id"]
        assert {name: value for name, value in headers.items() if name.startswith("cf-aig-")} == {
            "cf-aig-cache-status": status,
            "cf-aig-log-id": log_id,
            "cf-aig-event-id": log_id,
            "cf-aig-request-id": log_id,
            "cf-aig-step": "0",
        }
        parsed = uuid.UUID(log_id)
        assert (parsed.version, parsed.variant, str(parsed)) == (7, uuid.RFC_4122, log_id)


def test_the_event_id_of_the_caller_comes_back() -> None:
    pure = Pure()
    for headers in ({"cf-aig-event-id": "mine"}, {"cf-aig-event-id": "mine", "cf-aig-cache-key": "k"}) * 2:
        answer = pure.send(headers=headers).headers
        assert answer["cf-aig-event-id"] == "mine"
        assert answer["cf-aig-request-id"] == answer["cf-aig-log-id"] != "mine"


def test_an_unreachable_provider_is_400_2005() -> None:
    pure = Pure(provider=lambda _request: ProviderAnswer(200, (), (Break(),)))
    outcome = pure.send()
    assert (outcome.status, outcome.code) == (400, 2005)


def test_the_log_holds_names_and_no_secret_and_no_prompt() -> None:
    pure = Pure(GUARDED)
    secret = {"cf-aig-metadata": '{"team":"x"}', "cf-aig-cache-key": "k", "x-secret": "hidden-value", **TOKEN}
    pure.send(headers=secret, body=chat("a very private prompt"), query="key=sk-test-in-query")
    entry = pure.gateway.log[0]
    assert entry.header_names == ("authorization", *sorted(secret))
    assert entry.cf_aig == {
        "cf-aig-authorization": "[redacted]",
        "cf-aig-cache-key": "k",
        "cf-aig-metadata": '{"team":"x"}',
    }
    seen = repr([(e, dict(e.cf_aig)) for e in pure.gateway.log]) + repr(pure.gateway.provider_calls)
    for word in ("private", "sk-test", "local-token", "hidden-value"):
        assert word not in seen


def test_no_secret_is_in_a_repr() -> None:
    pure = Pure(EmulatorConfig(auth_tokens=frozenset({"local-token"}), provider_keys=frozenset({"my-key"})))
    request = pure.request(headers=TOKEN, auth={"authorization": "Bearer my-key"}, query="key=my-key")
    seen = repr([pure.config, request, pure.begin(request)])
    assert "local-token" not in seen
    assert "my-key" not in seen


def test_both_logs_are_bounded() -> None:
    pure = Pure(EmulatorConfig(log_entries=5))
    for number in range(20):
        pure.send(headers={f"x-{name}": "v" for name in range(500)} | {"cf-aig-event-id": f"{number}" * 5000})
    assert (len(pure.gateway.log), len(pure.gateway.provider_calls)) == (5, 5)
    assert all(len(entry.header_names) <= 128 for entry in pure.gateway.log)
    assert all(len(value) <= 2048 for entry in pure.gateway.log for value in entry.cf_aig.values())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("account", "ABC"),
        ("gateway", "a/b"),
        ("gateway", ""),
        ("gateways", {"other": GatewaySettings()}),
        ("auth_tokens", frozenset({""})),
        ("stored_keys", frozenset({"openai"})),
        ("unified_billing", True),
        ("custom_domains", {"AI.example.com": "demo"}),
        ("cache_entries", 0),
        ("latency_ms", -1.0),
        ("latency_ms", float("nan")),
        ("upstreams", {"nobody": "http://127.0.0.1:1"}),
        ("upstreams", {"openai": "ftp://127.0.0.1:1"}),
        ("upstreams", {"openai": "http://user:pw@127.0.0.1:1"}),
        ("upstreams", {"openai": "http://127.0.0.1:1/?a=b"}),
    ],
)
def test_a_setting_that_cannot_act_is_refused(field: str, value: object) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (many messages)
        EmulatorConfig(**{field: value})  # type: ignore[arg-type]


def test_the_public_surface() -> None:
    assert emulator.__all__ == sorted(emulator.__all__)
    assert sorted(emulator._HOMES) == emulator.__all__
    assert all(hasattr(emulator, name) for name in emulator.__all__)


@pytest.mark.parametrize(
    ("what", "not_loaded"),
    [
        ("from aig_client.apps.emulator import Gateway", ("starlette", "uvicorn", "httptools", "httpx", "anyio")),
        ("from aig_client.apps.emulator import serve_in_thread", ("httpx", "httpx2", "httpcore", "pydantic", "rich")),
    ],
    ids=["gateway", "server"],
)
def test_what_is_not_needed_is_not_loaded(what: str, not_loaded: tuple[str, ...]) -> None:
    script = f"import sys; {what}; print([name for name in {not_loaded!r} if name in sys.modules])"
    source = str(Path(aig_client.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": source},
        check=True,
    )
    assert done.stdout == "[]\n"


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = emulator.nothing  # type: ignore[attr-defined]
