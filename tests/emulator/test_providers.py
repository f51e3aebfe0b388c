"""The fake providers as a whole: every slug, its key, determinism, no request that breaks them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aig_client.apps.emulator._forms import Form
from aig_client.apps.emulator._messages import ProviderRequest
from aig_client.apps.emulator._routes import PROVIDERS
from aig_client.apps.emulator.providers import FakeProviders
from aig_client.apps.emulator.providers._text import Draft, Saying, ToolCall, Wish

from .providers.desk import KEYS, SCHEMA, Desk, Told

SLUGS = (*PROVIDERS, "custom-mine")
GENERATE = "/v1beta/models/gemini-3-flash:generateContent"
MESSAGE = {"model": "claude-sonnet-5-5", "max_tokens": 100, "messages": [{"role": "user", "content": "Hi"}]}
CHAT = {"model": "gpt-4.1-mini", "messages": [{"role": "user", "content": "Hi"}]}

# A request for each slug that its provider understands, as the contract's table has the path.
NATIVE: dict[str, tuple[str, dict[str, Any]]] = {
    "openai": ("/chat/completions", CHAT),
    "anthropic": ("/v1/messages", MESSAGE),
    "google-ai-studio": (GENERATE, {"contents": [{"parts": [{"text": "Hi"}]}]}),
    "google-vertex-ai": (
        "/v1/projects/p/locations/us-east4/publishers/google/models/gemini-3-flash:generateContent",
        {"contents": [{"parts": [{"text": "Hi"}]}]},
    ),
    "azure-openai": ("/res/gpt-4.1/chat/completions", {"messages": CHAT["messages"]}),
    "aws-bedrock": ("/bedrock-runtime/us-east-1/model/m/invoke", {"inputText": "Hi"}),
    "workers-ai": ("/@cf/meta/llama-3.1-8b-instruct", {"prompt": "Hi"}),
    "mistral": ("/v1/chat/completions", CHAT),
    "grok": ("/v1/chat/completions", CHAT),
    "cohere": ("/v1/chat", {"message": "Hi"}),
    "huggingface": ("/bigcode/starcoder", {"inputs": "Hi"}),
    "replicate": ("/predictions", {"version": "v", "input": {}}),
    "parallel": ("/v1beta/search", {"objective": "Hi"}),
    "fal": ("/fal-ai/fast-sdxl", {"prompt": "Hi"}),
    "ideogram": ("/v1/ideogram-v3/generate", {"prompt": "Hi"}),
    "cartesia": ("/tts/bytes", {"transcript": "Hi"}),
    "deepgram": ("/v1/speak", {"text": "Hi"}),
    "elevenlabs": ("/v1/text-to-speech/v", {"text": "Hi"}),
}
# How a key is shown (contract 3.2).
SHOWN: dict[str, tuple[str, str]] = {
    "anthropic": ("x-api-key", ""),
    "google-ai-studio": ("x-goog-api-key", ""),
    "azure-openai": ("api-key", ""),
    "aws-bedrock": ("authorization", "AWS4-HMAC-SHA256 Credential="),
    "cohere": ("authorization", "Token "),
    "parallel": ("x-api-key", ""),
    "fal": ("authorization", "Key "),
    "ideogram": ("api-key", ""),
    "cartesia": ("x-api-key", ""),
    "deepgram": ("authorization", "Token "),
    "elevenlabs": ("xi-api-key", ""),
}


def native(slug: str, key: str | None) -> Told:
    path, body = NATIVE.get(slug, ("/chat/completions", CHAT))
    name, prefix = SHOWN.get(slug, ("authorization", "Bearer "))
    headers = {} if key is None else {name: prefix + key}
    return Desk(FakeProviders(frozenset({"my-own"}))).ask(
        slug, path, body, headers=headers, more={"anthropic-version": "2023-06-01"}
    )


@pytest.mark.parametrize("slug", SLUGS)
def test_every_slug_answers_with_its_own_key(slug: str) -> None:
    for key in ("sk-test", "sk-test-two"):
        assert native(slug, key).status == 200
    assert slug == "aws-bedrock" or native(slug, "my-own").status == 200
    refusals = [native(slug, key) for key in ("real-key", "", None)]
    for refused in refusals:
        assert refused.status in (400, 401, 403)
        assert isinstance(refused.json, dict)
        assert b"real-key" not in refused.body


@pytest.mark.parametrize("slug", SLUGS)
def test_every_slug_speaks_chat_where_the_gateway_translates(slug: str) -> None:
    headers = {"authorization": "Bearer sk-test"}
    told = Desk().chat(slug, path="/some/base/chat/completions", dialect="chat", headers=headers)
    answer = told.json
    assert (answer["object"], answer["choices"][0]["finish_reason"]) == ("chat.completion", "stop")
    # One text for all of them: the request alone decides.
    assert answer["choices"] == Desk().chat().json["choices"]
    body = {"model": "m", "input": "a", "dimensions": 4}
    vectors = Desk().ask(slug, "/some/base/embeddings", body, dialect="chat", headers=headers)
    assert len(vectors.json["data"][0]["embedding"]) == 4
    assert Desk().ask(slug, "/x/chat/completions", CHAT, dialect="chat", headers={}).status == 401


def test_rest_has_responses_and_messages_where_it_translates() -> None:
    desk = Desk()
    answer = desk.ask("workers-ai", "/v1/responses", {"model": "@cf/x/y", "input": "Hi"}, dialect="chat").json
    assert answer["object"] == "response"
    assert desk.ask("workers-ai", "/v1/messages", MESSAGE, dialect="chat").json["type"] == "message"


def test_wrong_and_missing_keys_are_refused_in_each_provider_s_own_shape() -> None:
    for key in (None, "real-key"):
        assert native("openai", key).json["error"]["type"] == "invalid_request_error"
        assert native("anthropic", key).json["error"]["type"] == "authentication_error"
        assert native("workers-ai", key).json["errors"] == [{"code": 10000, "message": "Authentication error"}]
        assert native("mistral", key).json == {"detail": "Unauthorized"}
        assert native("google-vertex-ai", key).json["error"]["status"] == "UNAUTHENTICATED"
    # Google's studio and xAI answer a wrong key with 400.
    missing, wrong = native("google-ai-studio", None), native("google-ai-studio", "real-key")
    assert (missing.status, missing.json["error"]["status"]) == (403, "PERMISSION_DENIED")
    assert (wrong.status, wrong.json["error"]["details"][0]["reason"]) == (400, "API_KEY_INVALID")
    assert (native("grok", None).status, native("grok", "real-key").status) == (401, 400)
    other = Desk().chat(headers={"authorization": "Basic sk-test"})
    assert (other.status, other.json["error"]["code"]) == (401, "invalid_api_key")


def test_google_takes_its_key_in_the_query_too() -> None:
    body = {"contents": [{"parts": [{"text": "Hi"}]}]}
    assert Desk().ask("google-ai-studio", GENERATE, body, query="a=b&key=sk-test-1", headers={}).status == 200
    assert Desk().ask("google-ai-studio", GENERATE, body, query="key=real", headers={}).status == 400


def test_answers_are_a_function_of_the_request() -> None:
    assert Desk().chat().answer == Desk().chat().answer
    assert Desk().chat().body != Desk().chat(text="other").body


def test_no_header_shows_in_an_answer() -> None:
    plain = Desk().chat()
    noisy = Desk().chat(headers={"x-anything": "loud", "user-agent": "me", "authorization": "Bearer sk-test-9"})
    assert plain.body == noisy.body


def test_the_answers_that_our_documents_quote() -> None:
    whole = Desk().chat(text="Say hello.").json
    assert whole["usage"]["completion_tokens"] == 17
    assert Desk().chat().json["choices"][0]["message"]["content"].startswith("delta quarry willow yarrow cedar")


def test_providers_without_a_fake_say_so() -> None:
    told = Desk().ask("replicate", "/predictions", {"input": {}})
    assert (told.json["object"], told.json["provider"]) == ("emulator.answer", "replicate")
    assert told.body == Desk().ask("replicate", "/predictions", {"input": {}}).body
    assert told.body != Desk().ask("replicate", "/predictions", {"input": {"a": 1}}).body
    assert Desk().ask("replicate", "/predictions/x", method="GET", body=b"").status == 200
    assert Desk().ask("replicate", "/predictions/x", method="DELETE", body=b"").status == 405
    assert Desk().ask("replicate", "/p", {}, say="Said.").json["output"] == "Said."


def test_custom_providers_have_the_endpoints_that_many_copy() -> None:
    desk = Desk()
    assert desk.chat("custom-x", path="/deep/v9/chat/completions").json["object"] == "chat.completion"
    assert desk.ask("custom-x", "/v1/responses", {"model": "m", "input": "Hi"}).json["object"] == "response"
    assert desk.ask("custom-x", "/v1/messages", MESSAGE).json["type"] == "message"
    assert desk.ask("custom-x", "/v1/models", method="GET", body=b"").json["object"] == "list"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE"])
@pytest.mark.parametrize(
    ("slug", "path"),
    [
        ("openai", "/chat/completions"),
        ("anthropic", "/v1/messages"),
        ("google-ai-studio", GENERATE),
        ("workers-ai", "/@cf/a/b"),
        ("cohere", "/v2/chat"),
        ("perplexity-ai", "/search"),
    ],
)
def test_wrong_methods_are_refused(slug: str, path: str, method: str) -> None:
    assert Desk().ask(slug, path, method=method, body=b"").status in (404, 405)


@pytest.mark.parametrize(
    ("slug", "path"),
    [
        ("openai", "/nothing"),
        ("openai", ""),
        ("openai", "/v1/chat/completions/more"),
        ("anthropic", "/v2/x"),
        ("google-ai-studio", "/v1beta/models/x:nothing"),
        ("google-vertex-ai", GENERATE),
        ("groq", "/nothing"),
        ("workers-ai", "/nothing"),
    ],
)
def test_unknown_endpoints_are_the_provider_s_404(slug: str, path: str) -> None:
    told = Desk().ask(slug, path, {})
    # Cloudflare's API says 400 where it has no route.
    assert told.status == (400 if slug == "workers-ai" else 404)


@pytest.mark.parametrize(
    ("slug", "path", "body", "missing"),
    [
        ("openai", "/chat/completions", {"model": "x"}, "messages"),
        ("openai", "/responses", {"input": "x"}, "model"),
        ("openai", "/images/generations", {"model": "x"}, "prompt"),
        ("openai", "/audio/speech", {"model": "x", "input": "x"}, "voice"),
        ("anthropic", "/v1/messages", {"model": "x", "messages": [1]}, "max_tokens"),
        ("anthropic", "/v1/messages", {"max_tokens": 1, "messages": [1]}, "model"),
        ("anthropic", "/v1/messages", {"max_tokens": 1, "model": "x"}, "messages"),
        ("google-ai-studio", GENERATE, {}, "contents"),
    ],
)
def test_missing_fields_are_named(slug: str, path: str, body: object, missing: str) -> None:
    told = Desk().ask(slug, path, body)
    assert told.status == 400
    assert missing in told.json["error"]["message"]


NASTY = (
    b"",
    b"{",
    b"[]",
    b"null",
    b'"text"',
    b"\xff\xfe\x00",
    b'{"model": NaN}',
    b"[" * 200_000,
    b'{"messages":' + b"[" * 900 + b"]" * 900 + b', "model": "x"}',
    b'{"model": "x", "messages": [1e999], "input": 1e999, "temperature": 1e999, "contents": [1]}',
    b'{"model": "\\ud800", "messages": ["\\ud800"], "input": "\\ud800", "max_tokens": 3, "prompt": "\\ud800"}',
    b'{"model": 5, "messages": 5, "input": 5, "contents": 5, "max_tokens": "5", "prompt": 5, "query": 5}',
    b'{"model": "x", "messages": [5], "input": [null], "tools": [5, null], "tool_choice": "required"}',
    b'{"model": "x", "input": "x", "dimensions": 1000000000, "n": 1000000000, "prompt": "x"}',
    b'{"model": "x", "input": "x", "dimensions": true, "n": true, "prompt": "x"}',
    b'{"model": "x", "messages": [1], "max_tokens": ' + b"9" * 400 + b"}",
    b'{"model": ' + b"9" * 10_000 + b"}",
)
TARGETS = (
    ("openai", "/chat/completions"),
    ("openai", "/responses"),
    ("openai", "/embeddings"),
    ("openai", "/images/generations"),
    ("openai", "/audio/speech"),
    ("openai", "/audio/transcriptions"),
    ("openai", "/moderations"),
    ("anthropic", "/v1/messages"),
    ("anthropic", "/v1/messages/count_tokens"),
    ("google-ai-studio", GENERATE),
    ("google-ai-studio", GENERATE.replace("generate", "streamGenerate")),
    ("google-ai-studio", "/v1beta/models/m:embedContent"),
    ("google-ai-studio", "/v1beta/models/m:batchEmbedContents"),
    ("google-vertex-ai", "/v1/publishers/google/models/m:predict"),
    ("workers-ai", "/@cf/meta/llama"),
    ("workers-ai", "/@cf/baai/bge-m3"),
    ("workers-ai", "/@cf/openai/whisper"),
    ("cohere", "/v1/chat"),
    ("cohere", "/v2/chat"),
    ("cohere", "/v2/embed"),
    ("cohere", "/v2/rerank"),
    ("perplexity-ai", "/search"),
    ("parallel", "/v1beta/search"),
    ("huggingface", "/m"),
    ("replicate", "/x"),
)


@pytest.mark.parametrize("target", TARGETS, ids=str)
def test_bad_bodies_get_a_clean_error(target: tuple[str, str]) -> None:
    for body in NASTY:
        told = Desk().ask(*target, body=body)
        assert told.status in (200, 400, 422)
        assert isinstance(told.json, dict | list) or told.headers["content-type"].startswith("audio/")


# --- fuzz ------------------------------------------------------------------------------------------

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(min_value=-(10**6), max_value=10**20)
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(["ephemeral", "json_schema", "required", "any", "tool", "enabled", "text", "object", "array"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
FIELDS = (
    "messages",
    "model",
    "max_tokens",
    "stream",
    "tools",
    "tool_choice",
    "n",
    "response_format",
    "input",
    "prompt",
    "system",
    "cache_control",
    "thinking",
    "contents",
    "generationConfig",
    "toolConfig",
    "instances",
    "requests",
    "content",
    "voice",
    "text",
    "texts",
    "documents",
    "query",
    "message",
    "stream_options",
    "output_config",
    "reasoning",
    "partial_images",
    "size",
    "quality",
)
BODIES = st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=8)
WORDY = {
    "model": "gpt-5",
    "max_tokens": 9,
    "messages": [{"role": "user", "content": "Hi"}],
    "input": "x",
    "prompt": "x",
    "contents": [{"parts": [{"text": "x"}]}],
    "content": {"parts": []},
    "texts": ["x"],
    "query": "x",
    "message": "x",
    "voice": "alloy",
}


@settings(max_examples=250, deadline=None)
@given(target=st.sampled_from(TARGETS), body=BODIES, full=st.booleans(), say=st.none() | st.text(max_size=20))
def test_no_json_breaks_a_provider(target: tuple[str, str], body: dict[str, Any], full: bool, say: str | None) -> None:
    payload = {**WORDY, **body} if full else body
    told = Desk().ask(*target, body=json.dumps(payload).encode(), say=say)
    assert 200 <= told.status < 500
    assert told.answer == Desk().ask(*target, body=json.dumps(payload).encode(), say=say).answer


TEXT = st.text(max_size=30)


@settings(max_examples=250, deadline=None)
@given(
    provider=st.sampled_from(SLUGS) | TEXT,
    method=st.sampled_from(["GET", "POST", "PUT", ""]),
    path=st.sampled_from([path for _, path in TARGETS]) | TEXT,
    query=TEXT,
    headers=st.dictionaries(st.sampled_from([*KEYS, "content-type", "connection"]), TEXT, max_size=3),
    body=st.binary(max_size=60),
    payload=st.none() | BODIES,
    dialect=st.sampled_from(["native", "chat"]),
    now=st.floats(),
)
def test_no_request_breaks_a_provider(
    provider: str,
    method: str,
    path: str,
    query: str,
    headers: dict[str, str],
    body: bytes,
    payload: Any,
    dialect: Any,
    now: float,
) -> None:
    request = ProviderRequest(
        provider=provider,
        method=method,
        path=path,
        query=query,
        headers=tuple({**KEYS, **headers}.items()),
        body=body,
        payload=payload,
        dialect=dialect,
    )
    answer = FakeProviders().answer(request, now)
    assert 200 <= answer.status < 600
    assert all(isinstance(part, bytes) for part in answer.parts)


def test_a_schema_that_branches_without_end_is_answered_in_time() -> None:
    branch = {
        "type": "object",
        "required": list("abcdefgh"),
        "properties": {name: {"$ref": "#"} for name in "abcdefgh"},
    }
    tools = [{"type": "function", "function": {"name": "t", "parameters": branch}}]
    told = Desk().chat(tools=tools, tool_choice="required")
    assert len(told.body) < 200_000
    assert Desk().chat(response_format={"type": "json_schema", "json_schema": {"schema": SCHEMA}}).status == 200


def test_no_repr_shows_a_key_a_prompt_or_an_answer() -> None:
    values: tuple[object, ...] = (
        FakeProviders(frozenset({"hidden-key"})),
        Draft("d", (Saying(("hidden-answer",)),), 1, ToolCall("t", {"a": "hidden-answer"})),
        Wish(say="hidden-answer", value="hidden-answer"),
        Form({"file": b"hidden-prompt"}, {"prompt": "hidden-prompt"}, {"file": b"hidden-prompt"}),
        Desk().chat(say="hidden-answer").answer,
    )
    assert not [value for value in values if "hidden" in repr(value)]
