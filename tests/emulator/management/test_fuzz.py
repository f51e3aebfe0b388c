"""No method, path, query or body makes the API raise; every answer is an envelope or a payload."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from aig_client.apps.emulator._json import write
from aig_client.apps.emulator._messages import GatewayRequest
from aig_client.apps.emulator.management import ApiError
from aig_client.apps.emulator.management._api import _DEPRECATED, _TABLE
from aig_client.apps.emulator.management._fields import read_body
from aig_client.apps.emulator.management._log_filters import KEYS, OPERATORS

from .desk import ACCOUNT, CREATE, TOKEN, Desk, entry

_METHODS = st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "get", ""])
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
_PARTS = st.sampled_from(["demo", "made", "log", "%00", "..", "%2F", "%ff", "ai.example.com", "openai"]) | st.text(
    st.characters(exclude_characters="/"), max_size=6
)
_NAMES = st.sampled_from(
    [
        *CREATE,
        "dlp",
        "guardrails",
        "spend_limits",
        "otel",
        "stripe",
        "name",
        "elements",
        "alias",
        "slug",
        "base_url",
        "headers",
        "domain",
        "zone_id",
        "feedback",
        "score",
        "metadata",
        "version_id",
        "provider_slug",
        "default_config",
        "amount",
    ]
)
_PARAMETERS = st.sampled_from(
    [
        "page",
        "per_page",
        "search",
        "filters",
        "filters.key",
        "filters.operator",
        "filters.value",
        "order_by",
        "direction",
        "start_date",
        "end_date",
        "min_cost",
        "max_total_tokens",
        "cached",
        "feedback",
        "limit",
        "meta_info",
        "value_grouping_window",
        "start_time",
    ]
)


@st.composite
def _paths(draw: st.DrawFn) -> str:
    pattern = draw(st.sampled_from([path for _, path, _ in _TABLE] + list(_DEPRECATED)))
    return "/" + "/".join(draw(_PARTS) if part == "*" else part for part in pattern.split("/"))


_BODIES = st.one_of(
    st.binary(max_size=40),
    _JSON.map(lambda value: json.dumps(value).encode()),
    st.dictionaries(_NAMES, _JSON, max_size=6).map(lambda value: json.dumps(CREATE | value).encode()),
)
_QUERIES = st.text(max_size=30) | st.lists(
    st.tuples(
        _PARAMETERS, st.sampled_from(["1", "0", "true", "id", "eq", "a", "[]", "day", "asc"]) | st.text(max_size=6)
    ),
    max_size=4,
).map(lambda pairs: "&".join(f"{name}={value}" for name, value in pairs))


@given(st.lists(st.tuples(_METHODS, st.text(max_size=12) | _paths(), _QUERIES, _BODIES), min_size=1, max_size=4))
@settings(max_examples=300, deadline=None)
def test_anything_gets_an_answer(requests: list[tuple[str, str, str, bytes]]) -> None:
    desk = Desk()
    desk.log.put(entry("log", metadata={"a": 1}, request_body=b"\xff", cost=float("nan")))
    for method, path, query, body in requests:
        reply = desk.ask(method, path, body, query=query)
        assert 200 <= reply.status < 500, reply
        if path.endswith(("/request", "/response")) and reply.status == 200:
            continue
        envelope = json.loads(reply.body, parse_constant=_refuse)
        assert envelope["success"] is (reply.status == 200)
        assert bool(envelope["errors"]) is (reply.status != 200)


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "key": st.sampled_from(sorted(KEYS)) | st.text(max_size=4),
                "operator": st.sampled_from(OPERATORS) | st.text(max_size=4),
                "value": st.lists(_JSON, max_size=3) | _JSON,
            }
        ),
        max_size=3,
    )
)
def test_filters_select_or_are_refused(filters: list[dict[str, Any]]) -> None:
    desk = Desk()
    desk.log.put(entry("log", metadata={"a": 1, "b": "x"}, tokens_in=3, feedback=1))
    reply = desk.ask("GET", "/gateways/demo/logs", query={"filters": json.dumps(filters)})
    assert reply.status in (200, 400)


@given(_JSON.filter(lambda value: isinstance(value, dict)))
def test_a_body_that_is_read_can_be_written(value: dict[str, Any]) -> None:
    request = GatewayRequest("POST", f"/{ACCOUNT}", "", {"authorization": TOKEN}, json.dumps(value).encode())
    with suppress(ApiError):
        found = read_body(request)
        assert json.loads(write(found)) == found


def _refuse(name: str) -> None:
    raise AssertionError(f"{name} is not JSON")
