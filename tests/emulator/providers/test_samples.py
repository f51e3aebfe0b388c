"""JSON that fits a schema."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aig_client.apps.emulator.providers._samples import sample, sample_arguments

NODE: dict[str, Any] = {
    "type": "object",
    "required": ["name", "next"],
    "properties": {"name": {"type": "string"}, "next": {"$ref": "#/$defs/node"}},
}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({}, "amber"),
        ({"type": "string"}, "amber"),
        ({"type": "string", "minLength": 8}, "amberamb"),
        ({"type": "string", "maxLength": 2}, "am"),
        ({"type": "string", "format": "date"}, "2025-10-09"),
        ({"type": "integer"}, 1),
        ({"type": "integer", "minimum": 5}, 5),
        ({"type": "integer", "exclusiveMinimum": 5}, 6),
        ({"type": "integer", "maximum": -3}, -3),
        ({"type": "number", "exclusiveMaximum": 1}, 0.5),
        ({"type": "boolean"}, True),
        ({"type": "null"}, None),
        ({"type": ["null", "string"]}, "amber"),
        ({"enum": ["b", "a"]}, "b"),
        ({"const": {"x": 1}}, {"x": 1}),
        ({"type": "array", "items": {"type": "integer"}}, []),
        ({"type": "array", "items": {"type": "integer"}, "minItems": 2}, [1, 1]),
        ({"properties": {"a": {"type": "integer"}}, "required": ["a"]}, {"a": 1}),
        ({"type": "OBJECT", "properties": {"a": {"type": "INTEGER"}}, "required": ["a"]}, {"a": 1}),
        ({"type": "object", "properties": {"a": {"type": "integer"}}}, {}),
        ({"anyOf": [{"type": "integer"}, {"type": "string"}]}, 1),
        ({"oneOf": [{"type": "boolean"}]}, True),
        ({"$defs": {"x": {"type": "integer"}}, "$ref": "#/$defs/x"}, 1),
        ({"definitions": {"a/b": {"const": 7}}, "$ref": "#/definitions/a~1b"}, 7),
        (
            {
                "allOf": [
                    {"type": "object", "properties": {"a": {"const": 1}}, "required": ["a"]},
                    {"properties": {"b": {"const": 2}}, "required": ["b"]},
                ]
            },
            {"a": 1, "b": 2},
        ),
    ],
)
def test_a_value_fits(schema: Any, value: object) -> None:
    assert sample(schema) == value


def test_what_refers_to_itself_ends() -> None:
    found = sample({**NODE, "$defs": {"node": NODE}})
    depth = 0
    while isinstance(found, dict) and "next" in found:
        found, depth = found["next"], depth + 1
    assert 3 < depth < 20
    assert sample({"$ref": "#"}) == "amber"


def test_a_schema_that_is_deep_by_itself_ends_too() -> None:
    schema: dict[str, Any] = {"type": "integer"}
    for _ in range(200):
        schema = {"type": "object", "properties": {"in": schema}, "required": ["in"]}
    found, depth = sample(schema), 0
    while isinstance(found, dict) and "in" in found:
        found, depth = found["in"], depth + 1
    assert (found, depth) == ({}, 9)


def test_arguments_are_an_object_whatever_the_schema_says() -> None:
    assert sample_arguments(None) == sample_arguments({"type": "string"}) == {}
    assert sample_arguments({"required": ["a", 5]}) == {"a": "amber"}


SCHEMAS: st.SearchStrategy[Any] = st.recursive(
    st.sampled_from(
        [{"type": kind} for kind in ("string", "integer", "number", "boolean", "null", "array", "object", "x")]
    )
    | st.just({"$ref": "#"})
    | st.none()
    | st.dictionaries(st.sampled_from(["minimum", "minItems", "minLength", "maxLength", "enum"]), st.integers()),
    lambda inner: st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(["object", "array", "string", ["null", "object"]]),
            "properties": st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
            "required": st.lists(st.sampled_from("abc"), max_size=3),
            "items": inner,
            "minItems": st.integers(-2, 10**9),
            "anyOf": st.lists(inner, max_size=2),
            "allOf": st.lists(inner, max_size=3),
            "$defs": st.dictionaries(st.sampled_from("abc"), inner, max_size=2),
            "$ref": st.sampled_from(["#", "#/$defs/a", "#/items", "x"]),
        },
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(schema=SCHEMAS)
def test_no_schema_breaks_it_and_no_answer_is_long(schema: Any) -> None:
    found = json.dumps(sample(schema))
    assert len(found) < 1_000_000
    assert found == json.dumps(sample(schema))
    json.dumps(sample_arguments(schema))
