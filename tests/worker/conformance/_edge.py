"""The edge and its ledger: who calls, what is stripped, planned, refused and told, and what may still be spent."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import Any, Final

from aig_client.core import Options, Plan, Receipt, Request, Rules, decide, read
from aig_client.core._receipt import Head, Meter, NoAnswer
from aig_client.core.facts._edge import refusal
from aig_client.core.path._admit import most_of, used_by
from aig_client.core.path._edge import Edge, EdgeRefused, arrive, certificate_of, token_of
from aig_client.core.path._edge_asked import asked_at, planned_at
from aig_client.core.path._edge_document import digest_of_text, edge_from_text, published, signature_of
from aig_client.core.path._edge_told import event_of, explained, named_model, tenant_digest, told
from aig_client.core.path._ledger import (
    Amounts,
    MemoryBook,
    expire,
    limits_from_plain,
    release,
    remaining,
    reserve,
    settle,
)
from aig_client.core.path._policy import digest_of, policy_from_document
from aig_client.core.path._principal import by_access, by_certificate, by_token, stored_token
from aig_client.core.path._read import Call, tree_of

from ._plain import Case, Runner

_TODAY: Final = "2026-11-21"
_GATEWAY: Final = "https://gateway.ai.cloudflare.com/v1/0123456789abcdef0123456789abcdef/prod"


def _body(case: Case) -> bytes:
    if "size" in case:
        return b" " * int(case["size"])
    if "hex" in case:
        return bytes.fromhex(case["hex"])
    if "raw" in case:
        return str(case["raw"]).encode()
    return json.dumps(case["body"]).encode() if "body" in case else b""


def _pairs(case: Case) -> list[tuple[str, str]]:
    return [(name, value) for name, value in case.get("headers", ())]


# --- The edge ---


def _edge(document: Case) -> Edge:
    given = document["edge"]
    text = edge_from_text(json.dumps(document["document"]).encode())
    return Edge(
        account_id=given["account"],
        gateway_id=given["gateway"],
        principals=text.principals,
        policy=text.policy,
        token=given["token"],
        secret=bytes.fromhex(given["secret"]),
        namespace=text.namespace,
        epoch=text.epoch,
    )


def _no(refused: EdgeRefused) -> object:
    return {"refused": [refused.status, refused.code, refused.message, refused.kind], "body": refused.body()}


def _arrival(case: Case, document: Case) -> object:
    try:
        return arrive(_edge(document), path=case["path"], query=case.get("query", ""), headers=_pairs(case))
    except EdgeRefused as refused:
        return _no(refused)


def _identity(case: Case, document: Case) -> object:
    """What a request shows of its caller, and who that is by each."""
    edge = _edge(document)
    arrival = arrive(edge, path="/openai/chat/completions", query="", headers=_pairs(case))
    token, certificate = token_of(arrival), certificate_of(arrival)
    return [
        [token, token and by_token(edge.principals, token)],
        [certificate, certificate and by_certificate(edge.principals, certificate)],
    ]


def _principal(case: Case, document: Case) -> object:
    principals, access = _edge(document).principals, document["access"]
    if "token" in case:
        return by_token(principals, case["token"])
    if "certificate" in case:
        return by_certificate(principals, case["certificate"])
    keys = case.get("keys", access["keys"])
    team, audience = document["document"]["access"]["team"], document["document"]["access"]["audience"]
    return by_access(principals, case["access"], keys=keys, team=team, audience=audience, now=case["now"])


def _stored(case: Case, _document: Case) -> object:
    return stored_token(case["token"], case["salt"])


def _decided(case: Case, document: Case) -> tuple[Call, Plan]:
    edge = _edge(document)
    arrival = arrive(edge, path=case["path"], query=case.get("query", ""), headers=_pairs(case))
    who = next(one for one in edge.principals if one.name == case.get("principal", "acme"))
    asked = asked_at(edge, arrival, who, method=case.get("method", "POST"), body=_body(case), today=_TODAY)
    return planned_at(edge, who, *asked)


def _plain_plan(plan: Plan) -> object:
    selection = None if plan.selection is None else plan.selection.as_dict()
    return {one.name: getattr(plan, one.name) for one in fields(plan) if one.name != "selection"} | {
        "chosen": selection
    }


def _plan(case: Case, document: Case) -> object:
    try:
        return _plain_plan(_decided(case, document)[1])
    except EdgeRefused as refused:
        return _no(refused)


def _document(case: Case, document: Case) -> object:
    read_ = edge_from_text(_text_of(case, document).encode())
    return {one.name: getattr(read_, one.name) for one in fields(read_) if one.name != "policy"} | {
        "policy": read_.policy.as_document()
    }


def _text_of(case: Case, document: Case) -> str:
    """The fixture's text with what a case changes in it: members of its own, and of a principal named ``p``."""
    if "text" in case:
        return str(case["text"])
    whole = {**document["document"], **case.get("change", {})}
    if "principal" in case:
        whole["principals"] = {"p": case["principal"]}
    if "policy" in case:
        whole["policy"] = {**whole["policy"], **case["policy"]}
        whole["policy"]["digest"] = digest_of(whole["policy"])
    return json.dumps({name: value for name, value in whole.items() if name not in case.get("without", ())})


def _signature(case: Case, _document: Case) -> object:
    text, key = case["text"].encode(), case["key"].encode()
    pointer = case["pointer"]
    version = pointer.get("version") if isinstance(pointer, dict) else None
    signed = signature_of(version, digest_of_text(text), key) if type(version) is int else None
    return [digest_of_text(text), signed, published(pointer, text, key).digest]


def _told(case: Case, document: Case) -> object:
    call, plan = _decided(case, document)
    head = None
    if "answered" in case:
        answered = tuple((name.encode(), value.encode("latin-1")) for name, value in case["answered"])
        head = Head(200, answered, 1.0, 1.25)
    asked = case["asked"] if "asked" in case else named_model(call)
    return told(plan, head, decision_id=case["decision"], asked=asked)


def _explained(case: Case, document: Case) -> object:
    return explained(_decided(case, document)[1])


def _receipt(case: Case, plan: Plan) -> Receipt:
    """The receipt of an answer that took half a second; where ``status`` is null, nobody answered."""
    attempts = case.get("attempts", 1)
    if case["status"] is None:
        return Receipt(plan, None, None, NoAnswer("connect", "refused", 1.0, 1.5), "unreachable", attempts)
    answered = tuple((name.encode(), value.encode()) for name, value in case.get("answered", ()))
    content = _body(case)
    meter = Meter(len(content), case["ended"], 1.5, content, content, case.get("whole", True))
    return Receipt(plan, Head(case["status"], answered, 1.0, 1.25), meter, None, case["ended"], attempts)


def _event(case: Case, document: Case) -> object:
    plan = _decided(case["request"], document)[1]
    edge = _edge(document)
    who = next(one for one in edge.principals if one.name == case["request"].get("principal", "acme"))
    secret = bytes.fromhex(case["secret"]) if case["secret"] is not None else None
    return event_of(_receipt(case, plan), who, decision_id=case["decision"], secret=secret)


def _tenant(case: Case, _document: Case) -> object:
    return tenant_digest(case["tenant"], bytes.fromhex(case["secret"]) if case["secret"] is not None else None)


def _refusal(case: Case, _document: Case) -> object:
    kind: Any = case["kind"]
    return refusal(kind, case["status"], case["code"], case["message"])


# --- The ledger ---


def _limits(case: Case, _document: Case) -> object:
    return limits_from_plain(case["plain"], case.get("where", ""))


def _sequence(case: Case, _document: Case) -> object:
    """What came of every step, and the book after it."""
    book, limits, told_ = MemoryBook(), limits_from_plain(case["limits"]), []
    for step in case["steps"]:
        amounts, route_class = Amounts(**step.get("amounts", {})), step.get("route_class")
        outcome: object
        if "reserve" in step:
            more: Any = {"route_class": route_class, "amounts": amounts, "now": step["now"], "seconds": step["seconds"]}
            outcome = reserve(book, limits, step["reserve"], **more)
        elif "settle" in step:
            outcome = settle(book, step["settle"], amounts)
        elif "release" in step:
            outcome = release(book, step["release"])
        elif "expire" in step:
            outcome = expire(book, step["expire"])
        else:
            outcome = remaining(book, limits, route_class, step["remaining"])
        counters = [[*at, *counter] for at, counter in sorted(book.counters.items())]
        told_.append([outcome, counters, book.holds, book.next_expiry()])
    return told_


def _call(case: Case, document: Case) -> tuple[Call, Plan]:
    given = document["policy"]
    rules = Rules(token="t", policy=policy_from_document({**given, "digest": digest_of(given)}))
    said = case.get("content_type", "application/json").encode()
    request = Request("POST", _GATEWAY + case["path"], ((b"content-type", said),), _body(case), today=_TODAY)
    call = read(request, rules)
    call = replace(call, request=replace(request, tree=tree_of(call, rules)))
    return call, decide(call, rules, Options(route_class=case.get("route_class")))


def _most(case: Case, document: Case) -> object:
    call, plan = _call(case, document)
    return most_of(call, plan, limits_from_plain(case["limits"]))


def _used(case: Case, document: Case) -> object:
    body = {"model": case["model"], "messages": [{"role": "user", "content": "Hello"}], "contents": []}
    plan = _call({"path": case["path"], "body": body}, document)[1]
    return used_by(_receipt(case, plan), Amounts(**case["held"]))


EDGE: Final[dict[tuple[str, str], Runner]] = {
    ("edge", "arrivals"): _arrival,
    ("edge", "tokens"): _identity,
    ("edge", "principals"): _principal,
    ("edge", "stored"): _stored,
    ("edge", "plans"): _plan,
    ("edge", "documents"): _document,
    ("edge", "signatures"): _signature,
    ("edge", "told"): _told,
    ("edge", "explained"): _explained,
    ("edge", "events"): _event,
    ("edge", "tenants"): _tenant,
    ("edge", "refusals"): _refusal,
    ("ledger", "limits"): _limits,
    ("ledger", "sequences"): _sequence,
    ("ledger", "most_of"): _most,
    ("ledger", "used_by"): _used,
}
