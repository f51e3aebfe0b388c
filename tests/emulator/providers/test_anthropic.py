"""Anthropic: messages, thinking, tools, and the explicit prompt cache."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .desk import KEYS, SCHEMA, Desk, Told

LONG = "A sentence that fills a prompt. " * 200  # some 1600 tokens
SONNET = "claude-sonnet-5-5"
MARK = {"type": "ephemeral"}
HOUR = {"type": "ephemeral", "ttl": "1h"}


def ask(desk: Desk | None = None, path: str = "/v1/messages", **fields: Any) -> Told:
    say = fields.pop("say", None)
    body = {"model": SONNET, "max_tokens": 2000, "messages": [{"role": "user", "content": "Hi"}], **fields}
    return (desk or Desk()).ask("anthropic", path, body, say=say)


def block(text: str, mark: object = None) -> dict[str, Any]:
    return {"type": "text", "text": text} if mark is None else {"type": "text", "text": text, "cache_control": mark}


def used(desk: Desk, **fields: Any) -> tuple[int, int, int]:
    """What was read, what was written, and the rest."""
    usage = ask(desk, **fields).json["usage"]
    return usage["cache_read_input_tokens"], usage["cache_creation_input_tokens"], usage["input_tokens"]


def test_a_stream_says_the_same_as_the_whole_message() -> None:
    whole, events = ask().json, ask(stream=True).events
    kinds = [event["type"] for event in events]
    assert kinds[:3] == ["message_start", "content_block_start", "ping"]
    assert kinds[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    text = "".join(event["delta"]["text"] for event in events if event["type"] == "content_block_delta")
    assert text == whole["content"][0]["text"]
    assert events[-2]["usage"] == whole["usage"]
    start = events[0]["message"]["usage"]
    assert (start["input_tokens"], start["output_tokens"]) == (whole["usage"]["input_tokens"], 1)
    assert events[-2]["delta"]["stop_reason"] == whole["stop_reason"] == "end_turn"
    assert ask(max_tokens=3).json["stop_reason"] == "max_tokens"


@pytest.mark.parametrize("choice", [{"type": "any"}, {"type": "tool", "name": "weather"}])
def test_a_forced_tool_is_used(choice: object) -> None:
    tools = [{"name": "weather", "input_schema": SCHEMA}]
    answer = ask(tools=tools, tool_choice=choice).json
    assert (answer["stop_reason"], answer["content"][0]["type"]) == ("tool_use", "tool_use")
    assert answer["content"][0]["input"]["days"] == 1
    events = ask(tools=tools, tool_choice=choice, stream=True).events
    parts = [event["delta"]["partial_json"] for event in events if event["type"] == "content_block_delta"]
    assert json.loads("".join(parts)) == answer["content"][0]["input"]
    assert ask(tools=tools, tool_choice=choice, say="No.").json["content"] == [{"type": "text", "text": "No."}]


def test_structured_output() -> None:
    form = {"format": {"type": "json_schema", "schema": SCHEMA}}
    assert json.loads(ask(output_config=form).json["content"][0]["text"])["unit"] == "C"


def test_thinking_comes_first_and_is_counted() -> None:
    thinking = {"type": "enabled", "budget_tokens": 1024}
    whole = ask(thinking=thinking).json
    thought, text = whole["content"]
    assert (thought["type"], text["type"]) == ("thinking", "text")
    assert thought["thinking"]
    assert thought["signature"]
    details = whole["usage"]["output_tokens_details"]
    assert details["thinking_tokens"] == 128 < whole["usage"]["output_tokens"]
    events = ask(thinking=thinking, stream=True).events
    deltas = [event["delta"] for event in events if event["type"] == "content_block_delta" and event["index"] == 0]
    assert "".join(delta.get("thinking", "") for delta in deltas) == thought["thinking"]
    assert deltas[-1] == {"type": "signature_delta", "signature": thought["signature"]}
    hidden = ask(thinking={"type": "adaptive", "display": "omitted"}).json["content"][0]
    assert (hidden["thinking"], bool(hidden["signature"])) == ("", True)
    assert "output_tokens_details" not in ask(thinking={"type": "disabled"}).json["usage"]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"thinking": {"type": "enabled", "budget_tokens": 1023}}, "greater than or equal to 1024"),
        ({"thinking": {"type": "enabled"}}, "budget_tokens"),
        ({"thinking": {"type": "enabled", "budget_tokens": 2000}}, "must be greater than"),
        ({"thinking": {"type": "adaptive"}, "tool_choice": {"type": "any"}}, "tool_choice forces tool use"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"max_tokens": True}, "max_tokens"),
        ({"system": [block("x", {"type": "forever"})]}, "'ephemeral'"),
        ({"system": [block("x", {"type": "ephemeral", "ttl": "2h"})]}, "'5m' or '1h'"),
        ({"system": [block("x", MARK)] * 5}, "A maximum of 4 blocks with cache_control may be provided. Found 5."),
        ({"system": [block("x", MARK)] * 4, "cache_control": MARK}, "Found 5."),
        ({"system": [block("x", MARK), block("x", HOUR)]}, "must not come after a ttl='5m'"),
    ],
)
def test_what_is_refused(fields: dict[str, Any], said: str) -> None:
    told = ask(**fields)
    assert (told.status, told.json["error"]["type"]) == (400, "invalid_request_error")
    assert said in told.json["error"]["message"]


def test_the_version_is_wanted() -> None:
    headers = {name: value for name, value in KEYS.items() if name != "anthropic-version"}
    told = Desk().ask("anthropic", "/v1/messages", {}, headers=headers)
    assert "anthropic-version" in told.json["error"]["message"]


def test_tokens_can_be_counted() -> None:
    counted = ask(path="/v1/messages/count_tokens", system=LONG).json
    assert counted == {"input_tokens": ask(system=LONG).json["usage"]["input_tokens"]}
    # A mark is no part of the prompt.
    marked = ask(path="/v1/messages/count_tokens", system=[block(LONG, MARK)]).json
    assert marked == ask(path="/v1/messages/count_tokens", system=[block(LONG)]).json


# --- cache_control ---------------------------------------------------------------------------------


def test_first_use_writes_next_use_reads() -> None:
    desk, system = Desk(), [block(LONG, MARK)]
    read, written, rest = used(desk, system=system)
    assert (read, written > 1500, 0 < rest < 60) == (0, True, True)
    assert used(desk, system=system) == (written, 0, rest)
    # Another question at the end reads the same beginning.
    again = used(desk, system=system, messages=[{"role": "user", "content": "Something else"}])
    assert again[:2] == (written, 0)
    assert used(desk, system=[block("B" + LONG[1:], MARK)])[0] == 0
    assert used(desk, system=system, model="claude-sonnet-4-6")[0] == 0
    assert used(desk, system=system, tools=[{"name": "t", "input_schema": {}}])[0] == 0
    assert used(Desk(), system=system)[0] == 0


def test_without_a_mark_nothing_is_cached() -> None:
    desk = Desk()
    for _ in range(2):
        read, written, rest = used(desk, system=[block(LONG)])
        assert (read, written) == (0, 0)
        assert rest > 1500


@pytest.mark.parametrize(
    ("model", "minimum"),
    [
        ("claude-sonnet-5-5", 1024),
        ("claude-sonnet-4-5-20250929", 1024),
        ("claude-opus-4-20250514", 1024),
        ("claude-opus-4-8", 1024),
        ("claude-opus-5-5", 512),
        ("claude-fable-5", 512),
        ("claude-opus-4-7", 2048),
        ("claude-3-5-haiku-20241022", 2048),
        ("claude-opus-4-5-20251101", 4096),
        ("claude-opus-4-6", 4096),
        ("claude-haiku-4-5", 4096),
    ],
)
def test_below_the_minimum_nothing_is_cached(model: str, minimum: int) -> None:
    desk = Desk()
    # A block of JSON around a text takes some characters of its own.
    short, enough = "x" * (4 * minimum - 80), "x" * (4 * minimum)
    for _ in range(2):
        assert used(desk, model=model, system=[block(short, MARK)])[:2] == (0, 0)
    assert used(desk, model=model, system=[block(enough, MARK)])[1] >= minimum
    assert used(desk, model=model, system=[block(enough, MARK)])[0] >= minimum


def test_a_read_gives_the_entry_its_life_again() -> None:
    desk, system = Desk(), [block(LONG, MARK)]
    used(desk, system=system)
    for _ in range(3):
        desk.now += 299
        assert used(desk, system=system)[0] > 0
    desk.now += 300
    assert used(desk, system=system)[:1] == (0,)


def test_an_hour_is_told_apart_and_lasts() -> None:
    desk = Desk()
    fields: dict[str, Any] = {"tools": [{"name": "t", "description": LONG, "input_schema": {}, "cache_control": HOUR}]}
    fields["system"] = [block(LONG, MARK)]
    usage = ask(desk, **fields).json["usage"]
    kinds = usage["cache_creation"]
    assert min(kinds.values()) > 1500
    assert sum(kinds.values()) == usage["cache_creation_input_tokens"]
    desk.now += 400
    later = ask(desk, **fields).json["usage"]
    # The tools are still there; the system after them has to be written again.
    assert later["cache_read_input_tokens"] == kinds["ephemeral_1h_input_tokens"]
    assert later["cache_creation"] == {
        "ephemeral_5m_input_tokens": kinds["ephemeral_5m_input_tokens"],
        "ephemeral_1h_input_tokens": 0,
    }


def test_the_longest_earlier_breakpoint_is_read_and_the_rest_written() -> None:
    desk = Desk()
    turns = [{"role": "user", "content": [block(LONG, MARK)]}]
    _, first, _ = used(desk, messages=turns)
    longer = [
        {"role": "user", "content": [block(LONG)]},
        {"role": "assistant", "content": "Yes."},
        {"role": "user", "content": [block(LONG + "!", MARK)]},
    ]
    read, written, _ = used(desk, messages=longer)
    assert read == first
    assert written > 1500
    assert used(desk, messages=longer)[:2] == (read + written, 0)


def test_the_search_goes_back_twenty_blocks() -> None:
    for between, found in ((18, True), (19, False)):
        desk = Desk()
        used(desk, system=[block(LONG, MARK)])
        blocks = [*(block(str(number)) for number in range(between)), block("end", MARK)]
        read = used(desk, system=[block(LONG)], messages=[{"role": "user", "content": blocks}])[0]
        assert (read > 0) is found


def test_one_mark_at_the_top_marks_the_last_block() -> None:
    desk = Desk()
    fields: dict[str, Any] = {"cache_control": MARK, "system": LONG}
    written = used(desk, **fields)[1]
    assert written > 1500
    assert used(desk, **fields)[0] == written


def test_a_limit_of_zero_warms_the_cache_and_says_nothing() -> None:
    desk, system = Desk(), [block(LONG, MARK)]
    whole = ask(desk, system=system, max_tokens=0).json
    assert (whole["content"], whole["stop_reason"], whole["usage"]["output_tokens"]) == ([], "max_tokens", 0)
    assert used(desk, system=system)[0] == whole["usage"]["cache_creation_input_tokens"] > 0


def test_a_stream_tells_the_cache_at_its_start_and_its_end() -> None:
    desk, system = Desk(), [block(LONG, MARK)]
    used(desk, system=system)
    events = ask(desk, system=system, stream=True).events
    for usage in (events[0]["message"]["usage"], events[-2]["usage"]):
        assert usage["cache_read_input_tokens"] > 1500
        assert usage["cache_creation_input_tokens"] == 0


MARKS = st.sampled_from([None, None, MARK, HOUR])
BLOCKS = st.lists(st.tuples(st.integers(0, 1500), MARKS), min_size=1, max_size=6)


@settings(max_examples=150, deadline=None)
@given(system=BLOCKS, content=BLOCKS, wait=st.integers(0, 4000), model=st.sampled_from([SONNET, "claude-opus-5"]))
def test_the_parts_of_a_prompt_add_up(system: Any, content: Any, wait: int, model: str) -> None:
    desk = Desk()
    fields: dict[str, Any] = {
        "model": model,
        "system": [block("s" * 4 * length, mark) for length, mark in system],
        "messages": [{"role": "user", "content": [block("m" * 4 * length, mark) for length, mark in content]}],
    }
    first = ask(desk, **fields)
    if first.status == 400:
        return
    desk.now += wait
    second = ask(desk, **fields).json["usage"]
    total = ask(path="/v1/messages/count_tokens", **fields).json["input_tokens"]
    for usage in (first.json["usage"], second):
        read, written = usage["cache_read_input_tokens"], usage["cache_creation_input_tokens"]
        assert read + written + usage["input_tokens"] == total
        assert min(read, written, usage["input_tokens"]) >= 0
        assert sum(usage["cache_creation"].values()) == written
        assert min(usage["cache_creation"].values()) >= 0
    written = first.json["usage"]["cache_creation_input_tokens"]
    assert first.json["usage"]["cache_read_input_tokens"] == 0
    if wait < 300:
        assert (second["cache_read_input_tokens"], second["cache_creation_input_tokens"]) == (written, 0)
    if wait >= 3600:
        assert (second["cache_read_input_tokens"], second["cache_creation_input_tokens"]) == (0, written)


def test_the_model_list() -> None:
    told = Desk().ask("anthropic", "/v1/models", method="GET", body=b"")
    assert told.json["data"][0]["type"] == "model"
