"""A fake Anthropic: `POST /v1/messages`, whole and streamed."""

from __future__ import annotations

from collections.abc import Iterator

from ._json import JsonObject, array_of, object_of, text_of, write
from ._messages import Forward, Headers, ProviderAnswer
from ._providers_text import (
    Draft,
    ToolCall,
    bearer,
    draft,
    json_answer,
    key_accepted,
    sample_arguments,
    sse,
    sse_answer,
)

_INVALID = "invalid_request_error"


def anthropic_answer(forward: Forward, keys: frozenset[str]) -> ProviderAnswer:
    """Answer one request as api.anthropic.com would."""
    refusal = _check_key(forward.headers, keys)
    if refusal is not None:
        return refusal
    if forward.path.rstrip("/") != "/v1/messages":
        return _error(404, "not_found_error", "Not Found")
    if forward.request.method != "POST":
        return _error(405, _INVALID, "Method Not Allowed")
    if "anthropic-version" not in dict(forward.headers):
        return _error(400, _INVALID, "anthropic-version: header is required")
    payload = forward.payload
    if payload is None:
        return _error(400, _INVALID, "The request body is not valid JSON")
    model, limit = text_of(payload.get("model")), payload.get("max_tokens")
    if not model:
        return _error(400, _INVALID, "model: Field required")
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
        return _error(400, _INVALID, "max_tokens: Field required")
    if not array_of(payload.get("messages")):
        return _error(400, _INVALID, "messages: at least one message is required")
    return _messages(model, payload, limit)


def _error(status: int, kind: str, message: str) -> ProviderAnswer:
    body = {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_emulator"}
    return json_answer(status, body, (("request-id", "req_emulator"),))


def _check_key(headers: Headers, keys: frozenset[str]) -> ProviderAnswer | None:
    seen = dict(headers).get("x-api-key")
    key = bearer(headers) if seen is None else seen
    if key is None:
        return _error(401, "authentication_error", "x-api-key header is required")
    if not key_accepted(key, keys):
        return _error(401, "authentication_error", "invalid x-api-key")
    return None


def _forced_tool(payload: JsonObject) -> ToolCall | None:
    choice = object_of(payload.get("tool_choice"))
    for tool in map(object_of, array_of(payload.get("tools"))):
        name = text_of(tool.get("name"))
        forced = choice.get("type") == "any" or (choice.get("type") == "tool" and choice.get("name") == name)
        if name and forced:
            return ToolCall(name, sample_arguments(tool.get("input_schema")))
    return None


def _messages(model: str, payload: JsonObject, limit: int) -> ProviderAnswer:
    prompt = [payload.get("system"), payload.get("messages")]
    said = draft(model, payload, prompt, limit, _forced_tool(payload))
    marks: Headers = (("request-id", f"req_{said.digest[:24]}"),)
    if payload.get("stream") is True:
        return sse_answer(_frames(model, said), marks)
    whole = {
        **_opening(model, said),
        "content": [_block(said)],
        "stop_reason": _stop_reason(said),
        "usage": _usage(said, said.completion_tokens),
    }
    return json_answer(200, whole, marks)


def _opening(model: str, said: Draft) -> dict[str, object]:
    return {
        "id": f"msg_{said.digest[:24]}",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": _usage(said, 1),
    }


def _usage(said: Draft, output_tokens: int) -> dict[str, object]:
    return {
        "input_tokens": said.prompt_tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
        "output_tokens": output_tokens,
        "service_tier": "standard",
    }


def _block(said: Draft) -> dict[str, object]:
    if said.tool is None:
        return {"type": "text", "text": said.text}
    return {**_tool_opening(said, said.tool), "input": said.tool.arguments}


def _tool_opening(said: Draft, tool: ToolCall) -> dict[str, object]:
    return {"type": "tool_use", "id": f"toolu_{said.digest[:24]}", "name": tool.name, "input": {}}


def _stop_reason(said: Draft) -> str:
    if said.tool is not None:
        return "tool_use"
    return "max_tokens" if said.cut else "end_turn"


def _frames(model: str, said: Draft) -> Iterator[bytes]:
    for event in _events(model, said):
        yield sse(event, str(event["type"]))


def _events(model: str, said: Draft) -> Iterator[dict[str, object]]:
    yield {"type": "message_start", "message": _opening(model, said)}
    if said.tool is None:
        opening: dict[str, object] = {"type": "text", "text": ""}
        deltas: list[dict[str, object]] = [{"type": "text_delta", "text": piece} for piece in said.pieces]
    else:
        opening = _tool_opening(said, said.tool)
        deltas = [{"type": "input_json_delta", "partial_json": write(said.tool.arguments).decode("ascii")}]
    yield {"type": "content_block_start", "index": 0, "content_block": opening}
    yield {"type": "ping"}
    for delta in deltas:
        yield {"type": "content_block_delta", "index": 0, "delta": delta}
    yield {"type": "content_block_stop", "index": 0}
    end = {"stop_reason": _stop_reason(said), "stop_sequence": None}
    # The totals come again in the last usage; `output_tokens` is cumulative.
    yield {"type": "message_delta", "delta": end, "usage": _usage(said, said.completion_tokens)}
    yield {"type": "message_stop"}
