"""Checks that touch the network: a local emulator, and with ``--live`` one harmless authenticated request."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import urlsplit

from ...core import AigError, GatewayError, ProviderError, Receipt, Unreachable, error_from_response
from ...http import GatewayClient
from ._doctor_configuration import is_local
from ._doctor_findings import Finding, Severity
from ._doctor_situation import Situation
from ._said_no import said_no

EMULATOR: Final = "http://127.0.0.1:8787"
_SECONDS: Final = 1.0
_MOST: Final = 65536
_SKEW: Final = (30, 300)
"""Seconds off: from here a warning, from there an error."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(default=b"", repr=False)


Get = Callable[[str], Answer | None]
"""Asks a URL; None when nobody answers."""


def get(url: str) -> Answer | None:
    """One GET without a proxy, a redirect or a header of ours."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_SECONDS)
    try:
        connection.request("GET", parts.path or "/", headers={"user-agent": "aig-doctor"})
        response = connection.getresponse()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, headers, response.read(_MOST))
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def emulator(situation: Situation, ask: Get = get) -> Iterator[Finding]:
    """Whether a local gateway answers: the configured one must, the usual one may."""
    local = is_local(situation) and situation.surface is not None
    origin = situation.surface.origin if local and situation.surface is not None else EMULATOR
    if not origin.startswith("http://"):
        return
    answer = ask(f"{origin}/v1/{'0' * 32}/doctor/openai/models")
    if answer is None:
        what = f"nobody answers at {origin}"
        if local:
            yield Finding("emulator", "error", f"{what}, the configured gateway", "start it: aig dev", origin)
        else:
            yield Finding("emulator", "info", f"{what}: no local gateway runs", "aig dev starts one", origin)
        return
    if not _is_gateway(answer):
        fix = f"stop it or choose another port: aig dev --port N{', and AIG_BASE_URL' if local else ''}"
        severity: Severity = "error" if local else "info"
        yield Finding("emulator", severity, f"something answers at {origin} that is no AI Gateway", fix, origin)
        return
    yield Finding("emulator", "ok", f"a local gateway answers at {origin}", where=origin)
    yield from skew(answer.headers.get("date"), situation.now, origin)


def _is_gateway(answer: Answer) -> bool:
    """By its headers or by the shape of its errors."""
    if any(name.startswith("cf-aig-") for name in answer.headers):
        return True
    said = error_from_response(answer.status, answer.headers, answer.body) if answer.status >= 400 else None
    return isinstance(said, GatewayError)


def skew(date: str | None, now: datetime, where: str) -> Iterator[Finding]:
    """How far this machine's clock is off, by the other side's ``Date``."""
    try:
        there = parsedate_to_datetime(date) if date else None
    except ValueError:
        there = None
    if there is None:
        return
    seconds = round(abs((now - there.astimezone(UTC)).total_seconds()))
    if seconds < _SKEW[0]:
        yield Finding("clock", "ok", f"this machine's clock and that of {where} agree", where=where)
        return
    what = f"this machine's clock and that of {where} differ by {seconds} s"
    fix = "set the clock: time to live, budgets and log times are compared across machines"
    yield Finding("clock", "error" if seconds >= _SKEW[1] else "warning", what, fix, where)


# What the gateway's answer to an authenticated request means for the token (contract 3.3 and 4.2).
_CODES: Final[Mapping[int, tuple[str, str]]] = {
    2009: ("the gateway refuses the token", "make a token with AI Gateway Run for this account, and set CF_AIG_TOKEN"),
    10000: ("the token lacks a permission", "give it AI Gateway Run; REST wants Workers AI Read instead"),
    1010: ("Cloudflare's edge refuses the User-Agent", "send one of your own; Python-urllib is refused on many zones"),
    2001: ("there is no such gateway in the account", "check the account id and the gateway id"),
}


def live(situation: Situation, client: GatewayClient) -> Iterator[Finding]:
    """One GET of a list of models: it needs a token and costs nothing."""
    surface = situation.surface
    if surface is None:
        yield Finding("live", "info", "no gateway is configured, so none was asked")
        return
    where = surface.origin
    try:
        receipt: Receipt | None = client.request("GET", "openai/models").receipt
        yield Finding("live", "ok", "the gateway takes the token, and openai answered", where=where)
    except (GatewayError, ProviderError, Unreachable) as error:
        receipt = error.receipt
        yield _of_error(error, where)
    except AigError as error:
        yield Finding("live", "error", f"the request was not sent: {error.problem}", error.remedy, where)
        return
    date = receipt.header("date") if receipt is not None else None
    yield from skew(date, datetime.now(UTC), where)


def _of_error(error: GatewayError | ProviderError | Unreachable, where: str) -> Finding:
    said = said_no(error, where=where)
    if isinstance(error, Unreachable):
        return Finding(
            "live", "error", f"nobody answered ({error.kind})", "check the address, network and proxy", where
        )
    if isinstance(error, ProviderError):
        what = f"the gateway takes the token; openai answered {error.status}"
        fix = "store a key of openai's in the gateway, or send one" if error.status in (401, 403) else None
        return Finding("live", "info", what, fix, where)
    row = _CODES.get(error.code or 0)
    if row is None and error.status in (401, 403):
        row = ("the gateway says no to the token", "check its permissions, and Access in front of a custom domain")
    if row is not None:
        code = f"code {error.code}" if error.code is not None else "no code"
        return Finding("live", "error", f"{row[0]} (status {error.status}, {code})", row[1], where)
    return Finding(
        "live", "warning" if said.retry_helps else "info", f"the gateway answered: {said.meaning}", said.fix, where
    )
