"""The commands and settings that the pages show exist, and the demo's table in the README is what the demo prints."""

from __future__ import annotations

import re
import shlex
import tomllib
from importlib.util import find_spec
from pathlib import Path

import click
import pytest

from aig_client.apps import demo
from aig_client.apps.cli import _dev as dev
from aig_client.apps.cli._app import cli
from aig_client.apps.emulator import load_scenario
from aig_client.schema import ENVIRONMENT, load_policy, load_settings

from .conftest import TOKEN
from .pages import README, ROOT, Block, all_blocks, blocks

_VARIABLES = {variable for variables in ENVIRONMENT.values() for variable in variables}
_COMMANDS = [
    pytest.param(line[2:], id=f"{block.where}-{line[2:42]}")
    for block in all_blocks("console")
    for line in block.text.splitlines()
    if line.startswith("$ ")
]


def _targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


def _extras() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return set(project["optional-dependencies"])


@pytest.mark.parametrize("command", _COMMANDS)
def test_a_command_that_a_page_shows_exists(command: str) -> None:
    words = shlex.split(command)
    match words:
        case ["make", *targets]:
            assert set(targets) <= _targets()
        case ["aig", "dev", *arguments]:
            given = dev.command.make_context("aig dev", arguments).params
            assert set(given["auth_token"]) <= {TOKEN}
        case ["aig", name, *_]:
            # What these print is compared where the examples are run.
            assert name in cli.list_commands(click.Context(cli))
        case ["python", "-m", module]:
            assert find_spec(module) is not None
        case ["pip", "install", requirement]:
            found = re.fullmatch(r"(?:aig-client|\.)(?:\[([a-z0-9,]+)\])?", requirement)
            assert found is not None
            assert set((found[1] or "fast").split(",")) <= _extras()
        case ["export", setting]:
            name, _, value = setting.partition("=")
            assert name in _VARIABLES or name.startswith("AIG_MODEL__")
            assert "TOKEN" not in name or value == TOKEN
        case ["python"] | [".", ".venv/bin/activate"] | ["git", "clone", _] | ["cd", "aig-client"]:
            pass
        case _:
            pytest.fail(f"nothing checks the command {command!r}")


@pytest.mark.parametrize("block", all_blocks("toml"), ids=lambda block: block.where)
def test_a_configuration_that_a_page_shows_loads(block: Block, nowhere: Path) -> None:
    file = nowhere / "aig.toml"
    file.write_text(block.text, "utf-8")
    gateway = {} if "[gateway]" in block.text else {"account_id": "0" * 32, "gateway_id": "prod"}
    settings = load_settings(gateway, environ={})
    assert settings.base_url.startswith("https://")
    assert load_policy(environ={}).classes


@pytest.mark.parametrize("block", all_blocks("toml scenario"), ids=lambda block: block.where)
def test_a_scenario_that_a_page_shows_loads(block: Block, nowhere: Path) -> None:
    file = nowhere / "scenario.toml"
    file.write_text(block.text, "utf-8")
    assert load_scenario(file).scenario.rules


def test_the_table_in_the_readme_is_what_the_demo_prints(capsys: pytest.CaptureFixture[str], nowhere: Path) -> None:
    assert not list(nowhere.iterdir())
    assert demo.main() == 0
    printed = capsys.readouterr().out
    shown = next(block.text for block in blocks(README) if block.text.startswith("AI Gateway (local)"))
    assert _masked(shown) == _masked(printed)


def _masked(text: str) -> list[list[str]]:
    """The words of each line, less what differs from run to run: the port, keys, times, and the widths they cause."""
    for pattern, mask in (
        (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
        (r"aig1s?\.[\w-]+…", "KEY"),
        (r"\d+\.\d ms", "TIME"),
        (r"─+", "─"),
    ):
        text = re.sub(pattern, mask, text)
    return [line.split() for line in text.splitlines()]


def test_the_mask_leaves_statuses_alone() -> None:
    assert _masked("x  aig1.abc…  HIT  1.2 ms") == _masked("x  aig1.def…   HIT   22.0 ms")
    assert _masked("x  aig1.abc…  HIT  1.2 ms") != _masked("x  aig1.abc…  MISS  1.2 ms")
