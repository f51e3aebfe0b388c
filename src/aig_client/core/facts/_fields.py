"""The total field registry: every request-body field of every endpoint kind is keyed, or ignored because ...

A cache key covers the request body less what this registry ignores; what it does not know is keyed. The rows
are in `_fields_data`.

It sees the body alone. A *custom* provider may give `user` a meaning of its own (OpenClaw's gateway derives a
session from it), and a *dynamic route* may branch on any body field (Cloudflare, page Dynamic routing): for
those two, ignore nothing. What shapes an answer from outside the body (Gemini's `:streamGenerateContent` and
`?alt=sse`, `anthropic-beta`, an Azure deployment) is for the other components of the key.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, cast

from ._fields_data import IGNORED_FIELDS, IGNORED_OBJECTS, KEYED_FIELDS

KEYED: Final = ""
"""The field shapes the answer, or has an effect that the caller asked for."""


def _row(kind: str) -> Mapping[str, str]:
    return MappingProxyType(dict.fromkeys(KEYED_FIELDS[kind].split(), KEYED) | dict(IGNORED_FIELDS.get(kind, {})))


FIELDS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType({kind: _row(kind) for kind in KEYED_FIELDS})
"""Endpoint kind -> top-level body field -> `KEYED`, or the reason why the field is ignored."""

_NONE: Final[frozenset[str]] = frozenset()
_IGNORED: Final[Mapping[str, frozenset[str]]] = {kind: frozenset(rows) for kind, rows in IGNORED_FIELDS.items()}

# Member order is lost to the reader of canonical JSON, but not to a model: structured outputs come in the
# order of the schema's properties, and a tool's parameters are shown to the model as they stand. By name and
# at any depth, because the same carrier sits at another place in every dialect. A name too many costs a miss,
# one too few a wrong answer. `properties` and `patternProperties` catch a schema whose carrier is not listed
# (Gemini's `response`, Ollama's `format`, an SDK of tomorrow).
ORDERED_MEMBERS: Final[frozenset[str]] = frozenset(
    {
        # OpenAI: chat, legacy functions, responses, realtime, MCP tool lists
        "response_format",
        "json_schema",
        "schema",
        "parameters",
        "input_schema",
        "output_schema",
        # Anthropic needs no more: input_schema, and output_config.format.schema
        # Gemini: GenerationConfig and FunctionDeclaration, as the REST API and as the Python SDK spell them
        "responseFormat",
        "responseSchema",
        "responseJsonSchema",
        "response_schema",
        "response_json_schema",
        "parametersJsonSchema",
        "parameters_json_schema",
        # MCP tools and Bedrock Converse
        "inputSchema",
        "outputSchema",
        "jsonSchema",
        # Workers AI and vLLM, text-generation-inference, Cohere v1
        "guided_json",
        "structured_outputs",
        "grammar",
        "parameter_definitions",
        # any JSON Schema
        "properties",
        "patternProperties",
    }
)
"""Members whose whole value keeps its member order in the key: JSON Schemas and what carries them."""


def ignored_fields(kind: str) -> frozenset[str]:
    """The top-level body fields that stay out of the key of this endpoint kind; none of an unknown kind."""
    return _IGNORED.get(kind, _NONE)


def ignored_reason(kind: str, field: str) -> str | None:
    """Why the key leaves this field out, with the source; None when it is keyed or unknown."""
    row = FIELDS.get(kind)
    return None if row is None else row.get(field) or None


def ignores(kind: str, field: str, value: object) -> bool:
    """Whether the key leaves this field out with this value: an undeclared member keeps the field in."""
    if field not in _IGNORED.get(kind, _NONE):
        return False
    if not isinstance(value, Mapping):
        return value is None or isinstance(value, str)
    if (kind, field) not in IGNORED_OBJECTS:
        return False
    known = IGNORED_OBJECTS[kind, field]
    members = cast("Mapping[object, object]", value)
    return all(
        (known is None or name in known) and (inner is None or isinstance(inner, str))
        for name, inner in members.items()
    )
