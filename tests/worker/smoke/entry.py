"""What the real Worker stands on, one route for each: counters, KV, streams, waitUntil, limits, and the core itself."""

import asyncio
import hashlib
import json
import os
import random
import sys
import time
from collections.abc import Awaitable, Callable
from http import HTTPMethod
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from pyodide.ffi import run_sync
from tests.worker import conformance
from workers import DurableObject, Request, Response, WorkerEntrypoint, fetch

from aig_client import core
from aig_client.core.path._principal import by_access


def _raised(call: Callable[[], object]) -> str:
    try:
        call()
    except Exception as error:  # noqa: BLE001 - which one it is, is the question
        return type(error).__name__
    return "nothing"


# Taken while the module is imported: what production refuses there must be refused here.
AT_IMPORT = {
    "os.urandom": _raised(lambda: os.urandom(8)),
    "random.random": _raised(random.random),
    "random.choice": _raised(lambda: random.choice("ab")),
    "time.time": time.time() < 1_000_000,
}


class Counter(DurableObject):
    """A number in SQLite that is read and written in one turn of the event loop, and so by one request at a time."""

    def __init__(self, ctx: Any, env: Any) -> None:
        super().__init__(ctx, env)
        self.sql = ctx.storage.sql
        self.sql.exec("CREATE TABLE IF NOT EXISTS counter (name TEXT PRIMARY KEY, total INTEGER NOT NULL)")

    async def add(self, name: str, amount: int) -> int:
        self.sql.exec(
            "INSERT INTO counter VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET total = total + ?2", name, amount
        )
        row = self.sql.exec("SELECT total FROM counter WHERE name = ?1", name).one()
        return int(row.total)

    async def wake(self) -> None:
        await self.ctx.storage.setAlarm(int(time.time() * 1000) + 10)

    async def alarm(self, *_info: Any) -> None:
        await self.add("rung", 1)


class Default(WorkerEntrypoint):
    async def fetch(self, request: Request) -> Response:
        url = urlsplit(request.url)
        route: Callable[[Request, dict[str, str]], Awaitable[Response]] | None = getattr(
            self, f"on_{url.path[1:]}", None
        )
        if route is None:
            return Response("not found", status=404)
        return await route(request, dict(parse_qsl(url.query)))

    async def on_healthz(self, _request: Request, _query: dict[str, str]) -> Response:
        return Response("ok\n")

    async def on_about(self, _request: Request, _query: dict[str, str]) -> Response:
        print("about was asked for")  # noqa: T201 - the console is under test
        now = {"os.urandom": len(os.urandom(8)), "random.random": random.random(), "time.time": time.time()}
        told = {"python": sys.version, "platform": sys.platform, "path": sys.path, "import": AT_IMPORT, "now": now}
        return Response.from_json(
            {
                **told,
                "vars": [self.env.GREETING, self.env.OTHER],
                "modules": sorted(name for name in sys.modules if "aig_client" in name),
            }
        )

    async def on_conformance(self, request: Request, query: dict[str, str]) -> Response:
        return Response(conformance.run(query["name"], await request.text()))

    async def on_add(self, _request: Request, query: dict[str, str]) -> Response:
        counter = self.env.COUNTER.getByName(query["object"])
        return Response.from_json(await counter.add(query["name"], int(query["amount"])))

    async def on_alarm(self, _request: Request, query: dict[str, str]) -> Response:
        await self.env.COUNTER.getByName(query["object"]).wake()
        return Response("", status=204)

    async def on_waits(self, _request: Request, _query: dict[str, str]) -> Response:
        return Response(run_sync(self._later()))

    async def _later(self) -> str:
        await asyncio.sleep(0.01)
        return "waited"

    async def on_kv(self, request: Request, query: dict[str, str]) -> Response:
        if request.method == HTTPMethod.PUT:
            await self.env.STORE.put(query["key"], await request.text())
            return Response("", status=201)
        found = await self.env.STORE.get(query["key"])
        return Response("", status=404) if found is None else Response(found)

    async def on_limit(self, _request: Request, query: dict[str, str]) -> Response:
        outcome = await self.env.LIMIT.limit({"key": query["key"]})
        return Response.from_json(bool(outcome.success))

    async def on_point(self, _request: Request, _query: dict[str, str]) -> Response:
        self.env.POINTS.writeDataPoint({"blobs": ["smoke"], "doubles": [1.5], "indexes": ["tenant"]})
        return Response("", status=204)

    async def on_send(self, _request: Request, query: dict[str, str]) -> Response:
        await self.env.EVENTS.send({"key": query["key"], "spent": 1.5, "model": None})
        return Response("", status=204)

    async def queue(self, event: Any, env: Any, ctx: Any) -> None:
        """The three arguments are the runtime's rule: with fewer, every delivery fails and nothing says so."""
        for message in event.messages:
            await env.STORE.put(message.body["key"], json.dumps([event.queue, message.body]))

    async def on_fails(self, _request: Request, query: dict[str, str]) -> Response:
        self.ctx.waitUntil(self._failing(query["why"]))
        return Response("", status=204)

    async def _failing(self, why: str) -> None:
        await asyncio.sleep(0)
        raise ValueError(why)

    async def on_assertion(self, request: Request, _query: dict[str, str]) -> Response:
        assertion = request.headers["cf-access-jwt-assertion"]
        return Response(str(by_access((), assertion, keys={}, team="team", audience="us", now=time.time())))

    async def on_pass(self, _request: Request, query: dict[str, str]) -> Response:
        """The upstream's stream as it comes: Python is not in the path of its bytes."""
        upstream = await fetch(query["to"])
        return Response(upstream.body, status=upstream.status, headers={"content-type": "text/event-stream"})

    async def on_metered(self, _request: Request, query: dict[str, str]) -> Response:
        """The same through ``tee``: the client reads one branch, and we read the other to its end after the answer."""
        upstream = await fetch(query["to"])
        ours, theirs = upstream.body.tee()
        self.ctx.waitUntil(self._digest(ours, query["key"]))
        return Response(theirs, status=upstream.status, headers={"content-type": "text/event-stream"})

    async def _digest(self, stream: Any, key: str) -> None:
        digest, count = hashlib.sha256(), 0
        reader = stream.getReader()
        while not (read := await reader.read()).done:
            content = read.value.to_bytes()
            count += len(content)
            digest.update(content)
        await self.env.STORE.put(key, json.dumps([count, digest.hexdigest()]))

    async def on_key(self, request: Request, query: dict[str, str]) -> Response:
        """A cache key, made ``times`` over; the client sees how long that takes, since our own clock stands still."""
        body = await request.bytes()
        url = "https://gateway.ai.cloudflare.com/v1/0123456789abcdef0123456789abcdef/prod/openai/chat/completions"
        key = ""
        for _ in range(int(query["times"])):
            key = core.cache_key(url, body, tenant="acme").value
        return Response(key)
