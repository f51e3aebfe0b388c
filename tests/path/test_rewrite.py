"""What a class changes in a body, and that nothing else is touched: by dialect in ``rewrite.json``."""

from __future__ import annotations

import json
import re
from copy import deepcopy
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from anthropic.types.message_create_params import MessageCreateParamsBase
from google.genai import types as gemini
from openai.types.chat.completion_create_params import CompletionCreateParamsBase
from openai.types.responses.response_create_params import ResponseCreateParamsBase

from aig_client.core import PROVIDERS, Refused, surface_of
from aig_client.core._parse import decode_strictly
from aig_client.core.facts._catalog import Capabilities
from aig_client.core.facts._classes import CacheHints, CacheStrategy, Limits, RouteClass
from aig_client.core.facts._providers import EndpointKind, path_with_model
from aig_client.core.facts._shapes import SHAPES, shape_of
from aig_client.core.path._rewrite import (
    Rewritten,
    encode_body,
    rewrite,
    with_model,
    within_limits,
)

from ..facts.vectors import cases

TOOL = {"type": "function", "function": {"name": "f"}}
CHEAP = RouteClass(
    name="cheap",
    tools="strip",
    limits=Limits(max_output_tokens=100, max_temperature=0.5),
    cache=CacheHints(strategy="provider-prefix"),
)


def rewritten(kind: EndpointKind, provider: str, tree: object, rules: RouteClass = CHEAP, **more: Any) -> Rewritten:
    asked: dict[str, Any] = {"model": None, "capabilities": None, "prefix_key": None, "estimated_tokens": None}
    return rewrite(kind, provider, tree, rules, **{**asked, **more})


@cases("rewrite.json", "limits")
def test_limits(case: dict[str, Any]) -> None:
    tree = case["tree"]
    before = deepcopy(tree)
    model = Capabilities(
        provider=case["provider"], model="m", reasoning=case.get("reasoning"), max_output_tokens=case.get("most")
    )
    limits = Limits(**case["limits"])
    if "refused" in case:
        with pytest.raises(Refused) as caught:
            within_limits(case["kind"], case["provider"], tree, limits, capabilities=model)
        assert caught.value.where == case["refused"]
    else:
        found, notes = within_limits(case["kind"], case["provider"], tree, limits, capabilities=model)
        assert json.dumps(found) == json.dumps(case.get("expect", tree))
        assert (found is tree) == case.get("same", False)
        assert len(notes) == case["notes"]
        assert within_limits(case["kind"], case["provider"], found, limits, capabilities=model)[0] is found
    assert tree == before


@cases("rewrite.json", "model")
def test_model(case: dict[str, Any]) -> None:
    tree = case["tree"]
    before = deepcopy(tree)
    more = {"endpoint": case["endpoint"], "provider": case["provider"]}
    if "refused" in case:
        with pytest.raises(Refused) as caught:
            with_model(case["kind"], tree, case["model"], **more)
        assert caught.value.where == case["refused"]
    else:
        found = with_model(case["kind"], tree, case["model"], **more)
        assert json.dumps(found) == json.dumps(case.get("expect", tree))
        assert (found is tree) == case.get("same", False)
    assert tree == before


@cases("rewrite.json", "path")
def test_path(case: dict[str, Any]) -> None:
    found = path_with_model(case["endpoint"], case["model"])
    assert found == case["expect"]
    if found is not None:  # it is still a gateway URL, and names what was asked for
        base = "https://gateway.ai.cloudflare.com/v1/0123456789abcdef0123456789abcdef/prod/google-ai-studio"
        surface = surface_of(base + found)
        assert surface is not None
        assert surface.endpoint == found


@cases("rewrite.json", "encode")
def test_encoding(case: dict[str, Any]) -> None:
    tree = decode_strictly(case["from"].encode())
    text = encode_body(tree)
    assert text == case["to"].encode()
    assert repr(decode_strictly(text)) == repr(tree)  # order, types, -0.0


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), {"a": [-float("inf")]}, {"a": b"x"}, {"a": {1, 2}}])
def test_what_is_no_json_is_refused(bad: object) -> None:
    with pytest.raises(Refused, match="cannot be written as JSON"):
        encode_body(bad)


def test_a_number_too_large_for_a_float_is_refused_not_written_as_infinity() -> None:
    with pytest.raises(Refused):
        encode_body(decode_strictly(b'{"temperature": 1e400}'))


def test_a_cycle_is_refused() -> None:
    knot: dict[str, Any] = {}
    knot["a"] = knot
    with pytest.raises(Refused):
        encode_body(knot)


SCHEMA = {
    "type": "object",
    "properties": {"b": {"$ref": "#/$defs/B"}, "a": {"type": ["string", "null"], "default": None, "multipleOf": 1.0}},
    "required": ["b", "a"],
    "additionalProperties": False,
    "$defs": {"B": {"type": "object", "additionalProperties": {"type": "number", "maximum": 1e2}, "x-é": "\u2028"}},
}
LOSSLESS: dict[str, Any] = {
    "chat": {"tools": [{"type": "function", "function": {"name": "f", "strict": True, "parameters": SCHEMA}}]},
    "responses": {"tools": [{"type": "function", "name": "f", "strict": True, "parameters": SCHEMA}]},
    "messages": {"tools": [{"name": "f", "strict": True, "input_schema": SCHEMA}]},
    "generate_content": {"tools": [{"functionDeclarations": [{"name": "f", "parametersJsonSchema": SCHEMA}]}]},
}


@pytest.mark.parametrize("kind", LOSSLESS)
def test_kept_tools_pass_losslessly_through_a_rewritten_body(kind: Any) -> None:
    conversation = {"responses": "input", "generate_content": "contents"}.get(kind, "messages")
    tree = decode_strictly(json.dumps({"model": "a", conversation: [], "max_tokens": 9, **LOSSLESS[kind]}).encode())
    keeping = RouteClass(name="k", limits=Limits(max_output_tokens=5))
    found = rewritten(kind, "mistral", tree, keeping, model="b")
    assert found.changed
    sent = decode_strictly(encode_body(found.tree))
    assert isinstance(tree, dict)
    assert isinstance(sent, dict)
    assert json.dumps(sent["tools"]) == json.dumps(tree["tools"])
    assert isinstance(found.tree, dict)
    assert found.tree["tools"] is tree["tools"]


def test_everything_at_once() -> None:
    tree = {"model": "a", "messages": [{"role": "user", "content": "x"}], "tools": [TOOL], "temperature": 1}
    before = deepcopy(tree)
    found = rewritten("chat", "openai", tree, model="gpt-5-mini", prefix_key="k")
    assert found.tree == {
        "model": "gpt-5-mini",
        "messages": [{"role": "user", "content": "x"}],
        "temperature": 0.5,
        "max_completion_tokens": 100,
        "prompt_cache_key": "k",
    }
    assert found.changed
    assert found.notes == (
        "tools: removed /tools",
        "model: the body names the one that was chosen",
        "output: max_completion_tokens set to 100",
        "temperature: moved to 0.5",
        "prompt cache: prompt_cache_key added",
    )
    assert tree == before
    assert not rewritten("chat", "openai", found.tree, model="gpt-5-mini", prefix_key="k").changed


def test_a_class_that_asks_for_nothing_changes_nothing() -> None:
    tree = {"model": "a", "messages": [], "tools": [TOOL], "temperature": 2, "max_tokens": 10**6}
    for provider in PROVIDERS:
        found = rewritten("chat", provider, tree, RouteClass(name="plain"), prefix_key="k")
        assert found == Rewritten(tree, False)
        assert found.tree is tree


@pytest.mark.parametrize(
    ("strategy", "marks"), [("off", False), ("response", False), ("provider-prefix", True), ("both", True)]
)
def test_only_the_strategies_of_the_prefix_mark_it(strategy: CacheStrategy, marks: bool) -> None:
    rules = RouteClass(name="c", cache=CacheHints(strategy=strategy, ttl=60, prefix_ttl=3600))
    found = rewritten("messages", "anthropic", {"messages": []}, rules)
    assert found.changed == marks
    if marks:
        assert found.tree == {"messages": [], "cache_control": {"type": "ephemeral", "ttl": "1h"}}


def test_the_model_s_minimum_is_asked() -> None:
    model = Capabilities(provider="openai", model="m", prompt_cache_min_tokens=1024)
    rules = RouteClass(name="c", cache=CacheHints(strategy="both", ttl=60))
    more: dict[str, Any] = {"capabilities": model, "prefix_key": "k"}
    assert not rewritten("chat", "openai", {"messages": []}, rules, estimated_tokens=1023, **more).changed
    assert rewritten("chat", "openai", {"messages": []}, rules, estimated_tokens=1024, **more).changed


def test_a_class_that_denies_tools_refuses_and_else_changes_nothing() -> None:
    denying = RouteClass(name="d", tools="deny")
    tree = {"messages": [{"role": "tool", "content": "x"}]}
    assert rewritten("chat", "openai", tree, denying).tree is tree
    with pytest.raises(Refused, match="allows no tools"):
        rewritten("chat", "openai", {**tree, "tools": [TOOL]}, denying)


def test_tools_of_something_stored_are_confessed() -> None:
    tree = {"contents": [], "cachedContent": "cachedContents/x"}
    for rule in ("strip", "deny"):
        found = rewritten("generate_content", "google-ai-studio", tree, RouteClass(name="c", tools=rule))
        assert found.tree is tree
        assert found.notes == ("tools: a stored prompt or cached content is named, whose tools are not seen",)
    assert not rewritten("generate_content", "google-ai-studio", tree, RouteClass(name="c")).notes


@pytest.mark.parametrize("rule", ["keep", "strip", "deny"])
def test_a_universal_request_chooses_for_itself(rule: Any) -> None:
    rules = RouteClass(name="u", tools=rule, limits=CHEAP.limits, cache=CHEAP.cache)
    tree = [{"provider": "openai", "query": {"messages": [], "max_tokens": 9999}}]
    found = rewritten("universal", "openai", tree, rules, model="m")
    assert (found.tree is tree, found.changed) == (True, False)
    assert found.notes == ("a Universal request chooses for itself: its body stays",)
    tree[0]["query"]["tools"] = [TOOL]  # type: ignore[index]
    if rule == "keep":
        assert rewritten("universal", "openai", tree, rules).tree is tree
    else:
        with pytest.raises(Refused) as caught:
            rewritten("universal", "openai", tree, rules)
        assert caught.value.where == "/0/query/tools"


@pytest.mark.parametrize("tree", [None, "x", 5, [], object()])
def test_what_is_no_object_stays(tree: object) -> None:
    found = rewritten("chat", "openai", tree, model="m", prefix_key="k")
    assert found == Rewritten(tree, False, ("the body is no JSON object: it stays",))


@pytest.mark.parametrize(
    ("kind", "provider", "endpoint", "tree"),
    [
        ("responses", "openai", "/responses/input_tokens", {"model": "a", "input": "x", "tools": [TOOL]}),
        ("messages", "anthropic", "/v1/messages/count_tokens", {"model": "a", "messages": [], "tools": [TOOL]}),
    ],
)
def test_an_endpoint_that_only_counts_gets_no_limit_and_no_mark(
    kind: Any, provider: str, endpoint: str, tree: dict[str, Any]
) -> None:
    found = rewritten(kind, provider, tree, model="b", prefix_key="k", endpoint=endpoint)
    assert found.tree == {name: "b" if name == "model" else tree[name] for name in tree if name != "tools"}
    whole = rewritten(kind, provider, tree, model="b", prefix_key="k", endpoint=endpoint.rpartition("/")[0])
    assert isinstance(whole.tree, dict)
    assert isinstance(found.tree, dict)
    assert set(whole.tree) > set(found.tree)


GENERATING = {
    "chat": ("openai", "/chat/completions"),
    "responses": ("openai", "/responses"),
    "messages": ("anthropic", "/v1/messages"),
    "generate_content": ("google-ai-studio", "/v1beta/models/m:streamGenerateContent"),
    "run": ("workers-ai", "/@cf/meta/m"),
}


@pytest.mark.parametrize("kind", GENERATING)
def test_an_endpoint_that_generates_is_known_by_its_path(kind: Any) -> None:
    provider, endpoint = GENERATING[kind]
    tree: dict[str, Any] = {"messages": [], "input": "x", "contents": [], "max_tokens": 5000}
    if kind != "responses":
        del tree["input"]
    found = rewritten(kind, provider, tree, endpoint=endpoint)
    assert found.tree == rewritten(kind, provider, tree).tree
    assert found.changed


def test_nothing_of_the_conversation_is_in_a_repr_or_a_note() -> None:
    tree = {"model": "a", "messages": [{"role": "user", "content": "SECRET"}], "tools": [TOOL], "max_tokens": 9999}
    found = rewritten("chat", "mistral", tree, model="b")
    assert "SECRET" not in repr(found)
    assert found.changed


# What comes out is what the SDKs' own types take.


@pytest.mark.parametrize(
    ("kind", "provider", "params", "tree"),
    [
        ("chat", "openai", CompletionCreateParamsBase, {"model": "a", "messages": [], "temperature": 1.5}),
        ("responses", "openai", ResponseCreateParamsBase, {"model": "a", "input": "x", "max_output_tokens": 10**6}),
        ("messages", "anthropic", MessageCreateParamsBase, {"model": "a", "messages": [], "max_tokens": 10**6}),
    ],
)
def test_openai_s_and_anthropic_s_types_take_it(kind: Any, provider: str, params: Any, tree: dict[str, Any]) -> None:
    found = rewritten(kind, provider, {**tree, "tools": [TOOL], "tool_choice": "auto"}, model="b", prefix_key="k").tree
    assert isinstance(found, dict)
    hints = get_type_hints(params)
    assert set(found) - {"temperature"} <= set(hints)
    assert {"tools", "tool_choice"}.isdisjoint(found)
    for name in ("max_completion_tokens", "max_output_tokens", "max_tokens"):
        if name in found:
            assert int in (hints[name], *get_args(hints[name]))
            assert found[name] == 100


def test_gemini_s_types_take_it() -> None:
    tree = {"contents": [{"role": "user", "parts": [{"text": "x"}]}], "tools": [{"googleSearch": {}}]}
    found = rewritten("generate_content", "google-ai-studio", tree).tree
    assert isinstance(found, dict)
    config = gemini.GenerationConfig.model_validate(found["generationConfig"])
    assert config.max_output_tokens == 100
    assert [gemini.Content.model_validate(content) for content in found["contents"]]
    assert set(found) == {"contents", "generationConfig"}


PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "body-rewriting.md").read_text("utf-8")


def test_the_page_s_example_is_what_happens() -> None:
    asked, sent = (json.loads(text) for text in re.findall(r"```json\n(.*?)\n```", PAGE, re.DOTALL))
    found = rewritten(
        "chat", "openai", asked, RouteClass(name="c", tools="strip", limits=Limits(max_output_tokens=300))
    )
    assert json.dumps(found.tree) == json.dumps(sent)
    assert all(f"`{note}`" in PAGE for note in found.notes)


def test_the_page_names_every_member_of_the_rows() -> None:
    named = set(re.findall(r"[\w$]+", " ".join(re.findall(r"`([^`\n]+)`", PAGE))))
    for kind in SHAPES:
        for slug in PROVIDERS:
            shape = shape_of(kind, slug, {})
            assert shape is not None
            members = {*shape.tools, *shape.beside_tools, *shape.caps[:1], *shape.config[:1], *shape.elsewhere[:1]}
            assert {name for name in members if name != "tool_config"} <= named
