"""An error that came over the wire, as data and as a sentence: who said no, what it means, whether to try again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ...core import AigError, GatewayError, ProviderError, Unreachable
from ._printable import cut, one_line

_MOST: Final = 300

# What to do about a meaning of contract 4.2; the others explain themselves.
_FIXES: Final[Mapping[str, str]] = {
    "authentication_failed": "Check CF_AIG_TOKEN: the gateway wants a token with AI Gateway Run",
    "token_permission_missing": "The token lacks a permission: AI Gateway Run for a gateway, Workers AI Read for REST",
    "gateway_not_found": "Check account id and gateway id",
    "invalid_provider": "Check the provider's slug and the path after it",
    "no_credits": "Load credits, store a key of the provider's in the gateway, or send one",
    "byok_alias_unknown": "Check the alias of the stored key",
    "spend_limit_reached": "A budget is used up; the gateway's settings say which and until when",
    "policy_spend_cap_reached": "A budget is used up; the gateway's policies say which and until when",
    "user_agent_refused": "Cloudflare's edge refuses this User-Agent: send one of your own",
    "model_not_found": "Check how this surface spells the model",
    "model_withdrawn": "Choose another model",
}


@dataclass(frozen=True, slots=True)
class SaidNo:
    """An error as data."""

    origin: str
    sentence: str
    status: int | None
    code: int | None
    meaning: str
    message: str | None
    retry_helps: bool
    retry_after: float | None
    fix: str | None


def said_no(error: AigError, *, where: str, secrets: tuple[str, ...] = ()) -> SaidNo:
    """An error of the gateway, the provider or the network; ``where`` is the origin that was tried."""
    match error:
        case GatewayError():
            message = _clean(error.detail, secrets)
            return _answered(error, error.meaning, message, _FIXES.get(error.meaning))
        case ProviderError():
            return _answered(error, error.kind or "provider_error", _clean(_message(error.body), secrets), None)
        case Unreachable():
            how = f"{error.kind}: {error.problem.removeprefix('nobody answered: ')}"
            sentence = f"Nobody answered at {where} ({how}). Check the address and the network."
            return SaidNo("nobody", one_line(sentence), None, None, error.kind, None, True, None, None)
        case _:
            return SaidNo("aig", one_line(str(error)), None, None, "refused", None, False, None, None)


def _answered(error: GatewayError | ProviderError, meaning: str, message: str | None, fix: str | None) -> SaidNo:
    retry = "A retry may help" if error.retryable else "A retry will not help"
    after = f" in {error.retry_after:g} s" if error.retryable and error.retry_after is not None else ""
    said = f' It says: "{message}".' if message else ""
    advice = f" {fix}." if fix else ""
    return SaidNo(
        origin="gateway" if isinstance(error, GatewayError) else "provider",
        sentence=one_line(f"{error.problem}.{said} {retry}{after}.{advice}"),
        status=error.status,
        code=error.code if isinstance(error, GatewayError) else None,
        meaning=meaning,
        message=message,
        retry_helps=error.retryable,
        retry_after=error.retry_after,
        fix=fix,
    )


def _message(body: bytes) -> str:
    """The provider's own sentence, in the shapes that providers use."""
    try:
        document = json.loads(body[:100_000])
    except (ValueError, RecursionError):
        return ""
    if isinstance(document, list) and document:
        document = document[0]
    error = document.get("error", document) if isinstance(document, dict) else None
    if isinstance(error, dict):
        error = error.get("message")
    return error if isinstance(error, str) else ""


def _clean(text: str, secrets: tuple[str, ...]) -> str | None:
    """A sentence from outside: on one line, not endless, and without a credential that it may repeat."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "[credential]")
    return cut(one_line(text), _MOST).rstrip(".") or None
