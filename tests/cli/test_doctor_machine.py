"""Checks of `aig doctor` on what is installed, the self-test, and whoever answers on the network."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from aig_client.apps.cli import _doctor_installed as installed
from aig_client.apps.cli import _doctor_network as network
from aig_client.apps.cli import _doctor_selftest as selftest
from aig_client.apps.cli._doctor_situation import Installed, survey

from .checking import GATEWAY, LOCAL, Check, found, short

HTTPX2 = Installed("2.16.2")
OPENAI = Installed("3.52.0", ("httpx2<3,>=2.12.0", 'httpx<1; extra == "httpx"'), 2)

SETS: list[tuple[str, Check, dict[str, Installed], list[str]]] = [
    (
        "fits",
        installed.http_families,
        {"openai": OPENAI, "httpx2": HTTPX2},
        ["ok: openai 3.52.0 stands on httpx2 2.16.2"],
    ),
    (
        "missing",
        installed.http_families,
        {"openai": OPENAI, "httpx": Installed("0.28.1")},
        ["error: openai 3.52.0 stands on httpx2, which is not installed"],
    ),
    (
        "too old",
        installed.http_families,
        {"openai": OPENAI, "httpx2": Installed("2.11.9")},
        ["error: openai 3.52.0 wants httpx2<3,>=2.12.0, and 2.11.9 is installed"],
    ),
    (
        "too new",
        installed.http_families,
        {"openai": OPENAI, "httpx2": Installed("3.0")},
        ["error: openai 3.52.0 wants httpx2<3,>=2.12.0, and 3.0 is installed"],
    ),
    (
        "an old SDK",
        installed.http_families,
        {"openai": Installed("1.0", ("httpx (>=0.23.0,<1)",)), "httpx": HTTPX2},
        ["error: openai 1.0 wants httpx>=0.23.0,<1, and 2.16.2 is installed"],
    ),
    ("neither", installed.http_families, {}, ["error: neither httpx nor httpx2 is installed"]),
    (
        "no family",
        installed.http_families,
        {"cloudflare": Installed("1", ("httpx-aiohttp",)), "httpx": HTTPX2},
        ["info: cloudflare 1 names neither httpx nor httpx2"],
    ),
    ("mocks fit", installed.mocks, {"openai": OPENAI, "respx": HTTPX2, "pytest-httpx2": HTTPX2}, []),
    (
        "mocks miss",
        installed.mocks,
        {"openai": OPENAI, "respx": HTTPX2, "pytest-httpx": HTTPX2},
        ["warning: pytest-httpx and respx mock httpx alone, while openai use httpx2"],
    ),
    ("no mocks", installed.mocks, {"openai": OPENAI}, []),
    ("no SDK", installed.mocks, {"respx": HTTPX2}, []),
    (
        "retries",
        installed.retries,
        {"openai": OPENAI, "anthropic": Installed("2", (), 2)},
        ["info: openai and anthropic: up to 3 attempts by default"],
    ),
    (
        "different retries",
        installed.retries,
        {"openai": OPENAI, "anthropic": Installed("2", (), 4)},
        ["info: openai: up to 3 attempts", "info: anthropic: up to 5 attempts"],
    ),
    ("no retries", installed.retries, {"openai": Installed("3", (), 0), "anthropic": Installed("3", (), None)}, []),
    ("tables", installed.ages, {}, ["ok: the tables of endpoints, headers and codes are of 2026-11-21"]),
]


@pytest.mark.parametrize(("check", "there", "expected"), [c[1:] for c in SETS], ids=[c[0] for c in SETS])
def test_a_set_of_distributions(check: Check, there: dict[str, Installed], expected: list[str]) -> None:
    said = short(found(check, {}, installed=there, now=installed.CONTRACT_DATE + timedelta(days=9)))
    assert len(said) == len(expected), said
    for text, beginning in zip(said, expected, strict=True):
        assert text.startswith(beginning)


def test_what_is_installed_here_is_seen() -> None:
    here = survey({}, Path.cwd()).installed
    assert here["openai"].retries == here["anthropic"].retries == 2
    assert any(need.startswith("httpx2") for need in here["google-genai"].requires)
    assert here["httpx"].retries is None


@pytest.mark.parametrize(
    ("attempts", "environ", "expected"),
    [
        (3, {}, "warning: openai: up to 3 attempts, each up to 3 times by the gateway: one call becomes 9"),
        (1, {}, "info: openai: up to 3 attempts by default"),
        (
            None,
            {"ANTHROPIC_CUSTOM_HEADERS": "cf-aig-max-attempts: 5"},
            "warning: openai: up to 3 attempts, each up to 5",
        ),
    ],
)
def test_attempts_multiply(attempts: int | None, environ: dict[str, str], expected: str) -> None:
    (one,) = found(installed.retries, environ, installed={"openai": OPENAI}, gateway_attempts=attempts)
    assert short([one])[0].startswith(expected)


@pytest.mark.parametrize(
    ("version", "clauses", "fits"),
    [
        ("2.12", ">=2.12.0,<3", True),
        ("2.12.0", ">=2.12", True),
        ("3", "<3", False),
        ("2.9", ">=2.10", False),
        ("1.0", "==1.0", True),
        ("1.0", "!=1.0", False),
        ("1.1", ">1.0,<=1.1", True),
        ("0.28.1", "==0.28.*", True),
        ("nonsense", ">=1", False),
        ("1", "", True),
    ],
)
def test_versions(version: str, clauses: str, fits: bool) -> None:
    assert installed.satisfies(version, clauses) is fits


def test_old_tables_and_a_wrong_clock() -> None:
    later = installed.CONTRACT_DATE + timedelta(days=181)
    assert short(found(installed.ages, {}, installed={}, now=later))[0].endswith("are of 2026-11-21, 181 days ago")
    assert not found(installed.clock, {}, now=later)
    (one,) = found(installed.clock, {}, now=datetime(1970, 1, 1, tzinfo=UTC))
    assert one.what == "this machine's clock says 1970-01-01, which is before aig-client was made"


# --- the self-test, and the network -----------------------------------------------------------------


def test_nothing_leaks_here() -> None:
    assert short(found(selftest.leaks, {})) == [
        f"ok: over {family} 6 hosts that are no gateway got no Cloudflare header, one by redirect"
        for family in ("httpx", "httpx2")
    ]


def test_a_leak_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selftest, "GatewayTransport", lambda rules, inner: inner)
    (one,) = found(selftest.leaks, {}, installed={"httpx": HTTPX2})
    assert one.what == "over httpx a gateway got none of its headers"

    class Leaky:
        def __new__(cls, rules: Any, inner: Any) -> Any:
            import httpx

            def send(request: httpx.Request) -> httpx.Response:
                request.headers["cf-aig-authorization"] = f"Bearer {rules.token}"
                return inner.handle_request(request)  # type: ignore[no-any-return]

            return httpx.MockTransport(send)

    monkeypatch.setattr(selftest, "GatewayTransport", Leaky)
    (one,) = found(selftest.leaks, {}, installed={"httpx": HTTPX2})
    assert (one.severity, one.what) == (
        "error",
        "over httpx a host that is no gateway got cf-aig-authorization, x-aig-route-class",
    )


def answering(status: int, headers: dict[str, str], body: bytes = b"") -> Check:
    return lambda situation: network.emulator(situation, lambda _: network.Answer(status, headers, body))


@pytest.mark.parametrize(
    ("check", "environ", "expected"),
    [
        (
            lambda s: network.emulator(s, lambda _: None),
            GATEWAY,
            "info: nobody answers at http://127.0.0.1:8787: no local",
        ),
        (lambda s: network.emulator(s, lambda _: None), LOCAL, "error: nobody answers at http://127.0.0.1:8787, the"),
        (answering(200, {"cf-aig-log-id": "x"}), LOCAL, "ok: a local gateway answers"),
        (answering(401, {}, b'{"success":false,"error":[{"code":2009,"message":""}]}'), GATEWAY, "ok: a local gateway"),
        (
            answering(404, {}, b"nginx"),
            GATEWAY,
            "info: something answers at http://127.0.0.1:8787 that is no AI Gateway",
        ),
        (answering(200, {}), LOCAL, "error: something answers"),
    ],
)
def test_the_emulator(check: Check, environ: dict[str, str], expected: str) -> None:
    (one,) = found(check, environ)
    assert short([one])[0].startswith(expected)


@pytest.mark.parametrize(
    ("seconds", "severity"),
    [(0, "ok"), (29, "ok"), (-31, "warning"), (299, "warning"), (301, "error"), (-9999, "error")],
)
def test_skew(seconds: int, severity: str) -> None:
    now = datetime(2026, 11, 23, 9, 0, 0, tzinfo=UTC)
    there = (now + timedelta(seconds=seconds)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    (one,) = network.skew(there, now, "there")
    assert one.severity == severity
    assert not list(network.skew("nonsense", now, "there"))
    assert not list(network.skew(None, now, "there"))
