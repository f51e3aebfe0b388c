"""What a caller of the edge may not get past: models and bounds in other places, unread bodies, other URLs."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from aig_client.core import ConfigurationError, Plan
from aig_client.core._depth import crowded
from aig_client.core.path._admit import most_of
from aig_client.core.path._edge import Edge, EdgeRefused, arrive
from aig_client.core.path._edge_asked import VALUES_MAX, asked_at, planned_at
from aig_client.core.path._edge_document import edge_from_text
from aig_client.core.path._ledger import Amounts, Limit
from aig_client.core.path._read import Call

from ..worker.edges import document

CLASSES: dict[str, Any] = {
    "capped": {"limits": {"max_output_tokens": 64}},
    "bare": {"tools": "deny"},
    "strict": {"strategy": "fixed", "targets": ["openrouter/z-ai/glm-5.3"], "asked_model": "check"},
}
READ = edge_from_text(document(classes=CLASSES).encode())
EDGE = Edge(
    account_id="0123456789abcdef0123456789abcdef",
    gateway_id="prod",
    principals=READ.principals,
    policy=READ.policy,
    token="cloudflare-token",
    secret=b"0123456789abcdef0123456789abcdef",
)
WHO = {one.name: one for one in READ.principals}
JSON = ("content-type", "application/json")
HI: list[Any] = [{"role": "user", "content": "Hello"}]
CHAT = "/openai/chat/completions"
DEEPSEEK = "/deepseek/chat/completions"
TOKENS = [Limit(what="tokens", limit=10**9, window=60)]
MONEY = [*TOKENS, Limit(what="nanodollars", limit=10**15, window=60)]


def came(
    body: Any,
    path: str = CHAT,
    who: str = "acme",
    *,
    models: tuple[str, ...] = (),
    query: str = "",
    headers: Any = (),
    content_type: str = "application/json",
) -> tuple[Call, Plan]:
    # One of the catalog has to be among them, or the policy would have nothing to choose from.
    principal = replace(WHO[who], models=(*models, "openai/gpt-5-nano") if models else ())
    edge = replace(EDGE, principals=(principal,))
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    arrival = arrive(edge, path=path, query=query, headers=[("content-type", content_type), *headers])
    asked = asked_at(edge, arrival, principal, method="POST", body=content, today="2026-11-21")
    return planned_at(edge, principal, *asked)


def code(*arguments: Any, **options: Any) -> str | None:
    """Why it is refused; None where it is not."""
    try:
        came(*arguments, **options)
    except EdgeRefused as refused:
        return refused.code
    return None


def most(*arguments: Any, limits: list[Limit] = TOKENS, **options: Any) -> Amounts:
    found = most_of(*came(*arguments, **options), limits)
    assert found is not None
    return found


def entry(provider: str, endpoint: str, **query: Any) -> list[dict[str, Any]]:
    return [{"provider": provider, "endpoint": endpoint, "query": query}]


# --- Where it goes ---


def test_no_header_puts_another_url_in_place_of_the_one_that_was_looked_at() -> None:
    target = ("x-fal-target-url", "https://queue.fal.run/fal-ai/veo3")
    plan = came({"model": "m", "messages": HI}, "/fal/chat/completions", headers=[target])[1]
    assert not [name for name, _ in plan.headers if name.lower() == b"x-fal-target-url"]


@pytest.mark.parametrize("path", ["/openai/files%3Fx=/chat/completions", "/openai/files%23/chat/completions"])
def test_a_path_does_not_end_before_its_end(path: str) -> None:
    assert code({"model": "gpt-5", "messages": HI}, path) == "not_found"


def test_google_s_system_parameters_stay_here() -> None:
    path = "/google-ai-studio/v1beta/models/gemini-3-flash:generateContent"
    sent = "%24userProject=p&$httpHeaders=x&quotaUser=q&alt=sse&$alt=json&%24key=k"
    assert came({"contents": []}, path, query=sent)[1].url.endswith(":generateContent?alt=sse&$alt=json")
    assert came({"contents": []}, path, query="$userProject=p")[1].url.endswith(":generateContent")


@pytest.mark.parametrize(("credential", "goes"), [("authorization", True), ("xi-api-key", False)])
def test_an_organisation_is_chosen_with_its_own_key_alone(credential: str, goes: bool) -> None:
    headers = [
        ("cf-aig-authorization", "Bearer aig_keyed_0123456789abcdef"),
        (credential, "Bearer sk-own"),
        ("openai-organization", "org-1"),
    ]
    plan = came({"model": "gpt-5", "messages": HI}, who="keyed", headers=headers)[1]
    assert ("openai-organization" in {name.decode().lower() for name, _ in plan.headers}) is goes


# --- Which model ---


@pytest.mark.parametrize(
    ("path", "own", "more"),
    [
        ("/openrouter/chat/completions", "openrouter/a", {"models": ["openai/gpt-5-pro"]}),
        ("/anthropic/v1/messages", "anthropic/a", {"max_tokens": 9, "fallbacks": [{"model": "claude-opus-4-1"}]}),
        ("/replicate/predictions", "replicate/a", {"version": "b"}),
        ("/cartesia/tts/bytes", "cartesia/a", {"model_id": "b"}),
        ("/openai/responses", "openai/a", {"input": "x", "tools": [{"type": "image_generation", "model": "b"}]}),
        ("/huggingface/org/b/v1/chat/completions", "huggingface/a", {}),
    ],
)
def test_no_model_is_asked_beside_the_one_that_is_allowed(path: str, own: str, more: dict[str, Any]) -> None:
    body = {"model": "a", "messages": HI, **more}
    assert code(body, path, models=(own,)) == "forbidden_model"
    provider, _, endpoint = path[1:].partition("/")
    if provider != "huggingface":
        assert code({**body, **dict.fromkeys(more)}, path, models=(own,)) is None
        assert code(entry(provider, endpoint, **body), "", models=(own,)) == "forbidden_model"


def test_nor_in_a_query() -> None:
    own, body = ("deepgram/a",), {"model": "a", "url": "https://a.example/x.wav"}
    assert code(body, "/deepgram/v1/listen", models=own) is None
    assert code(body, "/deepgram/v1/listen", models=own, query="model=b") == "forbidden_model"
    assert code(body, "/deepgram/v1/listen", models=own, query="m%6Fdel=b") == "forbidden_model"


def test_a_class_that_checks_models_checks_those_beside_too() -> None:
    body = {"model": "z-ai/glm-5.3", "messages": HI}
    path = "/c/strict/openrouter/chat/completions"
    assert code(body, path) is None
    assert code({**body, "models": ["openai/gpt-5-pro"]}, path) == "forbidden_model"
    listed = entry("openrouter", "chat/completions", **body, models=["openai/gpt-5-pro"])
    assert code(listed, "/c/strict") == "forbidden_model"


@pytest.mark.parametrize("endpoint", ["./a/b/chat/completions", "a/./chat/completions", "a/../chat/completions"])
def test_no_dots_bend_the_path_of_an_entry(endpoint: str) -> None:
    assert code(entry("azure-openai", endpoint, messages=HI), "") == "forbidden_endpoint"


def test_a_custom_provider_has_a_plain_name() -> None:
    assert code(entry("custom-mine", "chat/completions", model="m", messages=HI), "") is None
    assert code(entry("custom-../../x", "chat/completions", model="m", messages=HI), "") == "forbidden_provider"


def test_nor_where_the_edge_chooses_the_model() -> None:
    own = ("openai/gpt-5-nano",)
    image = {"tools": [{"type": "image_generation", "model": "gpt-image-1"}]}
    for model in ({"model": "aig/auto"}, {}):
        assert code({**model, "input": "x"}, "/openai/responses", models=own) is None
        assert code({**model, "input": "x", **image}, "/openai/responses", models=own) == "forbidden_model"
    assert code({"messages": HI}, models=own, query="model=gpt-5-pro") == "forbidden_model"


@pytest.mark.parametrize(
    "more",
    [
        {"tools": [{"type": "openrouter:image_generation", "parameters": {"model": "b"}}]},
        {"plugins": [{"id": "auto-router", "allowed_models": ["b"]}]},
        {"preset": "b"},
    ],
)
def test_nor_in_what_openrouter_has_of_its_own(more: dict[str, Any]) -> None:
    body = {"model": "a", "messages": HI}
    assert code(body, "/openrouter/chat/completions", models=("openrouter/a",)) is None
    assert code({**body, **more}, "/openrouter/chat/completions", models=("openrouter/a",)) == "forbidden_model"


@pytest.mark.parametrize(
    ("path", "body", "query"),
    [
        ("/cartesia/tts/bytes", {"model_id": "a", "transcript": "x"}, ""),
        ("/deepgram/v1/listen", {"url": "https://a.example/x.wav"}, "model=a&version=latest"),
        ("/replicate/predictions", {"version": "a", "input": {}}, ""),
    ],
)
def test_a_model_is_known_where_its_host_reads_it(path: str, body: dict[str, Any], query: str) -> None:
    provider = path.split("/")[1]
    assert code(body, path, models=(f"{provider}/a",), query=query) is None
    assert code(body, path, models=(f"{provider}/b",), query=query) == "forbidden_model"
    assert code({}, path, models=(f"{provider}/a",)) == "forbidden_model"


@pytest.mark.parametrize(
    ("provider", "endpoint"),
    [("azure-openai", "res/dep/chat/completions"), ("huggingface", "org/m/v1/chat/completions")],
)
def test_a_path_that_names_a_deployment_is_where_the_request_goes(provider: str, endpoint: str) -> None:
    for providers in ((), (provider,), (provider, "openai")):
        principal = replace(WHO["acme"], providers=providers)
        edge = replace(EDGE, principals=(principal,))
        arrival = arrive(edge, path=f"/{provider}/{endpoint}", query="api-version=1", headers=[JSON])
        body = json.dumps({"messages": HI}).encode()
        asked = asked_at(edge, arrival, principal, method="POST", body=body, today="2026-11-21")
        plan = planned_at(edge, principal, *asked)[1]
        assert (plan.selection, plan.body) == (None, None)
        assert plan.url.endswith(f"/{provider}/{endpoint}?api-version=1")


def test_a_principal_may_have_models_that_no_catalog_knows() -> None:
    principal = replace(WHO["acme"], models=("azure-openai/dep",))
    edge = replace(EDGE, principals=(principal,))

    def ask(path: str) -> str | None:
        arrival = arrive(edge, path=path, query="", headers=[JSON])
        asked = asked_at(edge, arrival, principal, method="POST", body=b'{"messages": []}', today="2026-11-21")
        try:
            planned_at(edge, principal, *asked)
        except EdgeRefused as refused:
            return refused.code
        return None

    assert ask("/azure-openai/res/dep/chat/completions") is None
    assert ask("/azure-openai/res/other/chat/completions") == "forbidden_model"
    assert ask(CHAT) == "no_model", "nothing that is chosen is among its models"
    slip = replace(WHO["acme"], models=("openai/gpt5nano",))
    with pytest.raises(ConfigurationError, match="none that the policy knows"):
        replace(EDGE, principals=(slip,)).rules_of(slip)


def test_an_endpoint_at_vertex_is_what_answers() -> None:
    own = ("google-vertex-ai/google/gemini-2.5-flash",)
    body = {"model": "google/gemini-2.5-flash", "messages": HI}
    place = "v1/projects/p/locations/l/endpoints"
    assert code(body, f"/google-vertex-ai/{place}/openapi/chat/completions", models=own) is None
    assert code(body, f"/google-vertex-ai/{place}/999/chat/completions", models=own) == "forbidden_model"
    entered = entry("google-vertex-ai", f"{place}/999/chat/completions", **body)
    assert code(entered, "", models=own) == "forbidden_model"


def test_an_entry_may_say_its_version_and_its_format() -> None:
    azure = "res/dep/chat/completions?api-version=2024-10-21"
    gemini = "v1beta/models/gemini-3-flash:streamGenerateContent?alt=sse"
    assert code(entry("azure-openai", azure, messages=HI), "") is None
    assert code(entry("google-ai-studio", gemini, contents=[]), "") is None
    for query in (
        "key=k",
        "alt=sse&$userProject=p",
        "model=b",
        "alt=sse#x",
        "alt=a b",
        "alt=%0d",
        "alt=x?key=k",
        "alt",
    ):
        refused = entry("azure-openai", f"res/dep/chat/completions?{query}", messages=HI)
        assert code(refused, "") == "forbidden_endpoint"


@pytest.mark.parametrize(("query", "body"), [("queueRequest=true", {"prompt": "x"}), ("", {"request_id": "r"})])
def test_what_workers_ai_keeps_for_later_is_nobody_s_with_our_key(query: str, body: dict[str, Any]) -> None:
    path = "/workers-ai/@cf/meta/llama"
    assert code({"prompt": "x"}, path) is None
    assert code(body, path, query=query) == "forbidden_endpoint"
    assert code({"requests": [{"prompt": "x"}]}, path) == "forbidden_endpoint"
    assert code(entry("workers-ai", "@cf/meta/llama", requests=[{"prompt": "x"}]), "") == "forbidden_endpoint"
    for credential, found in (("authorization", None), ("xi-api-key", "forbidden_endpoint")):
        keyed = [("cf-aig-authorization", "Bearer aig_keyed_0123456789abcdef"), (credential, "Bearer own")]
        assert code(body, path, who="keyed", query=query, headers=keyed) == found


# --- How much comes out ---


@pytest.mark.parametrize(
    ("path", "body", "sent"),
    [
        (CHAT, {"model": "gpt-5", "max_completion_tokens": 1000}, {"max_completion_tokens": 64}),
        (CHAT, {"model": "gpt-5", "max_tokens": 10}, {"max_tokens": 10}),
        (DEEPSEEK, {"model": "m", "max_completion_tokens": 1}, {"max_tokens": 1}),
        (DEEPSEEK, {"model": "m", "max_completion_tokens": 100}, {"max_tokens": 64}),
        ("/compat/chat/completions", {"model": "openai/gpt-5"}, {"max_completion_tokens": 64}),
        ("/compat/chat/completions", {"model": "deepseek/x", "max_completion_tokens": 5}, {"max_tokens": 5}),
    ],
)
def test_a_cap_stands_where_its_host_reads_it(path: str, body: dict[str, Any], sent: dict[str, int]) -> None:
    plan = came({**body, "messages": HI}, f"/c/capped{path}")[1]
    left = json.loads(plan.body) if plan.body is not None else body
    assert {name: value for name, value in left.items() if name.startswith("max_")} == sent


@pytest.mark.parametrize(
    ("path", "body"),
    [
        *((CHAT, {"model": "gpt-5", "messages": HI, "max_tokens": bad}) for bad in ("100000", "9", -1, 0, 1.5, True)),
        ("/openrouter/chat/completions", {"model": "m", "prompt": "x"}),
        ("/openrouter/chat/completions", {"model": "m", "prompt": "x", "max_tokens": 65}),
        ("/openai/completions", {"model": "gpt-5-nano", "prompt": "x"}),
        (
            "/google-ai-studio/v1beta/models/gemini-3-flash:generateContent",
            {"contents": [{}], "generationConfig": {}, "generation_config": {"max_output_tokens": 100_000}},
        ),
        (
            "/google-vertex-ai/v1/projects/p/locations/l/publishers/mistral/models/m:rawPredict",
            {"messages": HI, "max_tokens": 100_000},
        ),
        (
            "/anthropic/v1/messages",
            {
                "model": "claude-haiku-5-5",
                "messages": HI,
                "max_tokens": 9,
                "fallbacks": [{"model": "claude-opus-4-1", "max_tokens": 32_000}],
            },
        ),
        (
            "/anthropic/v1/messages",
            {
                "model": "claude-haiku-5-5",
                "messages": HI,
                "max_tokens": 64,
                "thinking": {"type": "enabled", "budget_tokens": 150_000},
            },
        ),
        (
            "/aws-bedrock/bedrock-runtime/us-east-1/model/x/converse",
            {
                "messages": HI,
                "inferenceConfig": {"maxTokens": 64},
                "additionalModelRequestFields": {"max_tokens": 100_000},
            },
        ),
        (
            "/google-vertex-ai/v1/projects/p/locations/l/endpoints/9:predict",
            {"instances": [{"messages": HI, "max_tokens": 100_000}], "parameters": {"maxOutputTokens": 9}},
        ),
        ("", entry("deepseek", "chat/completions", model="m", messages=HI)),
        ("", entry("deepseek", "chat/completions", model="m", messages=HI, maxTokens=1)),
        ("", entry("deepseek", "chat/completions", model="m", messages=HI, input={"max_tokens": 1})),
        ("", entry("deepseek", "chat/completions", model="m", messages=HI, max_tokens=-1)),
        ("", entry("aws-bedrock", "bedrock-runtime/us-east-1/model/x/converse", messages=HI)),
    ],
)
def test_a_class_bounds_what_leaves_and_not_what_it_looked_at(path: str, body: Any) -> None:
    assert code(body, f"/c/capped{path}") == "forbidden_output"


def test_counting_tokens_needs_no_bound() -> None:
    place = "/google-vertex-ai/v1/projects/p/locations/l/publishers/anthropic/models"
    body = {"model": "claude-haiku-4-5", "messages": HI}
    assert code(body, f"/c/capped{place}/count-tokens:rawPredict") is None
    assert most(body, f"{place}/count-tokens:rawPredict").tokens == 2


@pytest.mark.parametrize("kind", ["application/octet-stream", "image/png", "multipart/form-data; boundary=x"])
def test_no_body_of_a_run_passes_unread_by_saying_that_it_is_a_file(kind: str) -> None:
    body = {"toolConfig": {"tools": [{}]}, "inferenceConfig": {"maxTokens": 64_000}}
    converse = "/aws-bedrock/bedrock-runtime/us-east-1/model/x/converse"
    whisper = "/workers-ai/run/@cf/openai/whisper"
    assert code(body, converse, content_type=kind) == "unsupported_type"
    assert code(body, "/replicate/predictions", content_type=kind) == "unsupported_type"
    assert code(b"RIFF", whisper, content_type=kind) is None
    for route_class in ("capped", "bare"):
        assert code(b"RIFF", f"/c/{route_class}{whisper}", content_type=kind) == "unsupported_type"


@pytest.mark.parametrize(
    "query",
    [
        {"connectors": [{"id": "web"}]},
        {"search_parameters": {"mode": "on"}},
        {"plugins": [{"id": "web"}]},
        {"tools": [{"type": "function"}]},
    ],
)
def test_a_class_without_tools_has_none_in_entries_either(query: dict[str, Any]) -> None:
    (member,) = query
    provider, endpoint = {
        "connectors": ("cohere", "v2/chat"),
        "search_parameters": ("grok", "v1/chat/completions"),
        "plugins": ("openrouter", "chat/completions"),
        "tools": ("openai", "chat/completions"),
    }[member]
    body = {"model": "m", "messages": HI}
    assert code(entry(provider, endpoint, **body), "/c/bare") is None
    assert code(entry(provider, endpoint, **body, **query), "/c/bare") == "refused"
    assert code({**body, **query}, f"/c/bare/{provider}/{endpoint}") == "refused"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/openrouter/responses", {"model": "m", "input": "x", "plugins": [{"id": "web"}]}),
        ("/openrouter/messages", {"model": "m", "messages": HI, "max_tokens": 9, "plugins": [{"id": "web"}]}),
        ("/openrouter/completions", {"model": "m", "prompt": "x", "plugins": [{"id": "web"}]}),
        ("/openrouter/chat/completions", {"model": "openai/gpt-5:online", "messages": HI}),
        ("/grok/v1/messages", {"model": "m", "messages": HI, "max_tokens": 9, "search_parameters": {"mode": "on"}}),
        ("/custom-mine/v1/chat/completions", {"model": "m", "messages": HI, "plugins": [{"id": "web"}]}),
        (
            "/aws-bedrock/bedrock-runtime/us-east-1/model/x/converse",
            {"messages": HI, "additionalModelRequestFields": {"tools": [{"name": "bash"}]}},
        ),
        (
            "/google-vertex-ai/v1/projects/p/locations/l/endpoints/9:predict",
            {"instances": [{"messages": HI, "tools": [{"type": "function"}]}]},
        ),
    ],
)
def test_a_class_without_tools_has_none_by_another_name(path: str, body: dict[str, Any]) -> None:
    assert code(body, path) is None
    assert code(body, f"/c/bare{path}") == "refused"


def test_tools_of_bedrock_are_taken_out_where_a_class_strips_them() -> None:
    body = {"messages": HI, "toolConfig": {"tools": [{}]}, "inferenceConfig": {"maxTokens": 50}}
    plan = came(body, "/c/summary/aws-bedrock/bedrock-runtime/us-east-1/model/x/converse")[1]
    assert plan.body is not None
    assert "toolConfig" not in json.loads(plan.body)


# --- The most that is held ---


def test_a_bound_counts_where_its_host_reads_it() -> None:
    model = {"model": "deepseek-chat", "messages": HI}
    assert most({**model, "max_tokens": 8000}, DEEPSEEK).tokens == 8002
    assert most({**model, "max_completion_tokens": 1, "max_tokens": 8000}, DEEPSEEK).tokens == 8002
    assert most({**model, "max_completion_tokens": 1}, DEEPSEEK).tokens > 4096
    assert most({**model, "max_tokens": 10, "maxTokens": 70_000}, DEEPSEEK).tokens == 70_002


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/openai/completions", {"model": "of-nobody", "prompt": "Hello", "max_tokens": 100_000}),
        ("/mistral/v1/fim/completions", {"model": "of-nobody", "prompt": "Hello", "max_tokens": 100_000.0}),
        (
            "/aws-bedrock/bedrock-runtime/us-east-1/model/x/converse",
            {"messages": HI, "inferenceConfig": {"maxTokens": 100_000}},
        ),
        (
            "/google-vertex-ai/v1/projects/p/locations/l/publishers/anthropic/models/x:rawPredict",
            {"anthropic_version": "x", "messages": HI, "max_tokens": 100_000},
        ),
    ],
)
def test_what_is_asked_for_is_held_wherever_it_stands(path: str, body: Any) -> None:
    assert most(body, path).tokens in range(100_002, 100_020)


def test_each_question_and_each_answer_is_held() -> None:
    path = "/google-vertex-ai/v1/projects/p/locations/l/endpoints/9:predict"
    asked = {"messages": HI, "max_tokens": 10_000, "n": 8}
    assert most({"instances": [asked] * 3}, path).tokens >= 3 * 8 * 10_000
    thinking = {"type": "enabled", "budget_tokens": 50_000}
    body = {"model": "claude-haiku-5-5", "messages": HI, "max_tokens": 64, "thinking": thinking}
    assert most(body, "/anthropic/v1/messages").tokens >= 50_000


LONG = "word " * 200_000
SOUND = {"data": "A" * 1_000_000, "format": "wav"}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (
            "/google-ai-studio/v1beta/models/gemini-3-flash:generateContent",
            {"contents": [{"parts": [{"text": "a"}, {"inlineData": {"mimeType": "text/plain", "data": "A" * 10**6}}]}]},
        ),
        (
            "/anthropic/v1/messages",
            {
                "model": "x",
                "max_tokens": 5,
                "messages": [
                    {"role": "assistant", "content": [{"type": "tool_use", "input": {"r": [100_000_000] * 100_000}}]}
                ],
            },
        ),
        ("/workers-ai/run/@cf/meta/x", {"input": {"x": "y"}, "messages": [{"content": LONG}], "max_tokens": 5}),
        (
            "/cohere/v2/chat",
            {
                "model": "m",
                "max_tokens": 5,
                "messages": [{"role": "tool", "content": [{"type": "document", "document": {"data": LONG}}]}],
            },
        ),
        (
            CHAT,
            {"model": "m", "max_tokens": 5, "messages": [{"content": [{"type": "file", "file": {"file_data": LONG}}]}]},
        ),
        ("", entry("openai", "chat/completions", model="m", messages=[{"content": LONG}], query={"messages": []})),
    ],
)
def test_what_was_not_seen_as_text_is_held_as_text(path: str, body: Any) -> None:
    assert most(body, path).tokens > 240_000


@pytest.mark.parametrize(
    "block",
    [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 1_000_000}},
        {"type": "input_audio", "input_audio": SOUND},
    ],
)
def test_pictures_and_sounds_are_held_as_such(block: dict[str, Any]) -> None:
    body = {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": [block]}]}
    assert most(body).tokens < 2000
    listed = {"image": ["A" * 500_000, "A" * 500_000], "prompt": "a cat", "max_tokens": 5}
    assert most(listed, "/workers-ai/run/@cf/meta/x").tokens < 3000


def test_an_entry_hides_nothing_in_what_looks_like_a_wrapped_body() -> None:
    body = {"model": "deepseek-chat", "messages": HI, "max_tokens": 8000, "n": 8}
    plain = most(entry("deepseek", "chat/completions", **body), "", limits=MONEY)
    hidden = {**body, "query": {"messages": [], "max_tokens": 1}}
    found = most(entry("deepseek", "chat/completions", **hidden), "", limits=MONEY)
    assert found.tokens >= plain.tokens >= 64_000
    assert found.nanodollars >= plain.nanodollars


def test_models_to_fall_back_to_are_held_at_their_prices() -> None:
    body = {"model": "claude-haiku-5-5", "max_tokens": 10, "messages": HI}
    cheap = most(body, "/anthropic/v1/messages", limits=MONEY)
    dear = {**body, "fallbacks": [{"model": "claude-opus-4-1", "max_tokens": 32_000}]}
    assert most(dear, "/anthropic/v1/messages", limits=MONEY).nanodollars > 100 * cheap.nanodollars
    dearer = {**body, "fallbacks": [{"model": "claude-opus-4-1"}]}
    assert most(entry("anthropic", "v1/messages", **dearer), "", limits=MONEY).nanodollars > 2 * cheap.nanodollars


# --- Bodies of many values ---


def test_a_body_of_more_values_than_an_isolate_holds_is_not_read() -> None:
    many = b'{"messages":[],"x":[' + b"{}," * VALUES_MAX + b"{}]}"
    assert code(many) == "too_large"
    pixels = {"prompt": "What is this?", "image": [255] * 500_000}
    assert code(pixels, "/workers-ai/@cf/llava-hf/llava-1.5-7b-hf") is None
    assert code({"model": "gpt-5", "messages": [{"role": "user", "content": "{}," * VALUES_MAX}]}) is None
    assert code(b"," * VALUES_MAX, "/workers-ai/run/@cf/openai/whisper", content_type="audio/wav") is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (b"[{},{}]", True),
        (b"[1,2,3,4,5,6,7,8]", False),  # four items of a list count as one value
        (b"[1,2,3,4,5,6,7,8,9]", True),
        (b'{"a":1,"b":2}', True),
        (b'["a:b:c{[", 2]', False),
        (b'["\\":::::"]', False),
        (b'["\\\\",{},[]]', True),
        (b'"' + b"," * 9, False),
        (b"", False),
    ],
)
def test_what_stands_in_a_text_is_no_value(text: bytes, found: bool) -> None:
    assert crowded(text, 2) is found


# --- Names ---


@pytest.mark.parametrize("name", ["", "a" * 97, "é", "a\nb", " a", "a "])
def test_a_principal_has_a_name_that_a_header_can_carry(name: str) -> None:
    plain = json.loads(document())
    plain["principals"] = {name: plain["principals"]["acme"]}
    with pytest.raises(ConfigurationError, match="printable ASCII"):
        edge_from_text(json.dumps(plain).encode())
