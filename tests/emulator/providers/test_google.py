"""Gemini for AI Studio and Vertex: content, thought, structured output, embeddings, counts."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .desk import SCHEMA, Desk, Told

STUDIO = "/v1beta/models/"
VERTEX = "/v1/projects/p/locations/us-east4/publishers/google/models/"
PLACES = (("google-ai-studio", STUDIO), ("google-vertex-ai", VERTEX))


def ask(
    verb: str = "generateContent",
    *,
    model: str = "gemini-3-flash",
    place: tuple[str, str] = PLACES[0],
    desk: Desk | None = None,
    query: str = "",
    say: str | None = None,
    text: str = "Hi",
    **fields: Any,
) -> Told:
    body = {"contents": [{"role": "user", "parts": [{"text": text}]}], **fields}
    return (desk or Desk()).ask(place[0], f"{place[1]}{model}:{verb}", body, query=query, say=say)


def text_of(chunks: list[Any], index: int = 0) -> str:
    found = [one for chunk in chunks for one in chunk["candidates"] if one["index"] == index]
    return "".join(part.get("text", "") for one in found for part in one["content"]["parts"] if not part.get("thought"))


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_whole_sse_and_array_say_the_same(place: tuple[str, str]) -> None:
    whole = ask(place=place).json
    streamed = ask("streamGenerateContent", place=place, query="alt=sse").events
    array = ask("streamGenerateContent", place=place)
    assert streamed == array.json
    assert array.headers["content-type"] == "application/json"
    assert text_of(streamed) == text_of([whole])
    assert streamed[-1]["usageMetadata"] == whole["usageMetadata"]
    assert streamed[-1]["candidates"][0]["finishReason"] == "STOP"
    assert "finishReason" not in streamed[0]["candidates"][0]
    assert whole["modelVersion"] == "gemini-3-flash"
    assert ("trafficType" in whole["usageMetadata"]) is (place[0] == "google-vertex-ai")


def test_vertex_takes_express_paths_and_studio_its_versions() -> None:
    express = ("google-vertex-ai", "/v1beta1/publishers/google/models/")
    assert ask(place=express).status == 200
    for version in ("/v1", "/v1alpha", "/v1beta"):
        assert ask(place=("google-ai-studio", f"{version}/models/")).status == 200


def test_thought_is_counted_beside_the_candidates() -> None:
    for model in ("gemini-3-flash", "gemini-2.5-pro"):
        usage = ask(model=model).json["usageMetadata"]
        assert usage["thoughtsTokenCount"] == 128
        total = usage["promptTokenCount"] + usage["candidatesTokenCount"] + usage["thoughtsTokenCount"]
        assert usage["totalTokenCount"] == total
    for model, settings_ in (("gemini-2.0-flash", {}), ("gemini-2.5-flash", {"thinkingBudget": 0})):
        usage = ask(model=model, generationConfig={"thinkingConfig": settings_}).json["usageMetadata"]
        assert "thoughtsTokenCount" not in usage
    low = ask(generationConfig={"thinkingConfig": {"thinkingLevel": "LOW"}}).json["usageMetadata"]
    assert low["thoughtsTokenCount"] == 64
    shown = ask(generationConfig={"thinkingConfig": {"includeThoughts": True}}).json
    first, second = shown["candidates"][0]["content"]["parts"]
    assert (first["thought"], "thought" in second) == (True, False)
    chunks = ask("streamGenerateContent", generationConfig={"thinkingConfig": {"includeThoughts": True}}).json
    assert chunks[0]["candidates"][0]["content"]["parts"] == [first]
    assert text_of(chunks) == text_of([shown])


def test_a_limit_cuts() -> None:
    cut = ask(model="gemini-2.0-flash", generationConfig={"maxOutputTokens": 3}).json
    assert cut["candidates"][0]["finishReason"] == "MAX_TOKENS"
    assert cut["usageMetadata"]["candidatesTokenCount"] == 3


def test_structured_output_fits_either_kind_of_schema() -> None:
    upper = {
        "type": "OBJECT",
        "properties": {"city": {"type": "STRING", "nullable": True}, "days": {"type": "INTEGER"}},
        "required": ["city", "days"],
    }
    asked = {"responseMimeType": "application/json"}
    for fields, expected in (
        ({"responseSchema": upper}, {"city": "amber", "days": 1}),
        ({"responseJsonSchema": SCHEMA}, {"city": "amber", "days": 1, "unit": "C", "place": {"lat": 1.5}}),
        ({}, {"answer": "amber"}),
    ):
        whole = ask(generationConfig={**asked, **fields}).json
        assert json.loads(text_of([whole])) == expected
        assert text_of(ask("streamGenerateContent", generationConfig={**asked, **fields}).json) == text_of([whole])


def test_a_forced_function_is_called() -> None:
    tools = [{"functionDeclarations": [{"name": "other"}, {"name": "weather", "parameters": SCHEMA}]}]
    config = {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["weather"]}}
    part = ask(tools=tools, toolConfig=config).json["candidates"][0]["content"]["parts"][0]
    assert part["functionCall"]["name"] == "weather"
    assert part["thoughtSignature"]
    chunks = ask("streamGenerateContent", tools=tools, toolConfig=config).json
    assert chunks[0]["candidates"][0]["content"]["parts"] == [part]
    assert text_of([ask(tools=tools, toolConfig=config, say="No.").json]) == "No."


def test_a_given_text_and_several_candidates() -> None:
    assert text_of(ask("streamGenerateContent", say="One two.").json) == "One two."
    empty = ask("streamGenerateContent", say="").json
    assert (text_of(empty), empty[-1]["candidates"][0]["finishReason"]) == ("", "STOP")
    two = ask(generationConfig={"candidateCount": 2}).json
    assert text_of([two], 0) != text_of([two], 1)
    chunks = ask("streamGenerateContent", generationConfig={"candidateCount": 2}).json
    assert text_of(chunks, 1) == text_of([two], 1)
    assert chunks[-1]["usageMetadata"] == two["usageMetadata"]


@pytest.mark.parametrize(("model", "minimum"), [("gemini-2.5-flash", 2048), ("gemini-3-flash", 4096)])
def test_the_implicit_cache(model: str, minimum: int) -> None:
    desk = Desk()
    short, enough = "x" * (4 * minimum - 120), "x" * (4 * minimum)
    for _ in range(2):
        assert "cachedContentTokenCount" not in ask(desk=desk, model=model, text=short).json["usageMetadata"]
    assert "cachedContentTokenCount" not in ask(desk=desk, model=model, text=enough).json["usageMetadata"]
    usage = ask(desk=desk, model=model, text=enough).json["usageMetadata"]
    assert usage["cachedContentTokenCount"] == minimum
    assert usage["cacheTokensDetails"] == [{"modality": "TEXT", "tokenCount": minimum}]
    chunks = ask("streamGenerateContent", desk=desk, model=model, text=enough).json
    assert all(chunk["usageMetadata"]["cachedContentTokenCount"] == minimum for chunk in chunks)
    changed = ask(desk=desk, model=model, text="y" + enough[1:]).json["usageMetadata"]
    assert "cachedContentTokenCount" not in changed
    assert "cachedContentTokenCount" not in ask(desk=desk, model="gemini-2.0-flash", text=enough).json["usageMetadata"]


def test_explicit_caches_are_not_known() -> None:
    told = ask(cachedContent="cachedContents/x")
    assert (told.status, told.json["error"]["status"]) == (403, "PERMISSION_DENIED")


def test_tokens_can_be_counted() -> None:
    counted = ask("countTokens").json
    assert counted["totalTokens"] == ask().json["usageMetadata"]["promptTokenCount"]
    inner = {"generateContentRequest": {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}}
    assert Desk().ask("google-ai-studio", STUDIO + "m:countTokens", inner).json == counted
    assert Desk().ask("google-ai-studio", STUDIO + "m:countTokens", {}).status == 400


def test_embeddings() -> None:
    desk, content = Desk(), {"parts": [{"text": "a"}]}
    one = desk.ask("google-ai-studio", STUDIO + "gemini-embedding-001:embedContent", {"content": content}).json
    assert len(one["embedding"]["values"]) == 3072
    requests = [{"model": "models/m", "content": content, "outputDimensionality": 8}] * 2
    many = desk.ask("google-ai-studio", STUDIO + "text-embedding-004:batchEmbedContents", {"requests": requests}).json
    assert [len(row["values"]) for row in many["embeddings"]] == [8, 8]
    body = {"instances": [{"content": "a"}, {"content": "b"}]}
    predicted = desk.ask("google-vertex-ai", VERTEX + "text-embedding-005:predict", body).json["predictions"]
    assert [len(row["embeddings"]["values"]) for row in predicted] == [768, 768]
    assert predicted[0] != predicted[1]
    picture = desk.ask("google-vertex-ai", VERTEX + "imagen-4:predict", {"instances": [{"prompt": "a"}]}).json
    assert picture["predictions"][0]["mimeType"] == "image/png"
    for slug, path in (("google-ai-studio", STUDIO + "m:embedContent"), ("google-vertex-ai", VERTEX + "m:predict")):
        assert desk.ask(slug, path, {}).status == 400


def test_the_model_list_and_the_openai_endpoint() -> None:
    assert Desk().ask("google-ai-studio", "/v1beta/models", method="GET", body=b"").json["models"]
    for slug, path in (
        ("google-ai-studio", "/v1beta/openai/chat/completions"),
        ("google-vertex-ai", "/v1beta1/projects/p/locations/l/endpoints/openapi/chat/completions"),
    ):
        headers = {"authorization": "Bearer sk-test"}
        assert Desk().chat(slug, path=path, headers=headers).json["object"] == "chat.completion"


@settings(max_examples=100, deadline=None)
@given(
    text=st.text(max_size=200),
    repeat=st.integers(1, 300),
    model=st.sampled_from(["gemini-3-flash", "gemini-2.5-pro", "gemini-2.0-flash"]),
    limit=st.none() | st.integers(1, 300),
    candidates=st.integers(0, 3),
)
def test_totals_add_up(text: str, repeat: int, model: str, limit: int | None, candidates: int) -> None:
    desk = Desk()
    config: dict[str, Any] = {"candidateCount": candidates} | ({} if limit is None else {"maxOutputTokens": limit})
    for _ in range(2):
        for chunk in ask(
            "streamGenerateContent", desk=desk, model=model, text=text * repeat, generationConfig=config
        ).json:
            usage = chunk["usageMetadata"]
            parts = (usage["promptTokenCount"], usage["candidatesTokenCount"], usage.get("thoughtsTokenCount", 0))
            assert usage["totalTokenCount"] == sum(parts)
            assert usage.get("cachedContentTokenCount", 0) <= usage["promptTokenCount"]
