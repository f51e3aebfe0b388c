"""What the world is like: surfaces, headers, answers, errors, usage and cost."""

from __future__ import annotations

from typing import Any, Final

from aig_client.core import (
    AigError,
    GatewayMetadata,
    ResponseMetadata,
    declare,
    error_from_binding,
    error_from_response,
    normalize_usage,
    surface_of,
    usage_dialect,
)
from aig_client.core.facts._cost import cost_of, custom_cost_of, estimate_cost
from aig_client.core.facts._headers import gateway_metadata_from_headers
from aig_client.core.facts._prices import Price
from aig_client.core.facts._usage import usage_of
from aig_client.core.facts._usage_record import Usage

from ._plain import Case, Runner


def _surface(case: Case, _document: Case) -> object:
    return surface_of(case["url"], gateways=case.get("gateways", ()))


def _declaration(case: Case, _document: Case) -> object:
    return declare([case["gateway"]])


def _metadata(values: Case) -> GatewayMetadata:
    listed = {name for name, value in values.items() if name.startswith("allowed_") and isinstance(value, list)}
    built: Any = {name: tuple(value) if name in listed else value for name, value in values.items()}
    return GatewayMetadata(**built)


def _headers(case: Case, document: Case) -> object:
    metadata = _metadata(case["fields"])
    written: dict[str, object] = {}
    for name, row in document["surfaces"].items():
        try:
            written[name] = metadata.headers(surface_of(row["url"], gateways=row.get("gateways", ())))
        except AigError as error:
            written[name] = error
    return written


def _refused_fields(case: Case, _document: Case) -> object:
    return _metadata(case["fields"])


def _headers_read(case: Case, _document: Case) -> object:
    return gateway_metadata_from_headers(case["given"])


def _response(case: Case, _document: Case) -> object:
    return ResponseMetadata.from_headers([(name, value) for name, value in case["headers"]])


def _answer(case: Case, _document: Case) -> object:
    rest_run = case.get("rest_run", False)
    return error_from_response(case["status"], case.get("headers", []), case["body"].encode(), rest_run=rest_run)


def _thrown(case: Case, _document: Case) -> object:
    return error_from_binding(case["thrown"]["name"], case["thrown"]["message"])


def _usage(case: Case, _document: Case) -> object:
    usage = normalize_usage(case["dialect"], case["payload"])
    return [usage, usage.as_dict()]


def _usage_of_bytes(case: Case, _document: Case) -> object:
    start, tail = case["start"].encode(), case["tail"].encode()
    return usage_of(start, tail, whole=case["whole"], dialect=case["dialect"], complete=case["complete"])


def _dialect(case: Case, _document: Case) -> object:
    return usage_dialect(case["provider"], case["kind"])


def _cost(case: Case, _document: Case) -> object:
    price = None if case["price"] is None else Price(**case["price"])
    if "payload" in case:
        usage: Usage | None = normalize_usage(case["dialect"], case["payload"])
    else:
        usage = None if case["usage"] is None else Usage(**case["usage"])
    return cost_of(usage, price, **case.get("options", {}))


def _estimate(case: Case, _document: Case) -> object:
    price = None if case["price"] is None else Price(**case["price"])
    asked: Any = {name: case.get(name) for name in ("input_tokens", "max_output_tokens", "prefix_ttl")}
    return estimate_cost(**asked, price=price)


def _custom_cost(case: Case, _document: Case) -> object:
    options = {"prefix_ttl": case["prefix_ttl"]} if "prefix_ttl" in case else {}
    surface = surface_of("https://gateway.ai.cloudflare.com/v1/0123456789abcdef0123456789abcdef/g/openai/responses")
    return GatewayMetadata(custom_cost=custom_cost_of(Price(**case["price"]), **options)).headers(surface)


FACTS: Final[dict[tuple[str, str], Runner]] = {
    ("urls", "cases"): _surface,
    ("urls", "declarations"): _declaration,
    ("headers", "written"): _headers,
    ("headers", "refused"): _refused_fields,
    ("headers", "read"): _headers_read,
    ("responses", "cases"): _response,
    ("errors", "answers"): _answer,
    ("errors", "thrown"): _thrown,
    ("usage", "objects"): _usage,
    ("usage", "answers"): _usage_of_bytes,
    ("usage", "dialects"): _dialect,
    ("cost", "costs"): _cost,
    ("cost", "estimates"): _estimate,
    ("cost", "custom_costs"): _custom_cost,
}
