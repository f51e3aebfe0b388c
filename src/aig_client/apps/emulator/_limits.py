"""Rate limits and spend limits (contract 5; 9, row 19). Both refuse with 429, and neither says when to come back."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from ._costs import nano_of
from ._json import JsonValue
from ._log import Scalar
from ._metadata import metadata_text
from ._registry import GatewayRecord
from ._routes import provider_of
from ._settings import SpendRule, Technique
from ._windows import Key, Windows

UNIFIED_LIMIT = 200
UNIFIED_WINDOW = 60
"""Seconds: Unified Billing serves 200 requests in 60 of them for each gateway (contract 3.4)."""

_LONGEST_VALUE = 64


class RateLimits:
    """Requests for each gateway in its interval, and for Unified Billing."""

    def __init__(self) -> None:
        self._windows = Windows()

    def admit(self, record: GatewayRecord, now: float) -> bool:
        """Count the request if it is within the gateway's limit. One that is refused does not count (undocumented)."""
        settings = record.settings
        limit, interval = settings.rate_limiting_limit, settings.rate_limiting_interval
        if limit < 1 or interval < 1:
            return True
        return self._admit((record.account, record.id), limit, interval, settings.rate_limiting_technique, now)

    def admit_unified(self, record: GatewayRecord, now: float) -> bool:
        """The same for a request that Unified Billing pays. Its technique is undocumented; here it is fixed."""
        key = (record.account, record.id, "unified")
        return self._admit(key, UNIFIED_LIMIT, UNIFIED_WINDOW, "fixed", now)

    def _admit(self, key: Key, limit: int, window: int, technique: Technique, now: float) -> bool:
        # A sliding total has a fraction: the request has to fit in whole.
        if self._windows.total(key, window, technique, now) + 1 > limit:
            return False
        self._windows.add(key, 1, window, now)
        return True


class SpendLimits:
    """Cost counted by rule, and by value where the rule partitions.

    A counter belongs to its rule's id: putting the rule again with another limit keeps it. With another window it
    starts anew. A cost is added after its answer, so requests that run together can pass the limit together.
    """

    def __init__(self) -> None:
        self._windows = Windows()

    def refused(
        self, record: GatewayRecord, provider: str, model: str | None, metadata: Mapping[str, Scalar], now: float
    ) -> SpendRule | None:
        """The first rule that this request meets and whose limit is reached. model: as the provider spells it."""
        for rule in record.settings.spend_limits:
            key = _bucket(record, rule, provider, model, metadata)
            if key is not None and self._windows.total(key, rule.window, rule.technique, now) >= nano_of(rule.limit):
                return rule
        return None

    def add(  # noqa: PLR0917 (those of `refused`, and the cost)
        self,
        record: GatewayRecord,
        provider: str,
        model: str | None,
        metadata: Mapping[str, Scalar],
        nano: int,
        now: float,
    ) -> None:
        """Count a cost, in nano-dollars, for every rule that the request meets."""
        for rule in record.settings.spend_limits:
            key = _bucket(record, rule, provider, model, metadata)
            if key is not None:
                self._windows.add(key, nano, rule.window, now)

    def dump(self) -> list[JsonValue]:
        """All counters as plain JSON."""
        return self._windows.dump()

    def load(self, dumped: JsonValue) -> None:
        """Start again from what `dump` gave."""
        self._windows.load(dumped)


def _bucket(
    record: GatewayRecord, rule: SpendRule, provider: str, model: str | None, metadata: Mapping[str, Scalar]
) -> Key | None:
    """The counter of this request for a rule; `None` if the rule does not count it."""
    if not rule.enabled or not _meets_names(rule, provider, model):
        return None
    key = [record.account, record.id, rule.id]
    for name in sorted(rule.metadata):
        values, value = rule.metadata[name], metadata.get(name)
        text = None if value is None else metadata_text(value)
        if values is None:
            # Undocumented: a request without the key. All of those share one counter, so that forgetting the key
            # does not open the budget.
            key += (name, "" if text is None else "=" + _short(text))
        elif text not in values:
            return None
    return tuple(key)


def _meets_names(rule: SpendRule, provider: str, model: str | None) -> bool:
    """A rule may spell a provider, and the prefix of a model, as any surface does (contract 3.5)."""
    if not rule.models and not rule.providers:
        return True
    row = provider_of(provider)
    names = {provider} if row is None else {provider, row.compat_name, row.author} - {""}
    if rule.providers and rule.providers.isdisjoint(names):
        return False
    if not rule.models:
        return True
    return model is not None and not rule.models.isdisjoint({model, *(f"{name}/{model}" for name in names)})


def _short(text: str) -> str:
    """A caller chooses this text; a counter's key must not grow with it."""
    return text if len(text) <= _LONGEST_VALUE else hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
