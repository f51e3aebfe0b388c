"""Who said no, and what it means: contract section 4, shapes E1 to E7 and the code table."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, cast

from .._depth import shallow
from .._errors import GatewayError, ProviderError


@dataclass(frozen=True, slots=True)
class Code:
    """One row of contract 4.2."""

    meaning: str
    retryable: bool


CODES: Final[Mapping[int, Code]] = {
    1010: Code("user_agent_refused", False),
    2001: Code("gateway_not_found", False),
    2003: Code("rate_limited", True),
    2005: Code("no_provider_answer", True),
    2008: Code("invalid_provider", False),
    2009: Code("authentication_failed", False),
    2016: Code("guardrail_prompt_blocked", False),
    2017: Code("guardrail_response_blocked", False),
    2018: Code("rate_limited", True),  # Unified Billing's own; undocumented, in several public reports with status 429
    2019: Code("compat_unsupported", False),
    2021: Code("no_credits", False),
    2029: Code("dlp_request_blocked", False),
    2030: Code("dlp_response_blocked", False),
    2040: Code("byok_alias_unknown", False),
    2045: Code("spend_limit_reached", False),
    2049: Code("no_credits", False),
    5028: Code("model_withdrawn", False),
    7001: Code("log_filter_invalid", False),
    7002: Code("log_not_found", True),
    7003: Code("model_not_found", False),
    7010: Code("model_withdrawn", False),
    7013: Code("guardrail_unavailable", True),
    10000: Code("token_permission_missing", False),
}

# Shapes without a code (E3, and answers whose code is undocumented): the status is all there is.
_BY_STATUS: Final[Mapping[int, Code]] = {
    401: Code("authentication_failed", False),
    402: Code("no_credits", False),
    403: Code("policy_blocked", False),
    429: Code("rate_limited", True),
}
_SPEND_CAP: Final = Code("policy_spend_cap_reached", False)
_WITHOUT_CREDENTIAL: Final = Code("provider_credential_refused", True)
_REFUSED_CREDENTIAL: Final = Code("provider_credential_refused", False)
# Unified Billing's rate limit also comes as 402 with the code of empty credits; its sentence alone tells them apart.
_SAYS_RATE_LIMIT: Final = re.compile(r"\brate[ -]limit", re.IGNORECASE)
RETRYABLE: Final = frozenset({408, 409, 429, 500, 502, 503, 504, *range(520, 530)})

_NO_STATUS: Final = 0  # what a binding throws has none

_CODE_LIST_TEXT: Final = re.compile(r"\s*(?:\d{3}\s+)?(\[\{.*\}\])\s*", re.DOTALL)
_CODE_TEXT: Final = re.compile(r"\s*(\d{4,5}): (.*)", re.DOTALL)
_EDGE_TEXT: Final = re.compile(r"\s*error code: (\d{4})\s*")
_MAX_PARSED: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class _Said:
    code: int | None
    text: str
    spend_cap: bool = False


def _first_code(items: object) -> _Said | None:
    if not isinstance(items, list):
        return None
    for item in items:
        if isinstance(item, dict) and isinstance(code := item.get("code"), int) and not isinstance(code, bool):
            return _Said(code, _string(item.get("message")))
    return None


def _string(value: object) -> str:
    return value if isinstance(value, str) else ""


def _gateway_said(document: object) -> _Said | None:
    """The contract's origin test (4.1) on a parsed body: None means that the provider spoke."""
    if isinstance(document, list):  # E4: what an SDK leaves of E1 after lifting "error"
        return _first_code(document)
    if not isinstance(document, dict):
        return None
    error = document.get("error")
    said = _first_code(error) or _first_code(document.get("errors"))
    if said is not None:
        return said
    internal = document.get("internalCode")
    if isinstance(internal, int) and not isinstance(internal, bool):
        return _Said(internal, _string(document.get("description")))
    if document.get("name") == "AiGatewayError":
        return _Said(None, _string(document.get("description")))
    if document.get("success") is False and isinstance(error, dict) and isinstance(error.get("message"), str):
        return _Said(None, error["message"], spend_cap="bucket" in error or "bucket" in document)
    return None


def _text_said(text: str) -> _Said | None:
    listed = _CODE_LIST_TEXT.fullmatch(text)
    if listed:
        try:
            return _first_code(json.loads(shallow(listed[1])))
        except (ValueError, RecursionError):
            return None
    edge = _EDGE_TEXT.fullmatch(text)
    return _Said(int(edge[1]), "") if edge else None


def _row(said: _Said, status: int, *, rest_run: bool) -> Code:
    if said.code == 2009 and rest_run:  # contract 9, conflict 11: on /ai/run it is the provider's credential
        return _WITHOUT_CREDENTIAL if status == 503 else _REFUSED_CREDENTIAL
    if said.code == 2021 and _SAYS_RATE_LIMIT.search(said.text):
        return CODES[2018]
    if said.code is not None:
        return CODES.get(said.code) or Code("unknown", status in RETRYABLE)
    if said.spend_cap:
        return _SPEND_CAP
    return _BY_STATUS.get(status) or Code("unknown", status in RETRYABLE)


def error_from_response(
    status: int,
    headers: Mapping[str, str] | Iterable[tuple[str, str]],
    body: bytes,
    *,
    provider: str | None = None,
    rest_run: bool = False,
) -> GatewayError | ProviderError:
    """The typed error of a response that is no success; code first, status second (contract 4).

    Args:
        rest_run: the request was a ``POST .../ai/run``, where code 2009 speaks of the provider's credential.
    """
    pairs = cast("Mapping[str, str]", headers).items() if isinstance(headers, Mapping) else headers
    lowered = {name.lower(): value for name, value in pairs}
    wait = retry_after(lowered)
    text = body[:_MAX_PARSED].decode("utf-8", "replace")
    try:
        document: object = json.loads(shallow(text))
    except (ValueError, RecursionError):
        document = None
    said = _gateway_said(document) or (_text_said(text) if document is None else None)
    if said is not None:
        row = _row(said, status, rest_run=rest_run)
        return GatewayError(
            status=status,
            code=said.code,
            meaning=row.meaning,
            retryable=row.retryable,
            retry_after=wait,
            detail=said.text,
            body=body,
        )
    return ProviderError(
        status=status,
        retryable=status in RETRYABLE,
        provider=provider,
        retry_after=wait,
        kind=_provider_kind(document),
        body=body,
    )


def error_from_binding(name: str, message: str) -> GatewayError | ProviderError:
    """E6: what ``env.AI.run`` throws, ``"NNNN: text"`` with a ``name`` and no status (contract 4.1)."""
    found = _CODE_TEXT.fullmatch(message)
    code = int(found[1]) if found else None
    if name == "InferenceUpstreamError" or (code is None and name != "AiGatewayError"):
        return ProviderError(status=502, retryable=True, kind=name)
    text = found[2] if found else message
    row = _row(_Said(code, text), _NO_STATUS, rest_run=False)
    return GatewayError(status=500, code=code, meaning=row.meaning, retryable=row.retryable, detail=text)


def _provider_kind(document: object) -> str | None:
    """A provider's own word for its error ("invalid_api_key"), never its sentence: that may quote the prompt."""
    error = document.get("error") if isinstance(document, dict) else None
    if not isinstance(error, dict):
        return None
    for name in ("code", "type", "status"):
        value = error.get(name)
        if isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", value):
            return value
    return None


_HTTP_DATE: Final = re.compile(r"[A-Z][a-z]{2}, (\d\d) ([A-Z][a-z]{2}) (\d{4}) (\d\d):(\d\d):(\d\d) GMT")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait by ``Retry-After`` (RFC 9110 10.2.3), a date being read against the response's own ``Date``."""
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,9}(?:\.[0-9]{1,6})?", value):
        return float(value)
    then, now = _http_date(value), _http_date(headers.get("date", "").strip())
    return None if then is None or now is None else max(0.0, (then - now).total_seconds())


def _http_date(text: str) -> datetime | None:
    found = _HTTP_DATE.fullmatch(text)
    if found is None or found[2] not in _MONTHS:
        return None
    day, month, year, hour, minute, second = found.groups()
    try:
        return datetime(int(year), _MONTHS.index(month) + 1, int(day), int(hour), int(minute), int(second), tzinfo=UTC)
    except ValueError:
        return None
