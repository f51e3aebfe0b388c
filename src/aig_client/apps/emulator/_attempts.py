"""How often the gateway asks a provider, and how long it waits (contract 1.2).

`cf-aig-request-timeout`, `-max-attempts`, `-retry-delay`, `-backoff`, and the gateway's own defaults for the retries.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ._settings import MAX_ATTEMPTS, MAX_RETRY_DELAY_MS, Backoff, GatewaySettings

DEFAULT_DELAY_MS = 1000
"""Undocumented where neither header nor gateway says one; a second is the API's example."""

_RETRIED = frozenset((408, 429))
_INTEGER = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class Attempts:
    """retries: further calls after a failed first one. timeout: seconds to the first byte. delay: seconds."""

    retries: int
    timeout: float | None
    delay: float
    backoff: Backoff

    def wait(self, retry: int) -> float:
        """Seconds before a retry, counted from 1."""
        if self.backoff == "exponential":
            return self.delay * float(2 ** (retry - 1))
        return self.delay * retry if self.backoff == "linear" else self.delay

    def timeout_of(self, retry: int) -> float | None:
        """Seconds that a call may take to its first byte; retry 0 is the first call.

        The last retry waits until the request finishes, whatever the timeout says (contract 1.2).
        """
        return None if retry and retry == self.retries else self.timeout


def read_attempts(headers: Mapping[str, str], settings: GatewaySettings) -> Attempts:
    """A header beats the gateway's setting. What the service makes of a bad value is undocumented: not sent, here."""
    timeout = _integer(headers.get("cf-aig-request-timeout"), 1, None)
    retries = _integer(headers.get("cf-aig-max-attempts"), 1, MAX_ATTEMPTS)
    delay = _integer(headers.get("cf-aig-retry-delay"), 0, MAX_RETRY_DELAY_MS)
    if retries is None:
        retries = settings.retry_max_attempts
    if delay is None:
        delay = settings.retry_delay
    milliseconds = DEFAULT_DELAY_MS if delay is None else delay
    backoff = _backoff(headers.get("cf-aig-backoff")) or settings.retry_backoff or "constant"
    return Attempts(retries or 0, timeout / 1000 if timeout else None, milliseconds / 1000, backoff)


def is_retried(status: int) -> bool:
    """Which failures are retried is undocumented; these are the ones that another try can mend."""
    return status >= 500 or status in _RETRIED


def _integer(value: str | None, low: int, high: int | None) -> int | None:
    if value is None or _INTEGER.fullmatch(value.strip()) is None:
        return None
    number = int(value)
    return number if number >= low and (high is None or number <= high) else None


def _backoff(value: str | None) -> Backoff | None:
    match (value or "").strip().lower():
        case "constant":
            return "constant"
        case "linear":
            return "linear"
        case "exponential":
            return "exponential"
        case _:
            return None
