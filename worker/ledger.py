"""Exact counters: one Durable Object for each principal. Its arithmetic is the core's; here are its rows.

Every method reads and writes in one turn of the event loop, and so one request at a time: between the two nothing is
awaited. Values travel as JSON text, which both sides read alike.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

from workers import DurableObject

from aig_client.core.path import _ledger as arithmetic
from aig_client.core.path._ledger import Amounts, Denied, Hold, Left, Taken, limits_from_plain


class SqlBook:
    """Counters and holds in the object's own SQLite."""

    def __init__(self, sql: Any) -> None:
        self._sql = sql
        sql.exec(
            "CREATE TABLE IF NOT EXISTS counters"
            " (name TEXT, begins INTEGER, used INTEGER, held INTEGER, PRIMARY KEY (name, begins))"
        )
        sql.exec("CREATE TABLE IF NOT EXISTS holds (id TEXT PRIMARY KEY, expires REAL, taken TEXT)")

    def _rows(self, query: str, *values: object) -> list[list[Any]]:
        return [list(row) for row in self._sql.exec(query, *values).raw().toArray()]

    def counter(self, limit: str, begins: int) -> tuple[int, int]:
        rows = self._rows("SELECT used, held FROM counters WHERE name = ? AND begins = ?", limit, begins)
        return (int(rows[0][0]), int(rows[0][1])) if rows else (0, 0)

    def write(self, limit: str, begins: int, used: int, held: int) -> None:
        self._sql.exec("INSERT OR REPLACE INTO counters VALUES (?, ?, ?, ?)", limit, begins, used, held)

    def forget(self, limit: str, before: int) -> None:
        self._sql.exec("DELETE FROM counters WHERE name = ? AND begins < ? AND held = 0", limit, before)

    def hold(self, hold_id: str) -> Hold | None:
        rows = self._rows("SELECT expires, taken FROM holds WHERE id = ?", hold_id)
        if not rows:
            return None
        return Hold(float(rows[0][0]), tuple(Taken(*part) for part in json.loads(rows[0][1])))

    def keep(self, hold_id: str, hold: Hold) -> None:
        taken = json.dumps([[part.limit, part.begins, part.what, part.amount] for part in hold.taken])
        self._sql.exec("INSERT OR REPLACE INTO holds VALUES (?, ?, ?)", hold_id, hold.expires, taken)

    def drop(self, hold_id: str) -> None:
        self._sql.exec("DELETE FROM holds WHERE id = ?", hold_id)

    def due(self, now: float) -> Sequence[str]:
        return [str(row[0]) for row in self._rows("SELECT id FROM holds WHERE expires <= ?", now)]

    def next_expiry(self) -> float | None:
        rows = self._rows("SELECT MIN(expires) FROM holds WHERE expires IS NOT NULL HAVING COUNT(*) > 0")
        return float(rows[0][0]) if rows else None


class Ledger(DurableObject):
    """What one principal may still spend."""

    def __init__(self, ctx: Any, env: Any) -> None:
        super().__init__(ctx, env)
        self._book = SqlBook(ctx.storage.sql)

    async def reserve(self, asked: str) -> str:
        """Take from every limit that applies, or from none: ``{"granted": ..., "left": [...], "retry_after": ...}``."""
        question = json.loads(asked)
        outcome = arithmetic.reserve(
            self._book,
            limits_from_plain(question["limits"]),
            question["hold"],
            route_class=question["route_class"],
            amounts=Amounts(**question["amounts"]),
            now=time.time(),
            seconds=question["seconds"],
        )
        if isinstance(outcome, Denied):
            limit = outcome.limit
            short = {"what": limit.what, "route_class": limit.route_class, "left": outcome.left}
            return json.dumps({"granted": False, "short": short, "retry_after": outcome.retry_after})
        await self._wake()
        return json.dumps({"granted": True, "left": _plain(outcome.left)})

    async def settle(self, asked: str) -> str:
        """Book what was used; without ``amounts`` nothing was."""
        question = json.loads(asked)
        amounts = question.get("amounts")
        if amounts is None:
            found = arithmetic.release(self._book, question["hold"])
        else:
            found = arithmetic.settle(self._book, question["hold"], Amounts(**amounts))
        return json.dumps({"found": found})

    async def remaining(self, asked: str) -> str:
        """What is left, without taking any of it."""
        question = json.loads(asked)
        limits = limits_from_plain(question["limits"])
        return json.dumps(_plain(arithmetic.remaining(self._book, limits, question["route_class"], time.time())))

    async def alarm(self, *_info: Any) -> None:
        """Book the holds that nobody has settled."""
        arithmetic.expire(self._book, time.time())
        await self._wake()

    async def _wake(self) -> None:
        due = self._book.next_expiry()
        if due is not None:
            await self.ctx.storage.setAlarm(int(due * 1000) + 1)


def _plain(left: Sequence[Left]) -> list[dict[str, object]]:
    return [{"what": one.what, "route_class": one.route_class, "left": one.left, "resets": one.resets} for one in left]
