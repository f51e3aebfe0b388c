"""The fake providers: shapes, determinism, refusals in their own shape."""

from __future__ import annotations

import base64
import json
import struct
from typing import Any

import pytest

from aig_client.apps.emulator import EmulatorConfig

from .driver import Outcome, Pure, chat

ANTHROPIC = {"x-api-key": "sk-test", "anthropic-version": "2023-06-01"}
GOOGLE = {"x-goog-api-key": "sk-test"}
GENERATE = "/google-ai-studio/v1beta/models/gemini-3-flash:generateContent"
STREAM = "/google-ai-studio/v1beta/models/gemini-3-flash:streamGenerateContent"
SCHEMA = {
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "days": {"type": "integer"},
        "unit": {"enum": ["C", "F"]},
        "place": {"type": "object", "properties": {"lat": {"type": "number"}}, "required": ["lat"]},
    },
    "required": ["city", "days", "unit", "place"],
}


def loads(outcome: Outcome) -> Any:
    return json.loads(outcome.body)


def events(outcome: Outcome) -> list[Any]:
    blocks = outcome.body.decode().strip().split("\n\n")
    data = [block.split("data: ", 1)[1] for block in blocks]
    return [json.loads(item) for item in data if item != "[DONE]"]


def message(**fields: object) -> bytes:
    body = {"model": "claude-sonnet-5-5", "max_tokens": 100, "messages": [{"role": "user", "content": "Hi"}]}
    return json.dumps({**body, **fields}).encode()


def gemini(**fields: object) -> bytes:
    return json.dumps({"contents": [{"role": "user", "parts": [{"text": "Hi"}]}], **fields}).encode()


def test_answers_are_a_function_of_the_request() -> None:
    assert Pure().send().body == Pure().send().body
    assert Pure().send().body != Pure().send(body=chat("other")).body
    assert loads(Pure().send())["choices"][0]["message"]["content"]


def test_no_header_shows_in_an_answer() -> None:
    plain = Pure().send()
    noisy = Pure().send(headers={"x-anything": "loud", "user-agent": "me"}, auth={"authorization": "Bearer sk-test-9"})
    assert plain.body == noisy.body


def test_a_chat_stream_says_the_same_as_the_whole_answer() -> None:
    pure = Pure()
    whole = loads(pure.send())
    parts = events(pure.send(body=chat(stream=True, stream_options={"include_usage": True})))
    text = "".join(part["choices"][0]["delta"].get("content") or "" for part in parts if part["choices"])
    assert text == whole["choices"][0]["message"]["content"]
    assert parts[0]["choices"][0]["delta"]["role"] == "assistant"
    assert parts[-2]["choices"][0]["finish_reason"] == "stop"
    assert parts[-1]["choices"] == []
    assert parts[-1]["usage"] == whole["usage"]
    assert all(part["usage"] is None for part in parts[:-1])


def test_without_include_usage_no_chunk_has_usage() -> None:
    assert all("usage" not in part for part in events(Pure().send(body=chat(stream=True))))


def test_usage_adds_up() -> None:
    usage = loads(Pure().send())["usage"]
    assert usage["prompt_tokens"] + usage["completion_tokens"] == usage["total_tokens"]
    longer = loads(Pure().send(body=chat("word " * 1000)))["usage"]
    assert longer["prompt_tokens"] > 1000 > usage["prompt_tokens"]


@pytest.mark.parametrize("body", [chat(max_tokens=3), chat(max_completion_tokens=3)])
def test_a_token_limit_cuts_the_answer(body: bytes) -> None:
    answer = loads(Pure().send(body=body))
    assert answer["choices"][0]["finish_reason"] == "length"
    assert len(answer["choices"][0]["message"]["content"].split()) == 3
    assert answer["usage"]["completion_tokens"] == 3


def test_a_forced_chat_tool_is_called() -> None:
    tools = [{"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}]
    for choice in ("required", {"type": "function", "function": {"name": "weather"}}):
        answer = loads(Pure().send(body=chat(tools=tools, tool_choice=choice)))["choices"][0]
        call = answer["message"]["tool_calls"][0]["function"]
        arguments = json.loads(call["arguments"])
        assert (answer["finish_reason"], call["name"]) == ("tool_calls", "weather")
        assert set(arguments) == {"city", "days", "unit", "place"}
        assert (arguments["unit"], arguments["place"]) == ("C", {"lat": 1.5})
    assert loads(Pure().send(body=chat(tools=tools)))["choices"][0]["finish_reason"] == "stop"


def test_responses_stream_ends_with_the_whole_answer() -> None:
    body = {"model": "gpt-5", "input": "Hi"}
    pure = Pure()
    whole = loads(pure.send("/openai/responses", body=json.dumps(body).encode()))
    parts = events(pure.send("/openai/responses", body=json.dumps({**body, "stream": True}).encode()))
    kinds = [part["type"] for part in parts]
    assert kinds[:3] == ["response.created", "response.in_progress", "response.output_item.added"]
    assert kinds[-1] == "response.completed"
    assert [part["sequence_number"] for part in parts] == list(range(len(parts)))
    assert parts[-1]["response"] == whole
    assert whole["usage"]["total_tokens"] > 0
    deltas = "".join(part["delta"] for part in parts if part["type"] == "response.output_text.delta")
    assert deltas == whole["output"][0]["content"][0]["text"]


def test_a_cut_response_is_incomplete() -> None:
    body = {"model": "gpt-5", "input": "Hi", "max_output_tokens": 2, "stream": True}
    last = events(Pure().send("/openai/responses", body=json.dumps(body).encode()))[-1]
    assert last["type"] == "response.incomplete"
    assert last["response"]["incomplete_details"] == {"reason": "max_output_tokens"}


def test_embeddings_as_numbers_and_as_base64_are_the_same() -> None:
    body = {"model": "text-embedding-3-small", "input": ["a", "b"], "dimensions": 8}
    pure = Pure()
    plain = loads(pure.send("/openai/embeddings", body=json.dumps(body).encode()))
    packed = loads(pure.send("/openai/embeddings", body=json.dumps({**body, "encoding_format": "base64"}).encode()))
    for one, other in zip(plain["data"], packed["data"], strict=True):
        assert list(struct.unpack("<8f", base64.b64decode(other["embedding"]))) == one["embedding"]
        assert sum(number * number for number in one["embedding"]) == pytest.approx(1.0, abs=1e-5)
    assert plain["data"][0]["embedding"] != plain["data"][1]["embedding"]


@pytest.mark.parametrize(("given", "count"), [("a", 1), (["a", "b"], 2), ([1, 2, 3], 1), ([[1, 2], [3]], 2)])
def test_embedding_inputs(given: object, count: int) -> None:
    body = {"model": "text-embedding-3-small", "input": given}
    data = loads(Pure().send("/openai/embeddings", body=json.dumps(body).encode()))["data"]
    assert len(data) == count
    assert len(data[0]["embedding"]) == 1536


def test_a_message_stream_says_the_same_as_the_whole_answer() -> None:
    pure = Pure()
    whole = loads(pure.send("/anthropic/v1/messages", body=message(), auth=ANTHROPIC))
    parts = events(pure.send("/anthropic/v1/messages", body=message(stream=True), auth=ANTHROPIC))
    kinds = [part["type"] for part in parts]
    assert kinds[:2] == ["message_start", "content_block_start"]
    assert kinds[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    text = "".join(part["delta"]["text"] for part in parts if part["type"] == "content_block_delta")
    assert text == whole["content"][0]["text"]
    assert parts[-2]["usage"]["output_tokens"] == whole["usage"]["output_tokens"]
    assert parts[0]["message"]["usage"]["input_tokens"] == whole["usage"]["input_tokens"]
    assert parts[-2]["delta"]["stop_reason"] == whole["stop_reason"] == "end_turn"


@pytest.mark.parametrize("choice", [{"type": "any"}, {"type": "tool", "name": "weather"}])
def test_a_forced_message_tool_is_used(choice: object) -> None:
    body = message(tools=[{"name": "weather", "input_schema": SCHEMA}], tool_choice=choice)
    answer = loads(Pure().send("/anthropic/v1/messages", body=body, auth=ANTHROPIC))
    assert (answer["stop_reason"], answer["content"][0]["type"]) == ("tool_use", "tool_use")
    assert answer["content"][0]["input"]["days"] == 1


def test_gemini_whole_sse_and_array_say_the_same() -> None:
    pure = Pure()
    whole = loads(pure.send(GENERATE, body=gemini(), auth=GOOGLE))
    streamed = events(pure.send(STREAM, body=gemini(), query="alt=sse", auth=GOOGLE))
    array = loads(pure.send(STREAM, body=gemini(), auth=GOOGLE))
    assert streamed == array
    text = "".join(part["candidates"][0]["content"]["parts"][0]["text"] for part in streamed)
    assert text == whole["candidates"][0]["content"]["parts"][0]["text"]
    assert streamed[-1]["usageMetadata"] == whole["usageMetadata"]
    assert streamed[-1]["candidates"][0]["finishReason"] == "STOP"


def test_a_forced_gemini_function_is_called() -> None:
    tools = [{"functionDeclarations": [{"name": "other"}, {"name": "weather", "parameters": SCHEMA}]}]
    config = {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["weather"]}}
    answer = loads(Pure().send(GENERATE, body=gemini(tools=tools, toolConfig=config), auth=GOOGLE))
    assert answer["candidates"][0]["content"]["parts"][0]["functionCall"]["name"] == "weather"


def test_wrong_and_missing_keys_are_refused_in_each_provider_s_own_shape() -> None:
    pure = Pure()
    for auth in ({}, {"authorization": "Bearer real-key"}):
        outcome = pure.send(auth=auth)
        assert outcome.status == 401
        assert loads(outcome)["error"]["type"] == "invalid_request_error"
    wrong_keys: list[dict[str, str]] = [{}, {"x-api-key": "real-key"}, {"authorization": "Bearer real-key"}]
    refused = [pure.send("/anthropic/v1/messages", body=message(), auth=auth) for auth in wrong_keys]
    for outcome in refused:
        assert outcome.status == 401
        assert loads(outcome)["type"] == "error"
        assert loads(outcome)["error"]["type"] == "authentication_error"
    # Google answers neither with 401.
    missing, wrong = (pure.send(GENERATE, body=gemini(), auth=auth) for auth in ({}, {"x-goog-api-key": "real-key"}))
    assert (missing.status, loads(missing)["error"]["status"]) == (403, "PERMISSION_DENIED")
    assert (wrong.status, loads(wrong)["error"]["details"][0]["reason"]) == (400, "API_KEY_INVALID")
    assert b"real-key" not in b"".join(entry.body for entry in (*refused, missing, wrong))


def test_google_takes_its_key_in_the_query_too() -> None:
    assert Pure().send(GENERATE, body=gemini(), query="key=sk-test-1", auth={}).status == 200


def test_listed_provider_keys_are_accepted() -> None:
    pure = Pure(EmulatorConfig(provider_keys=frozenset({"my-own"})))
    assert pure.send(auth={"authorization": "Bearer my-own"}).status == 200
    assert pure.send(auth={"authorization": "Bearer my-other"}).status == 401


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
    b'{"model": "\\ud800", "messages": ["\\ud800"], "input": "\\ud800", "max_tokens": 3}',
    b'{"model": 5, "messages": 5, "input": 5, "contents": 5, "max_tokens": "5"}',
    b'{"model": "x", "messages": [5], "input": [null], "tools": [5, null], "tool_choice": "required"}',
    b'{"model": "x", "input": "x", "dimensions": 1000000000}',
    b'{"model": "x", "input": "x", "dimensions": true}',
    b'{"model": "x", "messages": [1], "max_tokens": ' + b"9" * 400 + b"}",
    b'{"model": ' + b"9" * 10_000 + b"}",
)


@pytest.mark.parametrize("body", NASTY, ids=range(len(NASTY)))
@pytest.mark.parametrize(
    "path",
    [
        "/openai/chat/completions",
        "/openai/responses",
        "/openai/embeddings",
        "/anthropic/v1/messages",
        GENERATE,
        STREAM,
        "/compat/chat/completions",
        "/compat/embeddings",
    ],
)
def test_bad_bodies_get_a_clean_error(path: str, body: bytes) -> None:
    auth = {"authorization": "Bearer sk-test", **ANTHROPIC, **GOOGLE}
    outcome = Pure().send(path, body=body, auth=auth)
    assert outcome.status in (200, 400)
    assert isinstance(json.loads(outcome.body), dict | list)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE"])
@pytest.mark.parametrize("path", ["/openai/chat/completions", "/anthropic/v1/messages", GENERATE])
def test_wrong_methods_are_refused(path: str, method: str) -> None:
    outcome = Pure().send(path, method=method, auth={"authorization": "Bearer sk-test", **ANTHROPIC, **GOOGLE})
    assert outcome.status in (404, 405)


def test_unknown_endpoints_are_the_provider_s_404() -> None:
    auth = {"authorization": "Bearer sk-test", **ANTHROPIC, **GOOGLE}
    for path in (
        "/openai/nothing",
        "/openai",
        "/anthropic/v2/x",
        "/google-ai-studio/v1beta/models/x:nothing",
    ):
        outcome = Pure().send(path, auth=auth)
        assert outcome.status == 404
        assert "cf-aig-log-id" in outcome.headers


@pytest.mark.parametrize(
    ("path", "body", "missing"),
    [
        ("/openai/chat/completions", b'{"model": "x"}', "messages"),
        ("/openai/responses", b'{"input": "x"}', "model"),
        ("/anthropic/v1/messages", b'{"model": "x", "messages": [1]}', "max_tokens"),
        ("/anthropic/v1/messages", b'{"max_tokens": 1, "messages": [1]}', "model"),
        (GENERATE, b"{}", "contents"),
    ],
)
def test_missing_fields_are_named(path: str, body: bytes, missing: str) -> None:
    outcome = Pure().send(path, body=body, auth={"authorization": "Bearer sk-test", **ANTHROPIC, **GOOGLE})
    assert outcome.status == 400
    assert missing in loads(outcome)["error"]["message"]


def test_anthropic_wants_its_version_header() -> None:
    outcome = Pure().send("/anthropic/v1/messages", body=message(), auth={"x-api-key": "sk-test"})
    assert "anthropic-version" in loads(outcome)["error"]["message"]
