"""One request at the gateway, from its door to its log: ids, moments, and what is known of it so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ._dlp import DlpVerdict
from ._errors import Fault, reply_of
from ._log import CacheStatus, LogBook, LogEntry, Scalar, gateway_headers, visible_names, visible_text
from ._messages import CachePlan, GatewayRequest, Headers, Reply
from ._metadata import read_metadata
from ._registry import GatewayRecord
from ._routes import Route

_NOTHING_FOUND = DlpVerdict()


@dataclass(slots=True)
class Visit:
    """Mutable on purpose: it is the one thing that grows while a request is served."""

    request: GatewayRequest
    now: float
    log_id: str
    event_id: str
    book: LogBook
    started: float = 0.0
    route: Route | None = None
    record: GatewayRecord | None = None
    plan: CachePlan | None = None
    provider: str | None = None
    model: str | None = None
    step: int = 0
    attempts: int = 0
    payer: str = ""
    dlp: DlpVerdict = _NOTHING_FOUND
    guardrails: tuple[str, ...] = ()
    fault: str | None = None
    answered: bool = False
    """The answer's head has been handed over."""
    bare: bool = False
    """Workers AI without a gateway: no header of AI Gateway's, no log."""

    @classmethod
    def open(cls, request: GatewayRequest, now: float, log_id: str, book: LogBook) -> Visit:
        return cls(request, now, log_id, request.headers.get("cf-aig-event-id") or log_id, book, started=now)

    @property
    def metadata(self) -> Mapping[str, Scalar]:
        return read_metadata(self.request.headers.get("cf-aig-metadata"))

    def headers(self, cache: CacheStatus) -> Headers:
        """What the gateway adds to an answer (contract 2)."""
        if self.bare:
            return ()
        return (
            ("cf-aig-cache-status", cache),
            ("cf-aig-log-id", self.log_id),
            ("cf-aig-event-id", self.event_id),
            ("cf-aig-request-id", self.log_id),
            ("cf-aig-step", str(self.step)),
            *self._dlp_headers(),
        )

    def refuse(self, fault: Fault) -> Reply:
        """An error of the gateway's own. Seen live: event id and request id, but no log id (contract 2)."""
        self.note(fault.status, code=fault.code or None)
        ids: Headers = (("cf-aig-event-id", self.event_id), ("cf-aig-request-id", self.log_id))
        return reply_of(fault, ids + self._dlp_headers())

    def _dlp_headers(self) -> Headers:
        """Sent on a flag and on a block (contract 2)."""
        if self.dlp is _NOTHING_FOUND:
            return ()
        header = self.dlp.header
        return (("cf-aig-dlp", header),) if header else ()

    def note(
        self,
        status: int,
        *,
        cache: CacheStatus | None = None,
        code: int | None = None,
        response: bytes | None = None,
        **more: object,
    ) -> None:
        """Write the log's row. A further note replaces it. `response` is kept where the log shows payloads."""
        request, record = self.request, self.record
        headers = request.headers
        collected = self._collected()
        shown = collected and _flag(headers.get("cf-aig-collect-log-payload"), default=True)
        self.book.put(
            LogEntry(
                log_id=self.log_id,
                at=self.started,
                account=self.route.account if self.route else "",
                gateway=record.id if record else "",
                method=request.method,
                path=visible_text(request.path),
                provider=self.provider,
                model=self.model,
                cache_status=cache,
                key_digest=self.plan.key if self.plan else None,
                status=status,
                code=code,
                header_names=visible_names(headers),
                cf_aig=gateway_headers(headers),
                event_id=self.event_id,
                step=self.step,
                attempts=self.attempts,
                metadata=self.metadata,
                request_type=self.route.kind if self.route else "",
                request_content_type=visible_text(headers.get("content-type", "")),
                duration=(self.now - self.started) * 1000,
                authentication=record is not None and "cf-aig-authorization" in headers,
                byok=self.payer == "stored",
                wholesale=self.payer == "unified",
                user_agent=visible_text(headers.get("user-agent", "")),
                dlp_action=self.dlp.action,
                guardrails=self.guardrails,
                collected=collected,
                request_body=request.body if shown else None,
                response_body=response if shown else None,
                request_size=len(request.body),
                response_size=len(response or b""),
                fault=self.fault,
                **more,  # type: ignore[arg-type]  # fields of LogEntry by name
            )
        )

    def _collected(self) -> bool:
        """`cf-aig-collect-log` beats the gateway's own setting (contract 1.2)."""
        if self.record is None or self.bare:
            return False
        wanted = _flag(self.request.headers.get("cf-aig-collect-log"), self.record.settings.collect_logs)
        return wanted and self._has_room(self.record)

    def _has_room(self, record: GatewayRecord) -> bool:
        """A gateway's log holds `log_management` rows: then it takes no more, or loses its oldest (contract 6.2)."""
        most = record.settings.log_management
        if most is None:
            return True
        place = (record.account, record.id)
        shown = [row for row in self.book.snapshot() if row.collected and (row.account, row.gateway) == place]
        others = [row for row in shown if row.log_id != self.log_id]
        if len(others) >= most and record.settings.log_management_strategy == "STOP_INSERTING":
            return False
        for row in others[: max(0, len(others) - most + 1)]:
            self.book.change(row.log_id, collected=False)
        return True


def _flag(value: str | None, default: bool) -> bool:
    if value is None:
        return default
    text = value.strip().lower()
    return {"true": True, "false": False}.get(text, default)
