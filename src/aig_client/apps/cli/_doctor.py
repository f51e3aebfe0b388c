"""`aig doctor`: what is wrong, how bad it is, and what to change. It prints no secret."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Final

import click

from ...core import ConfigurationError
from ...http import GatewayClient
from . import _doctor_configuration as configuration
from . import _doctor_credentials as credentials
from . import _doctor_environment as environment
from . import _doctor_installed as installed
from . import _doctor_network as network
from . import _doctor_policy as policy
from . import _doctor_selftest as selftest
from ._command import OutcomeCommand
from ._doctor_findings import Finding, Severity
from ._doctor_secrets import scrub, secrets_of
from ._doctor_situation import Situation, survey
from ._outcome import Block, Cell, Grid, Outcome, Style, line
from ._printable import one_line

EXAMPLE: Final = """\b
Example:
  aig doctor
  aig doctor --live --json

Exit codes: 0 nothing to do, 1 warnings, 2 errors (or wrong usage).
"""

CHECKS: Final[tuple[Callable[[Situation], Iterable[Finding]], ...]] = (
    configuration.sources,
    configuration.shadows,
    configuration.cloudflare_sdk,
    configuration.surface,
    credentials.token,
    credentials.provider_keys,
    environment.custom_headers,
    environment.base_urls,
    environment.proxies,
    selftest.leaks,
    installed.http_families,
    installed.mocks,
    installed.retries,
    policy.loads,
    policy.variables,
    policy.soundness,
    policy.catalog,
    installed.clock,
    installed.ages,
    network.emulator,
)

_ORDER: Final[tuple[Severity, ...]] = ("error", "warning", "info", "ok")
_STYLES: Final[dict[str, Style]] = {"error": "bad", "warning": "careful", "info": "", "ok": "good"}
EXITS: Final[dict[Severity, int]] = {"error": 2, "warning": 1}


@dataclass(frozen=True, slots=True)
class DoctorResult:
    """What was found, the worst first."""

    SCHEMA: ClassVar[str] = "aig.doctor/1"

    worst: str
    errors: int
    warnings: int
    live: bool
    findings: tuple[Finding, ...]


@click.command("doctor", cls=OutcomeCommand, epilog=EXAMPLE, short_help="Check the set-up.")
@click.option("--live", is_flag=True, help="Also send one request: GET openai/models, with the token.")
@click.option("--base-url", metavar="URL", help="Check this gateway instead of the configured one.")
@click.option(
    "--gateway-attempts",
    type=click.IntRange(1, 5),
    metavar="N",
    help="The attempts in the gateway's own settings, 1 to 5.",
)
def command(live: bool, base_url: str | None, gateway_attempts: int | None) -> Outcome[DoctorResult]:
    """Check configuration sources, surface, token, header leaks, policy, HTTP families, clock, tables and emulator.

    Each finding has a severity and a fix. No secret is printed, nor a part of one. Without --live nothing is sent but
    one GET to a loopback address.
    """
    situation = survey(os.environ, Path.cwd(), base_url=base_url, gateway_attempts=gateway_attempts)
    findings = [finding for check in CHECKS for finding in check(situation)]
    if live:
        findings += _live(situation)
    return outcome_of(situation, findings, live=live)


def _live(situation: Situation) -> Iterator[Finding]:
    if situation.settings is None:
        yield Finding("live", "info", "no gateway is configured, so none was asked")
        return
    try:
        client = GatewayClient(base_url=situation.settings.base_url, deadline=30)
    except ConfigurationError as error:
        yield Finding("live", "info", f"nothing was asked: {error.field} {error.problem}", error.remedy)
        return
    with closing(client):
        yield from network.live(situation, client)


def outcome_of(situation: Situation, findings: Iterable[Finding], *, live: bool) -> Outcome[DoctorResult]:
    """The findings as an outcome, without a secret."""
    secrets = secrets_of(situation)

    def clean(text: str | None) -> str | None:
        return None if text is None else scrub(one_line(text), secrets)

    shown = [replace(one, what=clean(one.what) or "", fix=clean(one.fix), where=clean(one.where)) for one in findings]
    shown = by_severity(shown)
    worst: Severity = shown[0].severity if shown else "ok"
    count = [one.severity for one in shown].count
    result = DoctorResult(worst, count("error"), count("warning"), live, tuple(shown))
    return Outcome(result, _render, EXITS.get(worst, 0))


def by_severity(findings: Iterable[Finding]) -> list[Finding]:
    """The worst first, and among equals in the order of the checks."""
    return sorted(findings, key=lambda one: _ORDER.index(one.severity))


def finding_rows(findings: Iterable[Finding], *, places: bool = False) -> list[tuple[Cell | str, ...]]:
    """Findings for people, each with its fix below it, and with ``places`` where it stands."""
    rows: list[tuple[Cell | str, ...]] = []
    for one in findings:
        rows.append((Cell(one.severity, _STYLES[one.severity]), one.check, one.what))
        if places and one.where and one.severity != "ok":
            rows.append(("", "", Cell(f"in {one.where}", "faint")))
        if one.fix:
            rows.append(("", "", Cell(f"fix: {one.fix}", "faint")))
    return rows


def summary_of(worst: str, errors: int, warnings: int) -> tuple[str, Style]:
    """How many errors and warnings there are, empty where there are none, and how that looks."""
    counts = ((errors, "error"), (warnings, "warning"))
    text = " and ".join(f"{number} {word}{'s' if number > 1 else ''}" for number, word in counts if number)
    return f"{text}." if text else "", _STYLES[worst]


def _render(result: DoctorResult) -> Iterable[Block]:
    yield Grid(finding_rows(result.findings))
    yield line()
    summary, style = summary_of(result.worst, result.errors, result.warnings)
    nothing = "Nothing to do." if result.live else "Nothing to do, as far as can be told without --live."
    yield line(summary or nothing, style)
