"""Recipe ``aig-key/1`` against vectors that an implementation independent of this package wrote."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from aig_client.core import SHARED, Encoder, KeyMaker, Unkeyable, cache_key, decode_strictly, explain_key

from ..facts.vectors import cases, document
from .bodies import ENCODERS

ROOT = Path(__file__).parent.parent.parent
encoders = pytest.mark.parametrize("encode", ENCODERS.values(), ids=ENCODERS)


def arguments(case: dict[str, Any]) -> dict[str, Any]:
    names = ("url", "credential", "namespace", "policy_epoch", "headers", "gateways")
    return {name: case[name] for name in names if name in case} | {
        "body": case["raw"].encode() if "raw" in case else case["body"],
        "tenant": SHARED if case["tenant"] is None else case["tenant"],
        "secret": bytes.fromhex(case["secret"]) if "secret" in case else None,
    }


@encoders
@cases("keys.json")
def test_a_request_has_the_key_that_the_recipe_says(case: dict[str, Any], encode: Encoder) -> None:
    maker = KeyMaker(encode=encode)
    for _cold_then_warm in range(3):
        key = cache_key(**arguments(case), maker=maker)
        assert (key.value, key.sealed) == (case["key"], "secret" in case)


@cases("keys.json")
def test_the_parts_of_a_key_are_those_of_the_recipe(case: dict[str, Any]) -> None:
    told: list[Any] = []

    class Told(KeyMaker):
        def key(self, scope: Any, body: object, *, secret: bytes | None = None) -> Any:
            parts = [part for _, part in scope.parts()]
            told.append((parts, scope.kind, self.body_digest(body, scope.kind).hex()))
            return super().key(scope, body, secret=secret)

    explain_key(**arguments(case), maker=Told())
    assert told == [(case["scope"], case["kind"], case["body_digest"])]


@encoders
@cases("keys.json", "refused")
def test_a_body_without_one_form_has_no_key(case: dict[str, Any], encode: Encoder) -> None:
    url = "https://gateway.ai.cloudflare.com/v1/0123456789abcdef0123456789abcdef/prod/openai/chat/completions"
    body = case["raw"].encode() if "raw" in case else case["body"]
    maker = KeyMaker(encode=encode)
    for call in (cache_key, explain_key):
        with pytest.raises(Unkeyable) as caught:
            call(url, body, tenant="acme", maker=maker)
        assert caught.value.pointer == case["pointer"]


def test_the_vectors_tell_everything_apart_that_they_should() -> None:
    keys = {case["name"]: case["key"] for case in document("keys.json")["cases"]}
    same = [
        {"a short chat", "member order does not count", "an ignored field", "an ignored field that is null"}
        | {"a custom domain is the same surface"},
        {"tools", "tools, members outside the schema in another order"},
        {"gemini as a stream", "gemini, a key in the url"},
    ]
    for names in same:
        assert len({keys.pop(name) for name in names}) == 1
    assert len(set(keys.values())) == len(keys)


def test_every_surface_family_has_a_vector() -> None:
    families = {case["scope"][4] for case in document("keys.json")["cases"]}
    assert families == {"native", "compat", "universal", "rest"}


def test_the_reference_still_says_what_the_vectors_say() -> None:
    subprocess.run([sys.executable, ROOT / "tools" / "reference_keys.py", "--check"], check=True, timeout=60)


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no Node here")
def test_javascript_written_from_the_decision_record_agrees() -> None:
    script, vectors = Path(__file__).with_name("keys.mjs"), ROOT / "tests" / "vectors" / "v1" / "keys.json"
    ran = subprocess.run(["node", script, vectors], check=True, timeout=60, stdout=subprocess.PIPE)  # noqa: S607
    expected = {case["name"]: [case["body_digest"], case["key"]] for case in document("keys.json")["cases"]}
    assert json.loads(ran.stdout) == expected


def test_bytes_and_their_tree_have_one_key() -> None:
    url = "https://gateway.ai.cloudflare.com/v1/0123456789abcdef0123456789abcdef/prod/openai/chat/completions"
    raw = b'{ "model":"m", "messages":[ {"role":"user","content":"\\u00e9"} ], "temperature":1.0 }'
    expected = cache_key(url, decode_strictly(raw), tenant="acme")
    for form in (raw, bytearray(raw), memoryview(raw)):
        assert cache_key(url, form, tenant="acme") == expected
