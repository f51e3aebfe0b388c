"""Pydantic twins of the core's values: for services whose own settings and responses are pydantic models."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from ..core import CacheStatus, ConfigurationError, GatewayMetadata, ResponseMetadata


class GatewayMetadataModel(BaseModel):
    """``GatewayMetadata`` as a pydantic model: the same fields, the same ranges, checked by the same rows."""

    # An input that is shown in an error would show the token.
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)

    authorization: SecretStr | None = None
    gateway_id: str | None = None
    skip_cache: bool | None = None
    cache_ttl: int | None = Field(default=None, description="seconds, 60 to 2 592 000")
    cache_key: str | None = None
    metadata: dict[str, str | int | float | bool] | None = None
    custom_cost: dict[str, float] | None = None
    collect_log: bool | None = None
    collect_log_payload: bool | None = None
    event_id: str | None = None
    request_timeout_ms: int | None = None
    max_attempts: int | None = None
    retry_delay_ms: int | None = None
    backoff: Literal["constant", "linear", "exponential"] | None = None
    byok_alias: str | None = None
    no_wholesale: bool | None = None
    zdr: bool | None = None
    otel_trace_id: str | None = None
    otel_parent_span_id: str | None = None
    session_id: str | None = None
    turn_id: str | None = None
    no_session_affinity: bool | None = None
    allowed_models: tuple[str, ...] | None = None
    allowed_providers: tuple[str, ...] | None = None
    payment_method: Literal["x402"] | None = None

    @model_validator(mode="after")
    def _check(self) -> GatewayMetadataModel:
        try:
            self.to_core()
        except ConfigurationError as error:
            raise ValueError(str(error)) from error
        return self

    def to_core(self) -> GatewayMetadata:
        """The core's value, ready for ``headers(surface)``."""
        values = self.model_dump(exclude_none=True, exclude={"authorization"})
        if self.authorization is not None:
            values["authorization"] = self.authorization.get_secret_value()
        return GatewayMetadata(**values)


class DlpFindingModel(BaseModel):
    """``DlpFinding`` as a pydantic model."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    profile_id: str | None
    entry_ids: tuple[str, ...]
    policy_ids: tuple[str, ...]
    check: str | None


class ResponseMetadataModel(BaseModel):
    """``ResponseMetadata`` as a pydantic model, for APIs that hand it on. ``raw`` is left out of JSON."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    ai_gateway_cache_status: CacheStatus | None
    log_id: str | None
    event_id: str | None
    request_id: str | None
    step: int | None
    provider: str | None
    model: str | None
    dlp_action: str | None
    dlp_findings: tuple[DlpFindingModel, ...]
    routed_model: str | None
    routing_reason: str | None
    routing_decision_id: str | None
    run_id: str | None
    workers_ai_request_id: str | None

    @classmethod
    def of(cls, metadata: ResponseMetadata) -> ResponseMetadataModel:
        """The twin of a core value."""
        return cls.model_validate(metadata)
