"""The lines of `aig dev --json`: each fits the published schema, and none is lost without a word."""

from __future__ import annotations

import json
from typing import Any

import jsonschema_rs
import pytest

from aig_client.apps.cli._dev_log import MOST_WAITING, RequestLog, json_line
from aig_client.apps.emulator import LocalGateway, LogEntry

from .running import SCHEMAS, check

CHAT = {"model": "gpt-4.1-mini", "messages": [{"role": "user", "content": "Hello"}]}
BARE = LogEntry(log_id="1", at=0.5, method="GET", path="/v1/x", status=0)


def lines_of(capsys: pytest.CaptureFixture[str], *entries: LogEntry) -> list[dict[str, Any]]:
    log = RequestLog(as_json=True)
    for entry in entries:
        log.add(entry)
    log.flush()
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_requests_of_every_kind_fit_the_schema(capsys: pytest.CaptureFixture[str]) -> None:
    gateway = LocalGateway()
    with gateway.client() as client:
        for path, headers in (
            ("openai/chat/completions", {"cf-aig-cache-key": "k"}),
            ("openai/chat/completions", {"cf-aig-cache-key": "k"}),
            ("openai/chat/completions", {"x-aig-fault": "status;code=429"}),
            ("nobody/chat/completions", {}),
            ("not-a-path", {}),
        ):
            client.post(path, json=CHAT, headers=gateway.auth_headers | headers)
    lines = lines_of(capsys, *gateway.log, BARE)
    assert len(lines) == len(gateway.log) + 1
    for line in lines:
        check(line)
    seen = [(line["status"], line["cache_status"], line["code"]) for line in lines]
    assert seen[:3] == [(200, "MISS", None), (200, "HIT", None), (429, "MISS", None)]
    assert (400, None, 2008) in seen
    assert (seen[-1], lines[-1]["provider"], lines[-1]["cost"]) == ((0, None, None), None, None)
    assert lines[2]["fault"] == "status;code=429"


def test_what_has_no_line_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    lines = lines_of(capsys, *[BARE] * (MOST_WAITING + 3))
    assert len(lines) == MOST_WAITING + 1
    assert lines[-1] == {"schema": "aig.dev/1", "event": "omitted", "count": 3}
    check(lines[-1])


@pytest.mark.parametrize(
    "line",
    [
        json_line("ready", url="http://127.0.0.1:8787/v1/a/b"),
        json_line("request", url="http://127.0.0.1:8787"),
        json_line("omitted", count=0),
        json_line("stopped"),
    ],
)
def test_the_schema_tells_lines_apart(line: str) -> None:
    schema = json.loads((SCHEMAS / "dev.json").read_text("utf-8"))
    assert not jsonschema_rs.is_valid(schema, json.loads(line))
