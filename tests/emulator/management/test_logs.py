from __future__ import annotations

import json
from typing import Any

import pytest

from .desk import ACCOUNT, NOW, OTHER_ACCOUNT, Desk, entry

LOGS = "/gateways/demo/logs"


@pytest.fixture
def full(desk: Desk) -> Desk:
    """Four logs, oldest first: a, b, c, d."""
    desk.log.put(
        entry(
            "a",
            tokens_in=10,
            tokens_out=5,
            cost=0.5,
            duration=120.4,
            event_id="event-a",
            user_agent="curl/8",
            metadata={"agent": "x", "user": "u-bob", "n": 7.0, "beta": True},
            request_body=b'{"model":"gpt-5"}',
            request_size=17,
            response_body=b'{"ok":true}',
            response_size=11,
            authentication=True,
        )
    )
    desk.log.put(
        entry(
            "b",
            at=NOW + 1,
            provider="anthropic",
            model="claude-sonnet-4-5",
            path=f"/v1/{ACCOUNT}/demo/anthropic/v1/messages",
            status=500,
            tokens_in=100,
            tokens_out=50,
            cost=2.0,
            duration=900.0,
            feedback=-1,
            wholesale=True,
            dlp_action="FLAG",
            metadata={"agent": "u-alice"},
        )
    )
    desk.log.put(
        entry("c", at=NOW + 2, cache_status="HIT", cost=0.0, tokens_in=0, tokens_out=0, feedback=1, duration=3.0)
    )
    desk.log.put(
        entry(
            "d",
            at=NOW + 3,
            path=f"/v1/{ACCOUNT}/demo/compat/embeddings",
            model="text-embedding-3",
            request_type="compat",
            response_content_type="text/event-stream",
        )
    )
    return desk


def _ids(desk: Desk, **query: Any) -> str:
    return "".join(row["id"] for row in desk.result("GET", LOGS, query=query))


def _filtered(desk: Desk, *filters: tuple[str, str, Any]) -> str:
    wire = [{"key": key, "operator": operator, "value": value} for key, operator, value in filters]
    return _ids(desk, filters=json.dumps(wire))


def test_newest_first(full: Desk) -> None:
    assert _ids(full) == "dcba"


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ({"order_by_direction": "asc"}, "abcd"),
        ({"direction": "asc"}, "abcd"),
        ({"direction": "asc", "order_by_direction": "desc"}, "dcba"),
        ({"order_by": "provider"}, "dcab"),
        ({"order_by": "provider", "order_by_direction": "asc"}, "bacd"),
        ({"order_by": "model"}, "dcab"),
        ({"order_by": "model_type"}, "dcba"),
        ({"order_by": "success", "order_by_direction": "asc"}, "bacd"),
        ({"order_by": "cached"}, "cdba"),
        ({"provider": "openai"}, "dca"),
        ({"provider": "open"}, ""),
        ({"model": "gpt-5"}, "ca"),
        ({"model_type": "chat"}, "cba"),
        ({"model_type": "embeddings"}, "d"),
        ({"response_content_type": "text/event-stream"}, "d"),
        ({"request_content_type": "application/json"}, "dcba"),
        ({"cached": "true"}, "c"),
        ({"cached": "false"}, "dba"),
        ({"success": "false"}, "b"),
        ({"feedback": "1"}, "c"),
        ({"feedback": "0"}, "b"),
        ({"min_cost": "0.5"}, "ba"),
        ({"max_cost": "0.5"}, "ca"),
        ({"min_cost": "0.1", "max_cost": "1e0"}, "a"),
        ({"min_duration": "120.4"}, "ba"),
        ({"max_duration": "3"}, "dc"),
        ({"min_tokens_in": "11"}, "b"),
        ({"max_tokens_out": "5"}, "ca"),
        ({"min_total_tokens": "15", "max_total_tokens": "15"}, "a"),
        ({"start_date": "2026-01-01T00:00:02Z"}, "dc"),
        ({"start_date": "2026-01-01T00:00:02"}, "dc"),
        ({"end_date": "2026-01-01T00:00:01.000+00:00"}, "ba"),
        ({"start_date": "2026-01-01", "end_date": "2026-01-01T01:00:01+01:00"}, "ba"),
        ({"search": "U-BOB"}, "a"),
        ({"search": "claude"}, "b"),
        ({"search": "event-a"}, "a"),
        ({"search": "ok"}, ""),
        ({"provider": "openai", "cached": "true", "search": "gpt"}, "c"),
    ],
)
def test_parameters(full: Desk, query: dict[str, str], ids: str) -> None:
    assert _ids(full, **query) == ids


@pytest.mark.parametrize(
    ("filters", "ids"),
    [
        ([("id", "eq", ["a", "c"])], "ca"),
        ([("id", "neq", ["a", "c"])], "db"),
        ([("created_at", "gt", ["2026-01-01T00:00:01Z"])], "dc"),
        ([("created_at", "lt", "2026-01-01T00:00:01Z")], "a"),
        ([("provider", "contains", ["ANTHR"])], "b"),
        ([("provider", "lt", ["b"])], "b"),
        ([("provider", "eq", ["openai"]), ("cached", "eq", [True])], "c"),
        ([("cached", "eq", ["false"])], "dba"),
        ([("success", "neq", [True])], "b"),
        ([("cost", "gt", [0.4])], "ba"),
        ([("cost", "eq", [None])], "d"),
        ([("cost", "neq", [None])], "cba"),
        ([("cost", "eq", [None, 0])], "dc"),
        ([("tokens", "gt", ["14"])], "ba"),
        ([("tokens_in", "lt", [10])], "c"),
        ([("tokens_out", "eq", [50])], "b"),
        ([("duration", "gt", [100])], "ba"),
        ([("feedback", "eq", [-1])], "b"),
        ([("event_id", "eq", ["event-a"])], "a"),
        ([("authentication", "eq", [True])], "a"),
        ([("wholesale", "eq", [True])], "b"),
        ([("compatibilityMode", "eq", [True])], "d"),
        ([("request_type", "eq", ["compat"])], "d"),
        ([("dlp_action", "eq", ["FLAG"])], "b"),
        ([("dlp_action", "neq", ["FLAG"])], "dca"),
        ([("user_agent", "contains", ["curl"])], "a"),
        ([("model_type", "eq", ["embeddings"])], "d"),
        ([("metadata.key", "eq", ["agent"])], "ba"),
        ([("metadata.value", "eq", [7])], "a"),
        ([("metadata.value", "eq", [True])], "a"),
        ([("metadata.value", "contains", ["alice"])], "b"),
        # Apart from each other: agent is x and *user* is u-bob, yet the log is found (field).
        ([("metadata.key", "eq", ["agent"]), ("metadata.value", "eq", ["u-bob"])], "a"),
        ([], "dcba"),
    ],
)
def test_filters(full: Desk, filters: list[tuple[str, str, Any]], ids: str) -> None:
    assert _filtered(full, *filters) == ids


@pytest.mark.parametrize(
    "query",
    [
        {"filters": "not json"},
        {"filters": '{"key":"id"}'},
        {"filters": '["id"]'},
        {"filters": '[{"key":"nope","operator":"eq","value":["x"]}]'},
        {"filters": '[{"key":"id","operator":"like","value":["x"]}]'},
        {"filters": '[{"key":"id","operator":"eq","value":[]}]'},
        {"filters": '[{"key":"id","operator":"eq","value":[{}]}]'},
        {"filters": '[{"key":"cost","operator":"eq","value":["cheap"]}]'},
        {"filters": '[{"key":"cost","operator":"eq","value":[true]}]'},
        {"filters": '[{"key":"cost","operator":"eq","value":[1e999]}]'},
        {"filters": '[{"key":"cost","operator":"contains","value":[1]}]'},
        {"filters": '[{"key":"cached","operator":"gt","value":[true]}]'},
        {"filters": '[{"key":"cached","operator":"eq","value":[1]}]'},
        {"filters": '[{"key":"created_at","operator":"gt","value":["soon"]}]'},
        {"filters": "[" * 5000},
        {"per_page": "51"},
        {"order_by": "cost"},
        {"order_by": "at"},
        {"order_by_direction": "up"},
        {"cached": "yes"},
        {"feedback": "2"},
        {"min_cost": "nan"},
        {"min_cost": "1e999"},
        {"max_duration": "1_000"},
        {"start_date": "yesterday"},
        {"start_date": "0001-01-01T00:00:00+23:00x"},
    ],
)
def test_bad_parameters_are_400(full: Desk, query: dict[str, str]) -> None:
    assert full.refused("GET", LOGS, query=query)[:2] == (400, 7001)


def test_the_earliest_and_the_latest_date_are_dates(full: Desk) -> None:
    span = {"start_date": "0001-01-01T00:00:00+23:59", "end_date": "9999-12-31T23:59:59-23:59"}
    assert _ids(full, **span) == "dcba"


def test_pages(full: Desk) -> None:
    first = full.ok("GET", LOGS, query="per_page=3")
    assert first["result_info"] == {"page": 1, "per_page": 3, "count": 3, "total_count": 4}
    second = full.ok("GET", LOGS, query="per_page=3&page=2")
    assert [row["id"] for row in second["result"]] == ["a"]
    assert second["result_info"]["count"] == 1
    assert full.ok("GET", LOGS, query="page=9")["result"] == []
    assert full.ok("GET", LOGS, query="per_page=50")["result_info"]["per_page"] == 50


def test_meta_info_tells_the_spans(full: Desk) -> None:
    info = full.ok("GET", LOGS, query="meta_info=true&per_page=1")["result_info"]
    assert (info["min_cost"], info["max_cost"]) == (0.0, 2.0)
    assert (info["min_duration"], info["max_duration"]) == (0.0, 900.0)
    assert (info["min_tokens_in"], info["max_tokens_out"], info["max_total_tokens"]) == (0, 50, 150)
    empty = full.ok("GET", LOGS, query="meta_info=true&provider=none")["result_info"]
    assert (empty["count"], empty["min_cost"]) == (0, None)


def test_a_log_that_is_not_this_gateways_or_not_collected_is_not_there(desk: Desk) -> None:
    desk.log.put(entry("other-gateway", gateway="other"))
    desk.log.put(entry("other-account", account=OTHER_ACCOUNT))
    desk.log.put(entry("uncollected", collected=False))
    assert desk.result("GET", LOGS) == []
    for log_id in ("other-gateway", "other-account", "uncollected", "nothing"):
        for path in ("", "/request", "/response"):
            assert desk.refused("GET", f"{LOGS}/{log_id}{path}") == (404, 7002, "Log not found")
        assert desk.refused("PATCH", f"{LOGS}/{log_id}", {"feedback": 1})[:2] == (404, 7002)
    desk.ok("DELETE", LOGS)
    assert len(desk.log.snapshot()) == 3


def test_a_row(full: Desk) -> None:
    (row,) = full.result("GET", LOGS, query={"filters": '[{"key":"id","operator":"eq","value":["a"]}]'})
    assert row == {
        "id": "a",
        "created_at": "2026-01-01T00:00:00.000Z",
        "provider": "openai",
        "model": "gpt-5",
        "model_type": "chat",
        "path": "chat/completions",
        "duration": 120,
        "request_type": "native",
        "request_content_type": "application/json",
        "response_content_type": "application/json",
        "status_code": 200,
        "success": True,
        "cached": False,
        "tokens_in": 10,
        "tokens_out": 5,
        "usage_metadata": {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15},
        "timings": {"total": 120.4},
        "cost": 0.5,
        "custom_cost": False,
        "metadata": {"agent": "x", "user": "u-bob", "n": 7.0, "beta": True},
        "step": 0,
        "event_id": "event-a",
        "authentication": True,
        "byok": False,
        "wholesale": False,
        "user_agent": "curl/8",
        "dlp_action": None,
        "guardrails": [],
        "feedback": None,
        "score": None,
    }


def test_the_detail_adds_how_the_payloads_begin(full: Desk) -> None:
    detail = full.result("GET", f"{LOGS}/a")
    assert detail["request_head"] == '{"model":"gpt-5"}'
    assert (detail["request_head_complete"], detail["request_size"]) == (True, 17)
    assert (detail["response_head"], detail["response_head_complete"]) == ('{"ok":true}', True)


def test_a_head_is_cut_between_characters(desk: Desk) -> None:
    body = ("x" * 1023 + "é" * 10).encode()
    desk.log.put(entry("long", request_body=body, request_size=len(body)))
    detail = desk.result("GET", f"{LOGS}/long")
    assert detail["request_head"] == "x" * 1023
    assert (detail["request_head_complete"], detail["request_size"]) == (False, len(body))


def test_a_log_without_payload_has_sizes_alone(desk: Desk) -> None:
    desk.log.put(entry("bare", request_size=5))
    detail = desk.result("GET", f"{LOGS}/bare")
    assert (detail["request_head"], detail["request_head_complete"], detail["request_size"]) == (None, False, 5)
    for path in ("request", "response"):
        assert desk.refused("GET", f"{LOGS}/bare/{path}") == (404, 7002, "Payload not found")


def test_payloads_come_as_they_were(desk: Desk) -> None:
    desk.log.put(
        entry(
            "raw",
            request_body=b"\x00\xff",
            request_content_type="image/png\r\nx-evil: 1",
            response_body=b"data: 1\n\n",
            response_content_type="text/event-stream",
        )
    )
    asked = desk.ask("GET", f"{LOGS}/raw/request")
    assert (asked.body, dict(asked.headers)["content-type"]) == (b"\x00\xff", "application/octet-stream")
    answered = desk.ask("GET", f"{LOGS}/raw/response")
    assert (answered.body, dict(answered.headers)["content-type"]) == (b"data: 1\n\n", "text/event-stream")


def test_numbers_that_json_lacks_are_null(desk: Desk) -> None:
    desk.log.put(entry("odd", cost=float("inf"), duration=float("nan"), score=float("nan")))
    (row,) = desk.result("GET", LOGS, query="meta_info=true")
    assert (row["cost"], row["duration"], row["timings"], row["score"]) == (None, 0, {"total": None}, None)


def test_feedback_score_and_metadata_are_set_and_cleared(full: Desk) -> None:
    assert full.result("PATCH", f"{LOGS}/a", {"feedback": 1, "score": 99.5, "metadata": {"k": "v", "n": 1}}) == {}
    detail = full.result("GET", f"{LOGS}/a")
    assert (detail["feedback"], detail["score"], detail["metadata"]) == (1, 99.5, {"k": "v", "n": 1})
    full.ok("PATCH", f"{LOGS}/a", {"feedback": -1})
    detail = full.result("GET", f"{LOGS}/a")
    assert (detail["feedback"], detail["score"]) == (-1, 99.5)
    full.ok("PATCH", f"{LOGS}/a", {"feedback": None, "score": None, "metadata": None})
    detail = full.result("GET", f"{LOGS}/a")
    assert (detail["feedback"], detail["score"], detail["metadata"]) == (None, None, {})
    assert _ids(full) == "dcba"


@pytest.mark.parametrize(
    "body",
    [
        {"feedback": 0},
        {"feedback": 2},
        {"feedback": 0.5},
        {"feedback": True},
        {"feedback": "1"},
        {"score": -1},
        {"score": 101},
        {"metadata": []},
        {"metadata": {"a": None}},
        {"metadata": {"a": {}}},
        {"metadata": {"cf.user_id": "x"}},
        {"metadata": {str(index): index for index in range(6)}},
    ],
)
def test_a_bad_rating_is_400_and_changes_nothing(full: Desk, body: dict[str, Any]) -> None:
    before = full.log.get("a")
    assert full.refused("PATCH", f"{LOGS}/a", {"score": 5} | body)[:2] == (400, 7001)
    assert full.log.get("a") == before


def test_delete_by_filter(full: Desk) -> None:
    filters = '[{"key":"provider","operator":"eq","value":["openai"]}]'
    assert full.ok("DELETE", LOGS, query={"filters": filters, "limit": "2", "order_by_direction": "asc"})["success"]
    assert _ids(full) == "db"
    full.ok("DELETE", LOGS, query={"limit": "1", "order_by": "cost"})
    assert _ids(full) == "d"
    full.ok("DELETE", LOGS)
    assert full.log.snapshot() == ()


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "order_by=nothing", "filters=x", "filters.key=id"])
def test_a_bad_delete_deletes_nothing(full: Desk, query: str) -> None:
    assert full.refused("DELETE", LOGS, query=query)[:2] == (400, 7001)
    assert len(full.log.snapshot()) == 4


def test_one_filter_can_be_sent_flattened(full: Desk) -> None:
    query = "filters.key=id&filters.operator=eq&filters.value=a&filters.value=b"
    assert [row["id"] for row in full.result("GET", LOGS, query=query)] == ["b", "a"]


def test_several_flattened_filters_are_refused_for_their_values_are_lost(full: Desk) -> None:
    query = "filters.key=id&filters.operator=eq&filters.value=a&filters.key=provider&filters.operator=eq"
    status, code, message = full.refused("GET", LOGS, query=query + "&filters.value=openai")
    assert (status, code) == (400, 7001)
    assert "JSON array" in message
    assert full.refused("DELETE", LOGS, query=query)[:2] == (400, 7001)
    assert len(full.log.snapshot()) == 4
