"""The Worker's own ledger over plain HTTP: asked as the Worker asks it, and looked into from inside. Never deployed."""

import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from ledger import Ledger as Deployed
from workers import Request, Response, WorkerEntrypoint


class Ledger(Deployed):
    """What is deployed, and one look at its rows, which changes none of them."""

    async def inside(self, _asked: str) -> str:
        alarm = await self.ctx.storage.getAlarm()
        return json.dumps(
            {
                "alarm": alarm / 1000 if isinstance(alarm, (int, float)) else None,
                "holds": self._rows("SELECT id, expires FROM holds ORDER BY id"),
                "counters": self._rows("SELECT name, used, held FROM counters ORDER BY name, begins"),
            }
        )

    def _rows(self, query: str) -> list[list[Any]]:
        return [list(row) for row in self.ctx.storage.sql.exec(query).raw().toArray()]


class Default(WorkerEntrypoint):
    async def fetch(self, request: Request) -> Response:
        url = urlsplit(request.url)
        ledger = self.env.LEDGER.getByName(dict(parse_qsl(url.query))["principal"])
        methods = {
            "/reserve": ledger.reserve,
            "/settle": ledger.settle,
            "/remaining": ledger.remaining,
            "/inside": ledger.inside,
        }
        return Response(await methods[url.path](await request.text()))
