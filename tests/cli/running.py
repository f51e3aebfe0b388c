"""Runs commands of `aig` in this process, and holds every JSON they print against its published schema."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema_rs
from click.testing import CliRunner

import aig_client.apps.cli
from aig_client.apps.cli._app import cli

SCHEMAS = Path(aig_client.apps.cli.__file__).parent / "schemas"


@dataclass(frozen=True)
class Ran:
    """A command that has run."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """The one JSON object on the standard output, checked."""
        document = json.loads(self.out)
        check(document)
        return document

    @property
    def sentence(self) -> str:
        """The error, without the name in front."""
        (text,) = self.err.splitlines()
        assert text.startswith("aig: ")
        return text.removeprefix("aig: ")


def run(*words: str, given: str | bytes | None = None, env: Mapping[str, str | None] | None = None) -> Ran:
    done = CliRunner().invoke(cli, list(words), input=given, env=dict(env or {}))
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    assert "Traceback" not in done.output
    return Ran(done.exit_code, done.stdout, done.stderr)


def check(document: Mapping[str, Any]) -> None:
    """The document fits its schema, and the schema knows all of its members."""
    name = document["schema"].removeprefix("aig.").partition("/")[0]
    schema = json.loads((SCHEMAS / f"{name}.json").read_text("utf-8"))
    errors = list(jsonschema_rs.validator_for(closed(schema)).iter_errors(document))
    assert not errors, "\n".join(str(error) for error in errors)


def closed(schema: Any) -> Any:
    """A schema that forbids what it does not name; the published one does not, so that it may grow."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {name: closed(item) for name, item in schema.items()}
    return inner | {"additionalProperties": False} if "properties" in schema else inner


def write(folder: Path, name: str, value: object) -> str:
    """A JSON file; its name."""
    (folder / name).write_text(json.dumps(value), "utf-8")
    return name


def names(findings: Sequence[Mapping[str, Any]], severity: str) -> list[str]:
    """The checks that found something of a severity."""
    return [one["check"] for one in findings if one["severity"] == severity]
