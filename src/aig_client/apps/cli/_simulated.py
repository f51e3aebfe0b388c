"""Recorded requests, and what a policy would make of each: decided by the path itself, with nothing sent."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Final

from ...core import (
    SHARED,
    AigError,
    ConfigurationError,
    EndpointKind,
    Options,
    Plan,
    Policy,
    Refused,
    Request,
    Rules,
    base_url,
    price_of,
    work_of,
)
from ...core.facts._cost import blended_price
from ...core.facts._surfaces import named
from ...core.path import decide, read
from ...core.path._case import EXPECTED_OUTPUT
from ...core.path._edge_told import named_model
from ._documents import document_of, parse, read_bytes
from ._guard import InputError
from ._targets import needed_headers, of_the_caller, target_of

_ANY_GATEWAY: Final = base_url("0" * 32, "any")
_MOST_NAMED: Final = 5


@dataclass(frozen=True, slots=True)
class Asked:
    """One line of the file."""

    number: int
    kind: EndpointKind
    model: str | None
    request: Request = field(repr=False)
    tenant: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a policy makes of a request: a class and a model (``provider/model``), or why it would be refused."""

    route_class: str | None
    model: str | None
    estimated_nanodollars: int | None
    refused: str | None


def asked_in(path: str, *, provider: str | None, route_class: str | None, day: str) -> list[Asked]:
    """The requests of a file.

    Raises:
        InputError: naming every line (at most five) that is none, and why.
    """
    name = "standard input" if path == "-" else path
    good: list[Asked] = []
    bad: list[str] = []
    for number, raw in enumerate(read_bytes(path, name).split(b"\n"), 1):
        if not raw.strip():
            continue
        try:
            good.append(_asked(f"{name}:{number}", number, raw, (provider, route_class, day)))
        except (InputError, AigError) as error:
            bad.append(str(error) if str(error).startswith(name) else f"{name}:{number}: {error}")
    if bad:
        more = f" And {len(bad) - _MOST_NAMED} more lines." if len(bad) > _MOST_NAMED else ""
        raise InputError(f"{' '.join(bad[:_MOST_NAMED])}{more}")
    if not good:
        raise InputError(f"{name} holds no request: write one JSON object on each line.")
    return good


def _asked(name: str, number: int, raw: bytes, usual: tuple[str | None, str | None, str]) -> Asked:
    provider, route_class, day = usual
    document = document_of(name, parse(name, raw))
    if not isinstance(document.body, dict):
        raise InputError(f"{name} holds a list: a Universal request says itself who answers.")
    if document.url is not None:
        target = target_of(document)
        url = target.url
    else:
        named = document.provider or provider
        target = target_of(document, provider=named, endpoint=document.endpoint, route_class=route_class)
        url = f"{_ANY_GATEWAY}/{target.provider}{target.endpoint}"
    headers = {**needed_headers(target.kind, of_the_caller(document.headers)), "content-type": "application/json"}
    pairs = tuple((key.lower().encode(), value.encode("latin-1")) for key, value in headers.items())
    body = json.dumps(document.body, ensure_ascii=False).encode("utf-8", "surrogatepass")
    request = Request("POST", url, pairs, body, document.body, today=day)
    return Asked(number, target.kind, named_model(read(request, Rules())), request, document.tenant)


def outlook_of(asked: Asked, policy: Policy, route_class: str | None, day: str) -> Outlook:
    """What a policy makes of it; ``route_class`` is for requests that name none.

    A recorded tenant is kept. Without one cached answers count as shared: that changes neither class nor model.
    """
    rules = Rules(policy=policy, defaults=Options(route_class=route_class))
    try:
        plan = decide(read(asked.request, rules), rules, Options(tenant=asked.tenant or SHARED))
    except (Refused, ConfigurationError) as error:
        return Outlook(None, None, None, str(error))
    name = _name(plan, asked)
    return Outlook(plan.route_class, name, _estimate(plan, name, asked, policy, day), None)


def _name(plan: Plan, asked: Asked) -> str | None:
    if plan.selection is not None:
        return plan.selection.chosen.model.name
    assert plan.surface is not None  # every line's URL is a gateway's
    provider, model = named(plan.surface, plan.model or asked.model)
    return f"{provider}/{model}" if provider and model else model


def _estimate(plan: Plan, name: str | None, asked: Asked, policy: Policy, day: str) -> int | None:
    """By the rule that ranks candidates, for models that the caller named too; None where a price is unknown."""
    row = policy.catalog.get(*(name or "").partition("/")[::2])
    work = work_of(asked.kind, asked.request.tree)
    price = price_of(row, input_tokens=work.estimated_input_tokens, today=day) if row is not None else None
    if price is None:
        return None
    cap = policy.route_class(plan.route_class).limits.max_output_tokens if plan.route_class is not None else None
    output = 0 if asked.kind == "embeddings" else min(work.max_output_tokens or EXPECTED_OUTPUT, EXPECTED_OUTPUT)
    return blended_price(price, input_tokens=work.estimated_input_tokens, output_tokens=min(output, cap or output))
