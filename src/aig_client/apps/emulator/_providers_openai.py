"""A fake OpenAI: chat completions, embeddings and the model list. Also what answers `/compat`."""

from __future__ import annotations

import base64
import hashlib
import math
import struct
from collections.abc import Iterator

from ._json import JsonObject, JsonValue, array_of, object_of, text_of, write
from ._messages import Forward, Headers, ProviderAnswer
from ._providers_responses import responses
from ._providers_text import (
    EPOCH,
    Draft,
    ToolCall,
    bearer,
    draft,
    json_answer,
    key_accepted,
    sample_arguments,
    sse,
    sse_answer,
    tokens_in,
)

_MODELS = ("gpt-4.1-mini", "gpt-5", "text-embedding-3-small", "text-embedding-3-large")
_DIMENSIONS = {"text-embedding-3-large": 3072}
_DEFAULT_DIMENSIONS = 1536
_MOST_DIMENSIONS = 3072
_MOST_INPUTS = 2048


def openai_answer(forward: Forward, keys: frozenset[str]) -> ProviderAnswer:
    """Answer one request as api.openai.com would."""
    refusal = _check_key(forward.headers, keys)
    if refusal is not None:
        return refusal
    endpoint = _endpoint(forward)
    method = forward.request.method
    if endpoint == "/models" and method == "GET":
        return _models()
    if endpoint not in ("/chat/completions", "/responses", "/embeddings"):
        return openai_error(404, f"Invalid URL ({method} /v1{endpoint})")
    if method != "POST":
        return openai_error(405, f"Not allowed to {method} on /v1{endpoint}.", code="method_not_supported")
    payload = forward.payload
    if payload is None:
        return openai_error(400, "We could not parse the JSON body of your request.")
    for name in ("model", "messages" if endpoint == "/chat/completions" else "input"):
        if not payload.get(name):
            message = f"Missing required parameter: '{name}'."
            return openai_error(400, message, param=name, code="missing_required_parameter")
    model = text_of(payload["model"])
    if model is None:
        return openai_error(400, "Invalid type for 'model': expected a string.", param="model", code="invalid_type")
    if endpoint == "/embeddings":
        return _embeddings(model, payload)
    return _chat(model, payload) if endpoint == "/chat/completions" else responses(model, payload)


def openai_error(status: int, message: str, *, param: str | None = None, code: str | None = None) -> ProviderAnswer:
    error = {"message": message, "type": "invalid_request_error", "param": param, "code": code}
    return json_answer(status, {"error": error})


def _endpoint(forward: Forward) -> str:
    path = forward.path.rstrip("/")
    if forward.compat:
        return "/chat/completions" if path.endswith("/chat/completions") else "/embeddings"
    # `openai` stands for `.../v1` already; the form with `v1` seems to be accepted too (contract 3.2).
    return path.removeprefix("/v1")


def _check_key(headers: Headers, keys: frozenset[str]) -> ProviderAnswer | None:
    key = bearer(headers)
    if key is None:
        return openai_error(401, "You didn't provide an API key in an Authorization header using Bearer auth.")
    if not key_accepted(key, keys):
        # The real one repeats the key with stars in it; nothing of a header is repeated here.
        return openai_error(401, "Incorrect API key provided.", code="invalid_api_key")
    return None


def _models() -> ProviderAnswer:
    rows = [{"id": name, "object": "model", "created": EPOCH, "owned_by": "system"} for name in _MODELS]
    return json_answer(200, {"object": "list", "data": rows})


def forced_tool(payload: JsonObject) -> ToolCall | None:
    """The function tool that `tool_choice` forces, in the nested form of chat completions."""
    tools = [object_of(object_of(tool).get("function")) for tool in array_of(payload.get("tools"))]
    choice = payload.get("tool_choice")
    name = text_of(object_of(object_of(choice).get("function")).get("name"))
    for tool in tools:
        tool_name = text_of(tool.get("name"))
        if tool_name and (choice == "required" or tool_name == name):
            return ToolCall(tool_name, sample_arguments(tool.get("parameters")))
    return None


def _chat(model: str, payload: JsonObject) -> ProviderAnswer:
    limit = payload.get("max_completion_tokens") or payload.get("max_tokens")
    said = draft(model, payload, payload["messages"], limit, forced_tool(payload))
    marks: Headers = (("x-request-id", f"req_{said.digest[:32]}"), ("openai-processing-ms", "7"))
    if payload.get("stream") is True:
        with_usage = object_of(payload.get("stream_options")).get("include_usage") is True
        return sse_answer(_chat_frames(model, said, with_usage), marks)
    message: dict[str, object] = {
        "role": "assistant",
        "content": said.text,
        "refusal": None,
        "annotations": [],
    }
    if said.tool is not None:
        message["content"] = None
        message["tool_calls"] = [{"id": _call_id(said), "type": "function", "function": _function(said.tool)}]
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _finish_reason(said)}
    whole = {
        "id": f"chatcmpl-{said.digest[:29]}",
        "object": "chat.completion",
        "created": EPOCH,
        "model": model,
        "choices": [choice],
        "usage": _usage(said),
        "service_tier": "default",
        "system_fingerprint": "fp_emulator",
    }
    return json_answer(200, whole, marks)


def _chat_frames(model: str, said: Draft, with_usage: bool) -> Iterator[bytes]:
    shell: dict[str, object] = {
        "id": f"chatcmpl-{said.digest[:29]}",
        "object": "chat.completion.chunk",
        "created": EPOCH,
        "model": model,
        "service_tier": "default",
        "system_fingerprint": "fp_emulator",
    }
    usage: dict[str, object] = {"usage": None} if with_usage else {}

    def frame(delta: dict[str, object], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return sse({**shell, "choices": [choice], **usage})

    if said.tool is None:
        yield frame({"role": "assistant", "content": "", "refusal": None})
        for piece in said.pieces:
            yield frame({"content": piece})
    else:
        start = {"index": 0, "id": _call_id(said), "type": "function"}
        function = {"name": said.tool.name, "arguments": ""}
        yield frame({"role": "assistant", "content": None, "tool_calls": [{**start, "function": function}]})
        arguments = write(said.tool.arguments).decode("ascii")
        yield frame({"tool_calls": [{"index": 0, "function": {"arguments": arguments}}]})
    yield frame({}, _finish_reason(said))
    if with_usage:
        yield sse({**shell, "choices": [], "usage": _usage(said)})
    yield b"data: [DONE]\n\n"


def _finish_reason(said: Draft) -> str:
    if said.tool is not None:
        return "tool_calls"
    return "length" if said.cut else "stop"


def _call_id(said: Draft) -> str:
    return f"call_{said.digest[:24]}"


def _function(tool: ToolCall) -> dict[str, object]:
    return {"name": tool.name, "arguments": write(tool.arguments).decode("ascii")}


def _usage(said: Draft) -> dict[str, object]:
    return {
        "prompt_tokens": said.prompt_tokens,
        "completion_tokens": said.completion_tokens,
        "total_tokens": said.prompt_tokens + said.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _embeddings(model: str, payload: JsonObject) -> ProviderAnswer:
    inputs = _embedding_inputs(payload["input"])
    size = payload.get("dimensions") or _DIMENSIONS.get(model, _DEFAULT_DIMENSIONS)
    if not isinstance(size, int) or isinstance(size, bool) or not 1 <= size <= _MOST_DIMENSIONS:
        return openai_error(400, "Invalid value for 'dimensions'.", param="dimensions", code="invalid_value")
    if len(inputs) > _MOST_INPUTS:
        return openai_error(400, f"Input array is too long: at most {_MOST_INPUTS}.", param="input")
    packed = payload.get("encoding_format") == "base64"
    rows: list[dict[str, object]] = []
    for index, one in enumerate(inputs):
        vector = _vector(model, one, size)
        raw = struct.pack(f"<{size}f", *vector)
        # Both forms carry the same 32-bit numbers.
        value: object = base64.b64encode(raw).decode("ascii") if packed else list(struct.unpack(f"<{size}f", raw))
        rows.append({"object": "embedding", "index": index, "embedding": value})
    used = sum(tokens_in(one) for one in inputs)
    usage = {"prompt_tokens": used, "total_tokens": used}
    return json_answer(200, {"object": "list", "data": rows, "model": model, "usage": usage})


def _embedding_inputs(value: JsonValue) -> list[JsonValue]:
    """Text, a list of texts, one list of token numbers, or a list of such lists."""
    if isinstance(value, list) and not (value and isinstance(value[0], int)):
        return value
    return [value]


def _vector(model: str, value: JsonValue, size: int) -> list[float]:
    seed = write([model, value])
    raw = struct.unpack(f"<{size}h", hashlib.shake_256(seed).digest(2 * size))
    length = math.sqrt(sum(number * number for number in raw)) or 1.0
    return [number / length for number in raw]
