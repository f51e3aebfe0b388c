"""Google's refusals: its own statuses beside HTTP's."""

from __future__ import annotations

from .._messages import ProviderAnswer, ProviderRequest
from ._wire import json_answer


def google_error(status: int, name: str, message: str, details: list[object] | None = None) -> ProviderAnswer:
    error: dict[str, object] = {"code": status, "message": message, "status": name}
    if details is not None:
        error["details"] = details
    return json_answer(status, {"error": error})


def bad_argument(message: str) -> ProviderAnswer:
    return google_error(400, "INVALID_ARGUMENT", message)


def no_key(request: ProviderRequest) -> ProviderAnswer:  # noqa: ARG001
    """AI Studio: a missing key is 403, not 401."""
    return google_error(403, "PERMISSION_DENIED", "Method doesn't allow unregistered callers. Please use API Key.")


def wrong_key(request: ProviderRequest) -> ProviderAnswer:  # noqa: ARG001
    """AI Studio: a wrong key is 400."""
    info: object = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "API_KEY_INVALID",
        "domain": "googleapis.com",
        "metadata": {"service": "generativelanguage.googleapis.com"},
    }
    return google_error(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", [info])


def bad_token(request: ProviderRequest) -> ProviderAnswer:  # noqa: ARG001
    """Vertex, without an access token or with a wrong one."""
    message = "Request had invalid authentication credentials. Expected OAuth 2 access token."
    return google_error(401, "UNAUTHENTICATED", message)


def not_found(request: ProviderRequest) -> ProviderAnswer:  # noqa: ARG001
    return google_error(404, "NOT_FOUND", "Requested entity was not found.")
