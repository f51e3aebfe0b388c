"""What the gateway says in its response headers: contract section 2 as one typed value."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final, cast

from .._depth import shallow

HeaderPairs = Iterable[tuple[str, str]] | Iterable[tuple[bytes, bytes]]


class CacheStatus(StrEnum):
    """``cf-aig-cache-status``. A MISS is no proof that anything was stored (contract 2)."""

    HIT = "HIT"
    MISS = "MISS"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class DlpFinding:
    """One finding of ``cf-aig-dlp``: which profile matched, under which policies, on the REQUEST or the RESPONSE."""

    profile_id: str | None
    entry_ids: tuple[str, ...]
    policy_ids: tuple[str, ...]
    check: str | None


@dataclass(frozen=True, slots=True)
class ResponseMetadata:
    """Everything AI Gateway says about one response; a field is None where it said nothing.

    Ids are opaque: their shape has changed before. ``raw`` holds every ``cf-aig-*`` header as it came, lower-case
    names.
    """

    ai_gateway_cache_status: CacheStatus | None = None
    log_id: str | None = None
    event_id: str | None = None
    request_id: str | None = None
    step: int | None = None
    provider: str | None = None
    model: str | None = None
    dlp_action: str | None = None
    dlp_findings: tuple[DlpFinding, ...] = ()
    routed_model: str | None = None
    routing_reason: str | None = None
    routing_decision_id: str | None = None
    run_id: str | None = None
    workers_ai_request_id: str | None = None
    raw: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def hit(self) -> bool:
        """True only for a HIT; unknown is not a miss, and neither is a hit."""
        return self.ai_gateway_cache_status is CacheStatus.HIT

    @classmethod
    def from_headers(cls, headers: Mapping[str, str] | HeaderPairs) -> ResponseMetadata:
        """Read response headers: a mapping, or pairs of str or bytes. Nothing in a header makes this raise."""
        raw = _collect(headers)
        dlp_action, dlp_findings = _read_dlp(raw.get("cf-aig-dlp"))
        return cls(
            ai_gateway_cache_status=_cache_status(raw.get("cf-aig-cache-status")),
            log_id=raw.get("cf-aig-log-id"),
            event_id=raw.get("cf-aig-event-id"),
            request_id=raw.get("cf-aig-request-id"),
            step=_read_step(raw.get("cf-aig-step")),
            provider=raw.get("cf-aig-provider"),
            model=raw.get("cf-aig-model"),
            dlp_action=dlp_action,
            dlp_findings=dlp_findings,
            routed_model=raw.get("cf-aig-routed-model"),
            routing_reason=raw.get("cf-aig-routing-reason"),
            routing_decision_id=raw.get("cf-aig-routing-decision-id"),
            run_id=raw.get("cf-aig-run-id"),
            workers_ai_request_id=raw.pop("cf-ai-req-id", None),
            raw=MappingProxyType(raw),
        )


def _collect(headers: Mapping[str, str] | HeaderPairs) -> dict[str, str]:
    pairs: Iterable[tuple[str, str] | tuple[bytes, bytes]]
    pairs = cast("Mapping[str, str]", headers).items() if isinstance(headers, Mapping) else headers
    raw: dict[str, str] = {}
    for name, value in pairs:
        if name[:2] in _FIRST_TWO:
            lowered = (name.decode("latin-1") if isinstance(name, bytes) else name).lower()
            text = (value.decode("latin-1") if isinstance(value, bytes) else value).strip()
            if text and lowered not in raw and (lowered.startswith("cf-aig-") or lowered == "cf-ai-req-id"):
                raw[lowered] = text
    return raw


# Most headers are not ours; this is asked of every one of them.
_FIRST_TWO: Final[frozenset[str | bytes]] = frozenset({"cf", "Cf", "CF", "cF", b"cf", b"Cf", b"CF", b"cF"})


def _cache_status(value: str | None) -> CacheStatus | None:
    if value is None:
        return None
    # ASCII alone: "\u0131".upper() is an I, too.
    return _STATUSES.get(value.upper(), CacheStatus.UNKNOWN) if value.isascii() else CacheStatus.UNKNOWN


_STATUSES: Final = {status.value: status for status in CacheStatus}


def _read_step(value: str | None) -> int | None:
    return int(value) if value is not None and value.isascii() and value.isdigit() and len(value) < 10 else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _texts(value: object) -> tuple[str, ...]:
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def _read_dlp(value: str | None) -> tuple[str | None, tuple[DlpFinding, ...]]:
    if value is None:
        return None, ()
    try:
        document = json.loads(shallow(value))
    except (ValueError, RecursionError):
        return None, ()
    if not isinstance(document, dict):
        return None, ()
    findings: list[DlpFinding] = []
    listed = document.get("findings")
    for item in listed if isinstance(listed, list) else ():
        if isinstance(item, dict):
            profile = item.get("profile")
            profile = profile if isinstance(profile, dict) else {}
            findings.append(
                DlpFinding(
                    profile_id=_text(profile.get("profile_id")),
                    entry_ids=_texts(profile.get("entry_ids")),
                    policy_ids=_texts(item.get("policy_ids")),
                    check=_text(item.get("check")),
                )
            )
    return _text(document.get("action")), tuple(findings)
