"""Chat completions and Responses: choices, limits, tools, structured output, reasoning, each dialect's own fields."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .desk import SCHEMA, Desk, Told

FOLLOWERS = (
    "openai",
    "groq",
    "cerebras",
    "mistral",
    "deepseek",
    "grok",
    "perplexity-ai",
    "openrouter",
    "fireworks",
    "workers-ai",
    "baseten",
)
TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}]
STREAMED: dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}}


def chat(provider: str = "openai", **fields: Any) -> Told:
    return Desk().chat(provider, path="/chat/completions" if provider == "openai" else "/v1/chat/completions", **fields)


def spoken(events: list[Any], index: int = 0) -> str:
    choices = [choice for event in events for choice in event["choices"] if choice["index"] == index]
    return "".join(choice["delta"].get("content") or "" for choice in choices)


@pytest.mark.parametrize("provider", FOLLOWERS)
def test_a_stream_says_the_same_as_the_whole_answer(provider: str) -> None:
    whole, streamed = chat(provider).json, chat(provider, **STREAMED)
    events = streamed.events
    assert spoken(events) == whole["choices"][0]["message"]["content"]
    assert events[0]["choices"][0]["delta"]["role"] == "assistant"
    finishes = [choice["finish_reason"] for event in events for choice in event["choices"]]
    assert [finish for finish in finishes if finish] == ["stop"]
    assert [event["usage"] for event in events if event.get("usage")][-1] == whole["usage"]
    assert {event["id"] for event in events} == {whole["id"]}
    assert streamed.body.endswith(b"data: [DONE]\n\n")
    assert streamed.headers["content-type"].startswith("text/event-stream")
    assert len(streamed.parts) > 5


def test_where_a_stream_tells_its_usage() -> None:
    bare = {provider: chat(provider, stream=True).events for provider in FOLLOWERS}
    for provider in ("openai", "groq", "workers-ai"):
        assert all("usage" not in event for event in bare[provider])
    asked = chat(**STREAMED).events
    assert asked[-1]["choices"] == []
    assert all(event["usage"] is None for event in asked[:-1])
    for provider in ("cerebras", "mistral", "deepseek", "fireworks"):
        assert bare[provider][-1]["usage"]["prompt_tokens"] > 0
        assert bare[provider][-1]["choices"][0]["finish_reason"] == "stop"
    for provider in ("grok", "openrouter"):
        assert bare[provider][-1]["usage"]["prompt_tokens"] > 0
        assert bare[provider][-1]["choices"] == []
    assert all(event["usage"]["cost"] for event in bare["perplexity-ai"])


def test_a_token_limit_cuts_the_answer() -> None:
    limits: list[dict[str, Any]] = [{"max_tokens": 3}, {"max_completion_tokens": 3}]
    for limit in limits:
        answer = chat(**limit).json
        assert answer["choices"][0]["finish_reason"] == "length"
        assert len(answer["choices"][0]["message"]["content"].split()) == 3
        assert answer["usage"]["completion_tokens"] == 3


def test_several_choices_differ_and_are_all_counted() -> None:
    one, three = chat().json, chat(n=3).json
    texts = [choice["message"]["content"] for choice in three["choices"]]
    assert [choice["index"] for choice in three["choices"]] == [0, 1, 2]
    assert len(set(texts)) == 3
    assert three["usage"]["completion_tokens"] == sum(len(text.split()) for text in texts)
    assert three["usage"]["prompt_tokens"] == one["usage"]["prompt_tokens"]
    events = chat(n=3, **STREAMED).events
    assert [spoken(events, index) for index in range(3)] == texts
    for n in (129, -1, True, "2"):
        assert chat(n=n).status == 400


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "weather"}}])
def test_a_forced_tool_is_called(choice: object) -> None:
    answer = chat(tools=TOOLS, tool_choice=choice).json
    call = answer["choices"][0]["message"]["tool_calls"][0]
    arguments = json.loads(call["function"]["arguments"])
    assert (answer["choices"][0]["finish_reason"], call["function"]["name"]) == ("tool_calls", "weather")
    assert (arguments["unit"], arguments["place"], arguments["days"]) == ("C", {"lat": 1.5}, 1)
    events = chat(tools=TOOLS, tool_choice=choice, **STREAMED).events
    deltas = [event["choices"][0]["delta"] for event in events if event["choices"]]
    calls = [delta["tool_calls"][0] for delta in deltas if "tool_calls" in delta]
    assert calls[0]["id"] == call["id"]
    assert "".join(one["function"]["arguments"] for one in calls) == call["function"]["arguments"]
    assert chat(tools=TOOLS).json["choices"][0]["finish_reason"] == "stop"


def test_mistral_says_any_for_required() -> None:
    assert chat("mistral", tools=TOOLS, tool_choice="any").json["choices"][0]["finish_reason"] == "tool_calls"


def test_structured_output_fits_the_schema() -> None:
    form = {"type": "json_schema", "json_schema": {"name": "w", "strict": True, "schema": SCHEMA}}
    answer = chat(response_format=form).json
    found = json.loads(answer["choices"][0]["message"]["content"])
    assert found == {"city": "amber", "days": 1, "unit": "C", "place": {"lat": 1.5}}
    assert spoken(chat(response_format=form, stream=True).events) == answer["choices"][0]["message"]["content"]
    cut = chat(response_format=form, max_tokens=2).json["choices"][0]
    assert (cut["finish_reason"], cut["message"]["content"]) == ("length", '{"city":')
    loose = chat(response_format={"type": "json_object"}).json
    assert isinstance(json.loads(loose["choices"][0]["message"]["content"]), dict)


def test_a_given_text_is_said_by_all() -> None:
    text = " Two  words,\nand a stop. "
    for provider in FOLLOWERS:
        answer = chat(provider, say=text).json
        assert answer["choices"][0]["message"]["content"] == text
        assert answer["usage"]["completion_tokens"] == 6
        assert spoken(chat(provider, say=text, stream=True).events) == text
    assert chat(say=text, tools=TOOLS, tool_choice="required").json["choices"][0]["finish_reason"] == "stop"
    assert chat(say="").json["choices"][0]["message"]["content"] == ""
    assert chat(say="one two three", max_tokens=2).json["choices"][0]["message"]["content"] == "one two"
    assert {choice["message"]["content"] for choice in chat(say="x", n=2).json["choices"]} == {"x"}


# --- reasoning -------------------------------------------------------------------------------------


def test_reasoning_models_count_their_thought() -> None:
    for model in ("o3", "o4-mini", "gpt-5", "gpt-5.4-mini"):
        usage = chat(model=model).json["usage"]
        assert usage["completion_tokens_details"]["reasoning_tokens"] == 128
        assert usage["completion_tokens"] > 128
    for model in ("gpt-4.1-mini", "gpt-4o", "gpt-5-chat-latest"):
        assert chat(model=model).json["usage"]["completion_tokens_details"]["reasoning_tokens"] == 0
    efforts = [chat(model="gpt-5", reasoning_effort=effort) for effort in ("minimal", "low", "medium", "high")]
    counts = [told.json["usage"]["completion_tokens_details"]["reasoning_tokens"] for told in efforts]
    assert counts == [0, 64, 128, 192]
    small = chat(model="gpt-5", max_completion_tokens=10).json
    assert small["usage"]["completion_tokens"] == 10
    assert len(small["choices"][0]["message"]["content"].split()) == 5


def test_who_shows_its_thought() -> None:
    for provider, model, name in (
        ("deepseek", "deepseek-reasoner", "reasoning_content"),
        ("grok", "grok-4", "reasoning_content"),
        ("groq", "openai/gpt-oss-120b", "reasoning"),
    ):
        message = chat(provider, model=model).json["choices"][0]["message"]
        assert message[name]
        deltas = [
            event["choices"][0]["delta"]
            for event in chat(provider, model=model, stream=True).events
            if event["choices"]
        ]
        assert "".join(delta.get(name, "") for delta in deltas) == message[name]
    assert "reasoning_content" not in chat("deepseek", model="deepseek-chat").json["choices"][0]["message"]


# --- own fields ------------------------------------------------------------------------------------


def test_groq_counts_seconds() -> None:
    whole = chat("groq").json
    usage = whole["usage"]
    assert usage["total_time"] == pytest.approx(usage["prompt_time"] + usage["completion_time"])
    assert usage["queue_time"] > 0
    events = chat("groq", stream=True).events
    assert events[0]["x_groq"]["id"] == events[-1]["x_groq"]["id"] == whole["x_groq"]["id"]
    assert events[-1]["x_groq"]["usage"] == usage
    assert [bool(event.get("x_groq")) for event in events].count(True) == 2


def test_cerebras_tells_its_times() -> None:
    assert chat("cerebras").json["time_info"]["total_time"] > 0
    assert chat("cerebras", stream=True).events[-1]["time_info"] == chat("cerebras").json["time_info"]


def test_deepseek_splits_the_prompt() -> None:
    usage = chat("deepseek").json["usage"]
    assert usage["prompt_cache_hit_tokens"] + usage["prompt_cache_miss_tokens"] == usage["prompt_tokens"]


def test_xai_keeps_reasoning_out_of_the_completion() -> None:
    usage = chat("grok", model="grok-4").json["usage"]
    reasoning = usage["completion_tokens_details"]["reasoning_tokens"]
    assert reasoning == 128
    assert usage["completion_tokens"] < reasoning
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"] + reasoning
    assert usage["prompt_tokens_details"]["text_tokens"] == usage["prompt_tokens"]
    assert usage["num_sources_used"] == 0
    assert usage["cost_in_usd_ticks"] > 0


def test_perplexity_cites() -> None:
    whole = chat("perplexity-ai", model="sonar").json
    assert whole["citations"] == [one["url"] for one in whole["search_results"]]
    assert len(set(whole["citations"])) == 3
    cost = whole["usage"]["cost"]
    parts = cost["input_tokens_cost"] + cost["output_tokens_cost"] + cost["request_cost"]
    assert cost["total_cost"] == pytest.approx(parts)
    assert (whole["usage"]["num_search_queries"], whole["usage"]["search_context_size"]) == (1, "low")
    assert chat("perplexity-ai", text="else").json["citations"] != whole["citations"]
    events = chat("perplexity-ai", model="sonar", stream=True).events
    assert events[-1]["search_results"] == whole["search_results"]


def test_openrouter_tells_the_cost() -> None:
    whole = chat("openrouter").json
    assert whole["usage"]["cost"] > 0
    assert whole["provider"] == "Emulator"
    streamed = chat("openrouter", stream=True)
    assert streamed.parts[0].startswith(b": ")
    assert streamed.events[-1]["usage"]["cost"] == whole["usage"]["cost"]


def test_azure_takes_the_model_from_the_deployment() -> None:
    body = {"messages": [{"role": "user", "content": "Hi"}]}
    whole = Desk().ask("azure-openai", "/res/my-gpt/chat/completions", body, query="api-version=2024-10-21").json
    assert whole["model"] == "my-gpt"
    assert whole["prompt_filter_results"][0]["content_filter_results"]["hate"] == {
        "filtered": False,
        "severity": "safe",
    }
    vectors = Desk().ask("azure-openai", "/res/my-embed/embeddings", {"input": "a"}).json
    assert vectors["model"] == "my-embed"


@settings(max_examples=120, deadline=None)
@given(
    provider=st.sampled_from(FOLLOWERS),
    model=st.sampled_from(["gpt-5", "o3", "m", "grok-4", "deepseek-reasoner", "openai/gpt-oss-20b", "sonar-reasoning"]),
    text=st.text(max_size=300),
    limit=st.none() | st.integers(1, 200),
    n=st.integers(1, 3),
    repeat=st.integers(1, 40),
)
def test_totals_add_up_in_every_dialect(
    provider: str, model: str, text: str, limit: int | None, n: int, repeat: int
) -> None:
    desk = Desk()
    more: dict[str, Any] = {} if limit is None else {"max_tokens": limit}
    for _ in range(2):
        answer = desk.chat(provider, text * repeat, model=model, n=n, path="/v1/chat/completions", **more).json
        usage = answer["usage"]
        details = usage.get("completion_tokens_details") or {}
        reasoning = details.get("reasoning_tokens", 0)
        beside = reasoning if provider == "grok" else 0
        assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"] + beside
        assert reasoning <= usage["completion_tokens"] + beside
        cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens", 0)
        assert 0 <= cached <= usage["prompt_tokens"]
        assert len(answer["choices"]) == n


# --- responses -------------------------------------------------------------------------------------


def responses(**fields: Any) -> Told:
    say = fields.pop("say", None)
    return Desk().ask("openai", "/responses", {"model": "gpt-5", "input": "Hi", **fields}, say=say)


def test_a_response_s_stream_ends_with_the_whole_answer() -> None:
    whole, events = responses().json, responses(stream=True).events
    kinds = [event["type"] for event in events]
    assert kinds[:4] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
    ]
    assert kinds[-4:] == [
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert events[-1]["response"] == whole
    deltas = "".join(event["delta"] for event in events if event["type"] == "response.output_text.delta")
    assert deltas == whole["output"][0]["content"][0]["text"]
    usage = whole["usage"]
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
    assert usage["output_tokens_details"]["reasoning_tokens"] == 128
    assert responses(model="gpt-4.1").json["usage"]["output_tokens_details"]["reasoning_tokens"] == 0


def test_a_cut_response_is_incomplete() -> None:
    last = responses(max_output_tokens=2, stream=True).events[-1]
    assert last["type"] == "response.incomplete"
    assert last["response"]["incomplete_details"] == {"reason": "max_output_tokens"}
    assert last["response"]["output"][0]["status"] == "incomplete"


def test_a_response_calls_a_forced_tool_fits_a_schema_and_says_what_is_given() -> None:
    tools = [{"type": "function", "name": "weather", "parameters": SCHEMA}]
    events = responses(tools=tools, tool_choice="required", stream=True).events
    item = events[-1]["response"]["output"][0]
    assert (item["type"], item["name"]) == ("function_call", "weather")
    assert json.loads(item["arguments"])["unit"] == "C"
    form = {"format": {"type": "json_schema", "name": "w", "schema": SCHEMA}}
    whole = responses(text=form).json
    assert json.loads(whole["output"][0]["content"][0]["text"])["days"] == 1
    assert whole["text"] == form
    said = responses(say="Just this.", tools=tools, tool_choice="required").json
    assert said["output"][0]["content"][0]["text"] == "Just this."
