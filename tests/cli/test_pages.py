"""The pages about the command line say what it does: tables against the code, and every `aig` line is run."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from aig_client.apps.cli import _policy_checks
from aig_client.apps.cli._app import cli
from aig_client.apps.cli._groups import LazyGroup

from ..docs.pages import DOCS, Block, blocks, table
from ..docs.test_examples import OUTPUT, PYTHON, _same
from .checking import ageless
from .running import SCHEMAS, run

REFERENCE = DOCS / "reference" / "command-line.md"
POLICY = DOCS / "reference" / "command-line-policy.md"
MODELS = DOCS / "reference" / "command-line-models.md"
PAGES = [
    REFERENCE,
    POLICY,
    MODELS,
    DOCS / "how-to" / "find-out-why-it-missed.md",
    DOCS / "how-to" / "run-the-doctor.md",
]


def options_of(*path: str) -> list[str]:
    """The options of a command, as they stand in its help, less those that every command has."""
    command: click.Command = cli
    for name in path:
        assert isinstance(command, LazyGroup)
        found = command.get_command(click.Context(command), name)
        assert found is not None
        command = found
    named = [option.opts[0] for option in command.params if isinstance(option, click.Option)]
    return [name for name in named if name != "--json"]


def test_the_options_of_key() -> None:
    shown = [row["Option"] for row in table(REFERENCE, "## aig key")]
    assert [name for name in shown if name != "--show-values"] == options_of("key", "print")
    assert options_of("key", "explain") == options_of("key", "print")
    assert sorted(shown) == sorted(options_of("key", "diff"))


def test_the_options_of_plan() -> None:
    assert [row["Option"] for row in table(POLICY, "## aig plan")] == options_of("plan")


def test_the_options_of_policy() -> None:
    rows = table(POLICY, "### Options")
    group = cli.get_command(click.Context(cli), "policy")
    assert isinstance(group, LazyGroup)
    for name in group.entries:
        assert [row["Option"] for row in rows if row["Of"] == name] == options_of("policy", name)
    shown = [row["Command"].split()[2] for row in table(POLICY, "## aig policy")]
    assert shown == list(group.entries)


def test_the_options_of_models() -> None:
    assert [row["Option"] for row in table(MODELS, "# The command line: models")] == options_of("models")


def test_the_checks_of_lint() -> None:
    told = {(row["Check"], row["Severity"]) for row in table(POLICY, "## What lint finds")}
    text = Path(_policy_checks.__file__).read_text("utf-8")
    written = set(re.findall(r'Finding\(\s*"(\w+)",', text))
    assert {check for check, _ in told} == written
    for check, severity in told:
        assert severity in ("warning", "info"), check


@pytest.mark.parametrize(
    ("heading", "both", "names"),
    [("## aig call and aig bench", "both", ("call", "bench")), ("## aig url and aig doctor", "", ("url", "doctor"))],
)
def test_the_options_of_two_commands(heading: str, both: str, names: tuple[str, str]) -> None:
    rows = table(REFERENCE, heading)
    for name in names:
        assert sorted(row["Option"] for row in rows if row["Of"] in (name, both)) == sorted(options_of(name))


def test_every_command_and_schema_is_there() -> None:
    text = REFERENCE.read_text("utf-8") + POLICY.read_text("utf-8")
    shown = {row["Command"].split()[1] for row in table(REFERENCE, "# The command line")}
    assert shown == set(cli.entries)
    for file in SCHEMAS.glob("*.json"):
        assert f"`{file.name.removesuffix('.json')}`" in text, file.name


@pytest.mark.usefixtures("emulator")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_commands_of_a_page_print_what_it_shows(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ageless(monkeypatch)
    printed, ran = "", 0
    namespace: dict[str, object] = {"__name__": "__main__"}
    for block in blocks(page):
        if block.info == PYTHON:
            exec(compile(block.text, str(page), "exec"), namespace)  # noqa: S102  (our own pages)
        elif block.info == "console":
            done = [run(*words) for words in _commands(block)]
            assert all(one.code in (0, 1) for one in done), block.where
            printed = "".join(one.out for one in done)
            ran += len(done)
        elif block.info == OUTPUT:
            assert _same(block.text, printed), f"{block.where} shows\n{block.text}\nbut it prints\n{printed}"
    assert ran


def _commands(block: Block) -> list[list[str]]:
    lines = [shlex.split(line[2:]) for line in block.text.splitlines() if line.startswith("$ aig ")]
    return [words[1:] for words in lines]
