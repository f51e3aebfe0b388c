"""How each provider says that a key is missing or wrong. Nothing of the key is repeated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from .._messages import ProviderAnswer, ProviderRequest
from ._asked import Refusal
from ._wire import json_answer


@dataclass(frozen=True, slots=True)
class KeyRefusals:
    missing: Refusal
    wrong: Refusal


def _always(status: int, body: object) -> Refusal:
    def refuse(request: ProviderRequest) -> ProviderAnswer:  # noqa: ARG001
        return json_answer(status, body)

    return refuse


def _both(status: int, body: object) -> KeyRefusals:
    refuse = _always(status, body)
    return KeyRefusals(refuse, refuse)


def _error(message: str, kind: str, code: object = None, **more: object) -> dict[str, object]:
    return {"error": {"message": message, "type": kind, **more, "code": code}}


_XAI = "https://console.x.ai"

KEY_REFUSALS: Mapping[str, KeyRefusals] = MappingProxyType(
    {
        "groq": _both(401, _error("Invalid API Key", "invalid_request_error", "invalid_api_key")),
        "cerebras": _both(
            401,
            {"message": "Wrong API Key", "type": "invalid_request_error", "param": "api_key", "code": "wrong_api_key"},
        ),
        "mistral": _both(401, {"detail": "Unauthorized"}),
        "deepseek": _both(
            401,
            _error("Authentication Fails (governor)", "authentication_error", "invalid_request_error", param=None),
        ),
        # A wrong key is a 400 there.
        "grok": KeyRefusals(
            _always(401, {"code": "unauthenticated:no-credentials", "error": f"No API key was provided. See {_XAI}."}),
            _always(400, {"code": "invalid-argument", "error": f"Incorrect API key provided. See {_XAI}."}),
        ),
        "perplexity-ai": _both(401, _error("Invalid API key provided.", "invalid_api_key", 401)),
        "openrouter": KeyRefusals(
            _always(401, {"error": {"message": "No auth credentials found", "code": 401}}),
            _always(401, {"error": {"message": "User not found.", "code": 401}}),
        ),
        "azure-openai": _both(
            401,
            {
                "error": {
                    "code": "401",
                    "message": "Access denied due to invalid subscription key or wrong API endpoint.",
                }
            },
        ),
        "fireworks": _both(
            403, {"error": {"object": "error", "type": "invalid_request_error", "message": "unauthorized"}}
        ),
        "parallel": _both(401, {"type": "error", "error": {"ref_id": "emulator", "message": "Unauthorized"}}),
        "huggingface": _both(401, {"error": "Invalid username or password."}),
        "replicate": _both(401, {"title": "Unauthenticated", "detail": "Invalid token.", "status": 401}),
        "elevenlabs": _both(401, {"detail": {"status": "invalid_api_key", "message": "Invalid API key"}}),
        "deepgram": _both(401, {"err_code": "INVALID_AUTH", "err_msg": "Invalid credentials."}),
        "aws-bedrock": _both(403, {"message": "The security token included in the request is invalid."}),
    }
)
"""By slug, from public error reports. Who is not here answers as OpenAI does."""
