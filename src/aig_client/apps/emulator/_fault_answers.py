"""What a failing provider says in its own dialect, and what Cloudflare's edge says (shapes E5 and E7, contract 4.1).

The sentences are the emulator's own; a client must decide by status, type and code. Types and codes are those of the
providers' documentation and of public error reports: a row where a status has one, else the last two rows of a table,
for 4xx and 5xx.
"""

from __future__ import annotations

import html
from collections.abc import Callable
from http import HTTPStatus
from types import MappingProxyType
from typing import TypeVar

from ._json import JsonObject, write
from ._messages import GatewayRequest, Headers, ProviderAnswer, ProviderRequest, Reply

T = TypeVar("T")

_JSON: Headers = (("content-type", "application/json"),)
_HTML: Headers = (("content-type", "text/html; charset=UTF-8"),)
_PLAIN: Headers = (("content-type", "text/plain; charset=UTF-8"),)
# No real ray ends so.
_EDGE: Headers = (("server", "cloudflare"), ("cf-ray", "0000000000000000-EMU"))
_REQUEST_ID = "req_emulator_fault"

# The error's type, and its code where it has one.
_OPENAI = MappingProxyType(
    {
        401: ("invalid_request_error", "invalid_api_key"),
        429: ("requests", "rate_limit_exceeded"),
        499: ("invalid_request_error", None),
        599: ("server_error", None),
    }
)
_ANTHROPIC = MappingProxyType(
    {
        401: "authentication_error",
        402: "billing_error",
        403: "permission_error",
        404: "not_found_error",
        409: "conflict_error",
        413: "request_too_large",
        429: "rate_limit_error",
        504: "timeout_error",
        529: "overloaded_error",
        499: "invalid_request_error",
        599: "api_error",
    }
)
_GOOGLE = MappingProxyType(
    {
        401: "UNAUTHENTICATED",
        403: "PERMISSION_DENIED",
        404: "NOT_FOUND",
        409: "ABORTED",
        429: "RESOURCE_EXHAUSTED",
        501: "UNIMPLEMENTED",
        503: "UNAVAILABLE",
        504: "DEADLINE_EXCEEDED",
        499: "INVALID_ARGUMENT",
        599: "INTERNAL",
    }
)
# Its table has no code for 5xx, and none for most of 4xx; 3040 is "out of capacity", 3043 stands for all else here.
_WORKERS_AI = MappingProxyType({408: 3007, 413: 3006, 429: 3040, 499: 3043, 599: 3043})
_XAI = MappingProxyType(
    {
        401: "unauthenticated:no-credentials",
        403: "permission-denied",
        404: "not-found",
        429: "resource-exhausted",
        503: "unavailable",
        499: "invalid-argument",
        599: "internal",
    }
)
_MISTRAL = MappingProxyType(
    {
        429: ("rate_limited", "1300"),
        503: ("unreachable_backend", "1100"),
        499: ("invalid_request_error", None),
        599: ("internal_server_error", "1000"),
    }
)
# The error's type, the parameter that it is about, and its code.
_CEREBRAS = MappingProxyType(
    {
        401: ("invalid_request_error", "api_key", "wrong_api_key"),
        404: ("not_found_error", "model", "model_not_found"),
        429: ("too_many_requests_error", "quota", "request_quota_exceeded"),
        499: ("invalid_request_error", "", ""),
        599: ("server_error", "", ""),
    }
)

# What Cloudflare calls its own statuses.
_EDGE_TITLES = MappingProxyType(
    {
        520: "Web server is returning an unknown error",
        521: "Web server is down",
        522: "Connection timed out",
        523: "Origin is unreachable",
        524: "A timeout occurred",
        525: "SSL handshake failed",
        526: "Invalid SSL certificate",
        527: "Railgun error",
        529: "Site is overloaded",
    }
)


def provider_error(request: ProviderRequest, status: int, retry_after: int | str | None) -> ProviderAnswer:
    """The provider's own error. An answer of `/compat` and of the providers without a row has OpenAI's shape."""
    say = _openai if request.dialect == "chat" else _DIALECTS.get(request.provider, _openai)
    body, headers = say(status, retry_after)
    return ProviderAnswer(status, _JSON + headers + _retry(retry_after), (write(body),))


def provider_page(status: int, retry_after: int | str | None) -> ProviderAnswer:
    """A page in HTML from whatever stands before the provider's servers."""
    title = f"{status} {_phrase(status)}"
    return ProviderAnswer(status, _HTML + _retry(retry_after), (_page(title, title, "load balancer"),))


def edge_text(status: int, retry_after: int | str | None) -> Reply:
    """The edge's short answer, one line of text. A rate limit of the edge goes by the number 1015."""
    body = f"error code: {1015 if status == 429 else status}".encode("ascii")
    return Reply(status, _PLAIN + _EDGE + _retry(retry_after), body)


def edge_page(request: GatewayRequest, status: int, retry_after: int | str | None) -> Reply:
    """The edge's answer as a page in HTML."""
    host, phrase = request.headers.get("host", "gateway")[:100], _phrase(status)
    body = _page(f"{host} | {status}: {phrase}", f"{phrase} Error code {status}", "cloudflare")
    return Reply(status, _HTML + _EDGE + _retry(retry_after), body)


_Said = tuple[JsonObject, Headers]


def _openai(status: int, retry_after: int | str | None) -> _Said:  # noqa: ARG001
    kind, code = _row(_OPENAI, status)
    body: JsonObject = {"error": {"message": _sentence(status), "type": kind, "param": None, "code": code}}
    return body, (("x-request-id", _REQUEST_ID),)


def _anthropic(status: int, retry_after: int | str | None) -> _Said:  # noqa: ARG001
    error: JsonObject = {"type": _row(_ANTHROPIC, status), "message": _sentence(status)}
    return {"type": "error", "error": error, "request_id": _REQUEST_ID}, (("request-id", _REQUEST_ID),)


def _google(status: int, retry_after: int | str | None) -> _Said:
    error: JsonObject = {"code": status, "message": _sentence(status), "status": _row(_GOOGLE, status)}
    if isinstance(retry_after, int):
        # Google tells the wait in the body.
        error["details"] = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{retry_after}s"}]
    return {"error": error}, ()


def _workers_ai(status: int, retry_after: int | str | None) -> _Said:  # noqa: ARG001
    errors: JsonObject = {"code": _row(_WORKERS_AI, status), "message": f"AiError: {_sentence(status)}"}
    return {"success": False, "errors": [errors], "messages": [], "result": {}}, ()


def _xai(status: int, retry_after: int | str | None) -> _Said:  # noqa: ARG001
    return {"code": _row(_XAI, status), "error": _sentence(status)}, ()


def _mistral(status: int, retry_after: int | str | None) -> _Said:  # noqa: ARG001
    if status == 401:
        return {"detail": _sentence(status)}, ()
    kind, code = _row(_MISTRAL, status)
    body: JsonObject = {"object": "error", "message": _sentence(status), "type": kind, "param": None, "code": code}
    return {**body, "raw_status_code": status}, ()


def _cerebras(status: int, retry_after: int | str | None) -> _Said:  # noqa: ARG001
    kind, param, code = _row(_CEREBRAS, status)
    return {"message": _sentence(status), "type": kind, "param": param, "code": code}, ()


def _cohere(status: int, retry_after: int | str | None) -> _Said:  # noqa: ARG001
    return {"id": _REQUEST_ID, "message": _sentence(status)}, ()


_DIALECTS: MappingProxyType[str, Callable[[int, int | str | None], _Said]] = MappingProxyType(
    {
        "anthropic": _anthropic,
        "cerebras": _cerebras,
        "cohere": _cohere,
        "google-ai-studio": _google,
        "google-vertex-ai": _google,
        "grok": _xai,
        "mistral": _mistral,
        "workers-ai": _workers_ai,
    }
)


def _row(table: MappingProxyType[int, T], status: int) -> T:
    return table[status] if status in table else table[499 if status < 500 else 599]


def _retry(retry_after: int | str | None) -> Headers:
    return () if retry_after is None else (("retry-after", str(retry_after)),)


def _sentence(status: int) -> str:
    return f"{_phrase(status)} (a fault asked for)"


def _phrase(status: int) -> str:
    known = _EDGE_TITLES.get(status)
    if known is not None:
        return known
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown error"


def _page(title: str, heading: str, by: str) -> bytes:
    return (
        "<!DOCTYPE html>\n"
        f'<html lang="en-US">\n<head><title>{html.escape(title)}</title></head>\n'
        f"<body>\n<h1>{html.escape(heading)}</h1>\n<hr><p>{by}</p>\n</body>\n</html>\n"
    ).encode()
