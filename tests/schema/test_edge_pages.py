"""The pages about the edge say what the code does."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

from aig_client.core.path import _edge_asked
from aig_client.core.path._edge_document import edge_from_text
from aig_client.schema._edge import compile_edge, edge_text
from aig_client.schema._policy import PrincipalTable

from ..docs.pages import DOCS, ROOT, blocks, table

PAGE = DOCS / "reference" / "edge.md"
DEPLOY = DOCS / "how-to" / "deploy-worker.md"


def _constants(node: ast.expr, kind: type) -> set[object]:
    return {one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and type(one.value) is kind}


def _refusals() -> set[tuple[object, object]]:
    """Every status and code that the edge and the Worker say."""
    found: set[tuple[object, object]] = set()
    for file in (*Path(_edge_asked.__file__).parent.glob("_edge*.py"), *(ROOT / "worker").glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "EdgeRefused":
                status, code = node.args[:2]
                branches = [code.body, code.orelse] if isinstance(code, ast.IfExp) else [code]
                found |= {
                    (one, name)
                    for one in _constants(status, int)
                    for part in branches
                    for name in _constants(part, str)
                }
    return found


def test_every_refusal_is_there() -> None:
    shown = {
        (int(status), code)
        for row in table(PAGE, "## Refusals")
        for status in row["Status"].split(", ")
        for code in re.findall(r"\w+", row["Code"])
    }
    assert shown == _refusals()


def test_every_hint_is_there() -> None:
    assert {row["Header"].strip("`") for row in table(PAGE, "## Headers")[:4]} == _edge_asked._HINTS


def test_every_field_of_a_principal_is_there() -> None:
    rows = table(PAGE, "## The tables of aig.toml")
    shown = [name for row in rows for name in re.findall(r"\w+", row["[principals.NAME]"])]
    assert sorted(shown) == sorted(PrincipalTable.model_fields)


@pytest.mark.parametrize("block", [one for one in blocks(DEPLOY) if one.info == "toml"], ids=lambda block: block.where)
def test_the_file_of_the_page_compiles_to_what_a_worker_reads(block: object) -> None:
    text = getattr(block, "text", "")
    found = edge_from_text(edge_text(compile_edge(tomllib.loads(text))).encode())
    assert [one.name for one in found.principals] == ["people", "search"]


def test_the_bindings_and_secrets_of_the_page_are_those_of_the_worker() -> None:
    settings = (ROOT / "wrangler.toml").read_text("utf-8")
    shown = {row["Binding"] for row in table(DEPLOY, "## 2. Set up the account")}
    declared = tomllib.loads(settings)
    bound = {one["binding"] for part in ("kv_namespaces", "analytics_engine_datasets") for one in declared[part]}
    bound |= {one["name"] for one in declared["ratelimits"]}
    bound |= {one["name"] for one in declared["durable_objects"]["bindings"]}
    assert shown == bound
    secrets = set(re.findall(r"secret put (\w+)", DEPLOY.read_text("utf-8")))
    assert secrets == set(re.findall(r"[A-Z]+_[A-Z]+(?= \()", settings.partition("[vars]")[0]))
