"""Workers AI: `run` by kinds of models, its envelope, its streams; Cohere; search."""

from __future__ import annotations

import json
from base64 import b64decode
from typing import Any

import pytest

from .desk import SCHEMA, Desk, Told

LLAMA = "/@cf/meta/llama-3.1-8b-instruct"
PNG = b"\x89PNG\r\n\x1a\n"


def run(path: str = LLAMA, **fields: Any) -> Told:
    say = fields.pop("say", None)
    return Desk().ask("workers-ai", path, fields or {"prompt": "Hi"}, say=say)


def test_a_text_model_answers_in_the_envelope() -> None:
    whole = run().json
    assert (whole["success"], whole["errors"], whole["messages"]) == (True, [], [])
    usage = whole["result"]["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert len(whole["result"]["response"].split()) == usage["completion_tokens"]
    for path in ("/run" + LLAMA, LLAMA.replace("@", "%40"), LLAMA + "/"):
        assert run(path).json == whole


def test_its_stream_ends_with_usage_and_done() -> None:
    messages = [{"role": "user", "content": "Hi"}]
    whole, streamed = run(messages=messages).json["result"], run(messages=messages, stream=True)
    events = streamed.events
    assert "".join(event["response"] for event in events) == whole["response"]
    assert events[-1] == {"response": "", "usage": whole["usage"]}
    assert all(event["p"] for event in events[:-1])
    assert streamed.body.endswith(b"data: [DONE]\n\n")


def test_tools_json_limits_and_given_texts() -> None:
    flat = [{"name": "weather", "parameters": SCHEMA}]
    nested = [{"type": "function", "function": flat[0]}]
    for tools in (flat, nested):
        result = run(prompt="Hi", tools=tools, tool_choice="required").json["result"]
        assert result["tool_calls"][0]["arguments"]["unit"] == "C"
    form = {"type": "json_schema", "json_schema": SCHEMA}
    assert run(prompt="Hi", response_format=form).json["result"]["response"]["days"] == 1
    assert len(run(prompt="Hi", max_tokens=3).json["result"]["response"].split()) == 3
    assert run(prompt="Hi", say="Just this.").json["result"]["response"] == "Just this."
    assert "".join(event["response"] for event in run(prompt="Hi", say="A b", stream=True).events) == "A b"


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [(LLAMA, {"x": 1}, 5006), ("/@cf/baai/bge-m3", {"x": 1}, 5006), ("/nothing", {}, 7000)],
)
def test_errors_are_enveloped(path: str, body: dict[str, Any], code: int) -> None:
    told = run(path, **body)
    assert (told.status, told.json["success"], told.json["result"]) == (400, False, None)
    assert told.json["errors"][0]["code"] == code


def test_other_kinds_of_models() -> None:
    vectors = run("/@cf/baai/bge-small-en-v1.5", text=["a", "b"]).json["result"]
    assert vectors["shape"] == [2, 384]
    assert [len(row) for row in vectors["data"]] == [384, 384]
    assert run("/@cf/baai/bge-large-en-v1.5", text="a").json["result"]["shape"] == [1, 1024]
    ranks = run("/@cf/baai/bge-reranker-base", query="q", contexts=[{"text": "a"}, {"text": "b"}]).json["result"]
    assert [row["id"] for row in ranks["response"]] == [0, 1]
    picture = run("/@cf/stabilityai/stable-diffusion-xl-base-1.0", prompt="a")
    assert (picture.headers["content-type"], picture.body[:8]) == ("image/png", PNG)
    packed = run("/@cf/black-forest-labs/flux-1-schnell", prompt="a").json["result"]["image"]
    assert b64decode(packed)[:8] == PNG
    heard = run("/@cf/openai/whisper", audio=[1, 2, 3]).json["result"]
    assert (heard["text"].split()[0], heard["word_count"]) == (heard["words"][0]["word"], 6)
    raw = Desk().ask("workers-ai", "/@cf/openai/whisper", body=b"RIFF....").json["result"]
    assert raw["text"]
    assert run("/@cf/deepgram/aura-1", text="Hi").headers["content-type"] == "audio/mpeg"
    assert b64decode(run("/@cf/myshell-ai/melotts", prompt="Hi").json["result"]["audio"])[:2] == b"\xff\xfb"
    assert run("/@cf/meta/m2m100-1.2b", text="Hi", say="Salut").json["result"] == {"translated_text": "Salut"}
    assert run("/@cf/facebook/bart-large-cnn", input_text="Hi").json["result"]["summary"]
    labels = run("/@cf/huggingface/distilbert-sst-2-int8", text="Hi").json["result"]
    assert sum(row["score"] for row in labels) == pytest.approx(1.0)


def test_its_openai_endpoints() -> None:
    assert Desk().chat("workers-ai", path="/v1/chat/completions").json["usage"]["prompt_tokens_details"]
    vectors = Desk().ask("workers-ai", "/v1/embeddings", {"model": "@cf/baai/bge-m3", "input": "a"}).json
    assert vectors["object"] == "list"


# --- cohere ----------------------------------------------------------------------------------------


def test_cohere_v1() -> None:
    body = {"message": "Hi", "chat_history": [{"role": "USER", "message": "Before"}]}
    whole = Desk().ask("cohere", "/v1/chat", body).json
    assert (whole["finish_reason"], whole["chat_history"][-1]["message"]) == ("COMPLETE", whole["text"])
    assert whole["meta"]["tokens"]["output_tokens"] == len(whole["text"].split())
    told = Desk().ask("cohere", "/v1/chat", {**body, "stream": True})
    lines = [json.loads(line) for line in told.body.splitlines()]
    assert told.headers["content-type"] == "application/stream+json"
    assert [line["event_type"] for line in lines[:2]] == ["stream-start", "text-generation"]
    assert "".join(line.get("text", "") for line in lines) == whole["text"]
    assert lines[-1]["response"] == whole
    assert lines[-1]["is_finished"] is True


def test_cohere_v2() -> None:
    body = {"model": "command-a-03-2025", "messages": [{"role": "user", "content": "Hi"}]}
    whole = Desk().ask("cohere", "/v2/chat", body).json
    events = Desk().ask("cohere", "/v2/chat", {**body, "stream": True}).events
    kinds = [event["type"] for event in events]
    assert kinds[:2] == ["message-start", "content-start"]
    assert kinds[-2:] == ["content-end", "message-end"]
    text = "".join(event["delta"]["message"]["content"]["text"] for event in events if event["type"] == "content-delta")
    assert text == whole["message"]["content"][0]["text"]
    assert events[-1]["delta"]["usage"] == whole["usage"]
    tools = [{"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}]
    called = Desk().ask("cohere", "/v2/chat", {**body, "tools": tools, "tool_choice": "REQUIRED"}).json
    assert called["finish_reason"] == "TOOL_CALL"
    assert json.loads(called["message"]["tool_calls"][0]["function"]["arguments"])["unit"] == "C"
    streamed = Desk().ask("cohere", "/v2/chat", {**body, "tools": tools, "tool_choice": "REQUIRED", "stream": True})
    assert [event["type"] for event in streamed.events[1:4]] == ["tool-call-start", "tool-call-delta", "tool-call-end"]
    form = {"type": "json_object", "json_schema": SCHEMA}
    fits = Desk().ask("cohere", "/v2/chat", {**body, "response_format": form}).json
    assert json.loads(fits["message"]["content"][0]["text"])["days"] == 1
    said = Desk().ask("cohere", "/v2/chat", {**body, "max_tokens": 2}, say="one two three").json
    assert (said["message"]["content"][0]["text"], said["finish_reason"]) == ("one two", "MAX_TOKENS")


def test_cohere_embeds_and_reranks() -> None:
    body = {"model": "embed-v4.0", "texts": ["a", "b"], "input_type": "search_query", "embedding_types": ["float"]}
    typed = Desk().ask("cohere", "/v2/embed", body).json
    assert [len(row) for row in typed["embeddings"]["float"]] == [1536, 1536]
    assert len(Desk().ask("cohere", "/v1/embed", {"texts": ["a"]}).json["embeddings"][0]) == 1536
    ranked = Desk().ask("cohere", "/v2/rerank", {"query": "q", "documents": ["a", "b"]}).json
    assert [row["index"] for row in ranked["results"]] == [0, 1]


# --- search ----------------------------------------------------------------------------------------


def test_perplexity_searches() -> None:
    told = Desk().ask("perplexity-ai", "/search", {"query": "Who?", "max_results": 3}).json
    assert [set(row) for row in told["results"]] == [{"title", "url", "date", "last_updated", "snippet"}] * 3
    assert all(".example/" in row["url"] for row in told["results"])
    assert Desk().ask("perplexity-ai", "/search", {}).status == 422
    assert len(Desk().ask("perplexity-ai", "/search", {"query": "Who?"}).json["results"]) == 10


def test_parallel_searches() -> None:
    for path in ("/v1beta/search", "/v1/search"):
        told = Desk().ask("parallel", path, {"search_queries": ["Who?"], "max_results": 2}).json
        assert [set(row) for row in told["results"]] == [{"url", "title", "publish_date", "excerpts"}] * 2
        assert told["search_id"].startswith("search_")
        assert told["usage"] == [{"name": "sku_search", "count": 1}]
    assert Desk().ask("parallel", "/v1/search", {}).status == 422
    assert Desk().ask("parallel", "/v1/tasks/runs", {"input": "x"}).status == 200


def test_hugging_face_goes_on_where_the_inputs_end() -> None:
    told = Desk().ask("huggingface", "/bigcode/starcoder", {"inputs": "def f"}).json
    assert told[0]["generated_text"].startswith("def f ")
    assert Desk().ask("huggingface", "/m", {"inputs": "a"}, say="b").json == [{"generated_text": "ab"}]
