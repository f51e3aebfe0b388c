"""Checks of what is installed: HTTP families, mocks, retries on top of retries, the age of tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from ._doctor_findings import Finding
from ._doctor_situation import Installed, Situation

_SDKS: Final = ("openai", "anthropic", "google-genai", "cloudflare")
_REQUIREMENT: Final = re.compile(r"(httpx2?)(?![\w.-])\s*(?:\[[^\]]*\])?\s*\(?([^;)]*)")
_CLAUSE: Final = re.compile(r"(>=|<=|==|!=|~=|<|>)\s*([0-9]+(?:\.[0-9]+)*)(\.\*)?")

CONTRACT_DATE: Final = datetime(2026, 11, 21, tzinfo=UTC)
"""When the tables of endpoints, headers and codes were compiled from Cloudflare's documentation."""

_STALE_DAYS: Final = 180
_GATEWAY_MOST: Final = 5  # cf-aig-max-attempts (contract 1.2)


def http_families(situation: Situation) -> Iterator[Finding]:
    """Whether each SDK has the HTTP library it stands on; a client of the other family is refused by it."""
    for sdk in _SDKS:
        found = situation.installed.get(sdk)
        if found is None:
            continue
        family, clauses = _family(found)
        there = situation.installed.get(family) if family else None
        if family is None:
            yield Finding("HTTP family", "info", f"{sdk} {found.version} names neither httpx nor httpx2", where=sdk)
        elif there is None:
            what = f"{sdk} {found.version} stands on {family}, which is not installed"
            yield Finding("HTTP family", "error", what, f"pip install '{family}{clauses}'", sdk)
        elif not satisfies(there.version, clauses):
            what = f"{sdk} {found.version} wants {family}{clauses}, and {there.version} is installed"
            yield Finding("HTTP family", "error", what, f"pip install '{family}{clauses}'", sdk)
        else:
            yield Finding("HTTP family", "ok", f"{sdk} {found.version} stands on {family} {there.version}", where=sdk)
    if not situation.installed.keys() & {"httpx", "httpx2"}:
        yield Finding("HTTP family", "error", "neither httpx nor httpx2 is installed", "pip install httpx")


def _family(found: Installed) -> tuple[str | None, str]:
    """The family that a distribution needs without any extra, and in which versions."""
    for requirement in found.requires:
        match = _REQUIREMENT.match(requirement)
        if match is not None and "extra" not in requirement.partition(";")[2]:
            return match[1], match[2].strip()
    return None, ""


def satisfies(version: str, clauses: str) -> bool:
    """Whether a version fits the clauses of a requirement (PEP 440, as far as releases of numbers go)."""
    return all(
        _fits(_release(version), operator, _release(bound), bool(star))
        for operator, bound, star in _CLAUSE.findall(clauses)
    )


def _release(version: str) -> tuple[int, ...]:
    found = re.match(r"\d+(?:\.\d+)*", version)
    numbers = [int(part) for part in found[0].split(".")] if found else [0]
    return tuple([*numbers, 0, 0, 0, 0][: max(4, len(numbers))])


def _fits(version: tuple[int, ...], operator: str, bound: tuple[int, ...], star: bool) -> bool:
    match operator:
        case ">=" | "~=":  # the upper end of ~= is left to pip
            return version >= bound
        case "<=":
            return version <= bound
        case "<":
            return version < bound
        case ">":
            return version > bound
        case "!=":
            return version != bound
        case _:
            return version[:2] == bound[:2] if star else version == bound


def mocks(situation: Situation) -> Iterator[Finding]:
    """Mocks that do not see the family in use: the tests would call the live service."""
    on_httpx2 = [
        sdk for sdk in _SDKS if sdk in situation.installed and _family(situation.installed[sdk])[0] == "httpx2"
    ]
    old = [name for name in ("pytest-httpx", "respx") if name in situation.installed]
    if on_httpx2 and old and "pytest-httpx2" not in situation.installed:
        what = (
            f"{' and '.join(old)} mock httpx alone, while {', '.join(on_httpx2)} use httpx2: tests that look mocked "
            "may reach live hosts"
        )
        yield Finding("mocks", "warning", what, "pip install pytest-httpx2, and mock httpx2 with it")


def retries(situation: Situation) -> Iterator[Finding]:
    """Attempts multiply: an SDK's times the gateway's."""
    told = situation.gateway_attempts or _told_by_headers(situation)
    attempts: dict[int, list[str]] = {}
    for sdk in ("openai", "anthropic"):
        found = situation.installed.get(sdk)
        if found is not None and found.retries:
            attempts.setdefault(found.retries + 1, []).append(sdk)
    for own, sdks in attempts.items():
        names = " and ".join(sdks)
        if told is not None and told > 1:
            what = (
                f"{names}: up to {own} attempts, each up to {told} times by the gateway: one call becomes {own * told}"
            )
            yield Finding(
                "retries", "warning", what, "set max_retries=0 in the SDK, or 1 attempt in the gateway", names
            )
        else:
            what = (
                f"{names}: up to {own} attempts by default; where the gateway retries too, one call becomes up to "
                f"{own * _GATEWAY_MOST}"
            )
            fix = "have one owner of retries; --gateway-attempts N checks the number in the gateway's settings"
            yield Finding("retries", "info", what, fix, names)


def _told_by_headers(situation: Situation) -> int | None:
    for name, value in situation.environ.items():
        if name.endswith("_HEADERS"):
            found = re.search(r"(?i)cf-aig-max-attempts\W{1,4}([1-5])\b", value)
            if found:
                return int(found[1])
    return None


def ages(situation: Situation) -> Iterator[Finding]:
    """How old the tables of this package are; the models' rows have days of their own."""
    days = (situation.now - CONTRACT_DATE).days
    shown = CONTRACT_DATE.date().isoformat()
    if days > _STALE_DAYS:
        what = f"the tables of endpoints, headers and codes are of {shown}, {days} days ago"
        yield Finding("tables", "warning", what, "pip install -U aig-client", "aig-client")
    elif days >= 0:
        yield Finding("tables", "ok", f"the tables of endpoints, headers and codes are of {shown}", where="aig-client")


def clock(situation: Situation) -> Iterator[Finding]:
    """A clock before this package was made is wrong; how far, only --live can tell."""
    if situation.now < CONTRACT_DATE:
        what = f"this machine's clock says {situation.now.date().isoformat()}, which is before aig-client was made"
        yield Finding("clock", "error", what, "set the clock: with a wrong one TLS and tokens fail")
