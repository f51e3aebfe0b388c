"""The plugin's reference page lists what there is."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from aig_client.apps import pytest_plugin
from aig_client.apps.emulator import EmulatorConfig, LocalGateway
from aig_client.apps.pytest_plugin import ServedGateway

from ..docs.pages import table

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "pytest-plugin.md"


def _members(kind: type) -> set[str]:
    return {name for name in dir(kind) if not name.startswith("_")}


@pytest.mark.parametrize("kind", [LocalGateway, ServedGateway])
def test_every_member_is_there(kind: type) -> None:
    rows = table(PAGE, "## Members")
    shown = {row["Member"] for row in rows if row[kind.__name__] == "yes"} | {"config"}
    asserted = {row["Assertion"].partition("(")[0] for row in table(PAGE, "## Assertions")}
    assert shown | asserted == _members(kind) | {"config"}
    assert not shown & asserted
    assert all("yes" in (row["LocalGateway"], row["ServedGateway"]) for row in rows)


def test_every_fixture_is_there() -> None:
    shown = {row["Fixture"] for row in table(PAGE, "## Fixtures")}
    assert shown == {name for name in vars(pytest_plugin) if name.startswith("aig_")}


def test_every_argument_of_the_marker_is_there() -> None:
    *shown, rest = [row["Argument"] for row in table(PAGE, "## Marker")]
    assert set(shown) == set(pytest_plugin._marker._OWN)
    assert rest == "any field of `EmulatorConfig`"
    assert not set(shown) & {one.name for one in fields(EmulatorConfig)}


def test_every_option_is_there(pytestconfig: pytest.Config) -> None:
    shown = {row["Ini option"] for row in table(PAGE, "## Options")}
    assert shown == {pytest_plugin._INI_GUARD, pytest_plugin._INI_HOSTS}
    assert all(pytestconfig.getini(name) is not None for name in shown)
