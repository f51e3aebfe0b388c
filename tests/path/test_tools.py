"""Tools are taken away so that the rest is valid, or the request is refused: by dialect in ``rewrite.json``."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any, get_args, get_type_hints

import pytest
from anthropic.types import content_block_param, message_create_params
from anthropic.types.beta import beta_content_block_param
from anthropic.types.beta import message_create_params as beta_create_params
from google.genai import types as gemini
from openai.types.chat import completion_create_params
from openai.types.responses import response_create_params
from openai.types.responses.response_includable import ResponseIncludable
from openai.types.responses.response_input_item_param import ResponseInputItemParam

from aig_client.core import PROVIDERS, Refused
from aig_client.core.facts._shapes import SHAPES, Shape, shape_of
from aig_client.core.path._read import wants_tools
from aig_client.core.path._tools import deny_tools, strip_tools, tools_elsewhere

from ..facts.vectors import cases


def as_text(tree: object) -> str:
    return json.dumps(tree, ensure_ascii=False)  # member order counts


@cases("rewrite.json", "strip")
def test_stripping(case: dict[str, Any]) -> None:
    tree = case["tree"]
    before = deepcopy(tree)
    if "refused" in case:
        with pytest.raises(Refused) as caught:
            strip_tools(case["kind"], tree, provider=case["provider"])
        assert caught.value.where == case["refused"]
        assert caught.value.remedy
    else:
        stripped = strip_tools(case["kind"], tree, provider=case["provider"])
        assert stripped.removed == tuple(case["removed"])
        assert as_text(stripped.tree) == as_text(case.get("expect", tree))
        assert (stripped.tree is tree) == case.get("same", False)
        assert not wants_tools(stripped.tree)
        assert strip_tools(case["kind"], stripped.tree, provider=case["provider"]).tree is stripped.tree
    assert as_text(tree) == as_text(before)


@cases("rewrite.json", "deny")
def test_denying(case: dict[str, Any]) -> None:
    before = deepcopy(case["tree"])
    if case["refused"] is None:
        deny_tools(case["kind"], case["tree"])
        assert not wants_tools(case["tree"])
    else:
        with pytest.raises(Refused, match="allows no tools") as caught:
            deny_tools(case["kind"], case["tree"])
        assert caught.value.where == case["refused"]
    assert case["tree"] == before


def test_what_stays_is_shared_and_nothing_is_copied() -> None:
    messages = [{"role": "user", "content": "x"}]
    stripped = strip_tools("chat", {"messages": messages, "tools": [{"type": "function"}]})
    assert isinstance(stripped.tree, dict)
    assert stripped.tree["messages"] is messages


def test_a_history_is_not_looked_at_where_the_caller_only_wants_to_know_what_is_left() -> None:
    tree = {"messages": [{"role": "tool", "content": "x"}], "tools": [{"type": "function"}]}
    with pytest.raises(Refused):
        strip_tools("chat", tree)
    assert strip_tools("chat", tree, check_history=False).tree == {"messages": tree["messages"]}


@pytest.mark.parametrize("tree", [None, [], "x", 1, {}, [{"messages": []}]])
def test_what_is_no_request_stays(tree: object) -> None:
    assert strip_tools("chat", tree).tree is tree
    deny_tools("chat", tree)


@pytest.mark.parametrize(
    "turns", [None, "x", {}, [None, 1, "x"], [{"content": [None, 1]}], [{"content": {"type": 1}, "type": []}]]
)
@pytest.mark.parametrize(("kind", "name"), [("chat", "messages"), ("messages", "messages"), ("responses", "input")])
def test_malformed_turns_show_nothing(kind: Any, name: str, turns: object) -> None:
    assert strip_tools(kind, {name: turns, "tools": [{}]}).tree == {name: turns}


@pytest.mark.parametrize("asked", [[], None, "web_search_call.results", [1, None, ["web_search_call.results"]]])
def test_malformed_includes_stay(asked: object) -> None:
    found = strip_tools("responses", {"input": "x", "include": asked, "tools": [{}]})
    assert found.tree == {"input": "x", "include": asked}
    assert found.removed == ("/tools",)


def test_an_item_of_the_input_that_is_no_turn_stays_beside_one_that_brings_tools() -> None:
    tree = {"input": [None, {"type": ["x"]}, {"type": "additional_tools"}, 1]}
    assert strip_tools("responses", tree).tree == {"input": [None, {"type": ["x"]}, 1]}


def test_a_refusal_carries_nothing_of_the_conversation() -> None:
    tree = {"messages": [{"role": "tool", "content": "SECRET"}], "tools": [{"name": "SECRET"}]}
    with pytest.raises(Refused) as caught:
        strip_tools("chat", tree)
    assert "SECRET" not in str(caught.value)
    with pytest.raises(Refused) as caught:
        deny_tools("chat", tree)
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize("member", ["prompt", "cachedContent", "cached_content"])
def test_what_is_stored_may_bring_tools(member: str) -> None:
    kind: Any = "responses" if member == "prompt" else "generate_content"
    assert tools_elsewhere(kind, {member: {"id": "p"}})
    assert not tools_elsewhere(kind, {member: None})
    assert not tools_elsewhere("chat", {member: {"id": "p"}})


# The SDKs' own types: a tool member or a kind of turn that they learn of must get a place in a row.


def about_tools(names: Any) -> set[str]:
    return {name for name in names if "tool" in name.lower() or "function" in name.lower() or "mcp" in name.lower()}


def own(provider: str, kind: Any) -> Shape:
    shape = shape_of(kind, provider, {})
    assert shape is not None
    return shape


@pytest.mark.parametrize(
    ("kind", "provider", "params"),
    [
        ("chat", "openai", completion_create_params.CompletionCreateParamsBase),
        ("responses", "openai", response_create_params.ResponseCreateParamsBase),
        ("messages", "anthropic", message_create_params.MessageCreateParamsBase),
        ("messages", "anthropic", beta_create_params.MessageCreateParamsBase),
    ],
)
def test_rows_name_what_the_sdks_send(kind: Any, provider: str, params: Any) -> None:
    shape, members = own(provider, kind), set(get_type_hints(params))
    assert about_tools(members) <= {*shape.tools, *shape.beside_tools}
    assert {shape.added_cap} - {None} <= set(shape.caps) <= members
    assert set(shape.elsewhere) <= members
    assert set(shape.conversation) & members
    assert "prompt_cache_key" in members or shape.prefix != "key"
    assert "cache_control" in members or shape.prefix != "request"


def test_rows_name_what_gemini_s_sdk_sends() -> None:
    shape = own("google-ai-studio", "generate_content")
    config = {field.alias for field in gemini.GenerateContentConfig.model_fields.values()}
    assert about_tools(config) - {"automaticFunctionCalling"} <= {*shape.tools, *shape.beside_tools}  # the SDK's own
    assert "cachedContent" in config
    for names in (shape.caps, ("temperature",)):
        assert names[0] in {field.alias or name for name, field in gemini.GenerationConfig.model_fields.items()}
    parts = {field.alias for field in gemini.Part.model_fields.values() if field.alias}
    shown = {name for name in parts if about_tools([name]) or "code" in name.lower()}
    assert shown <= set(shape.history.members)
    assert set(gemini.Part.model_fields) >= {name for name in shape.history.members if "_" in name}


def requested(union: Any) -> set[type]:
    """The typed dictionaries of a union; what an answer was parsed into may be sent back too, and has their types."""
    found = {one for part in get_args(union) for one in requested(part)}
    return {union} if isinstance(union, type) and hasattr(union, "__total__") else found


def strings(hint: Any) -> set[str]:
    return {hint} if isinstance(hint, str) else {text for part in get_args(hint) for text in strings(part)}


def type_names(union: Any) -> set[str]:
    return {name for one in requested(union) for name in strings(get_type_hints(one).get("type"))}


def test_every_item_of_responses_is_a_tool_s_or_is_not() -> None:
    history, shape = own("groq", "responses").history, own("openai", "responses")
    kinds = type_names(ResponseInputItemParam)
    shown = {kind for kind in kinds if kind in history.types or kind.endswith(history.endings)}
    harmless = {"message", "reasoning", "compaction", "compaction_trigger", "configuration_update", "item_reference"}
    assert kinds - shown == harmless | shape.tool_turns
    assert shape.history.valid_types < shown
    outputs = {entry for entry in get_args(ResponseIncludable) if shape.tool_includes in entry}
    assert {entry.partition(".")[0] for entry in set(get_args(ResponseIncludable)) - outputs} == {
        *("message", "reasoning")
    }


@pytest.mark.parametrize(
    "union", [content_block_param.ContentBlockParam, beta_content_block_param.BetaContentBlockParam]
)
def test_every_block_of_messages_is_a_tool_s_or_is_not(union: Any) -> None:
    history = own("anthropic", "messages").history
    kinds = type_names(union)
    shown = {kind for kind in kinds if kind in history.types or kind.endswith(history.endings)}
    assert kinds - shown <= {
        *("text", "image", "document", "search_result", "thinking", "redacted_thinking"),
        *("compaction", "fallback"),
    }


def test_rows_stand_together() -> None:
    shapes = [shape for kind in SHAPES for slug in PROVIDERS if (shape := shape_of(kind, slug, {})) is not None]
    assert shapes
    for shape in shapes:
        assert shape.added_cap is None or shape.added_cap in shape.caps
        assert not set(shape.tools) & set(shape.beside_tools)
        assert not shape.tools or shape.history.turns
    assert shape_of("other", "openai", {}) is None
    assert shape_of("chat", None, {}) is SHAPES["chat"]
