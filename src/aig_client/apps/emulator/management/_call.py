"""One request of the management API, read as far as every endpoint needs it."""

from __future__ import annotations

from dataclasses import dataclass, field

from .._config import EmulatorConfig
from .._documents import Documents
from .._json import JsonObject
from .._log import LogBook
from .._messages import GatewayRequest, IdSource
from .._purse import Purse
from .._registry import GatewayRecord, Gateways
from ._envelope import absent
from ._fields import Fields, read_body
from ._moments import milliseconds
from ._query import Query


class Generations:
    """Numbers for what a gateway's cache entries belong to, each above the last.

    Above every one that a deleted gateway of the same name had, too, so that its entries stay unreachable; hence the
    moment in it, which also holds when the emulator begins again from a file.
    """

    def __init__(self) -> None:
        self._last = 0

    def next(self, now: float) -> int:
        self._last = max(self._last + 1, milliseconds(now))
        return self._last


@dataclass(frozen=True, slots=True)
class Stores:
    """What the API works on."""

    config: EmulatorConfig
    gateways: Gateways
    log: LogBook
    documents: Documents
    purse: Purse
    ids: IdSource = field(repr=False)
    generations: Generations = field(default_factory=Generations, repr=False)


@dataclass(frozen=True, slots=True)
class Call:
    """`args` are the parts of the path that an endpoint leaves open, in order."""

    stores: Stores
    account: str
    args: tuple[str, ...]
    query: Query
    request: GatewayRequest
    now: float

    def body(self) -> JsonObject:
        return read_body(self.request)

    def fields(self) -> Fields:
        return Fields(self.body())

    def new_id(self) -> str:
        return self.stores.ids(self.now)

    def gateway(self) -> GatewayRecord:
        """The gateway in the path. Also one that nobody made, where the emulator serves any."""
        record = self.stores.gateways.find(self.account, self.args[0])
        if record is None:
            raise absent("Gateway")
        return record

    def collection(self, kind: str, *within: str) -> str:
        """The name of a collection of documents: `routes/{account}/{gateway}`."""
        return "/".join((kind, self.account, *within))
