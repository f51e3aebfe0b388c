"""What else Google answers: embeddings, predictions of Vertex, the model list; and the rows of both."""

from __future__ import annotations

import re
from base64 import b64encode

from .._json import JsonObject, JsonValue, array_of, object_of, text_of, write
from .._messages import ProviderAnswer
from ._asked import Asked, Endpoint, Row, row
from ._chat import chat
from ._chat_dialects import translated
from ._google import count_tokens, generate
from ._google_errors import bad_argument
from ._pixels import png
from ._text import is_count, tokens_in
from ._vectors import vector
from ._wire import json_answer

_DIMENSIONS = {"text-embedding-004": 768, "text-embedding-005": 768, "text-multilingual-embedding-002": 768}
_DEFAULT_DIMENSIONS = 3072
_MOST_INPUTS = 250
_MODELS = ("gemini-2.5-flash", "gemini-3-flash", "gemini-embedding-001")


def _size(model: str, wanted: JsonValue) -> int:
    if isinstance(wanted, int) and is_count(wanted) and 1 <= wanted <= _DEFAULT_DIMENSIONS:
        return wanted
    return _DIMENSIONS.get(model, _DEFAULT_DIMENSIONS)


def _embed(asked: Asked, found: re.Match[str]) -> ProviderAnswer:
    """`:embedContent`."""
    payload = asked.payload
    if payload is None or not payload.get("content"):
        return bad_argument("* EmbedContentRequest.content: content is not specified")
    row = _embedding(found["model"], payload)
    usage = {"promptTokenCount": tokens_in(payload["content"])}
    return json_answer(200, {"embedding": row, "usageMetadata": usage})


def _embed_many(asked: Asked, found: re.Match[str]) -> ProviderAnswer:
    """`:batchEmbedContents`."""
    requests = [object_of(one) for one in array_of((asked.payload or {}).get("requests"))]
    if not requests or len(requests) > _MOST_INPUTS:
        return bad_argument(f"* BatchEmbedContentsRequest.requests: 1 to {_MOST_INPUTS} requests are expected")
    rows = [_embedding(found["model"], one) for one in requests]
    usage = {"promptTokenCount": sum(tokens_in(one.get("content")) for one in requests)}
    return json_answer(200, {"embeddings": rows, "usageMetadata": usage})


def _embedding(model: str, payload: JsonObject) -> dict[str, object]:
    config = object_of(payload.get("embedContentConfig"))
    size = _size(model, payload.get("outputDimensionality") or config.get("outputDimensionality"))
    return {"values": vector(model, payload.get("content"), size)}


def _predict(asked: Asked, found: re.Match[str]) -> ProviderAnswer:
    """Vertex's `:predict`: pictures of Imagen, embeddings of everything else."""
    payload = asked.payload or {}
    instances = [object_of(one) for one in array_of(payload.get("instances"))]
    if not instances or len(instances) > _MOST_INPUTS:
        return bad_argument(f"1 to {_MOST_INPUTS} instances are expected.")
    model, settings = found["model"], object_of(payload.get("parameters"))
    make = _picture if model.startswith("imagen") else _numbers
    rows = [make(model, one, settings) for one in instances]
    characters = sum(len(text_of(one.get("content")) or "") for one in instances)
    return json_answer(200, {"predictions": rows, "metadata": {"billableCharacterCount": characters}})


def _picture(model: str, instance: JsonObject, settings: JsonObject) -> dict[str, object]:  # noqa: ARG001
    data = b64encode(png(write([model, instance.get("prompt")]))).decode("ascii")
    return {"mimeType": "image/png", "bytesBase64Encoded": data}


def _numbers(model: str, instance: JsonObject, settings: JsonObject) -> dict[str, object]:
    content = instance.get("content")
    values = vector(model, content, _size(model, settings.get("outputDimensionality")))
    statistics = {"token_count": tokens_in(content), "truncated": False}
    return {"embeddings": {"values": values, "statistics": statistics}}


def _models(asked: Asked, found: re.Match[str]) -> ProviderAnswer:  # noqa: ARG001
    rows = [
        {
            "name": f"models/{name}",
            "displayName": name,
            "version": "001",
            "inputTokenLimit": 1_048_576,
            "outputTokenLimit": 65_536,
            "supportedGenerationMethods": ["embedContent" if "embedding" in name else "generateContent"],
        }
        for name in _MODELS
    ]
    return json_answer(200, {"models": rows})


_VERSION = r"/v1(?:beta\d?|alpha)?"
_MODEL = r"models/(?P<model>[^/:]+)"
_PUBLISHED = r"(?:/projects/[^/]+/locations/[^/]+)?/publishers/google/"


def _content_rows(base: str, *, vertex: bool) -> tuple[Row, ...]:
    verbs: tuple[tuple[str, Endpoint], ...] = (
        ("generateContent", generate(streamed=False, vertex=vertex)),
        ("streamGenerateContent", generate(streamed=True, vertex=vertex)),
        ("countTokens", count_tokens),
        ("embedContent", _embed),
    )
    return tuple(row("POST", f"{base}{_MODEL}:{verb}", run) for verb, run in verbs)


STUDIO_ROWS = (
    *_content_rows(f"{_VERSION}/", vertex=False),
    row("POST", f"{_VERSION}/{_MODEL}:batchEmbedContents", _embed_many),
    row("GET", f"{_VERSION}/models", _models),
    row("POST", f"{_VERSION}/openai/chat/completions", chat(translated("google-ai-studio"))),
)

VERTEX_ROWS = (
    *_content_rows(f"{_VERSION}{_PUBLISHED}", vertex=True),
    row("POST", f"{_VERSION}{_PUBLISHED}{_MODEL}:predict", _predict),
    row("POST", f"{_VERSION}.*/openapi/chat/completions", chat(translated("google-vertex-ai"))),
)
