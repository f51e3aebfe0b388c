"""The project's Worker, with routes that measure it. Laid out beside the Worker's own modules; never deployed."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pyodide_js  # type: ignore[import-not-found]
from workers import Request, Response, fetch

BEFORE = set(sys.modules)

import entry  # noqa: E402
from sources import Source  # noqa: E402

from aig_client.core.path._edge import arrive, token_of  # noqa: E402
from aig_client.core.path._edge_asked import asked_at, planned_at  # noqa: E402
from aig_client.core.path._principal import by_token  # noqa: E402

Ledger = entry.Ledger
OURS = [name for name in sys.modules if name not in BEFORE]
SMALL = b'{"ok":true}'


class Default(entry.Default):
    """The Worker, and what it is compared with."""

    async def fetch(self, request: Request) -> Response:
        if "/_bench/" not in request.url:
            if request.url.endswith("?door=off"):
                self.env.FRONT_DOOR = None  # this request's own: workerd makes one env for each
            return await super().fetch(request)
        url = urlsplit(request.url)
        query = dict(parse_qsl(url.query))
        match url.path.rpartition("/")[2]:
            case "get":
                return Response(SMALL)
            case "post":
                await request.bytes()
                return Response(SMALL, headers={"content-type": "application/json"})
            case "proxy":
                upstream = await fetch(query["to"], method="POST", body=await request.bytes())
                return Response(upstream.body, status=upstream.status, headers={"content-type": "application/json"})
            case "stream":
                upstream = await fetch(query["to"], method="POST", body=await request.bytes())
                return Response(upstream.body, headers={"content-type": "text/event-stream"})
            case "decide":
                return await self._decide(request, int(query["times"]))
            case "import" | "again" as how:
                return self._imported(int(query["times"]), compiled=how == "again")
            case _:
                return Response.from_json({"heap": int(pyodide_js._module.HEAP8.length), "modules": len(OURS)})  # noqa: SLF001

    async def _decide(self, request: Request, times: int) -> Response:
        """Everything between the request's arrival and the first byte to the gateway, so many times over.

        Each has another body, of the same size: nothing that a decision remembers of the last one helps it.
        """
        source: Source = entry.SOURCE
        edge, body = source.built(self.env), await request.bytes()
        headers = [(str(name), str(value)) for name, value in request.headers.items()]
        size = 0
        for number in range(times):
            fresh = body.replace(b"NUMBER", b"%06d" % number)
            arrival = arrive(edge, path="/c/cached/openai/chat/completions", query="", headers=headers)
            principal = by_token(source.document.principals, token_of(arrival) or "")
            assert principal is not None
            parts = asked_at(edge, arrival, principal, method="POST", body=fresh, today="2026-11-21")
            plan: Any = planned_at(edge, principal, *parts)[1]
            assert plan.key is not None
            size += len(plan.body or b"")
        return Response(f"{size}")

    def _imported(self, times: int, *, compiled: bool) -> Response:
        """Import what the Worker imports beyond the SDK, so many times over; ours from source, or compiled before."""
        kept = {name: sys.modules[name] for name in OURS if name in sys.modules}
        sys.dont_write_bytecode = not compiled
        for module in kept.values():
            cached = getattr(module, "__cached__", None)
            if not compiled and cached is not None and cached.startswith("/session/"):
                Path(cached).unlink(missing_ok=True)
        for _ in range(times):
            for name in kept:
                sys.modules.pop(name, None)
            importlib.import_module("entry")
        sys.modules.update(kept)
        return Response(f"{len(kept)}")
