"""``provider-prefix``: who is told what, by dialect in ``rewrite.json``."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any, get_args, get_type_hints

import pytest
from anthropic.types import CacheControlEphemeralParam

from aig_client.core.facts._catalog import Capabilities
from aig_client.core.path._prefix import BY_HAND, IMPLICIT, mark_prefix

from ..facts.vectors import cases


def marked(case: dict[str, Any], tree: Any) -> tuple[Any, str | None]:
    model = Capabilities(
        provider=case["provider"],
        model="m",
        prompt_cache=case.get("cache"),
        prompt_cache_min_tokens=case.get("min"),
        prompt_cache_ttls=tuple(case.get("ttls", ())),
    )
    return mark_prefix(
        case["kind"],
        tree,
        model,
        prefix_ttl=case.get("ttl", 300),
        key=case.get("key"),
        estimated_tokens=case.get("tokens"),
    )


@cases("rewrite.json", "prefix")
def test_marking(case: dict[str, Any]) -> None:
    tree = case["tree"]
    before = deepcopy(tree)
    found, note = marked(case, tree)
    assert json.dumps(found) == json.dumps(case.get("expect", tree))
    assert (found is tree) == case.get("same", False)
    assert note is not None
    assert case.get("note", "prompt cache: ") in note
    again, second = marked(case, found)
    assert again is found
    assert (second == BY_HAND) or case.get("same", False)
    assert tree == before


def test_the_provider_may_be_named_without_a_model() -> None:
    tree: dict[str, Any] = {"messages": []}
    found, _ = mark_prefix("chat", tree, None, prefix_ttl=300, key="k", estimated_tokens=None, provider="openai")
    assert found == {"messages": [], "prompt_cache_key": "k"}
    found, note = mark_prefix("chat", tree, None, prefix_ttl=300, key="k", estimated_tokens=None)
    assert found is tree
    assert note == "prompt cache: this endpoint has no way to mark a prefix"


@pytest.mark.parametrize("tokens", [None, 10_000])
def test_what_is_unknown_hinders_nothing(tokens: int | None) -> None:
    case = {"kind": "messages", "provider": "anthropic", "tokens": tokens, "min": None if tokens else 1024}
    found, _ = marked(case, {"messages": []})
    assert found == {"messages": [], "cache_control": {"type": "ephemeral"}}


def test_an_hour_is_asked_of_a_model_that_keeps_it() -> None:
    case = {"kind": "messages", "provider": "anthropic", "ttl": 3600, "ttls": [300, 3600]}
    found, note = marked(case, {"messages": []})
    assert found["cache_control"] == {"type": "ephemeral", "ttl": "1h"}
    assert note == "prompt cache: the request is marked"


def test_marks_are_what_the_sdk_types_them() -> None:
    case = {"kind": "messages", "provider": "anthropic", "ttl": 3600}
    mark = marked(case, {"messages": []})[0]["cache_control"]
    hints = get_type_hints(CacheControlEphemeralParam)
    assert set(mark) <= set(hints)
    assert mark["ttl"] in get_args(hints["ttl"])
    assert (mark["type"],) == get_args(hints["type"])


def test_there_is_never_more_than_one_mark() -> None:
    tree: dict[str, Any] = {
        "system": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
        "tools": [{"name": "f"}, {"name": "g"}],
        "messages": [{"role": "user", "content": [{"type": "text", "text": "x"}]}],
    }
    for turns in (tree["messages"], [*tree["messages"], {"role": "assistant", "content": "y"}]):
        found, _ = marked({"kind": "messages", "provider": "anthropic"}, {**tree, "messages": turns})
        assert json.dumps(found).count("cache_control") == 1


def test_what_is_not_marked_is_shared() -> None:
    messages = [{"role": "user", "content": "x"}]
    first = {"type": "text", "text": "a"}
    tree = {"system": [first, {"type": "text", "text": "b"}], "messages": messages}
    found, _ = marked({"kind": "messages", "provider": "anthropic"}, tree)
    assert found["messages"] is messages
    assert found["system"][0] is first


@pytest.mark.parametrize("tree", [None, "x", [], [{"messages": []}], {}])
def test_what_is_no_request_stays(tree: object) -> None:
    found, _ = marked({"kind": "messages", "provider": "anthropic", "key": "k"}, tree)
    assert found is tree


@pytest.mark.parametrize("system", [None, "", " ", [], [1], ["x"], [{}], 5, [{"type": "text", "text": 5}]])
@pytest.mark.parametrize("tools", [None, [], "x", [None]])
def test_malformed_parts_are_left_to_the_provider(system: object, tools: object) -> None:
    tree = {"system": system, "tools": tools, "messages": []}
    found, _ = marked({"kind": "messages", "provider": "anthropic"}, tree)
    if system == [{}]:
        assert found["system"] == [{"cache_control": {"type": "ephemeral"}}]
    else:
        assert found == {**tree, "cache_control": {"type": "ephemeral"}}


def test_notes_say_nothing_of_the_content() -> None:
    for kind, provider in (("messages", "anthropic"), ("chat", "openai"), ("generate_content", "google-ai-studio")):
        tree = {"system": "SECRET", "messages": [{"role": "user", "content": "SECRET"}], "contents": []}
        _, note = marked({"kind": kind, "provider": provider, "key": "SECRET"}, tree)
        assert note is not None
        assert "SECRET" not in note
    assert IMPLICIT.endswith("by itself")
