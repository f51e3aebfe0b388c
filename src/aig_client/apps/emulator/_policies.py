"""Policies (beta, contract 5): who may pass, and for how much. Of their conditions only metadata is imitated."""

from __future__ import annotations

from collections.abc import Mapping

from ._costs import NANO, nano_of
from ._errors import Fault
from ._log import Scalar
from ._metadata import metadata_text
from ._refusals import policy_blocked, policy_capped
from ._registry import GatewayRecord
from ._settings import Policy
from ._windows import Key, Windows


class Policies:
    """Asks the policies of a gateway, and counts what their limits have let through."""

    def __init__(self) -> None:
        self._spent = Windows()

    def refused(self, record: GatewayRecord, metadata: Mapping[str, Scalar], now: float) -> Fault | None:
        """Why a request may not pass. With the first policy, what none of them matches is denied."""
        policies = record.settings.policies
        if not policies:
            return None
        matching = [policy for policy in policies if _meets(policy, metadata)]
        if not matching:
            return policy_blocked("No policy matches this request")
        if any(policy.action == "block" for policy in matching):
            return policy_blocked()
        for policy in matching:
            if policy.action == "limit":
                spent = self._spent.total(_key(record, policy), policy.window, "fixed", now)
                if spent >= nano_of(policy.limit):
                    return policy_capped(policy.id, spent / NANO, policy.limit)
        return None

    def add(self, record: GatewayRecord, metadata: Mapping[str, Scalar], nano: int, now: float) -> None:
        """Count the cost of an answer, in nano-dollars."""
        for policy in record.settings.policies:
            if policy.action == "limit" and _meets(policy, metadata):
                self._spent.add(_key(record, policy), nano, policy.window, now)


def _key(record: GatewayRecord, policy: Policy) -> Key:
    return (record.account, record.id, policy.id)


def _meets(policy: Policy, metadata: Mapping[str, Scalar]) -> bool:
    return all(name in metadata and metadata_text(metadata[name]) in wanted for name, wanted in policy.metadata.items())
