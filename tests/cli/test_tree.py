"""The tree of commands: each has help with an example and its exit codes, and a misspelt one is told."""

from __future__ import annotations

import json
from collections.abc import Iterator

import click
import jsonschema_rs
import pytest

from aig_client.apps.cli._app import cli
from aig_client.apps.cli._groups import LazyGroup

from .running import SCHEMAS, run

GROUPS = {("key",), ("policy",)}
BARE = {("schema",), ("policy", "compile")}  # what they print is a document already
NOT_OURS = {"dev"}  # `_dev.py` has tests of its own


def commands(group: LazyGroup = cli, *path: str) -> Iterator[tuple[str, ...]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        if name in NOT_OURS:
            continue
        command = group.get_command(context, name)
        yield (*path, name)
        if isinstance(command, LazyGroup):
            yield from commands(command, *path, name)


def test_the_commands_are_these() -> None:
    assert list(cli.entries) == [
        *("dev", "key", "plan", "policy", "models", "call", "bench", "url", "doctor", "schema"),
    ]
    assert [path for path in commands() if len(path) > 1] == [
        *(("key", "print"), ("key", "explain"), ("key", "diff")),
        *(("policy", "show"), ("policy", "lint"), ("policy", "compile"), ("policy", "diff")),
        *(("policy", "simulate"), ("policy", "token"), ("policy", "push")),
    ]


@pytest.mark.parametrize("path", [(), *commands()], ids=" ".join)
def test_help_has_an_example(path: tuple[str, ...]) -> None:
    ran = run(*path, "--help")
    assert ran.code == 0
    assert "Example" in ran.out
    if path not in GROUPS:
        assert "Exit codes: 0" in ran.out
    assert max(len(line) for line in ran.out.splitlines()) <= 120


@pytest.mark.parametrize("path", [path for path in commands() if path not in {*GROUPS, *BARE}], ids=" ".join)
def test_every_command_has_json(path: tuple[str, ...]) -> None:
    assert "--json" in run(*path, "--help").out


def test_the_one_line_of_the_list_is_that_of_the_command() -> None:
    for path in commands():
        help_of = run(*path, "--help").out
        assert help_of.startswith(f"Usage: aig {' '.join(path)}")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["keey", "x"], "There is no command 'keey': did you mean 'key'? See 'aig --help'."),
        (
            ["zzz"],
            f"There is no command 'zzz': there are {', '.join(cli.entries)}. See 'aig --help'.",
        ),
        (["key", "explian", "x"], "There is no file 'explian': did you mean 'aig key explain'? See 'aig key --help'."),
        (["url"], "Missing argument 'URL'. See 'aig url --help'."),
        (["url", "x", "--nonsense"], "No such option '--nonsense'. See 'aig url --help'."),
        (["bench", "x", "--concurrency", "0"], None),
    ],
)
def test_wrong_usage_is_one_sentence_and_exit_2(words: list[str], said: str | None) -> None:
    ran = run(*words)
    assert ran.code == 2
    assert ran.out == ""
    assert said is None or ran.sentence == said
    as_json = run(*words, "--json")
    assert as_json.code == 2
    assert as_json.err == ""
    assert as_json.data["error"] == {"kind": "usage", "message": ran.sentence, "exit_code": 2}


def test_no_command_is_help() -> None:
    ran = run()
    assert ran.code == 2
    assert "Commands:" in ran.out + ran.err


def test_the_version() -> None:
    assert run("--version").out == "aig 0.1.0\n"


def test_every_schema_is_one_and_is_printed() -> None:
    for file in SCHEMAS.iterdir():
        schema = json.loads(file.read_text("utf-8"))
        jsonschema_rs.meta.validate(schema)
        assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
        ran = run("schema", file.name.removesuffix(".json"))
        assert (ran.code, json.loads(ran.out)) == (0, schema)


def test_an_unknown_schema_is_told() -> None:
    ran = run("schema", "nonsense")
    assert ran.code == 2
    assert ran.sentence.startswith("There is no schema 'nonsense': there are bench, call, dev, doctor, error, key, ")
