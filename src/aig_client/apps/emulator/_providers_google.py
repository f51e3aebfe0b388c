"""A fake Google AI Studio: `generateContent`, and `streamGenerateContent` as SSE or as one array."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import parse_qs, unquote

from ._json import JsonObject, array_of, object_of, text_of
from ._messages import Forward, ProviderAnswer
from ._providers_text import (
    Draft,
    ToolCall,
    draft,
    json_answer,
    key_accepted,
    sample_arguments,
    sse,
    sse_answer,
)

_ENDPOINT = re.compile(r"/v1(?:beta|alpha)?/models/(?P<model>[^/:]+):(?P<verb>generateContent|streamGenerateContent)")


def google_answer(forward: Forward, keys: frozenset[str]) -> ProviderAnswer:
    """Answer one request as generativelanguage.googleapis.com would."""
    query = parse_qs(forward.request.query)
    refusal = _check_key(forward, query.get("key", []), keys)
    if refusal is not None:
        return refusal
    found = _ENDPOINT.fullmatch(unquote(forward.path).rstrip("/"))
    if found is None or forward.request.method != "POST":
        return _error(404, "NOT_FOUND", "Requested entity was not found.")
    payload = forward.payload
    if payload is None:
        return _error(400, "INVALID_ARGUMENT", "Invalid JSON payload received.")
    if not array_of(payload.get("contents")):
        return _error(400, "INVALID_ARGUMENT", "* GenerateContentRequest.contents: contents is not specified")
    model = found["model"]
    said = _draft(model, payload)
    if found["verb"] == "generateContent":
        return json_answer(200, _chunk(model, said, _parts(said), said.completion_tokens, last=True))
    if query.get("alt") == ["sse"]:
        return sse_answer(sse(chunk) for chunk in _chunks(model, said))
    return json_answer(200, list(_chunks(model, said)))


def _error(status: int, name: str, message: str, details: list[object] | None = None) -> ProviderAnswer:
    error: dict[str, object] = {"code": status, "message": message, "status": name}
    if details is not None:
        error["details"] = details
    return json_answer(status, {"error": error})


def _check_key(forward: Forward, in_query: list[str], keys: frozenset[str]) -> ProviderAnswer | None:
    """Google's own answers: a missing key is 403, a wrong one 400. Neither is a 401."""
    key = dict(forward.headers).get("x-goog-api-key") or (in_query[0] if in_query else None)
    if key is None:
        return _error(403, "PERMISSION_DENIED", "Method doesn't allow unregistered callers. Please use API Key.")
    if key_accepted(key, keys):
        return None
    info: object = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "API_KEY_INVALID",
        "domain": "googleapis.com",
        "metadata": {"service": "generativelanguage.googleapis.com"},
    }
    return _error(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", [info])


def _draft(model: str, payload: JsonObject) -> Draft:
    settings = object_of(payload.get("generationConfig"))
    prompt = [payload.get("systemInstruction"), payload.get("contents")]
    return draft(model, payload, prompt, settings.get("maxOutputTokens"), _forced_tool(payload))


def _forced_tool(payload: JsonObject) -> ToolCall | None:
    calling = object_of(object_of(payload.get("toolConfig")).get("functionCallingConfig"))
    if (text_of(calling.get("mode")) or "").upper() != "ANY":
        return None
    allowed = array_of(calling.get("allowedFunctionNames"))
    for tool in array_of(payload.get("tools")):
        for function in map(object_of, array_of(object_of(tool).get("functionDeclarations"))):
            name = text_of(function.get("name"))
            if name and (not allowed or name in allowed):
                schema = function.get("parametersJsonSchema") or function.get("parameters")
                return ToolCall(name, sample_arguments(schema))
    return None


def _parts(said: Draft) -> list[dict[str, object]]:
    if said.tool is None:
        return [{"text": said.text}]
    return [{"functionCall": {"name": said.tool.name, "args": said.tool.arguments}}]


def _chunks(model: str, said: Draft) -> Iterator[dict[str, object]]:
    if said.tool is not None:
        yield _chunk(model, said, _parts(said), said.completion_tokens, last=True)
        return
    for number, piece in enumerate(said.pieces, start=1):
        yield _chunk(model, said, [{"text": piece}], number, last=number == len(said.pieces))


def _chunk(model: str, said: Draft, parts: list[dict[str, object]], spoken: int, *, last: bool) -> dict[str, object]:
    candidate: dict[str, object] = {"content": {"parts": parts, "role": "model"}, "index": 0}
    if last:
        candidate["finishReason"] = "MAX_TOKENS" if said.cut and said.tool is None else "STOP"
    usage = {
        "promptTokenCount": said.prompt_tokens,
        "candidatesTokenCount": spoken,
        "totalTokenCount": said.prompt_tokens + spoken,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": said.prompt_tokens}],
    }
    identity = {"modelVersion": model, "responseId": said.digest[:22]}
    return {"candidates": [candidate], "usageMetadata": usage, **identity}
