"""Which gateways exist, and what they are set to. Bounded in number."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ._settings import GatewaySettings

MOST_GATEWAYS = 20
"""Of one account, on a paid plan (contract 5)."""
MOST_RECORDS = 1000
"""Gateways of all accounts together, and as many deleted ones: a choice, so that no caller can fill the memory."""


@dataclass(frozen=True, slots=True)
class GatewayRecord:
    """One gateway of one account. Moments in Unix seconds."""

    account: str
    id: str
    settings: GatewaySettings
    created_at: float
    modified_at: float
    generation: int = 0
    """Counts updates that invalidate the cache; it is part of every entry's key."""


class Gateways:
    """The gateways of every account.

    open_settings: what a gateway that nobody made is set to; `None`: it is not there. made: by configuration.
    on_put: called with account, id and record of what was put; `None` stands for a gateway that was deleted and would
    be there otherwise. on_drop: called with account and id of what is no longer held. A replaced record is put only.
    """

    def __init__(self, open_settings: GatewaySettings | None, made: Mapping[str, GatewaySettings]) -> None:
        self._open = open_settings
        self._made = dict(made)
        self._records: dict[tuple[str, str], GatewayRecord] = {}
        self._gone: dict[tuple[str, str], None] = {}
        self.on_put: Callable[[str, str, GatewayRecord | None], None] | None = None
        self.on_drop: Callable[[str, str], None] | None = None

    def find(self, account: str, gateway: str) -> GatewayRecord | None:
        """The gateway that a request names."""
        key = (account, gateway)
        record = self._records.get(key)
        if record is not None or key in self._gone:
            return record
        settings = self._made.get(gateway, self._open)
        return None if settings is None else GatewayRecord(account, gateway, settings, 0.0, 0.0)

    def of(self, account: str) -> list[GatewayRecord]:
        """Those that were made, by configuration or by the API; in that order."""
        configured = [self.find(account, name) for name in self._made if (account, name) not in self._records]
        made = [record for (owner, _), record in self._records.items() if owner == account]
        return [record for record in configured if record is not None] + made

    def put(self, record: GatewayRecord) -> None:
        """Add or replace. Raises `OverflowError` when the emulator holds too many gateways."""
        key = (record.account, record.id)
        if not self._fits(key):
            raise OverflowError(f"the emulator keeps {MOST_RECORDS} gateways")
        self._bring_back(key)
        self._records[key] = record
        if self.on_put is not None:
            self.on_put(*key, record)

    def offer(self, record: GatewayRecord) -> bool:
        """Add a gateway that came to be by itself; `False`, and nothing happens, when there are too many.

        `on_put` does not hear of it: configuration sets it up, and does so again after a restart.
        """
        key = (record.account, record.id)
        if not self._fits(key):
            return False
        self._bring_back(key)
        self._records[key] = record
        return True

    def drop(self, account: str, gateway: str) -> None:
        """Remove. One that configuration would bring back stays away; the longest deleted is forgotten first."""
        key = (account, gateway)
        if self._records.pop(key, None) is not None and self.on_drop is not None:
            self.on_drop(*key)
        if self._open is None and gateway not in self._made:
            return
        self._gone[key] = None
        if self.on_put is not None:
            self.on_put(*key, None)
        if len(self._gone) > MOST_RECORDS:
            self._bring_back(next(iter(self._gone)))

    def _fits(self, key: tuple[str, str]) -> bool:
        return key in self._records or len(self._records) < MOST_RECORDS

    def _bring_back(self, key: tuple[str, str]) -> None:
        """Forget that it was deleted."""
        if key in self._gone:
            del self._gone[key]
            if self.on_drop is not None:
                self.on_drop(*key)
