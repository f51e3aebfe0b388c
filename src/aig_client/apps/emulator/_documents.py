"""What the management API stores beside gateways and logs: routes, provider configurations, custom providers."""

from __future__ import annotations

from collections import OrderedDict

from ._journal import Journal
from ._json import JsonObject, read_object, write

_KIND = "document"
_MOST = 1000


class Documents:
    """JSON objects by collection and id. A collection's name holds its account and gateway. Bounded in number."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._all: OrderedDict[tuple[str, str], JsonObject] = OrderedDict()
        for key, value, _ in journal.load(_KIND):
            collection, _, name = key.partition("\n")
            found = read_object(value)
            if found is None or len(self._all) >= _MOST:
                journal.drop(_KIND, key)
            else:
                self._all[collection, name] = found

    def of(self, collection: str) -> list[JsonObject]:
        """All of one collection, oldest first."""
        return [value for (owner, _), value in self._all.items() if owner == collection]

    def get(self, collection: str, name: str) -> JsonObject | None:
        return self._all.get((collection, name))

    def put(self, collection: str, name: str, value: JsonObject) -> None:
        """Add or replace. Raises `OverflowError` when the emulator holds too many documents."""
        if (collection, name) not in self._all and len(self._all) >= _MOST:
            raise OverflowError(f"the emulator keeps {_MOST} documents")
        written = write(value)  # raises for what JSON cannot say, before anything is kept
        self._all[collection, name] = value
        self._journal.put(_KIND, f"{collection}\n{name}", written)

    def drop(self, collection: str, name: str) -> bool:
        """Remove; `False` if it was not there."""
        if self._all.pop((collection, name), None) is None:
            return False
        self._journal.drop(_KIND, f"{collection}\n{name}")
        return True
