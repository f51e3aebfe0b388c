"""One public door per room, and what walking through it loads."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import aig_client

SRC = Path(aig_client.__file__).parent.parent
DOORS = (
    "aig_client",
    "aig_client.core",
    "aig_client.http",
    "aig_client.schema",
    "aig_client.apps.emulator",
    "aig_client.apps.cli",
)


def order(name: str) -> tuple[int, str]:
    """ruff's order of ``__all__``: constants, classes, the rest."""
    constant = re.fullmatch(r"[A-Z][A-Z0-9_]+", name) is not None
    return (0 if constant else 1 if name[0].isupper() else 2), name


def modules_after(code: str, *flags: str) -> set[str]:
    """The modules that a fresh interpreter has loaded after ``code``, but not before."""
    script = f"""
import json, sys
sys.path.insert(0, {str(SRC)!r})
before = set(sys.modules)
{code}
print(json.dumps(sorted(set(sys.modules) - before)))
"""
    done = subprocess.run([sys.executable, *flags, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    names: list[str] = json.loads(done.stdout)
    return set(names)


def foreign(modules: set[str]) -> set[str]:
    """Those that are neither ours nor the standard library's."""
    return {name for name in modules if name.partition(".")[0] not in {*sys.stdlib_module_names, "aig_client"}}


@pytest.mark.parametrize("door", DOORS)
def test_all_is_sorted_and_without_repetition(door: str) -> None:
    names: list[str] = import_module(door).__all__
    assert names == sorted(names, key=order)
    assert len(names) == len(set(names))


@pytest.mark.parametrize("door", DOORS)
def test_every_name_resolves_and_no_other_does(door: str) -> None:
    module = import_module(door)
    for name in module.__all__:
        assert getattr(module, name) is not None, name
    with pytest.raises(AttributeError, match="has no attribute 'no_such_name'"):
        _ = module.no_such_name


def test_the_front_door_lists_its_names() -> None:
    assert set(aig_client.__all__) <= set(dir(aig_client))


def test_names_that_two_doors_share_are_one_thing() -> None:
    rooms = [import_module(f"aig_client.{room}") for room in ("http", "schema", "core")]
    for name in aig_client.__all__:
        # http's cache_key and explain_key are core's with this process's encoder, and the front door's are http's.
        home = next((room for room in rooms if name in room.__all__), None)
        if name != "__version__":
            assert getattr(aig_client, name) is getattr(home, name), name


def test_the_front_door_is_this_long_on_purpose() -> None:
    """A name added here is a promise; whoever adds one changes this number with open eyes."""
    assert len(aig_client.__all__) == 45


def test_importing_the_package_loads_nothing() -> None:
    loaded = modules_after("import aig_client")
    assert not foreign(loaded)
    assert {name for name in loaded if name.startswith("aig_client")} == {"aig_client"}


def test_the_core_is_the_standard_library_alone() -> None:
    loaded = modules_after("from aig_client.core import *")
    assert not foreign(loaded)
    assert not {"aig_client.http", "aig_client.schema", "asyncio", "socket", "ssl", "logging"} & loaded
    modules_after("from aig_client.core import *", "-I", "-S")  # nor could it be: there is nothing else here


def test_the_doors_of_http_and_schema_load_no_family_and_no_pydantic() -> None:
    assert not foreign(modules_after("import aig_client.http"))
    assert not foreign(modules_after("import aig_client.schema; aig_client.schema.load_settings"))
    loaded = foreign(modules_after("from aig_client import options, metadata_of, CacheIntent"))
    assert {name.partition(".")[0] for name in loaded} <= {"orjson"}  # the fast encoder, where it is installed


@pytest.mark.parametrize("colour", ["GatewayClient", "AsyncGatewayClient"])
@pytest.mark.parametrize(("family", "other"), [("httpx", "httpx2"), ("httpx2", "httpx")])
def test_a_client_loads_its_own_family_alone(colour: str, family: str, other: str) -> None:
    base = "https://gateway.ai.cloudflare.com/v1/" + "0" * 32 + "/g"
    loaded = modules_after(
        f"""
from aig_client import {colour}
gateway = {colour}(base_url={base!r}, http={family!r})
gateway._hands_for(__import__("aig_client.core").core.Request("GET", {base!r}, ()))
"""
    )
    assert family in loaded
    assert other not in loaded
    assert not {"openai", "anthropic", "google.genai", "starlette"} & loaded
