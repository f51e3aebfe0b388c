"""Whatever a body is like: what is not changed is the same object, nothing is changed in place, limits only lower."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any, TypeVar

from hypothesis import given, settings
from hypothesis import strategies as st

from aig_client.core import PROVIDERS, Refused
from aig_client.core._parse import decode_strictly
from aig_client.core.facts._classes import CacheHints, Limits, RouteClass
from aig_client.core.facts._shapes import SHAPES, shape_of
from aig_client.core.path._read import wants_tools
from aig_client.core.path._rewrite import encode_body, rewrite, within_limits
from aig_client.core.path._tools import deny_tools, strip_tools

Value = TypeVar("Value")
KINDS = st.sampled_from([*SHAPES, "universal", "other"])
SLUGS = st.sampled_from([*PROVIDERS, "custom-x"])
MEMBERS = sorted(
    {
        name
        for kind in SHAPES
        for slug in PROVIDERS
        if (shape := shape_of(kind, slug, {})) is not None
        for name in (
            *(*shape.tools, *shape.beside_tools, *shape.conversation, *shape.config, *shape.caps, *shape.elsewhere),
            *(*shape.history.turns, *shape.history.results, "temperature", "thinking", "include", "system", "input"),
            *("prompt_cache_key", "cache_control", "anthropic_version", "model", "query"),
        )
    }
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5000),
    st.floats(-3, 3),
    st.sampled_from(["", "x", "12", "-1.5", "\ud800", "é\u2028", "tool", "assistant", "function_call", "tool_use"]),
)
NAMES = st.sampled_from([*MEMBERS, "role", "type", "content", "parts", "tool_calls", "functionCall", "toolUse", "text"])
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=12
)
OBJECTS = st.dictionaries(st.sampled_from(MEMBERS), VALUES, max_size=9)
TREES = OBJECTS | st.lists(OBJECTS, max_size=2) | VALUES
BOUNDS = st.none() | st.floats(0, 2)
CLASSES = st.builds(
    RouteClass,
    name=st.just("c"),
    tools=st.sampled_from(["keep", "strip", "deny"]),
    limits=st.builds(
        Limits,
        max_output_tokens=st.none() | st.integers(1, 3000),
        min_temperature=BOUNDS,
        max_temperature=BOUNDS,
    ),
    cache=st.builds(
        CacheHints, strategy=st.sampled_from(["off", "provider-prefix"]), prefix_ttl=st.sampled_from([300, 3600])
    ),
)


def allowed(act: Callable[[], Value]) -> Value | None:
    """What an act gives; None where it was refused, which always says where."""
    try:
        return act()
    except Refused as refused:
        where = refused.where
    assert where is not None
    return None


def exactly(tree: object) -> str:
    return json.dumps(tree)


@settings(max_examples=500)
@given(KINDS, SLUGS, TREES, CLASSES, st.none() | st.just("m"), st.none() | st.just("k"))
def test_rewriting(
    kind: Any, slug: str, tree: object, route_class: RouteClass, model: str | None, key: str | None
) -> None:
    before = deepcopy(tree)
    more: dict[str, Any] = {"model": model, "capabilities": None, "prefix_key": key, "estimated_tokens": None}
    found = allowed(lambda: rewrite(kind, slug, tree, route_class, **more))
    assert exactly(tree) == exactly(before)
    if found is None:
        return
    assert found.changed == (found.tree is not tree)
    assert found.changed == (exactly(found.tree) != exactly(before))  # a new object is a new body
    assert route_class.tools == "keep" or not wants_tools(found.tree)
    again = rewrite(kind, slug, found.tree, route_class, **more)
    assert again.tree is found.tree
    assert repr(decode_strictly(encode_body(found.tree))) == repr(found.tree)


@settings(max_examples=300)
@given(KINDS, SLUGS, TREES)
def test_stripping_ends_without_tools_or_refuses(kind: Any, slug: str, tree: object) -> None:
    before = deepcopy(tree)
    stripped = allowed(lambda: strip_tools(kind, tree, provider=slug))
    if stripped is not None:
        assert not wants_tools(stripped.tree)
        assert bool(stripped.removed) == (stripped.tree is not tree)
        assert strip_tools(kind, stripped.tree, provider=slug).tree is stripped.tree
        deny_tools(kind, stripped.tree, provider=slug)  # what was stripped passes where tools are denied
    assert exactly(tree) == exactly(before)


@settings(max_examples=300)
@given(
    st.sampled_from(["chat", "responses", "messages", "generate_content", "run"]),
    SLUGS,
    st.integers(1, 3000),
    st.integers(-10, 9000) | st.floats(0, 9000) | st.none(),
)
def test_a_limit_never_raises_and_always_holds(kind: Any, slug: str, most: int, asked: float | None) -> None:
    shape = shape_of(kind, slug, {})
    assert shape is not None
    for cap in shape.caps:
        config: dict[str, Any] = {cap: asked}
        body = (
            {shape.conversation[0]: [], **({shape.config[0]: config} if shape.config else config)}
            if (shape.conversation)
            else {}
        )
        found, _ = within_limits(kind, slug, body, Limits(max_output_tokens=most))
        assert isinstance(found, dict)
        after = found[shape.config[0]] if shape.config else found
        if asked is None:
            assert {after.get(name) for name in shape.caps} - {None} == ({most} if shape.added_cap else set())
        else:
            read = "max_tokens" if (cap, shape.added_cap) == ("max_completion_tokens", "max_tokens") else cap
            assert {name: after[name] for name in shape.caps if name in after} == {read: min(asked, most)}
            assert type(after[read]) is (int if asked > most else type(asked))
