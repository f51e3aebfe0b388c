"""OpenAI's refusals, which those who follow its dialect share."""

from __future__ import annotations

from .._json import JsonObject
from .._messages import ProviderAnswer, ProviderRequest
from ._wire import json_answer


def openai_error(status: int, message: str, *, param: str | None = None, code: str | None = None) -> ProviderAnswer:
    error = {"message": message, "type": "invalid_request_error", "param": param, "code": code}
    return json_answer(status, {"error": error})


def checked(payload: JsonObject | None, *needed: str) -> JsonObject | ProviderAnswer:
    """The body, or what is wrong with it: no JSON object, a field missing or empty, or a model that is no text."""
    if payload is None:
        return openai_error(400, "We could not parse the JSON body of your request.")
    for name in needed:
        if not payload.get(name):
            message = f"Missing required parameter: '{name}'."
            return openai_error(400, message, param=name, code="missing_required_parameter")
    if "model" in needed and not isinstance(payload["model"], str):
        return openai_error(400, "Invalid type for 'model': expected a string.", param="model", code="invalid_type")
    return payload


def no_key(request: ProviderRequest) -> ProviderAnswer:  # noqa: ARG001
    return openai_error(401, "You didn't provide an API key in an Authorization header using Bearer auth.")


def wrong_key(request: ProviderRequest) -> ProviderAnswer:  # noqa: ARG001
    # The real one repeats the key with stars in it; nothing of a header is repeated here.
    return openai_error(401, "Incorrect API key provided.", code="invalid_api_key")


def not_found(request: ProviderRequest) -> ProviderAnswer:
    return openai_error(404, f"Invalid URL ({request.method} {_path(request)})")


def wrong_method(request: ProviderRequest) -> ProviderAnswer:
    message = f"Not allowed to {request.method} on {_path(request)}."
    return openai_error(405, message, code="method_not_supported")


def _path(request: ProviderRequest) -> str:
    return "/v1" + request.path.rstrip("/").removeprefix("/v1")
