"""The file that `aig bench` replays: one request per line, all of them checked before the first is sent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from ...core import AigError, CacheIntent, ConfigurationError, Refused, Tenant
from ...http import GatewayClient
from ._documents import document_of, parse, read_bytes
from ._guard import InputError
from ._targets import needed_headers, target_of

_MOST_NAMED: Final = 5


@dataclass(frozen=True, slots=True)
class BenchLine:
    """A request to replay."""

    number: int
    url: str
    body: object = field(repr=False)
    headers: dict[str, str] = field(repr=False)
    tenant: Tenant | None = field(repr=False)


def read_lines(
    path: str, *, provider: str | None, tenant: Tenant | None, route_class: str | None = None
) -> list[BenchLine]:
    """The requests of a file.

    Raises:
        InputError: naming every line (at most five) that is none, and why.
    """
    name = "standard input" if path == "-" else path
    usual = _Usual(provider, tenant, route_class)
    good: list[BenchLine] = []
    bad: list[str] = []
    for number, raw in enumerate(read_bytes(path, name).split(b"\n"), 1):
        if not raw.strip():
            continue
        try:
            good.append(_line(f"{name}:{number}", number, raw, usual))
        except (InputError, AigError) as error:
            bad.append(str(error) if str(error).startswith(name) else f"{name}:{number}: {error}")
    if bad:
        more = f" And {len(bad) - _MOST_NAMED} more lines." if len(bad) > _MOST_NAMED else ""
        raise InputError(f"Nothing was sent. {' '.join(bad[:_MOST_NAMED])}{more}")
    if not good:
        raise InputError(f"{name} holds no request: write one JSON object on each line.")
    return good


@dataclass(frozen=True, slots=True)
class _Usual:
    """What holds for lines that say nothing about it."""

    provider: str | None
    tenant: Tenant | None = field(repr=False)
    route_class: str | None


def _line(name: str, number: int, raw: bytes, usual: _Usual) -> BenchLine:
    document = document_of(name, parse(name, raw))
    if document.url is not None:
        raise InputError(f"{name} names a URL, and aig bench sends to the gateway that is configured: remove it.")
    if not isinstance(document.body, dict):
        raise InputError(f"{name} holds a list: write one JSON object on each line.")
    target = target_of(
        document,
        provider=document.provider or usual.provider,
        endpoint=document.endpoint,
        route_class=usual.route_class,
    )
    return BenchLine(
        number,
        f"{target.provider}{target.endpoint}",
        document.body,
        needed_headers(target.kind, document.headers),
        document.tenant or usual.tenant,
    )


def check_lines(client: GatewayClient, lines: list[BenchLine], intent: CacheIntent | None) -> None:
    """Let the client plan every request, so that one it would refuse is known before any is sent.

    Raises:
        InputError: naming the first such line.
    """
    for one in lines:
        try:
            client.plan(one.url, json=one.body, headers=one.headers, cache=intent, tenant=one.tenant)
        except (Refused, ConfigurationError) as error:
            raise InputError(f"Nothing was sent. Line {one.number}: {_fitting(error)}") from None


def _fitting(error: AigError) -> str:
    if error.where == "tenant":
        return "a cached answer belongs to a tenant: give --tenant NAME, --shared, or a tenant in the line."
    return str(error)


def passes(lines: list[BenchLine], repeat: int) -> Iterator[tuple[int, list[BenchLine]]]:
    """The file as often as it is replayed, by number; a pass ends before the next begins, or hits could not be."""
    for run in range(1, repeat + 1):
        yield run, lines
