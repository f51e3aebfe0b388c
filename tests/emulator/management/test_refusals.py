"""Who may ask, what is there, and what a malformed request gets."""

from __future__ import annotations

import json

import pytest

from aig_client.apps.emulator._config import EmulatorConfig

from .desk import ACCOUNT, CREATE, OTHER_ACCOUNT, READ_TOKEN, RUN_TOKEN, UPDATE, Desk


def test_no_token_and_a_wrong_one_are_401(desk: Desk) -> None:
    assert desk.refused("GET", "/gateways", headers={}) == (401, 10000, "Authentication error")
    assert desk.refused("GET", "/gateways", headers={"authorization": "Bearer wrong"})[:2] == (401, 10000)
    assert desk.refused("GET", "/gateways", headers={"authorization": "Basic edit-token"})[:2] == (401, 10000)


def test_a_global_key_opens_nothing(desk: Desk) -> None:
    headers = {"x-auth-email": "dev@example.com", "x-auth-key": "edit-token"}
    assert desk.refused("GET", "/gateways", headers=headers)[:2] == (401, 10000)


def test_reading_needs_read_or_edit(desk: Desk) -> None:
    for token in (READ_TOKEN, "writer"):
        assert desk.ask("GET", "/gateways", headers={"authorization": f"Bearer {token}"}).status == 200
    run = {"authorization": f"Bearer {RUN_TOKEN}"}
    assert desk.refused("GET", "/gateways", headers=run) == (403, 10000, "Authentication error")


def test_writing_needs_edit(desk: Desk) -> None:
    reader = {"authorization": f"Bearer {READ_TOKEN}"}
    for method, path in (("POST", "/gateways"), ("DELETE", "/gateways/demo"), ("PUT", "/gateways/demo")):
        assert desk.refused(method, path, CREATE, headers=reader)[:2] == (403, 10000)
    assert desk.ask("POST", "/gateways", CREATE, headers={"authorization": "Bearer writer"}).status == 200


def test_without_known_tokens_any_token_will_do_but_none_will_not() -> None:
    desk = Desk(EmulatorConfig())
    assert desk.ask("GET", "/gateways", headers={"authorization": "Bearer anything"}).status == 200
    assert desk.refused("GET", "/gateways", headers={})[:2] == (401, 10000)


@pytest.mark.parametrize("path", ["", "/", "/gateway", "/gateways/demo/", "/gateways/demo/nothing", "/gateways//logs"])
def test_an_unknown_path_is_404(desk: Desk, path: str) -> None:
    if path == "/gateways/demo/":
        assert desk.ask("GET", path).status == 200  # one trailing slash is no other path
        return
    status, code, message = desk.refused("GET", path)
    assert (status, code) == (404, 7003)
    assert "Could not route" in message


def test_a_wrong_method_is_405_and_says_which_are_right(desk: Desk) -> None:
    reply = desk.ask("POST", "/gateways/demo")
    assert (reply.status, dict(reply.headers)["allow"]) == (405, "GET, PUT, DELETE")
    assert json.loads(reply.body)["errors"] == [{"code": 10405, "message": "Method not allowed"}]


@pytest.mark.parametrize(
    "path",
    [
        "/gateways/demo/datasets",
        "/gateways/demo/datasets/x",
        "/gateways/demo/evaluations",
        "/evaluation-types",
        "/billing/spending-limit",
    ],
)
def test_what_is_deprecated_says_so(desk: Desk, path: str) -> None:
    status, code, message = desk.refused("GET", path)
    assert (status, code) == (404, 7003)
    assert "deprecated" in message


@pytest.mark.parametrize("body", [b"{", b"[]", b"null", b"\xff", b'{"id": NaN}', b'{"id": 1e999}', b"[" * 100_000])
def test_a_body_that_is_no_object_is_400(desk: Desk, body: bytes) -> None:
    assert desk.refused("POST", "/gateways", body)[:2] == (400, 7001)


def test_a_body_nested_past_reason_is_400_and_nothing_is_kept(desk: Desk) -> None:
    deep = {**CREATE, "extra": json.loads("[" * 60 + "]" * 60)}
    assert desk.refused("POST", "/gateways", deep)[:2] == (400, 7001)
    assert desk.refused("GET", "/gateways/made")[:2] == (404, 7002)


def test_a_number_that_json_could_not_carry_back_is_400(desk: Desk) -> None:
    body = json.dumps(CREATE).encode()[:-1] + b',"extra":[1e999]}'
    assert desk.refused("POST", "/gateways", body)[:2] == (400, 7001)


def test_a_body_that_is_too_large_is_413(desk: Desk) -> None:
    assert desk.refused("POST", "/gateways", {**CREATE, "store_id": "x" * 300_000})[:2] == (413, 7001)


def test_too_many_query_parameters_are_400(desk: Desk) -> None:
    assert desk.refused("GET", "/gateways", query="a=1&" * 300)[:2] == (400, 7001)


@pytest.mark.parametrize("query", ["page=0", "page=x", "per_page=0", "per_page=101", "page=1.5", "page=-1", "page="])
def test_a_bad_page_is_400(desk: Desk, query: str) -> None:
    assert desk.refused("GET", "/gateways", query=query)[:2] == (400, 7001)


def test_every_problem_is_told_at_once_and_by_its_path(desk: Desk) -> None:
    reply = desk.ask("POST", "/gateways", {"id": "a b", "cache_ttl": "60", "zdr": 1, "collect_logs": None})
    paths = [error["path"] for error in json.loads(reply.body)["errors"]]
    names = ("id", "cache_invalidate_on_update", "collect_logs", "rate_limiting_interval", "rate_limiting_limit")
    assert paths == [*(["body", name] for name in names), ["body", "cache_ttl"], ["body", "zdr"]]


def test_the_list_of_problems_is_bounded(desk: Desk) -> None:
    reply = desk.ask("POST", "/gateways", {**CREATE, "otel": [1] * 10_000})
    assert len(json.loads(reply.body)["errors"]) == 50


def test_accounts_are_apart(desk: Desk) -> None:
    desk.ok("POST", "/gateways", CREATE)
    assert desk.refused("GET", "/gateways/made", account=OTHER_ACCOUNT)[:2] == (404, 7002)
    assert [row["id"] for row in desk.result("GET", "/gateways", account=OTHER_ACCOUNT)] == ["demo"]


def test_a_full_store_refuses_and_keeps_no_half_of_a_route(desk: Desk) -> None:
    for index in range(999):
        desk.documents.put("filler", str(index), {})
    route = {"name": "r", "elements": []}
    # A route is three documents: the first fits, and must not stay alone.
    status, code, message = desk.refused("POST", "/gateways/demo/routes", route)
    assert (status, code) == (400, 7001)
    assert "full" in message
    desk.documents.put("filler", "last", {})
    with pytest.raises(OverflowError):
        desk.documents.put("filler", "one more", {})


def test_no_secret_is_in_a_repr_or_a_refusal(desk: Desk) -> None:
    secret = "sk-very-secret"
    otel = [{"url": "https://otel.example", "headers": {"x-key": secret}, "authorization": secret}]
    desk.ok("PUT", "/gateways/demo", {**UPDATE, "otel": otel})
    record = desk.gateways.find(ACCOUNT, "demo")
    assert secret not in repr(record)
    bad = {**UPDATE, "otel": [{"url": 1, "headers": {"x-key": [secret]}, "authorization": [secret]}]}
    assert secret.encode() not in desk.ask("PUT", "/gateways/demo", bad).body
