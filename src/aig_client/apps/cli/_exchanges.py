"""One exchange as data: what the gateway said about it, and the receipt."""

from __future__ import annotations

from dataclasses import dataclass

from ...core import Receipt


@dataclass(frozen=True, slots=True)
class MetadataFacts:
    """What the gateway said; ``raw`` holds its headers as they came."""

    cache_status: str | None
    log_id: str | None
    event_id: str | None
    request_id: str | None
    step: int | None
    provider: str | None
    model: str | None
    dlp_action: str | None
    raw: dict[str, str]


@dataclass(frozen=True, slots=True)
class ReceiptFacts:
    """What was decided and what happened; times in seconds."""

    surface: str | None
    provider: str | None
    endpoint: str | None
    model: str | None
    route_class: str | None
    intent: str
    key: str | None
    ttl: int | None
    reasons: tuple[str, ...]
    status: int | None
    ended: str
    attempts: int
    latency: float | None
    time_to_first_byte: float | None
    input_tokens: int | None
    output_tokens: int | None
    cache_read_input_tokens: int | None
    cache_write_input_tokens: int | None


def metadata_facts(receipt: Receipt) -> MetadataFacts:
    """The gateway's side of a receipt."""
    metadata = receipt.metadata
    status = metadata.ai_gateway_cache_status
    return MetadataFacts(
        status.value if status is not None else None,
        metadata.log_id,
        metadata.event_id,
        metadata.request_id,
        metadata.step,
        metadata.provider,
        metadata.model,
        metadata.dlp_action,
        dict(metadata.raw),
    )


def receipt_facts(receipt: Receipt) -> ReceiptFacts:
    """Our side of it."""
    plan, usage = receipt.plan, receipt.usage
    surface = plan.surface
    return ReceiptFacts(
        surface=surface.family if surface else None,
        provider=surface.provider if surface else None,
        endpoint=surface.endpoint if surface else None,
        model=plan.model,
        route_class=plan.route_class,
        intent=plan.intent.mode,
        key=plan.key.value if plan.key else None,
        ttl=plan.ttl,
        reasons=plan.reasons,
        status=receipt.status,
        ended=receipt.ended,
        attempts=receipt.attempts,
        latency=receipt.latency,
        time_to_first_byte=receipt.time_to_first_byte,
        input_tokens=usage.input_tokens if usage else None,
        output_tokens=usage.output_tokens if usage else None,
        cache_read_input_tokens=usage.cache_read_input_tokens if usage else None,
        cache_write_input_tokens=usage.cache_write_input_tokens if usage else None,
    )


def milliseconds(seconds: float | None) -> str | None:
    """A time for people."""
    return f"{seconds * 1000:.1f} ms" if seconds is not None else None
