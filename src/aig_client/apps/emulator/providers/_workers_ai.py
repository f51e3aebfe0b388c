"""A fake Workers AI: `run` by kinds of models, in the API's envelope, beside OpenAI's endpoints."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Callable, Iterator

from .._json import JsonObject, JsonValue, array_of, object_of, text_of, write
from .._messages import ProviderAnswer, ProviderRequest
from ._asked import Asked, row
from ._chat import chat
from ._chat_dialects import DIALECTS
from ._pixels import png
from ._responses import responses
from ._samples import sample, sample_arguments
from ._sound import mp3
from ._text import Draft, ToolCall, Wish, draft, draw
from ._vectors import embeddings, vector
from ._wire import DONE, bytes_answer, json_answer, sse, sse_answer

_MOST_INPUTS = 100
_DIMENSIONS = ((re.compile("small"), 384), (re.compile("large|m3|qwen"), 1024), (re.compile(""), 768))


def v4_error(status: int, code: int, message: str) -> ProviderAnswer:
    """The shape of every error at api.cloudflare.com."""
    errors = [{"code": code, "message": message}]
    return json_answer(status, {"result": None, "success": False, "errors": errors, "messages": []})


def unauthenticated(request: ProviderRequest) -> ProviderAnswer:  # noqa: ARG001
    return v4_error(401, 10000, "Authentication error")


def no_route(request: ProviderRequest) -> ProviderAnswer:  # noqa: ARG001
    return v4_error(400, 7000, "No route for that URI")


def wrong_method(request: ProviderRequest) -> ProviderAnswer:  # noqa: ARG001
    return v4_error(405, 7001, "Method not allowed for this endpoint")


def _enveloped(result: object) -> ProviderAnswer:
    return json_answer(200, {"result": result, "success": True, "errors": [], "messages": []})


def _bad_input(message: str) -> ProviderAnswer:
    return v4_error(400, 5006, f"AiError: AiError: Bad input: Error: {message}")


def run(asked: Asked, found: re.Match[str]) -> ProviderAnswer:
    """`POST /@cf/{author}/{model}`, also below `/run`: what comes back depends on the kind of model."""
    model = found["model"]
    if asked.payload is None:
        # Whisper and its like also take the recording itself.
        if not asked.request.body:
            return _bad_input("required properties at '/' are 'prompt'")
        return _enveloped(_transcript(model, hashlib.sha256(asked.request.body).hexdigest()))
    kind = next(make for pattern, make in _KINDS if pattern.search(model))
    return kind(asked, model, asked.payload)


def _text(asked: Asked, model: str, payload: JsonObject) -> ProviderAnswer:
    prompt = payload.get("messages") or payload.get("prompt") or payload.get("input")
    if not prompt:
        return _bad_input("required properties at '/' are 'prompt'")
    form = object_of(payload.get("response_format"))
    schema = object_of(form.get("json_schema"))
    wish = Wish(
        limit=payload.get("max_tokens"),
        tool=_forced_tool(payload),
        value=sample(schema.get("schema") or schema) if schema else {"answer": "amber"},
        has_value=form.get("type") in ("json_schema", "json_object"),
        say=asked.say,
    )
    said = draft(model, payload, prompt, wish)
    if payload.get("stream") is True:
        return sse_answer(_frames(said))
    result: dict[str, object] = {"response": said.text, "usage": _usage(said)}
    if said.tool is not None:
        result = {**result, "response": None, "tool_calls": [_called(said.tool)]}
    elif wish.has_value and asked.say is None:
        # In JSON mode the response is not a text.
        result["response"] = wish.value
    return _enveloped(result)


def _frames(said: Draft) -> Iterator[bytes]:
    """`p` is padding against the guessing of tokens by length."""
    if said.tool is not None:
        yield sse({"response": "", "tool_calls": [_called(said.tool)]})
    else:
        for place, piece in enumerate(said.pieces):
            yield sse({"response": piece, "p": "abcdefghijklmnop"[: 1 + (place * 5) % 16]})
    yield sse({"response": "", "usage": _usage(said)})
    yield DONE


def _usage(said: Draft) -> dict[str, object]:
    into, out = said.prompt_tokens, said.output_tokens
    details = {"cached_tokens": 0}
    return {
        "prompt_tokens": into,
        "completion_tokens": out,
        "total_tokens": into + out,
        "prompt_tokens_details": details,
    }


def _called(tool: ToolCall) -> dict[str, object]:
    return {"name": tool.name, "arguments": tool.arguments}


def _forced_tool(payload: JsonObject) -> ToolCall | None:
    """Tools come flat or as OpenAI's; `tool_choice: required` forces the first one."""
    if payload.get("tool_choice") not in ("required", "any"):
        return None
    for tool in map(object_of, array_of(payload.get("tools"))):
        function = object_of(tool.get("function")) or tool
        name = text_of(function.get("name"))
        if name:
            return ToolCall(name, sample_arguments(function.get("parameters")))
    return None


def _vectors(asked: Asked, model: str, payload: JsonObject) -> ProviderAnswer:  # noqa: ARG001
    given = payload.get("text") or payload.get("queries") or payload.get("documents")
    texts: list[JsonValue] = array_of(given) or [given]
    if not given or len(texts) > _MOST_INPUTS:
        return _bad_input(f"1 to {_MOST_INPUTS} texts are expected at '/text'")
    size = next(size for pattern, size in _DIMENSIONS if pattern.search(model))
    rows = [vector(model, text, size) for text in texts]
    return _enveloped({"shape": [len(rows), size], "data": rows, "pooling": "mean"})


def _ranks(asked: Asked, model: str, payload: JsonObject) -> ProviderAnswer:  # noqa: ARG001
    texts = array_of(payload.get("contexts"))[:_MOST_INPUTS]
    return _enveloped({"response": [{"id": place, "score": round(1 / (place + 1), 4)} for place in range(len(texts))]})


def _picture(asked: Asked, model: str, payload: JsonObject) -> ProviderAnswer:  # noqa: ARG001
    return bytes_answer("image/png", png(write([model, payload.get("prompt")])))


def _packed_picture(asked: Asked, model: str, payload: JsonObject) -> ProviderAnswer:  # noqa: ARG001
    return _enveloped({"image": b64encode(png(write([model, payload.get("prompt")]))).decode("ascii")})


def _voice(asked: Asked, model: str, payload: JsonObject) -> ProviderAnswer:  # noqa: ARG001
    return bytes_answer("audio/mpeg", mp3(0.5))


def _packed_voice(asked: Asked, model: str, payload: JsonObject) -> ProviderAnswer:  # noqa: ARG001
    return _enveloped({"audio": b64encode(mp3(0.5)).decode("ascii")})


def _hearing(asked: Asked, model: str, payload: JsonObject) -> ProviderAnswer:  # noqa: ARG001
    return _enveloped(_transcript(model, payload.get("audio")))


def _transcript(model: str, recording: JsonValue) -> dict[str, object]:
    text = draw([model, recording], 6)
    words = [{"word": word, "start": place * 0.5, "end": place * 0.5 + 0.5} for place, word in enumerate(text.split())]
    return {"text": text, "word_count": len(words), "words": words}


def _translation(asked: Asked, model: str, payload: JsonObject) -> ProviderAnswer:
    return _enveloped({"translated_text": asked.say or draw([model, payload], 6)})


def _summary(asked: Asked, model: str, payload: JsonObject) -> ProviderAnswer:
    return _enveloped({"summary": asked.say or draw([model, payload], 8)})


def _labels(asked: Asked, model: str, payload: JsonObject) -> ProviderAnswer:  # noqa: ARG001
    return _enveloped([{"label": "NEGATIVE", "score": 0.1}, {"label": "POSITIVE", "score": 0.9}])


_Kind = Callable[[Asked, str, JsonObject], ProviderAnswer]

# By the model's name, for the catalog is not here. The last row is text generation.
_KINDS: tuple[tuple[re.Pattern[str], _Kind], ...] = (
    (re.compile("reranker"), _ranks),
    (re.compile("/bge-|embedding"), _vectors),
    (re.compile("flux"), _packed_picture),
    (re.compile("stable-diffusion|dreamshaper|phoenix|lucid"), _picture),
    (re.compile("whisper|/nova-"), _hearing),
    (re.compile("/aura-"), _voice),
    (re.compile("melotts"), _packed_voice),
    (re.compile("m2m100|indictrans"), _translation),
    (re.compile("/bart-"), _summary),
    (re.compile("distilbert|resnet"), _labels),
    (re.compile(""), _text),
)

_DIALECT = DIALECTS["workers-ai"]

WORKERS_AI_ROWS = (
    row("POST", "/v1/chat/completions", chat(_DIALECT)),
    row("POST", "/v1/responses", responses(_DIALECT)),
    row("POST", "/v1/embeddings", embeddings),
    row("POST", "(?:/run)?/(?P<model>@[a-z]+/[^/]+/[^/]+)", run),
)
