"""The cases of ``tests/vectors/v1/edge.json``. Digests, signatures and keys are made anew here, by hashlib and hmac."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from functools import cache
from typing import Any, get_args

import pytest
import rfc8785

from aig_client.core import ConfigurationError, EndpointKind, Plan, Receipt
from aig_client.core._receipt import Head, Meter, NoAnswer
from aig_client.core.facts._edge import refusal
from aig_client.core.path._edge import Arrival, Edge, EdgeRefused, arrive, certificate_of, token_of
from aig_client.core.path._edge_asked import asked_at, planned_at
from aig_client.core.path._edge_document import EdgeDocument, edge_from_text, published, signature_of
from aig_client.core.path._edge_told import event_of, explained, named_model, tenant_digest, told
from aig_client.core.path._policy import digest_of
from aig_client.core.path._principal import Principal, by_access, by_certificate, by_token, stored_token
from aig_client.core.path._read import Call

from ..facts.vectors import cases, document

Case = dict[str, Any]
VECTORS = document("edge.json")
TODAY = "2026-11-21"


@cache
def edge() -> Edge:
    given, read = VECTORS["edge"], edge_from_text(json.dumps(VECTORS["document"]).encode())
    return Edge(
        account_id=given["account"],
        gateway_id=given["gateway"],
        principals=read.principals,
        policy=read.policy,
        token=given["token"],
        secret=bytes.fromhex(given["secret"]),
        namespace=read.namespace,
        epoch=read.epoch,
    )


def arrived(case: Case) -> Arrival:
    headers = [(name, value) for name, value in case.get("headers", ())]
    return arrive(edge(), path=case["path"], query=case.get("query", ""), headers=headers)


def who(case: Case) -> Principal:
    return next(one for one in edge().principals if one.name == case.get("principal", "acme"))


def content_of(case: Case) -> bytes:
    if "size" in case:
        return b" " * int(case["size"])
    if "hex" in case:
        return bytes.fromhex(case["hex"])
    if "raw" in case:
        return str(case["raw"]).encode()
    return json.dumps(case["body"]).encode() if "body" in case else b""


def decided(case: Case) -> tuple[Call, Plan]:
    more: Any = {"method": case.get("method", "POST"), "body": content_of(case), "today": TODAY}
    return planned_at(edge(), who(case), *asked_at(edge(), arrived(case), who(case), **more))


def name_of(found: Principal | None) -> str | None:
    return None if found is None else found.name


# --- What arrives, and from whom ---


@cases("edge.json", "arrivals")
def test_where_a_request_goes_and_what_goes_with_it(case: Case) -> None:
    if "refused" in case:
        with pytest.raises(EdgeRefused) as caught:
            arrived(case)
        assert [caught.value.status, caught.value.code] == case["refused"]
        return
    arrival = arrived(case)
    assert (arrival.url, arrival.surface.kind, arrival.route_class) == (case["url"], case["kind"], case["route_class"])
    assert [list(pair) for pair in arrival.kept] == case["kept"]
    assert arrival.read == case["read"]


@cases("edge.json", "tokens")
def test_a_caller_is_found_where_an_sdk_puts_it(case: Case) -> None:
    arrival = arrived({"path": "/openai/chat/completions", **case})
    token, certificate = token_of(arrival), certificate_of(arrival)
    assert (token, certificate) == (case["token"], case["certificate"])
    known = by_token(edge().principals, token) if token is not None else None
    assert name_of(known) == case["by_token"]
    vouched = by_certificate(edge().principals, certificate) if certificate is not None else None
    assert name_of(vouched) == case["by_certificate"]


def identified(case: Case) -> Principal | None:
    principals = edge().principals
    if "token" in case:
        return by_token(principals, case["token"])
    if "certificate" in case:
        return by_certificate(principals, case["certificate"])
    keys, access = case.get("keys", VECTORS["access"]["keys"]), VECTORS["document"]["access"]
    more: Any = {"team": access["team"], "audience": access["audience"], "now": case["now"]}
    return by_access(principals, case["access"], keys=keys, **more)


@cases("edge.json", "principals")
def test_nobody_is_anybody_else(case: Case) -> None:
    assert name_of(identified(case)) == case["expect"]


@cases("edge.json", "stored")
def test_a_token_is_stored_as_a_salted_digest(case: Case) -> None:
    token, salt = case["token"], case["salt"]
    by_hand = f"sha256:{salt}:{hashlib.sha256(salt.encode() + b':' + token.encode()).hexdigest()}"
    assert stored_token(token, salt) == case["expect"] == by_hand


# --- What is planned ---


def key_by_hand(key: Case) -> str:
    """Recipe ``aig-key/1`` for bodies without long strings, from docs/adr/0003-key-recipe.md."""
    lead = "".join(f"{len(part)}:{part}," for part in key["scope"]).encode()
    digest = hashlib.sha256(b"aig-key/1 body\0" + rfc8785.dumps(key["keyed"])).digest()
    sealed = hmac.new(bytes.fromhex(VECTORS["edge"]["secret"]), lead + digest, "sha256").digest()
    return "aig1s." + urlsafe_b64encode(sealed).rstrip(b"=").decode()


@cases("edge.json", "plans")
def test_what_is_sent_upstream_or_why_not(case: Case) -> None:
    if "refused" in case:
        with pytest.raises(EdgeRefused) as caught:
            decided(case)
        assert [caught.value.status, caught.value.code] == case["refused"]
        body: Any = caught.value.body()
        assert caught.value.message
        assert caught.value.message in body["error"].pop("message")
        assert body == case["told"]
        return
    plan, expected = decided(case)[1], case["expect"]
    names = [name.decode().lower() for name, _ in plan.headers]
    assert len(set(names)) == len(names)
    headers = {name.decode().lower(): value.decode() for name, value in plan.headers}
    assert list(json.loads(headers.pop("cf-aig-metadata")).items()) == list(expected["metadata"].items())
    assert headers == expected["headers"]
    assert (None if plan.body is None else json.loads(plan.body)) == expected["rewritten"]
    for name in ("url", "model", "route_class", "ttl"):
        assert getattr(plan, name) == expected[name], name
    assert list(plan.fallbacks) == expected["fallbacks"]
    check_key(plan, expected["key"])
    check_reasons(plan.reasons, expected["reasons"])


def check_key(plan: Plan, key: Case | None) -> None:
    if key is None:
        assert plan.key is None
        return
    assert plan.key is not None
    assert plan.key.value == key["value"] == key_by_hand(key)
    assert plan.key.sealed


def check_reasons(reasons: tuple[str, ...], expected: list[str]) -> None:
    """Each is said, in this order; what else is said is for people to reword."""
    rest = iter(reasons)
    for wanted in expected:
        assert any(wanted in reason for reason in rest), f"{wanted!r} is not among {reasons}"


def test_no_two_tenants_of_the_vectors_share_a_key() -> None:
    keys: dict[str, set[str]] = {}
    for case in VECTORS["plans"]:
        if "expect" in case and case["expect"]["key"]:
            key = case["expect"]["key"]
            keys.setdefault(key["value"], set()).add(key["scope"][2])
    assert len(keys) > 4
    assert all(len(tenants) == 1 for tenants in keys.values())


# --- The document ---


def text_of(case: Case) -> str:
    """The text of the vectors' document with the case's change in it."""
    if "text" in case:
        return str(case["text"])
    whole = {**VECTORS["document"], **case.get("change", {})}
    if "principal" in case:
        whole["principals"] = {"p": case["principal"]}
    if "policy" in case:
        whole["policy"] = {**whole["policy"], **case["policy"]}
        whole["policy"]["digest"] = digest_of(whole["policy"])
    return json.dumps({name: value for name, value in whole.items() if name not in case.get("without", ())})


@cases("edge.json", "documents")
def test_a_document_is_read_or_pointed_at(case: Case) -> None:
    text = text_of(case).encode()
    if "field" in case:
        with pytest.raises(ConfigurationError) as caught:
            edge_from_text(text)
        assert caught.value.field == case["field"]
        return
    read = edge_from_text(text)
    assert in_words(read) == case["expect"]
    assert read.digest == f"sha256:{hashlib.sha256(text).hexdigest()}"


def in_words(read: EdgeDocument) -> Case:
    return {
        "principals": [one.name for one in read.principals],
        "namespace": read.namespace,
        "epoch": read.epoch,
        "team": read.access_team,
        "audience": read.access_audience,
        "limits": dict(read.limits),
        "classes": sorted(read.policy.classes),
        "own_keys": [one.name for one in read.principals if one.own_keys],
    }


@cases("edge.json", "signatures")
def test_only_what_is_signed_is_taken(case: Case) -> None:
    pointer, text, key = case["pointer"], case["text"].encode(), case["key"].encode()
    if "field" in case:
        with pytest.raises(ConfigurationError) as caught:
            published(pointer, text, key)
        assert caught.value.field == case["field"]
        return
    digest = f"sha256:{hashlib.sha256(text).hexdigest()}"
    by_hand = hmac.new(key, f"aig-edge/1\n{pointer['version']}\n{digest}".encode(), hashlib.sha256).hexdigest()
    assert signature_of(pointer["version"], digest, key) == by_hand == pointer["signature"]
    assert published(pointer, text, key).digest == digest == pointer["digest"]


# --- What is told ---


def head_of(case: Case, status: int) -> Head:
    return Head(status, tuple((name.encode(), value.encode()) for name, value in case.get("answered", ())), 1.0, 1.25)


@cases("edge.json", "told")
def test_an_answer_tells_what_was_decided(case: Case) -> None:
    call, plan = decided(case)
    head = head_of(case, 200) if "answered" in case else None
    asked = case["asked"] if "asked" in case else named_model(call)
    pairs = told(plan, head, decision_id=case["decision"], asked=asked)
    assert [list(pair) for pair in pairs] == case["expect"]


@cases("edge.json", "explained")
def test_an_administrator_sees_the_plan_and_no_secret(case: Case) -> None:
    shown: Any = explained(decided(case)[1])
    assert {name: shown[name] for name in case["expect"]} == case["expect"]
    assert sorted(shown["headers"]) == case["headers_shown"]
    text = json.dumps(shown)
    assert [secret for secret in case["hidden"] if secret in text] == []


@cases("edge.json", "events")
def test_a_data_point_counts_and_names_no_tenant(case: Case) -> None:
    plan, principal, content = decided(case["request"])[1], who(case["request"]), content_of(case)
    head = no_answer = meter = None
    if case["status"] is None:
        no_answer = NoAnswer("connect", "refused", 1.0, 1.5)
    else:
        head = head_of(case, case["status"])
        meter = Meter(len(content), case["ended"], 1.5, content, content, True)
    receipt = Receipt(plan, head, meter, no_answer, case["ended"], case["attempts"])
    secret = None if case["secret"] is None else bytes.fromhex(case["secret"])
    event = event_of(receipt, principal, decision_id=case["decision"], secret=secret)
    blobs = [*case["blobs"], "; ".join(receipt.plan.reasons)]
    assert event == {"indexes": [case["index"]], "blobs": blobs, "doubles": case["doubles"]}
    assert case["blobs"][1] == digest_by_hand(principal.tenant, secret)


def digest_by_hand(tenant: str, secret: bytes | None) -> str:
    return hashlib.sha256((secret or b"") + tenant.encode()).hexdigest()[:12]


@cases("edge.json", "tenants")
def test_a_tenant_is_counted_under_a_digest(case: Case) -> None:
    secret = None if case["secret"] is None else bytes.fromhex(case["secret"])
    assert tenant_digest(case["tenant"], secret) == case["expect"] == digest_by_hand(case["tenant"], secret)


@cases("edge.json", "refusals")
def test_a_refusal_is_in_the_dialect_of_who_asks(case: Case) -> None:
    assert case["kind"] in get_args(EndpointKind)
    assert refusal(case["kind"], case["status"], case["code"], case["message"]) == case["expect"]
