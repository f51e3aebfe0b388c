"""What the edge takes off a request, and how it says no in the words of whoever asks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Final

from ._providers import CREDENTIAL_HEADERS, EndpointKind

# RFC 9110 7.6.1, and what a proxy may not hand on.
_HOP_BY_HOP: Final = frozenset(
    {
        *("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer"),
        *("transfer-encoding", "upgrade", "host", "content-length", "expect", "accept-encoding", "cookie"),
    }
)
# Who the caller is, and how the request came here, is nobody's business behind the edge: what Cloudflare's zone adds
# (every cf-* header: connection, location, bots, Access, client certificates), and what other proxies add.
_FORWARDING: Final = frozenset(
    {
        *("forwarded", "x-real-ip", "true-client-ip", "cdn-loop", "via", "x-client-ip", "x-cluster-client-ip"),
        *("client-cert", "client-cert-chain"),  # RFC 9440
        *("origin", "referer", "x-http-method-override", "x-http-method", "x-method-override"),
        "x-fal-target-url",  # contract 3.2: the URL that is asked in place of the one that was looked at
    }
)
_PREFIXES: Final = (
    *("cf-", "x-aig-", "x-forwarded", "x-original-", "x-envoy-", "x-rewrite-", "sec-websocket-", "fastly-"),
)
_OURS: Final = frozenset({"payment-method", "ocp-apim-subscription-key"})

ACCOUNT_HEADERS: Final = frozenset({"openai-organization", "openai-project", "x-goog-user-project"})
"""They choose within an account of the provider: with the gateway's own key that is nobody's to choose but ours."""

# Providers that take a file as it is, or as a part of a form; everything else that asks a model is JSON.
_FILES: Final = re.compile(
    r".*/audio/(?:transcriptions|translations)|.*/images/(?:edits|variations)|/v1/(?:listen|speech-to-text)|/stt"
    r"|/v1/ideogram-v3/.*|(?:/ai)?(?:/run)?/@(?:cf|hf)/.*"
)
_FILE_TYPES: Final = ("multipart/form-data", "audio/", "image/", "video/", "application/octet-stream")


def takes_files(path: str) -> bool:
    """Whether an endpoint takes bodies that are no JSON."""
    return _FILES.fullmatch(path) is not None


def is_file_type(content_type: str) -> bool:
    """Whether a content type says that the body is a file, or a form with one."""
    return content_type.strip().lower().startswith(_FILE_TYPES)


def strip(headers: Iterable[tuple[str, str]]) -> tuple[list[tuple[str, str]], dict[str, str]]:
    """What may go on, and what the edge itself reads (lower-case names; the first of each counts).

    A provider's credential is in neither heap of what goes on: whether it may is for the caller's policy to say.
    """
    pairs = [(name.lower(), value) for name, value in headers]
    named = {one.strip().lower() for name, value in pairs if name == "connection" for one in value.split(",")}
    kept: list[tuple[str, str]] = []
    read: dict[str, str] = {}
    for name, value in pairs:
        if name.startswith(_PREFIXES) or name in _OURS or name in CREDENTIAL_HEADERS:
            read.setdefault(name, value)
        elif name not in _HOP_BY_HOP and name not in _FORWARDING and name not in named:
            kept.append((name, value))
    return kept, read


def _openai(status: int, code: str, message: str) -> dict[str, object]:
    kind = "invalid_request_error" if status < 500 and status not in (401, 403, 429) else _OPENAI_TYPES.get(status)
    return {"error": {"message": message, "type": kind or "api_error", "param": None, "code": code}}


_OPENAI_TYPES: Final = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}


def _anthropic(status: int, code: str, message: str) -> dict[str, object]:
    kind = _ANTHROPIC_TYPES.get(status, "invalid_request_error" if status < 500 else "api_error")
    return {"type": "error", "error": {"type": kind, "message": f"{message} ({code})"}}


_ANTHROPIC_TYPES: Final = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}


def _gemini(status: int, code: str, message: str) -> dict[str, object]:
    kind = _GEMINI_STATUSES.get(status, "INVALID_ARGUMENT" if status < 500 else "INTERNAL")
    details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": code.upper(), "domain": "aig"}]
    return {"error": {"code": status, "message": message, "status": kind, "details": details}}


_GEMINI_STATUSES: Final = {
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}

_SHAPES: Final[Mapping[EndpointKind, Callable[[int, str, str], dict[str, object]]]] = MappingProxyType(
    {"messages": _anthropic, "generate_content": _gemini}
)


def refusal(kind: EndpointKind, status: int, code: str, message: str) -> dict[str, object]:
    """An error object as the SDKs for this kind of endpoint read it; OpenAI's where nothing else is usual."""
    return _SHAPES.get(kind, _openai)(status, code, message)
