"""What happens, in order: keys, decisions, policies and rewritten bodies."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any, Final

from aig_client.core import (
    SHARED,
    AigError,
    CacheIntent,
    Options,
    Request,
    Rules,
    cache_key,
    decide,
    decode_strictly,
    explain_key,
    read,
)
from aig_client.core.facts._catalog import Capabilities
from aig_client.core.facts._classes import Limits
from aig_client.core.facts._providers import path_with_model
from aig_client.core.path._policy import digest_of, policy_from_document
from aig_client.core.path._prefix import mark_prefix
from aig_client.core.path._rewrite import encode_body, with_model, within_limits
from aig_client.core.path._tools import deny_tools, strip_tools

from ._plain import Case, Runner

_TODAY: Final = "2026-11-01"
_CLASSES: Final = ("summary", "planning", "code_draft", "long_context", "tool_loop")


def _body(case: Case) -> object:
    return case["raw"].encode() if "raw" in case else case["body"]


def _key(case: Case, _document: Case) -> object:
    names = ("url", "credential", "namespace", "policy_epoch", "headers", "gateways")
    arguments: Any = {name: case[name] for name in names if name in case}
    tenant = SHARED if case["tenant"] is None else case["tenant"]
    secret = bytes.fromhex(case["secret"]) if "secret" in case else None
    key = cache_key(**arguments, body=_body(case), tenant=tenant, secret=secret)
    explained = explain_key(**arguments, body=_body(case), tenant=tenant, secret=secret)
    return [key, explained, [_decision(case, route_class) for route_class in (None, *_CLASSES)]]


def _unkeyable(case: Case, _document: Case) -> object:
    url = "https://gateway.ai.cloudflare.com/v1/0123456789abcdef0123456789abcdef/prod/openai/chat/completions"
    return cache_key(url, _body(case), tenant="acme")


def _decision(case: Case, route_class: str | None) -> object:
    """The plan that a client makes of a request with this body, cached and under a route class."""
    body = case["raw"].encode() if "raw" in case else json.dumps(case["body"], ensure_ascii=False).encode()
    given = [*case.get("headers", {}).items(), ("content-type", "application/json"), ("authorization", "Bearer k")]
    headers = tuple((name.encode(), value.encode()) for name, value in given)
    rules = Rules(
        token="t",
        gateway_id="prod",
        gateways=tuple(case.get("gateways", ())),
        namespace=case.get("namespace", ""),
        policy_epoch=case.get("policy_epoch", ""),
        secret=bytes.fromhex(case["secret"]) if "secret" in case else None,
    )
    tenant = SHARED if case["tenant"] is None else case["tenant"]
    options = Options(cache=CacheIntent.response(300), tenant=tenant, route_class=route_class)
    try:
        plan = decide(read(Request("POST", case["url"], headers, body, today=_TODAY), rules), rules, options)
    except AigError as error:
        return error
    selection = None if plan.selection is None else plan.selection.as_dict()
    told = {one.name: getattr(plan, one.name) for one in fields(plan) if one.name not in ("selection", "surface")}
    return {**told, "surface": plan.surface, "selection": selection}


def _policy(case: Case, _document: Case) -> object:
    given = case["document"]
    if "digest" in case:
        policy = policy_from_document({**given, "digest": case["digest"]})
    else:
        policy = policy_from_document({**given, "digest": digest_of(given)})
    return policy.as_document()


def _stamped_policy(case: Case, _document: Case) -> object:
    return policy_from_document(case["document"]).as_document()


def _stripped(case: Case, _document: Case) -> object:
    return strip_tools(case["kind"], case["tree"], provider=case["provider"])


def _denied(case: Case, _document: Case) -> object:
    deny_tools(case["kind"], case["tree"])
    return None


def _limited(case: Case, _document: Case) -> object:
    known: Any = {"reasoning": case.get("reasoning"), "max_output_tokens": case.get("most")}
    model = Capabilities(provider=case["provider"], model="m", **known)
    return within_limits(case["kind"], case["provider"], case["tree"], Limits(**case["limits"]), capabilities=model)


def _with_model(case: Case, _document: Case) -> object:
    more: Any = {"endpoint": case["endpoint"], "provider": case["provider"]}
    return with_model(case["kind"], case["tree"], case["model"], **more)


def _path(case: Case, _document: Case) -> object:
    return path_with_model(case["endpoint"], case["model"])


def _encoded(case: Case, _document: Case) -> object:
    return encode_body(decode_strictly(case["from"].encode()))


def _marked(case: Case, _document: Case) -> object:
    model = Capabilities(
        provider=case["provider"],
        model="m",
        prompt_cache=case.get("cache"),
        prompt_cache_min_tokens=case.get("min"),
        prompt_cache_ttls=tuple(case.get("ttls", ())),
    )
    asked: Any = {"prefix_ttl": case.get("ttl", 300), "key": case.get("key"), "estimated_tokens": case.get("tokens")}
    return mark_prefix(case["kind"], case["tree"], model, **asked)


PATH: Final[dict[tuple[str, str], Runner]] = {
    ("keys", "cases"): _key,
    ("keys", "refused"): _unkeyable,
    ("policy", "read"): _policy,
    ("policy", "refused"): _policy,
    ("policy", "stamped"): _stamped_policy,
    ("rewrite", "strip"): _stripped,
    ("rewrite", "deny"): _denied,
    ("rewrite", "limits"): _limited,
    ("rewrite", "prefix"): _marked,
    ("rewrite", "model"): _with_model,
    ("rewrite", "path"): _path,
    ("rewrite", "encode"): _encoded,
}
