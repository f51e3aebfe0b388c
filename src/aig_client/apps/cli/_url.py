"""`aig url URL`: what a URL is to AI Gateway, and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Final

import click

from ...core import PROVIDERS, REQUEST_HEADERS, Surface, declare, surface_of
from ._command import OutcomeCommand
from ._guard import GOOD, SAID_NO
from ._outcome import Block, Outcome, Prose, facts, line
from ._url_reasons import why_not

EXAMPLE: Final = """\b
Example:
  aig url https://gateway.ai.cloudflare.com/v1/0123456789abcdef0123456789abcdef/prod/openai/chat/completions
  aig url https://ai.example.com/anthropic --gateway https://ai.example.com

Exit codes: 0 an AI Gateway URL, 1 none, 2 wrong usage or input.
"""

_FAMILIES: Final = {
    "native": "the provider's own API, through the gateway",
    "compat": "the OpenAI-compatible endpoint; Cloudflare calls it deprecated for calls of a single model",
    "universal": "the Universal endpoint, an array of requests; deprecated in favour of dynamic routes",
    "rest": "Cloudflare's REST API; the gateway is named by the header cf-aig-gateway-id",
}
_REST_TOKEN: Final = "Authorization: Bearer, a token with Workers AI Read"  # noqa: S105  (a description)
_TOKEN: Final = "cf-aig-authorization: Bearer, a token with AI Gateway Run"  # noqa: S105
_NO_PROVIDER_KEY: Final = "none: the stored key 'default', else Unified Billing"


@dataclass(frozen=True, slots=True)
class UrlResult:
    """What a URL is. Nothing of its query, user or password is in here."""

    SCHEMA: ClassVar[str] = "aig.url/1"

    gateway_url: bool
    reason: str | None
    why: str
    family: str | None = None
    family_means: str | None = None
    kind: str | None = None
    account: str | None = None
    gateway: str | None = None
    provider: str | None = None
    endpoint: str | None = None
    model: str | None = None
    declared: bool = False
    token_header: str | None = None
    provider_header: str | None = None
    headers: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@click.command("url", cls=OutcomeCommand, epilog=EXAMPLE, short_help="Say what a URL is.")
@click.argument("url", metavar="URL")
@click.option("--gateway", "gateways", multiple=True, metavar="URL", help="This base URL is a gateway. Repeatable.")
def command(url: str, gateways: tuple[str, ...]) -> Outcome[UrlResult]:
    """Say whether URL is an AI Gateway URL and which one, which headers it takes, or exactly why it is none."""
    surface = surface_of(url, gateways=declare(gateways))
    if surface is None:
        reason = why_not(url, gateways)
        return Outcome(UrlResult(False, reason.word, reason.sentence), _render, SAID_NO)
    return Outcome(_result(surface), _render, GOOD)


def _result(surface: Surface) -> UrlResult:
    return UrlResult(
        gateway_url=True,
        reason=None,
        why=_why(surface),
        family=surface.family,
        family_means=_FAMILIES[surface.family],
        kind=surface.kind,
        account=surface.account,
        gateway=surface.gateway,
        provider=surface.provider,
        endpoint=surface.endpoint or None,
        model=surface.model_in_path,
        declared=surface.declared,
        token_header=_REST_TOKEN if surface.family == "rest" else _TOKEN,
        provider_header=_provider_header(surface),
        headers=tuple(
            row.name
            for row in REQUEST_HEADERS
            if surface.family in row.families and surface.endpoint.startswith(row.under)
        ),
        notes=tuple(_notes(surface)),
    )


def _why(surface: Surface) -> str:
    if surface.declared:
        return "It is below a gateway that you declared; nothing in the URL itself shows it."
    return "Its scheme, host, port and path are those of AI Gateway, letter by letter."


def _provider_header(surface: Surface) -> str | None:
    if surface.family == "rest":
        return _NO_PROVIDER_KEY
    if surface.family == "compat":
        return "Authorization: Bearer"
    row = PROVIDERS.get(surface.provider or "")
    return f"{row.credential}: {row.scheme}".removesuffix(": ") if row is not None else None


def _notes(surface: Surface) -> Iterable[str]:
    if (
        surface.family == "native"
        and surface.provider not in PROVIDERS
        and not str(surface.provider).startswith("custom-")
    ):
        yield f"AI Gateway has no provider {surface.provider!r} that aig knows; it would answer 400, code 2008."
    if surface.family == "rest" and surface.endpoint.startswith("/run/@"):
        yield "Without cf-aig-gateway-id this is plain Workers AI, not the gateway."
    if surface.kind == "other" and surface.endpoint:
        yield "Its endpoint is none that aig knows, so every field of a body is in the cache key."
    if not surface.endpoint and surface.family in ("native", "compat"):
        yield "It is a base URL: an SDK or a client adds the endpoint."
    if surface.query:
        yield "Its query is in the cache key, less a provider's API key; it is not shown here."


def _render(result: UrlResult) -> Iterable[Block]:
    if not result.gateway_url:
        yield line("no AI Gateway URL", "bad")
        yield Prose(result.why)
        return
    yield line("an AI Gateway URL", "good")
    yield Prose(result.why)
    yield line()
    yield facts(
        [
            ("family", f"{result.family}: {result.family_means}"),
            ("endpoint kind", result.kind if result.endpoint or result.family == "universal" else None),
            ("account", result.account),
            ("gateway", result.gateway),
            ("provider", result.provider),
            ("endpoint", result.endpoint),
            ("model", result.model),
            ("Cloudflare's token", result.token_header),
            ("the provider's key", result.provider_header),
            ("headers", ", ".join(result.headers)),
        ]
    )
    for note in result.notes:
        yield line()
        yield Prose(note, indent=0)
