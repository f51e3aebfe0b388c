"""What every fake provider shares: a deterministic answer drawn from the request, and rough token counts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass

from ._json import JsonObject, JsonValue, array_of, object_of, text_of, write
from ._messages import Headers, ProviderAnswer

EPOCH = 1_760_000_000
"""Every fake timestamp, in Unix seconds: an answer is a function of its request alone."""

_WORDS = (
    "amber",
    "basin",
    "cedar",
    "delta",
    "ember",
    "fjord",
    "grove",
    "harbor",
    "inlet",
    "juniper",
    "kelp",
    "lagoon",
    "meadow",
    "north",
    "orchard",
    "prairie",
    "quarry",
    "river",
    "summit",
    "tundra",
    "upland",
    "valley",
    "willow",
    "yarrow",
    "zephyr",
    "anchor",
    "beacon",
    "canyon",
    "dune",
    "estuary",
    "fern",
    "glacier",
)
_CHARS_PER_TOKEN = 4
_TRANSPORT_FIELDS = frozenset(("stream", "stream_options"))
_DEEPEST_SCHEMA = 8


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool that the request forces, with arguments that fit its schema loosely."""

    name: str
    arguments: dict[str, object]


@dataclass(frozen=True, slots=True)
class Draft:
    """What a fake model says before any provider's dress: the same for a stream and for a whole answer."""

    digest: str
    pieces: tuple[str, ...]
    cut: bool
    prompt_tokens: int
    tool: ToolCall | None

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    @property
    def completion_tokens(self) -> int:
        if self.tool is not None:
            return tokens_in(self.tool.arguments)
        return len(self.pieces)


def draft(model: str, payload: JsonObject, prompt: JsonValue, limit: JsonValue, tool: ToolCall | None) -> Draft:
    """Words drawn from a hash of the request (less the fields that only choose between stream and JSON)."""
    asked = {name: value for name, value in payload.items() if name not in _TRANSPORT_FIELDS}
    canonical = json.dumps([model, asked], sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(canonical.encode("ascii"))
    raw = digest.digest()
    wanted = 12 + raw[0] % 13
    allowed = limit if isinstance(limit, int) and not isinstance(limit, bool) and limit > 0 else wanted
    stream = hashlib.shake_256(raw).digest(wanted)
    words = [_WORDS[byte % len(_WORDS)] for byte in stream][:allowed]
    pieces = tuple(word if place == 0 else f" {word}" for place, word in enumerate(words))
    return Draft(digest.hexdigest(), pieces, allowed < wanted, tokens_in(prompt), tool)


def tokens_in(value: object) -> int:
    """About one token for four characters of JSON; at least one."""
    return max(1, len(json.dumps(value)) // _CHARS_PER_TOKEN)


def sample_arguments(schema: JsonValue) -> dict[str, object]:
    """An object with every required property of a JSON Schema, each with a plain value of its type."""
    shape = object_of(schema)
    properties = object_of(shape.get("properties"))
    required = [name for name in array_of(shape.get("required")) if isinstance(name, str)]
    return {name: _sample(object_of(properties.get(name)), 0) for name in required}


def _sample(schema: JsonObject, depth: int) -> object:
    choices = array_of(schema.get("enum"))
    if choices:
        return choices[0]
    kind = (text_of(schema.get("type")) or "string").lower()
    if kind == "object" and depth < _DEEPEST_SCHEMA:
        properties = object_of(schema.get("properties"))
        required = [name for name in array_of(schema.get("required")) if isinstance(name, str)]
        return {name: _sample(object_of(properties.get(name)), depth + 1) for name in required}
    empty: dict[str, object] = {
        "integer": 1,
        "number": 1.5,
        "boolean": True,
        "array": [],
        "null": None,
        "object": {},
    }
    return empty.get(kind, _WORDS[0])


def json_answer(status: int, value: object, headers: Headers = ()) -> ProviderAnswer:
    return ProviderAnswer(status, (("content-type", "application/json"), *headers), (write(value),))


def sse_answer(frames: Iterator[bytes], headers: Headers = ()) -> ProviderAnswer:
    content_type = ("content-type", "text/event-stream; charset=utf-8")
    return ProviderAnswer(200, (content_type, ("cache-control", "no-cache"), *headers), tuple(frames))


def sse(value: object, event: str | None = None) -> bytes:
    """One server-sent event."""
    name = f"event: {event}\n".encode("ascii") if event else b""
    return name + b"data: " + write(value) + b"\n\n"


def bearer(headers: Headers) -> str | None:
    """The token of `authorization: Bearer ...`, `""` for another scheme, `None` without the header."""
    value = dict(headers).get("authorization")
    if value is None:
        return None
    scheme, _, token = value.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def key_accepted(key: str, extra: frozenset[str]) -> bool:
    return key.startswith("sk-test") or key in extra
