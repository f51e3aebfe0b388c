"""`aig plan FILE`: what would be decided for a request, and why, without sending it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import click

from ... import CacheIntent, ConfigurationError, GatewayClient, Plan, Refused
from ...core import Selection, base_url, builtin_policy, surface_of
from ._choices import SelectionRow, ranking_blocks, refused_candidates, rejected_blocks, selection_row
from ._clients import intent_of, tenant_of
from ._command import OutcomeCommand
from ._documents import read_document
from ._guard import GOOD, SAID_NO, InputError
from ._outcome import Block, Cell, Grid, Outcome, Prose, facts, line
from ._policies import source_of
from ._targets import needed_headers, of_the_caller, target_of

EXAMPLE: Final = """\b
Example:
  aig plan body.json --route-class summary
  aig plan body.json --policy aig.toml --cache 300 --tenant acme

Without a configured gateway one of the same shape stands in: nothing is sent.

Exit codes: 0 there is a plan, 1 it would be refused, 2 wrong usage or input.
"""

_ANY_GATEWAY: Final = base_url("0" * 32, "any")
_SECRET: Final = frozenset({"cf-aig-authorization"})


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why nothing would be sent."""

    sentence: str
    where: str | None
    remedy: str | None


@dataclass(frozen=True, slots=True)
class PolicyFacts:
    """Which policy decided; ``source`` is the file, or ``built-in``."""

    source: str
    digest: str
    epoch: str


@dataclass(frozen=True, slots=True)
class PlanResult:
    """A plan as plain values, or why there is none; ``headers`` are Cloudflare's, without the token."""

    SCHEMA: ClassVar[str] = "aig.plan/1"

    ok: bool
    refused: Refusal | None
    configured: bool
    route_class: str | None
    provider: str | None
    model: str | None
    url: str | None
    body_rewritten: bool
    intent: str | None
    key: str | None
    ttl: int | None
    deadline: float | None
    headers: dict[str, str]
    reasons: tuple[str, ...]
    fallbacks: tuple[str, ...]
    selection: SelectionRow | None
    policy: PolicyFacts


@click.command("plan", cls=OutcomeCommand, epilog=EXAMPLE, short_help="Say what would be decided, and why.")
@click.argument("file", metavar="FILE")
@click.option("--route-class", metavar="NAME", help="The kind of work.  [default: what policy and body say]")
@click.option("--policy", metavar="FILE", help="An aig.toml or a policy.json.  [default: ./aig.toml]")
@click.option("--provider", metavar="SLUG", help="The provider, as it stands in the gateway's URL.")
@click.option("--endpoint", metavar="PATH|KIND", help="/chat/completions, say; or chat, responses, ...")
@click.option("--targeting-key", metavar="ID", help="Who stays with one arm where traffic is split by weight.")
@click.option("--tenant", metavar="NAME", help="Who may see a cached answer again.")
@click.option("--shared", is_flag=True, help="Cached answers are shared between all callers.")
@click.option("--cache", type=int, metavar="SECONDS", help="Cache answers so long.  [default: as the class says]")
def command(**options: Any) -> Outcome[PlanResult]:  # noqa: ANN401  (click's keywords)
    """Say which route class, model and headers the request in FILE would get, and why. - is the standard input."""
    document = read_document(options["file"])
    if not isinstance(document.body, dict):
        raise InputError(f"{document.name} holds a list: a Universal request says itself who answers.")
    target = target_of(
        document, provider=options["provider"], endpoint=options["endpoint"], route_class=options["route_class"]
    )
    tenant = tenant_of(options["tenant"], shared=options["shared"]) or document.tenant
    cache: CacheIntent | None = None if options["cache"] is None else intent_of(options["cache"])
    client, configured = _client(options["policy"])
    with client:
        policy = client.rules.policy or builtin_policy()
        shown = PolicyFacts(source_of(options["policy"]), policy.digest, policy.epoch)
        try:
            plan = client.plan(
                f"{target.provider}{target.endpoint}",
                json=document.body,
                headers=needed_headers(target.kind, of_the_caller(document.headers)),
                cache=cache,
                tenant=tenant,
                route_class=options["route_class"],
                targeting_key=options["targeting_key"],
            )
        except (Refused, ConfigurationError) as error:
            url = f"{client.base_url}/{target.provider}{target.endpoint}"
            surface = surface_of(url, gateways=client.rules.gateways)
            found = None
            if isinstance(error, Refused) and error.where == "route_class" and surface is not None:
                found = refused_candidates(policy, surface, document.body, explicit=options["route_class"])
            return Outcome(_refused(error, found, shown, configured=configured), _render, SAID_NO)
    return Outcome(_result(plan, shown, configured=configured), _render, GOOD)


def _client(policy: str | None) -> tuple[GatewayClient, bool]:
    """A client, and whether its gateway was configured."""
    try:
        return GatewayClient(policy=policy), True
    except ConfigurationError as error:
        if error.field not in ("account_id", "gateway_id") or error.problem != "is not set":
            raise
        return GatewayClient(base_url=_ANY_GATEWAY, policy=policy), False


def _result(plan: Plan, policy: PolicyFacts, *, configured: bool) -> PlanResult:
    surface = plan.surface
    headers = {name.decode().lower(): value.decode("latin-1") for name, value in plan.headers}
    return PlanResult(
        ok=True,
        refused=None,
        configured=configured,
        route_class=plan.route_class,
        provider=surface.provider if surface is not None else None,
        model=plan.model,
        url=plan.url.partition("?")[0],
        body_rewritten=plan.body is not None,
        intent=plan.intent.mode,
        key=plan.key.value if plan.key is not None else None,
        ttl=plan.ttl,
        deadline=plan.deadline,
        headers={name: value for name, value in headers.items() if name.startswith("cf-aig-") and name not in _SECRET},
        reasons=plan.reasons,
        fallbacks=plan.fallbacks,
        selection=selection_row(plan.selection) if plan.selection is not None else None,
        policy=policy,
    )


def _refused(
    error: Refused | ConfigurationError, selection: Selection | None, policy: PolicyFacts, *, configured: bool
) -> PlanResult:
    return PlanResult(
        ok=False,
        refused=Refusal(str(error), error.where, error.remedy),
        configured=configured,
        route_class=selection.route_class if selection is not None else None,
        provider=None,
        model=None,
        url=None,
        body_rewritten=False,
        intent=None,
        key=None,
        ttl=None,
        deadline=None,
        headers={},
        reasons=(),
        fallbacks=(),
        selection=selection_row(selection) if selection is not None else None,
        policy=policy,
    )


def _model(result: PlanResult) -> str:
    if result.selection is not None and result.selection.chosen is not None:
        return result.selection.chosen
    return result.model or "none: the body names none, and no class chose one"


def _path(result: PlanResult) -> str:
    return (result.url or "").removeprefix(f"{_ANY_GATEWAY}/")


def _render(result: PlanResult) -> Iterable[Block]:
    if result.refused is not None:
        yield line(f"aig: {result.refused.sentence}", error=True)
        if result.selection is not None:
            yield from ranking_blocks(result.selection)
            yield from rejected_blocks(result.selection)
        return
    yield facts(
        [
            ("route class", result.route_class or "none: the request leaves as the caller made it"),
            ("model", _model(result)),
            ("sent to", result.url if result.configured else f"{_path(result)}, below a gateway: none is configured"),
            ("body", "rewritten" if result.body_rewritten else "as it is"),
            ("cache", f"{result.intent}{f', {result.ttl} s' if result.ttl else ''}"),
            ("key", result.key),
            ("deadline", f"{result.deadline:g} s" if result.deadline else None),
            ("fallbacks", ", ".join(result.fallbacks) or None),
            ("policy", f"{result.policy.source}{f', epoch {result.policy.epoch}' if result.policy.epoch else ''}"),
        ]
    )
    yield line()
    yield line("Why", "strong")
    for reason in result.reasons:
        yield Prose(reason, indent=2)
    if result.headers:
        yield line()
        yield line("Headers", "strong")
        yield Grid([(Cell(name, "faint"), value) for name, value in result.headers.items()])
    if result.selection is not None:
        yield from ranking_blocks(result.selection)
        yield from rejected_blocks(result.selection)
