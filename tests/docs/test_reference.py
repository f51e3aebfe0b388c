"""The reference pages say what the code says: each table is compared with the rows it describes."""

from __future__ import annotations

import inspect
import re
import tomllib
from importlib import import_module
from typing import get_args

import pytest

import aig_client
from aig_client import AsyncGatewayClient, GatewayClient
from aig_client.core import NoAnswerKind
from aig_client.core.facts._failures import _BY_STATUS, _SPEND_CAP, CODES
from aig_client.core.facts._headers import REQUEST_HEADERS
from aig_client.core.facts._surfaces import Family
from aig_client.schema import ENVIRONMENT

from .pages import DOCS, README, ROOT, table

REFERENCE = DOCS / "reference"
_YES = {"yes": True, "": False}


def test_the_header_table_is_the_rows_of_the_code() -> None:
    shown = [
        (row["Field"], row["Header"], {family for family in get_args(Family) if _YES[row[family]]})
        for row in table(REFERENCE / "headers-by-surface.md", "## Request headers")
    ]
    assert shown == [(row.field, row.name, set(row.families)) for row in REQUEST_HEADERS]


def test_the_code_table_is_the_rows_of_the_code() -> None:
    shown = {
        int(row["Code"]): (row["meaning"], _YES[row["retryable"]])
        for row in table(REFERENCE / "errors.md", "## By code")
    }
    assert shown == {code: (row.meaning, row.retryable) for code, row in CODES.items()}


def test_the_status_table_is_the_rows_of_the_code() -> None:
    shown = [
        (row["Status"], row["meaning"], _YES[row["retryable"]])
        for row in table(REFERENCE / "errors.md", "## Without a code")
    ]
    rows = [(str(status), row.meaning, row.retryable) for status, row in _BY_STATUS.items()]
    assert shown == [*rows, ("429 with a bucket", _SPEND_CAP.meaning, _SPEND_CAP.retryable)]


def test_the_kinds_of_unreachable_are_all_there() -> None:
    shown = [row["kind"] for row in table(REFERENCE / "errors.md", "## Unreachable")]
    assert shown == list(get_args(NoAnswerKind))


def test_the_arguments_of_the_client_are_all_there() -> None:
    shown = [row["Argument"] for row in table(REFERENCE / "configuration.md", "## Arguments")]
    for client in (GatewayClient, AsyncGatewayClient):
        assert shown == [name for name in inspect.signature(client).parameters if name != "self"]


def test_the_environment_is_all_there() -> None:
    shown = {
        row["Setting"]: tuple(part.strip(" `") for part in row["Environment"].split(","))
        for row in table(REFERENCE / "configuration.md", "## Environment and file")
    }
    assert shown == ENVIRONMENT


@pytest.mark.parametrize(
    ("page", "module"),
    [
        ("api.md", "aig_client"),
        ("api.md", "aig_client.http"),
        ("api-rooms.md", "aig_client.core"),
        ("api-rooms.md", "aig_client.schema"),
        ("api-emulator.md", "aig_client.apps.emulator"),
    ],
)
def test_every_public_name_is_there(page: str, module: str) -> None:
    public = set(import_module(module).__all__)
    if module != "aig_client" and ".apps." not in module:
        public -= set(aig_client.__all__)
    shown = [row["Name"] for row in table(REFERENCE / page, f"## `{module}`")]
    assert set(shown) == public
    assert len(shown) == len(public)


def test_every_member_of_the_client_is_there() -> None:
    shown = {row["Member"].partition("(")[0] for row in table(REFERENCE / "api.md", "## Members of a client")}
    members = {name for name in vars(GatewayClient) if not name.startswith("_")}
    assert shown == members
    # The other colour has the same ones; it is closed with `aclose`.
    assert {name for name in vars(AsyncGatewayClient) if not name.startswith("_")} == members - {"close"} | {"aclose"}


def test_every_extra_is_there() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = README.read_text("utf-8").partition("Extras: ")[2].partition("\n")[0]
    shown = set(re.findall(r"`(\w+)`", extras))
    assert shown == set(project["optional-dependencies"]) - {"dev"}
