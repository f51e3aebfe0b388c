"""One exchange as data: what the gateway said about it, and the receipt."""

from __future__ import annotations

from dataclasses import dataclass

from ...core import Receipt
from ._amounts import dollars, exact_dollars


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
class CostFacts:
    """What an answer cost at its provider, and what a hit saved, in nano-dollars; None is unknown."""

    nanodollars: int | None
    dollars: str | None
    basis: str | None
    saved_nanodollars: int | None
    prompt_cache_saved_nanodollars: int | None
    reasons: tuple[str, ...]


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
    reasoning_tokens: int | None
    model_served: str | None
    fallbacks: tuple[str, ...]
    cost: CostFacts | None


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
        reasoning_tokens=usage.reasoning_tokens if usage else None,
        model_served=receipt.model,
        fallbacks=plan.fallbacks,
        cost=cost_facts(receipt),
    )


def cost_facts(receipt: Receipt) -> CostFacts | None:
    """What an answer cost; None where nobody answered, or no tokens can have been spent."""
    cost = receipt.cost
    if cost is None:
        return None
    return CostFacts(
        nanodollars=cost.nanodollars,
        dollars=exact_dollars(cost.nanodollars),
        basis=cost.basis,
        saved_nanodollars=cost.saved_nanodollars,
        prompt_cache_saved_nanodollars=cost.prompt_cache_saved_nanodollars,
        reasons=cost.reasons,
    )


def cost_in_words(cost: CostFacts | None) -> str | None:
    """``$0.00025, derived``, or why it is unknown."""
    if cost is None:
        return None
    parts = [dollars(cost.nanodollars) or "unknown", *([cost.basis] if cost.basis else []), *cost.reasons]
    return ", ".join(parts)


def saved_in_words(cost: CostFacts | None, *, hit: bool) -> str | None:
    """What the caches saved; None where that is nothing."""
    if cost is None:
        return None
    parts: list[str] = []
    if hit:
        parts.append(f"{dollars(cost.saved_nanodollars) or 'an unknown amount'} by the gateway's cache")
    if cost.prompt_cache_saved_nanodollars:
        parts.append(f"{dollars(cost.prompt_cache_saved_nanodollars)} by the provider's prompt cache")
    return ", ".join(parts) or None


def tokens_in_words(receipt: ReceiptFacts) -> str | None:
    """``12 in (8 cached), 40 out (16 of them thoughts)``."""
    if receipt.input_tokens is None and receipt.output_tokens is None:
        return None
    beside = [
        *([f"{receipt.cache_read_input_tokens} cached"] if receipt.cache_read_input_tokens else []),
        *([f"{receipt.cache_write_input_tokens} written to the cache"] if receipt.cache_write_input_tokens else []),
    ]
    cached = f" ({', '.join(beside)})" if beside else ""
    taken = f"{_number(receipt.input_tokens)} in{cached}"
    thoughts = f" ({receipt.reasoning_tokens} of them thoughts)" if receipt.reasoning_tokens else ""
    return f"{taken}, {_number(receipt.output_tokens)} out{thoughts}"


def _number(count: int | None) -> str:
    return "unknown" if count is None else str(count)


def milliseconds(seconds: float | None) -> str | None:
    """A time for people."""
    return f"{seconds * 1000:.1f} ms" if seconds is not None else None
