"""The policy's pages say what the code says."""

from __future__ import annotations

from dataclasses import fields

from aig_client.core.facts._builtin_classes import BUILTIN_CLASSES
from aig_client.core.facts._classes import Requirements, RouteClass
from aig_client.schema._policy import ClassTable, PolicyTable

from ..docs.pages import DOCS, table

PAGE = DOCS / "reference" / "policy.md"


def test_every_field_of_a_table_is_there() -> None:
    assert [row["Field"] for row in table(PAGE, "## `[classes.NAME]`")] == list(ClassTable.model_fields)
    assert [row["Field"] for row in table(PAGE, "## `[policy]`")] == list(PolicyTable.model_fields)


def test_a_file_can_say_all_that_a_class_holds() -> None:
    assert set(ClassTable.model_fields) - {"extends"} == {field.name for field in fields(RouteClass)} - {"name"}


def _required(one: RouteClass) -> str:
    said: list[str] = []
    for field in fields(Requirements):
        value = getattr(one.requirements, field.name)
        if value != field.default:
            said.append(field.name if value is True else f"{field.name} {value}")
    return ", ".join([*said, *(["side_effects"] if one.side_effects else [])])


def test_the_built_in_classes_are_the_rows_of_the_code() -> None:
    shown = [
        (row["Class"], row["Weights"], row["Cache"], row["Tools"], row["Requires"])
        for row in table(PAGE, "## Built-in classes")
    ]
    rows = [
        (
            name,
            "/".join(str(getattr(one.weights, term)) for term in ("cost", "speed", "quality", "context")),
            one.cache.strategy,
            one.tools,
            _required(one),
        )
        for name, one in BUILTIN_CLASSES.items()
    ]
    assert shown == rows
