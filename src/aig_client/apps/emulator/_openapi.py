"""The emulator's OpenAPI description, made from the tables that it works by, so that it cannot fall behind them."""

from __future__ import annotations

from functools import lru_cache

from ._errors import JSON_TYPE
from ._json import JsonObject, JsonValue, write
from ._messages import Reply
from ._routes import PROVIDERS

OPENAPI_PATH = "/openapi.json"

_GATEWAY = "/v1/{account}/{gateway}"
_API = "/client/v4/accounts/{account}"
_ACCOUNT: JsonObject = {"type": "string", "pattern": "^[0-9a-f]{32}$"}
_NAME: JsonObject = {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,32}$"}
_OBJECT: JsonObject = {"type": "object"}
_ANY = "*/*"

# Of providers whose own API is not OpenAI's chat: paths, and what a body must hold.
_NATIVE: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("openai", "/responses", ("model", "input")),
    ("openai", "/embeddings", ("model", "input")),
    ("openai", "/images/generations", ("model", "prompt")),
    ("openai", "/audio/speech", ("model", "input", "voice")),
    ("anthropic", "/v1/messages", ("model", "max_tokens", "messages")),
    ("google-ai-studio", "/v1beta/models/{model}:generateContent", ("contents",)),
    ("google-ai-studio", "/v1beta/models/{model}:streamGenerateContent", ("contents",)),
    ("workers-ai", "/@cf/{author}/{model}", ("prompt",)),
    ("perplexity-ai", "/chat/completions", ("model", "messages")),
    ("parallel", "/v1beta/search", ("objective",)),
)
_REST = (
    ("/ai/run", ("model", "input")),
    ("/ai/run/@cf/{author}/{model}", ("prompt",)),
    ("/ai/v1/chat/completions", ("model", "messages")),
    ("/ai/v1/responses", ("model", "input")),
    ("/ai/v1/messages", ("model", "max_tokens", "messages")),
)
_PLAIN_HEADERS: tuple[tuple[str, JsonObject], ...] = (
    ("cf-aig-skip-cache", {"type": "boolean"}),
    ("cf-aig-cache-ttl", {"type": "integer"}),
    ("cf-aig-cache-key", _NAME),
    ("cf-aig-max-attempts", {"type": "integer"}),
    ("cf-aig-request-timeout", {"type": "integer"}),
)
_REFUSALS = {
    "400": "what the gateway cannot do, or the provider will not: shapes E1, E2, E5",
    "401": "no credential, or a wrong one: E1, E2, E5",
    "402": "no credits left: E1",
    "403": "a policy blocks: E3; or the provider refuses",
    "404": "no gateway URL: plain text; an unknown model or path: E2, E5",
    "405": "a method that the provider does not take: E5",
    "413": "a body over the limit: plain text",
    "415": "a body of a type that the provider does not take: E5",
    "422": "a body that the provider cannot use: E5",
    "424": "a guardrail blocks: E1",
    "429": "a limit is reached: E1, E3, E5",
    "503": "Unified Billing's own key was refused: E2",
}
_MANAGED = ("400", "401", "403", "404", "405", "413")


def openapi_reply() -> Reply:
    """The description, as an answer."""
    return Reply(200, JSON_TYPE, _text())


@lru_cache(1)
def _text() -> bytes:
    return write(description())


def description() -> JsonObject:
    """OpenAPI 3.1 of every surface that has paths. WebSocket messages are not in its reach."""
    # Imported late: the table stands beside what answers, and that knows the whole emulator.
    from .management._api import endpoints

    paths: dict[str, JsonObject] = {_GATEWAY: {"post": _operation("Universal", _body_of_entries(), _gateway_answers())}}
    for row in PROVIDERS.values():
        path = f"{_GATEWAY}/{row.slug}{row.compat_base}/chat/completions"
        paths[path] = {"post": _operation(f"{row.slug}, chat", _body("model", "messages"), _gateway_answers())}
    for slug, path, names in _NATIVE:
        paths[f"{_GATEWAY}/{slug}{path}"] = {"post": _operation(f"{slug}{path}", _body(*names), _gateway_answers())}
    compat = _operation("compat", _body("model", "messages"), _gateway_answers())
    paths[f"{_GATEWAY}/compat/chat/completions"] = {"post": compat}
    for path, names in _REST:
        paths[_API + path] = {"post": _operation(path, _body(*names), _gateway_answers())}
    for method, path in endpoints():
        where = f"{_API}/{_with_names(path)}"
        body = _body() if method in ("POST", "PUT", "PATCH") else None
        paths.setdefault(where, {})[method.lower()] = _operation(f"{method} {path}", body, _managed_answers())
    for where, operations in paths.items():
        operations["parameters"] = _path_parameters(where)
    described: dict[str, JsonValue] = dict(paths)
    return {
        "openapi": "3.1.0",
        "info": {"title": "The local AI Gateway", "version": "1", "description": "An imitation: see its conformance."},
        "paths": described,
        "components": {"schemas": _schemas()},
    }


def _with_names(path: str) -> str:
    """`gateways/*/logs/*` with a name for each star."""
    parts: list[str] = []
    for part in path.split("/"):
        parts.append(f"{{{parts[-1].rstrip('s').replace('-', '_')}_id}}" if part == "*" else part)
    return "/".join(parts)


def _path_parameters(where: str) -> list[JsonValue]:
    return [_path_parameter(part.split("}")[0]) for part in where.split("{")[1:]]


def _path_parameter(name: str) -> JsonObject:
    return {"name": name, "in": "path", "required": True, "schema": _ACCOUNT if name == "account" else _NAME}


def _operation(summary: str, body: JsonObject | None, answers: JsonObject) -> JsonObject:
    headers: list[JsonValue] = [{"name": name, "in": "header", "schema": schema} for name, schema in _PLAIN_HEADERS]
    credential: JsonObject = {"type": "string", "enum": ["Bearer sk-test-1"]}
    headers.append({"name": "authorization", "in": "header", "required": True, "schema": credential})
    operation: JsonObject = {"summary": summary, "parameters": headers, "responses": answers}
    if body is not None:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    return operation


def _body(*names: str) -> JsonObject:
    properties: JsonObject = {
        name: {"type": "array", "items": _OBJECT, "minItems": 1} if name in ("messages", "contents") else {}
        for name in names
    }
    if "model" in names:
        properties["model"] = {"type": "string", "minLength": 1}
    required: list[JsonValue] = list(names)
    return {"type": "object", "required": required, "properties": properties}


def _body_of_entries() -> JsonObject:
    slugs: list[JsonValue] = list(PROVIDERS)
    entry: JsonObject = {
        "type": "object",
        "required": ["provider", "endpoint", "query"],
        "properties": {
            "provider": {"type": "string", "enum": slugs},
            "endpoint": {"type": "string", "enum": ["chat/completions", "v1/messages"]},
            "headers": _OBJECT,
            "query": _OBJECT,
        },
    }
    return {"type": "array", "items": entry, "minItems": 1, "maxItems": 3}


def _gateway_answers() -> JsonObject:
    told: JsonObject = {
        name: {"schema": {"type": "string"}}
        for name in ("cf-aig-cache-status", "cf-aig-log-id", "cf-aig-event-id", "cf-aig-request-id", "cf-aig-step")
    }
    answers: JsonObject = {"200": {"description": "the provider's answer", "headers": told, "content": {_ANY: {}}}}
    problem: JsonObject = {"schema": _reference("Refusal")}
    for status, text in _REFUSALS.items():
        answers[status] = {"description": text, "content": {"application/json": problem, "text/plain": {}}}
    return answers


def _managed_answers() -> JsonObject:
    good: JsonObject = {"schema": _reference("Envelope")}
    bad: JsonObject = {"schema": _reference("E2")}
    answers: JsonObject = {
        "200": {"description": "the v4 envelope, or a payload", "content": {"application/json": good}}
    }
    for status in _MANAGED:
        answers[status] = {"description": "refused", "content": {"application/json": bad, "text/plain": {}}}
    return answers


def _reference(name: str) -> JsonObject:
    return {"$ref": f"#/components/schemas/{name}"}


def _schemas() -> JsonObject:
    problem: JsonObject = {
        "type": "object",
        "required": ["message"],
        "properties": {"code": {"type": "integer"}, "message": {"type": "string"}},
    }
    problems: JsonObject = {"type": "array", "items": problem, "minItems": 1}
    e1: JsonObject = {
        "type": "object",
        "required": ["success", "error", "name", "httpCode"],
        "properties": {"success": {"const": False}, "error": problems, "name": {"const": "AiGatewayError"}},
    }
    e2: JsonObject = {
        "type": "object",
        "required": ["success", "errors", "messages", "result"],
        "properties": {"success": {"const": False}, "errors": problems, "result": {"type": "null"}},
    }
    e3: JsonObject = {
        "type": "object",
        "required": ["success", "error"],
        "properties": {"success": {"const": False}, "error": problem},
    }
    of_provider: JsonObject = {"type": ["object", "array"], "not": {"required": ["success"]}}
    enveloped: JsonObject = {"type": "object", "required": ["success", "errors"]}
    choices: list[JsonValue] = [
        *(_reference(name) for name in ("E1", "E2", "E3")),
        of_provider,
        enveloped,
    ]
    envelope: JsonObject = {
        "type": "object",
        "required": ["success", "errors", "messages"],
        "properties": {"success": {"const": True}},
    }
    return {"E1": e1, "E2": e2, "E3": e3, "Refusal": {"anyOf": choices}, "Envelope": envelope}
