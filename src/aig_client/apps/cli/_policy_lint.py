"""`aig policy lint`: what is wrong with a policy, or soon will be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar, Final

import click

from ...core import ConfigurationError
from ...schema._settings import EDGE_TABLES, read_file
from ._choices import today
from ._command import OutcomeCommand
from ._days import day_of
from ._doctor import EXITS, by_severity, finding_rows, summary_of
from ._doctor_findings import Finding
from ._outcome import Block, Grid, Outcome, line
from ._policies import load, must_be_there
from ._policy_checks import findings_of

EXAMPLE: Final = """\b
Example:
  aig policy lint
  aig policy lint policy.json --on 2027-01-15

Exit codes: 0 nothing to do, 1 warnings, 2 errors (or wrong usage).
"""


@dataclass(frozen=True, slots=True)
class LintResult:
    """What was found, the worst first. ``digest`` is None where the policy does not load."""

    SCHEMA: ClassVar[str] = "aig.policy.lint/1"

    source: str
    digest: str | None
    on: str
    worst: str
    errors: int
    warnings: int
    findings: tuple[Finding, ...]


@click.command("lint", cls=OutcomeCommand, epilog=EXAMPLE, short_help="What is wrong, or soon will be.")
@click.argument("file", metavar="[FILE]", required=False)
@click.option("--on", metavar="DAY", help="Judge as on this day, YYYY-MM-DD.  [default: today]")
def command(file: str | None, on: str | None) -> Outcome[LintResult]:
    """Check FILE, by default ./aig.toml, and say what to change. The environment's overrides are left out.

    A mistake that keeps the policy from loading is an error, and only the first one is told. Warnings are about models
    that retire within 60 days, unknown prices, shared answers, providers without use, and forced overrides.
    """
    day = day_of(on) if on is not None else today()
    must_be_there(file)
    try:
        loaded = load(file, environ={}, day=day)
    except ConfigurationError as error:
        source, digest = file or "aig.toml", None
        findings = [broken("policy", error)]
    else:
        source, digest = loaded.source, loaded.policy.digest
        findings = [Finding("policy", "ok", f"{source} loads: {len(loaded.policy.classes)} classes", where=source)]
        findings += findings_of(loaded.policy, day)
        findings += _of_the_edge(file, day)
    shown = by_severity(findings)
    count = [one.severity for one in shown].count
    worst = shown[0].severity
    result = LintResult(source, digest, day, worst, count("error"), count("warning"), tuple(shown))
    return Outcome(result, _render, EXITS.get(worst, 0))


def _of_the_edge(file: str | None, day: str) -> Iterator[Finding]:
    """Whether the tables of a Worker compile, where the file has any."""
    if file is not None and file.endswith(".json"):
        return
    tables, source = read_file(file)
    if EDGE_TABLES.isdisjoint(tables):
        return
    from ...schema._edge import compile_edge

    try:
        compile_edge(tables, today=day, source=source)
    except ConfigurationError as error:
        yield broken("edge", error)


def broken(check: str, error: ConfigurationError) -> Finding:
    """Why a policy does not load."""
    return Finding(check, "error", f"{error.field} {error.problem}", error.remedy, error.source)


def _render(result: LintResult) -> Iterable[Block]:
    yield Grid(finding_rows(result.findings, places=True))
    yield line()
    summary, style = summary_of(result.worst, result.errors, result.warnings)
    yield line(summary or "Nothing to do.", style)
