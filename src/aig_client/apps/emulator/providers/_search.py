"""Search without a web: sources drawn from the query, under a name that nobody can own."""

from __future__ import annotations

import hashlib
import re

from .._json import JsonValue, write
from .._messages import ProviderAnswer
from ._asked import Asked
from ._text import draw
from ._wire import json_answer

_DATE = "2025-10-09"
_MOST_RESULTS = 20


def sources(query: JsonValue, count: int) -> list[dict[str, object]]:
    """Perplexity's search results."""
    return [
        {
            "title": draw([query, place, "title"], 4).capitalize(),
            # RFC 2606: `.example` is nobody's.
            "url": f"https://{draw([query, place], 2).replace(' ', '-')}.example/{place + 1}",
            "date": _DATE,
            "last_updated": _DATE,
            "snippet": draw([query, place, "snippet"], 12),
            "source": "web",
        }
        for place in range(count)
    ]


def perplexity_search(asked: Asked, found: re.Match[str]) -> ProviderAnswer:  # noqa: ARG001
    """`POST /search`. Several queries are answered as one."""
    payload = asked.payload
    if payload is None or not payload.get("query"):
        detail = [{"type": "missing", "loc": ["body", "query"], "msg": "Field required"}]
        return json_answer(422, {"detail": detail})
    wanted = _count(payload.get("max_results"), 10)
    rows = [_without(row, "source") for row in sources(payload["query"], wanted)]
    return json_answer(200, {"results": rows, "id": _id(payload["query"]), "server_time": None})


def parallel_search(asked: Asked, found: re.Match[str]) -> ProviderAnswer:  # noqa: ARG001
    """`POST /v1beta/search` and `/v1/search`: an objective, or queries."""
    payload = asked.payload or {}
    query: list[JsonValue] = [payload.get("objective"), payload.get("search_queries")]
    if not any(query):
        message = "objective or search_queries is required"
        return json_answer(422, {"type": "error", "error": {"ref_id": _id("none"), "message": message}})
    wanted = _count(payload.get("max_results"), 10)
    rows = [
        {"url": one["url"], "title": one["title"], "publish_date": one["date"], "excerpts": [one["snippet"]]}
        for one in sources(query, wanted)
    ]
    usage = [{"name": "sku_search", "count": 1}]
    return json_answer(200, {"search_id": f"search_{_id(query)}", "results": rows, "warnings": None, "usage": usage})


def _count(value: JsonValue, default: int) -> int:
    return min(max(value, 1), _MOST_RESULTS) if isinstance(value, int) else default


def _id(query: object) -> str:
    return hashlib.sha256(write(query)).hexdigest()[:32]


def _without(row: dict[str, object], name: str) -> dict[str, object]:
    return {key: value for key, value in row.items() if key != name}
