"""Embeddings: unit vectors that are a function of model and text."""

from __future__ import annotations

import hashlib
import math
import re
import struct
from base64 import b64encode

from .._json import JsonValue, write
from .._messages import ProviderAnswer
from ._asked import Asked, with_model
from ._openai_errors import checked, openai_error
from ._text import is_count, tokens_in
from ._wire import json_answer

_DIMENSIONS = {"text-embedding-3-large": 3072, "mistral-embed": 1024, "codestral-embed": 1536}
_DEFAULT_DIMENSIONS = 1536
_MOST_DIMENSIONS = 3072
_MOST_INPUTS = 2048


def embeddings(asked: Asked, found: re.Match[str]) -> ProviderAnswer:
    """`POST .../embeddings` in OpenAI's form: as numbers, or as base64 of the same 32-bit numbers."""
    payload = checked(with_model(asked.payload, found), "model", "input")
    if isinstance(payload, ProviderAnswer):
        return payload
    model = str(payload["model"])
    inputs = _inputs(payload["input"])
    size = payload.get("dimensions") or _DIMENSIONS.get(model, _DEFAULT_DIMENSIONS)
    if not isinstance(size, int) or not is_count(size) or not 1 <= size <= _MOST_DIMENSIONS:
        return openai_error(400, "Invalid value for 'dimensions'.", param="dimensions", code="invalid_value")
    if len(inputs) > _MOST_INPUTS:
        return openai_error(400, f"Input array is too long: at most {_MOST_INPUTS}.", param="input")
    packed = payload.get("encoding_format") == "base64"
    rows: list[dict[str, object]] = []
    for index, one in enumerate(inputs):
        numbers = vector(model, one, size)
        value: object = b64encode(struct.pack(f"<{size}f", *numbers)).decode("ascii") if packed else numbers
        rows.append({"object": "embedding", "index": index, "embedding": value})
    used = sum(tokens_in(one) for one in inputs)
    usage = {"prompt_tokens": used, "total_tokens": used}
    return json_answer(200, {"object": "list", "data": rows, "model": model, "usage": usage})


def vector(model: str, value: JsonValue, size: int) -> list[float]:
    """So many numbers of 32 bits each, of length one together."""
    raw = struct.unpack(f"<{size}h", hashlib.shake_256(write([model, value])).digest(2 * size))
    length = math.sqrt(sum(number * number for number in raw)) or 1.0
    single = struct.pack(f"<{size}f", *(number / length for number in raw))
    return list(struct.unpack(f"<{size}f", single))


def _inputs(value: JsonValue) -> list[JsonValue]:
    """Text, a list of texts, one list of token numbers, or a list of such lists."""
    if isinstance(value, list) and not (value and isinstance(value[0], int)):
        return value
    return [value]
