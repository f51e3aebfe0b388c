"""What the edge decides around the shared path: who calls, what is stripped, which class, what is refused."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from hypothesis import given
from hypothesis import strategies as st

from aig_client.core import (
    CREDENTIAL_HEADERS,
    CacheIntent,
    ConfigurationError,
    Head,
    Meter,
    Options,
    Plan,
    Receipt,
    Request,
    builtin_policy,
)
from aig_client.core.facts._edge import refusal, strip
from aig_client.core.facts._providers import any_model_in_path
from aig_client.core.path._binding import Bound, bind, unbound
from aig_client.core.path._decide import decide
from aig_client.core.path._edge import Arrival, Edge, EdgeRefused, arrive, certificate_of, restricted, token_of
from aig_client.core.path._edge_asked import asked_at, planned_at
from aig_client.core.path._edge_document import edge_from_text, published
from aig_client.core.path._edge_reach import check_reach
from aig_client.core.path._edge_told import event_of, explained, tenant_digest, told
from aig_client.core.path._principal import Principal, by_access, by_certificate, by_token, stored_token
from aig_client.core.path._read import read

from ..worker.edges import ACME, GLOBEX, KEYED, NARROW, POLICY_KEY, document, pointer

ACCOUNT = "0123456789abcdef0123456789abcdef"
CHEAP = "/c/cheap/openai/chat/completions"
HELLO: dict[str, Any] = {"messages": [{"role": "user", "content": "Hello"}]}
JSON = ("content-type", "application/json")
DOCUMENT = edge_from_text(document().encode())
EDGE = Edge(
    account_id=ACCOUNT,
    gateway_id="prod",
    principals=DOCUMENT.principals,
    policy=DOCUMENT.policy,
    token="cloudflare-token",
    secret=b"0123456789abcdef",
)
WHO = {one.name: one for one in DOCUMENT.principals}


def came(path: str = "/openai/chat/completions", headers: Any = (), query: str = "") -> Arrival:
    return arrive(EDGE, path=path, query=query, headers=[JSON, *headers])


def plan(
    body: Any = HELLO, who: str = "acme", path: str = "/openai/chat/completions", headers: Any = (), **more: Any
) -> Plan:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    said = more.pop("content_type", "application/json")
    typed = [("content-type", said)] if said is not None else []
    arrival = arrive(EDGE, path=path, query="", headers=[*typed, *headers])
    asked = asked_at(EDGE, arrival, WHO[who], method=more.pop("method", "POST"), body=content, today="2026-11-21")
    return planned_at(EDGE, WHO[who], *asked)[1]


def sent(decided: Plan) -> dict[str, str]:
    return {name.decode().lower(): value.decode() for name, value in decided.headers}


def refused(*arguments: Any, **options: Any) -> EdgeRefused:
    with pytest.raises(EdgeRefused) as caught:
        plan(*arguments, **options)
    return caught.value


# --- Where to ---


@pytest.mark.parametrize(
    ("path", "url", "kind"),
    [
        ("/openai/chat/completions", "openai/chat/completions", "chat"),
        ("/anthropic/v1/messages", "anthropic/v1/messages", "messages"),
        ("/compat/chat/completions", "compat/chat/completions", "chat"),
        (
            "/google-ai-studio/v1beta/models/gemini-3-flash:streamGenerateContent",
            "google-ai-studio/v1beta/models/gemini-3-flash:streamGenerateContent",
            "generate_content",
        ),
        ("/c/cheap/openai/chat/completions", "openai/chat/completions", "chat"),
        ("", "", "universal"),
        ("/", "", "universal"),
        ("/c/cheap", "", "universal"),
    ],
)
def test_every_path_of_a_service(path: str, url: str, kind: str) -> None:
    arrival = came(path)
    base = f"https://gateway.ai.cloudflare.com/v1/{ACCOUNT}/prod"
    assert arrival.url == (f"{base}/{url}" if url else base)
    assert arrival.surface.kind == kind
    assert arrival.route_class == ("cheap" if "/c/" in path else None)


@pytest.mark.parametrize(
    "path",
    [
        "/openai/../anthropic/v1/messages",
        "/openai/%2e%2e/x",
        "/openai//chat/completions",
        "/openai/chat%2fcompletions",
        "/openai/chat\\completions",
        "/openai/%00",
        "/OpenAI/chat/completions",
        "/openai/ch at",
        "/openai/caf\u00e9",
        "//evil.example/openai/chat/completions",
        "/c/cheap/../../x",
        "/c//openai/chat/completions",
    ],
)
def test_a_path_that_could_be_read_in_two_ways_is_no_path(path: str) -> None:
    with pytest.raises(EdgeRefused) as caught:
        came(path)
    assert (caught.value.status, caught.value.code) == (404, "not_found")


@given(st.text(max_size=60), st.text(max_size=20))
def test_no_path_leaves_the_gateway(path: str, query: str) -> None:
    try:
        arrival = came(f"/{path}", query=query)
    except EdgeRefused:
        return
    assert arrival.url.startswith(EDGE.base)
    assert arrival.surface.account == ACCOUNT
    assert arrival.surface.gateway == "prod"


# --- Strip first ---


def test_nothing_of_the_caller_s_own_goes_on() -> None:
    tempting = {
        "cf-aig-cache-key": "mine",
        "cf-aig-custom-cost": '{"total_cost":0}',
        "cf-aig-byok-alias": "theirs",
        "cf-aig-collect-log": "false",
        "CF-AIG-Authorization": f"Bearer {ACME}",
        "cf-cache-ttl": "9",
        "x-forwarded-for": "10.0.0.1",
        "cf-connecting-ip": "10.0.0.1",
        "forwarded": "for=10.0.0.1",
        "cookie": "session=1",
        "client-cert": ":MIIB:",
        "cf-bot-score": "30",
        "connection": "keep-alive, x-private",
        "x-private": "1",
        "transfer-encoding": "chunked",
        "host": "edge.example",
        "authorization": "Bearer sk-own",
        "x-api-key": "sk-own",
        "cf-access-jwt-assertion": "e30.e30.e30",
        "x-original-forwarded-for": "10.0.0.1",
        "x-envoy-external-address": "10.0.0.1",
        "x-original-url": "/x",
        "x-http-method-override": "DELETE",
        "origin": "https://a.example",
        "referer": "https://a.example",
        "ocp-apim-subscription-key": "sk-own",
        "sec-websocket-protocol": "cf-aig-authorization.tok",
        "openai-organization": "org-theirs",
        "openai-project": "proj-theirs",
    }
    decided = plan(HELLO | {"model": "gpt-5"}, headers=[*tempting.items(), ("user-agent", "svc/1")])
    headers = sent(decided)
    assert headers["user-agent"] == "svc/1"
    assert headers["cf-aig-authorization"] == "Bearer cloudflare-token"
    ours = {"cf-aig-authorization", "cf-aig-metadata", "cf-aig-skip-cache", "user-agent", "content-type"}
    assert set(headers) == ours
    assert "mine" not in str(headers)


@given(st.lists(st.tuples(st.sampled_from([*sorted(CREDENTIAL_HEADERS), "cf-aig-x", "x-aig-y"]), st.text(max_size=5))))
def test_no_credential_is_ever_kept(pairs: list[tuple[str, str]]) -> None:
    kept, read = strip(pairs)
    assert kept == []
    assert set(read) == {name for name, _ in pairs}


def test_a_provider_s_key_goes_on_only_where_the_principal_may_and_shows_a_token_beside_it() -> None:
    both = [("cf-aig-authorization", f"Bearer {KEYED}"), ("authorization", "Bearer sk-own")]
    body = HELLO | {"model": "gpt-5"}
    assert sent(plan(body, "keyed", headers=both))["authorization"] == "Bearer sk-own"
    assert "authorization" not in sent(plan(body, "acme", headers=both))
    assert "authorization" not in sent(plan(body, "keyed", headers=[("authorization", f"Bearer {KEYED}")]))


def test_a_key_in_the_query_stands_in_no_url() -> None:
    path = "/google-ai-studio/v1beta/models/gemini-3-flash:streamGenerateContent"
    assert came(path, query=f"key={ACME}&alt=sse").url.endswith(":streamGenerateContent?alt=sse")
    assert came(path, query=f"alt=sse&access_token={ACME}").url.endswith(":streamGenerateContent?alt=sse")
    assert came(path, query=f"key={ACME}").url.endswith(":streamGenerateContent")
    assert came(path, query=f"k%65y={ACME}&Access_Token={ACME}&alt=sse&api-key=1").url.endswith("Content?alt=sse")


@pytest.mark.parametrize(
    "key",
    [
        ("authorization", ""),
        ("authorization", "Bearer"),
        ("authorization", "Bearer  "),
        ("x-api-key", "sk-own"),
        ("xi-api-key", "sk-own"),
        ("authorization", "Bearer aig-stored-key"),
        ("x-amz-security-token", "sk-own"),
    ],
)
def test_what_is_no_key_of_this_provider_opens_nothing(key: tuple[str, str]) -> None:
    """The gateway might take its stored key then, for a request that only an own one opens."""
    headers = [("cf-aig-authorization", f"Bearer {KEYED}"), key]
    assert refused(b"", "keyed", path="/openai/files", method="GET", headers=headers).code == "forbidden_endpoint"


@pytest.mark.parametrize("value", ["", " "])
def test_an_empty_key_is_none(value: str) -> None:
    headers = [("cf-aig-authorization", f"Bearer {KEYED}"), ("authorization", value)]
    assert "authorization" not in sent(plan(HELLO | {"model": "gpt-5"}, "keyed", headers=headers))


@pytest.mark.parametrize("name", sorted(CREDENTIAL_HEADERS))
def test_the_service_token_itself_goes_to_nobody(name: str) -> None:
    """An SDK sends its one key wherever it can; as the key of a provider it would leave the house."""
    for value in (KEYED, f"Bearer {KEYED}", f"x {KEYED} y"):
        headers = sent(
            plan(HELLO | {"model": "gpt-5"}, "keyed", headers=[("cf-aig-authorization", KEYED), (name, value)])
        )
        assert KEYED not in str(headers)
        assert name not in headers


# --- What is not a question to a model ---


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/openai/files"),
        ("GET", "/openai/responses/resp_1"),
        ("DELETE", "/openai/responses/resp_1"),
        ("POST", "/openai/responses/resp_1/cancel"),
        ("POST", "/openai/files"),
        ("POST", "/openai/batches"),
        ("POST", "/openai/chat/completions/chatcmpl_1"),
        ("GET", "/openai/chat/completions"),
        ("POST", "/openai/threads/thread_1/messages"),
        ("POST", "/openai/vector_stores/vs_1/search"),
        ("POST", "/openai/videos"),
        ("GET", "/openai/models"),
        ("POST", "/anthropic/v1/messages/batches"),
        ("GET", "/anthropic/v1/messages/batches/b_1/results"),
        ("POST", "/google-ai-studio/v1beta/cachedContents"),
        ("POST", "/google-ai-studio/v1beta/models/gemini-3-flash:batchGenerateContent"),
        ("POST", "/replicate/v1/predictions/p_1/cancel"),
        ("GET", ""),
    ],
)
def test_what_an_account_keeps_is_reached_with_a_key_of_one_s_own_only(method: str, path: str) -> None:
    """With the gateway's key, every tenant's files, batches and stored answers are in the same account."""
    error = refused(who="acme", path=path, method=method)
    assert (error.status, error.code) == (403, "forbidden_endpoint")
    keys = [(name, "Bearer sk-own") for name in ("authorization", "x-api-key", "x-goog-api-key")]
    own = [("cf-aig-authorization", f"Bearer {KEYED}"), *keys]
    if path:
        assert sent(plan(who="keyed", path=path, method=method, headers=own))["authorization"] == "Bearer sk-own"


@pytest.mark.parametrize(
    "path",
    [
        "/openai/responses",
        "/openai/embeddings",
        "/openai/images/generations",
        "/openai/audio/transcriptions",
        "/openai/moderations",
        "/anthropic/v1/messages",
        "/anthropic/v1/messages/count_tokens",
        "/google-ai-studio/v1beta/models/gemini-3-flash:countTokens",
        "/google-vertex-ai/v1/projects/p/locations/l/publishers/anthropic/models/claude-sonnet-5:rawPredict",
        "/aws-bedrock/bedrock-runtime/us-east-1/model/anthropic.claude-v2/invoke",
        "/workers-ai/@cf/meta/llama-3.1-8b-instruct",
        "/cohere/v2/chat",
        "/cohere/v1/rerank",
        "/deepgram/v1/listen",
        "/elevenlabs/v1/text-to-speech/JBFqnCBsd6RMkjVDRZzb",
        "/perplexity-ai/chat/completions",
        "/mistral/v1/fim/completions",
        "/compat/chat/completions",
    ],
)
def test_every_question_to_a_model_is_served(path: str) -> None:
    decided = plan(HELLO | {"model": "m"}, path=path)
    assert sent(decided)["cf-aig-authorization"] == "Bearer cloudflare-token"


# --- Universal: each entry is a request of its own ---

BOUNDED: dict[str, Any] = HELLO | {"max_tokens": 64}
ENTRY: dict[str, Any] = {
    "provider": "openai",
    "endpoint": "chat/completions",
    "query": BOUNDED | {"model": "gpt-5-nano"},
}


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        (ENTRY | {"headers": {"authorization": "Bearer x"}}, "forbidden_header"),
        (ENTRY | {"headers": {"Cf-Aig-Cache-Key": "x"}}, "forbidden_header"),
        (ENTRY | {"headers": {" cf-aig-skip-cache": "false"}}, "forbidden_header"),
        (ENTRY | {"headers": ["authorization"]}, "bad_body"),
        (ENTRY | {"config": {"cacheKey": "theirs"}}, "forbidden_config"),
        (ENTRY | {"Config": {}}, "forbidden_config"),
        (ENTRY | {"provider": ["openai"]}, "forbidden_provider"),
        (ENTRY | {"provider": "nobody"}, "forbidden_provider"),
        (ENTRY | {"endpoint": "files"}, "forbidden_endpoint"),
        (ENTRY | {"endpoint": "files?x=/completions"}, "forbidden_endpoint"),
        (ENTRY | {"endpoint": "x/../chat/completions"}, "forbidden_endpoint"),
        (ENTRY | {"endpoint": "files/%2e%2e/chat/completions"}, "forbidden_endpoint"),
        (ENTRY | {"endpoint": "//evil.example/chat/completions"}, "forbidden_endpoint"),
        (ENTRY | {"endpoint": {"a": 1}}, "forbidden_endpoint"),
        ("openai", "bad_body"),
    ],
)
@pytest.mark.parametrize("place", [0, 1])
def test_an_entry_of_a_universal_request_reaches_no_further(entry: Any, code: str, place: int) -> None:
    entries = [ENTRY]
    entries.insert(place, entry)
    error = refused(entries, path="")
    assert error.code == code
    assert f"/{place}" in error.message


def test_nor_past_a_principal_s_models_and_providers() -> None:
    narrow = {"who": "narrow", "path": "/c/cheap"}
    assert plan([ENTRY], **narrow).body is None
    assert refused([ENTRY | {"provider": "anthropic"}], **narrow).code == "forbidden_provider"
    assert refused([ENTRY, ENTRY | {"query": BOUNDED | {"model": "gpt-5"}}], **narrow).code == "forbidden_model"
    assert refused([ENTRY | {"query": "gpt-5-nano"}], **narrow).code == "forbidden_model"


STRICT = edge_from_text(
    document(
        classes={
            "strict": {
                "strategy": "fixed",
                "targets": ["openai/gpt-5-nano"],
                "asked_model": "check",
                "tools": "deny",
                "limits": {"max_output_tokens": 64},
            }
        }
    ).encode()
)


def strictly(path: str, body: object, content_type: str = "application/json") -> str | None:
    """The code by which a request of the class ``strict`` is refused, or None."""
    edge = replace(EDGE, policy=STRICT.policy)
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    try:
        arrival = arrive(edge, path=f"/c/strict{path}", query="", headers=[("content-type", content_type)])
        asked = asked_at(edge, arrival, WHO["acme"], method="POST", body=content, today="2026-11-21")
        planned_at(edge, WHO["acme"], *asked)
    except EdgeRefused as error:
        return error.code
    return None


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("", [ENTRY], None),
        ("", [ENTRY, ENTRY | {"query": BOUNDED | {"model": "gpt-5-pro"}}], "forbidden_model"),
        ("", [ENTRY | {"query": HELLO | {"model": "gpt-5-nano"}}], "forbidden_output"),
        ("", [ENTRY | {"query": HELLO | {"model": "gpt-5-nano", "max_completion_tokens": 65}}], "forbidden_output"),
        ("", [ENTRY | {"query": BOUNDED | {"model": "gpt-5-nano", "max_completion_tokens": 9e9}}], "forbidden_output"),
        ("/openai/completions", {"model": "gpt-5-nano", "prompt": "x", "max_tokens": 64}, None),
        ("/openai/completions", {"model": "gpt-5-nano", "prompt": "x", "max_tokens": 65}, "forbidden_output"),
        ("/openai/completions", {"model": "gpt-5-pro", "prompt": "x"}, "forbidden_model"),
        ("/openai/images/generations", {"model": "gpt-image", "prompt": "x"}, "forbidden_model"),
        ("/workers-ai/run/@cf/meta/llama-3.1-8b-instruct", {"prompt": "x"}, "forbidden_model"),
    ],
)
def test_a_class_holds_where_it_cannot_rewrite(path: str, body: object, code: str | None) -> None:
    assert strictly(path, body) == code


@pytest.mark.parametrize(
    "path",
    [
        "/openai/completions",
        "/workers-ai/run/@cf/meta/llama-3.1-8b-instruct",
        "/aws-bedrock/bedrock-runtime/us-east-1/model/anthropic.claude-opus-4-1/converse",
        "/openai/images/generations",
        "/openai/audio/transcriptions",
    ],
)
def test_no_body_passes_unread_by_saying_that_it_is_text(path: str) -> None:
    assert strictly(path, {"model": "gpt-5-nano", "tools": [{}]}, "text/plain") == "unsupported_type"


def test_files_pass_where_files_are_taken() -> None:
    form = [("content-type", "multipart/form-data; boundary=x")]
    for path in ("/openai/audio/transcriptions", "/openai/images/edits", "/workers-ai/run/@cf/openai/whisper"):
        arrival = arrive(EDGE, path=path, query="", headers=form)
        asked = asked_at(EDGE, arrival, WHO["acme"], method="POST", body=b"--x--", today="2026-11-21")
        assert planned_at(EDGE, WHO["acme"], *asked)[1].body is None


@pytest.mark.parametrize(
    ("provider", "path", "model"),
    [
        ("azure-openai", "/resource/gpt-5-nano/chat/completions", "gpt-5-nano"),
        ("aws-bedrock", "/bedrock-runtime/us-east-1/model/anthropic.claude-v2:1/invoke", "anthropic.claude-v2:1"),
        ("google-ai-studio", "/v1beta/tunedModels/mine:generateContent", "mine"),
        ("google-vertex-ai", "/v1/projects/p/locations/l/endpoints/7:rawPredict", "7"),
        ("openai", "/chat/completions", None),
    ],
)
def test_a_path_that_names_the_model_counts_for_more_than_the_body(provider: str, path: str, model: str | None) -> None:
    assert any_model_in_path(provider, path) == model
    who = replace(WHO["acme"], models=(f"{provider}/allowed",))
    rules = replace(EDGE.rules_of(WHO["acme"]))
    arrival = came(f"/{provider}{path}")
    request = asked_at(EDGE, arrival, WHO["acme"], method="POST", body=b'{"model":"allowed"}', today="2026-11-21")[0]
    call = read(request, rules)
    decided = decide(call, rules, Options(cache=CacheIntent.off))
    if model is None:
        assert decided.surface is not None
        return
    with pytest.raises(EdgeRefused, match="none of yours"):
        check_reach(call, decided, rules, who)


def test_an_entry_may_say_what_its_body_is() -> None:
    assert plan([ENTRY | {"headers": {"Content-Type": "application/json"}}], path="").body is None


# --- Who ---


def test_a_token_is_found_where_each_sdk_puts_it() -> None:
    for name, value in (
        ("cf-aig-authorization", f"Bearer {ACME}"),
        ("authorization", f"bearer {ACME}"),
        ("x-api-key", ACME),
        ("x-goog-api-key", ACME),
    ):
        token = token_of(came(headers=[(name, value)]))
        assert token == ACME
        found = by_token(DOCUMENT.principals, token or "")
        assert found is not None
        assert found.name == "acme"
    assert token_of(came()) is None


@given(st.text())
def test_no_other_token_is_anybody_s(token: str) -> None:
    found = by_token(DOCUMENT.principals, token)
    assert (found is None) == (token not in {ACME, GLOBEX, NARROW, KEYED})


def test_a_stored_token_does_not_hold_it() -> None:
    stored = stored_token("secret-token", "0123456789abcdef")
    assert "secret" not in stored
    assert stored == f"sha256:0123456789abcdef:{hashlib.sha256(b'0123456789abcdef:secret-token').hexdigest()}"
    with pytest.raises(ConfigurationError, match="stored_token"):
        Principal(name="x", tenant="t", tokens=("secret-token",), classes=("*",))
    assert "secret" not in repr(Principal(name="x", tenant="t", tokens=(stored,), classes=("*",)))


def test_a_certificate_by_its_fingerprint() -> None:
    one = Principal(name="m", tenant="m", certificates=("ab12",), classes=("*",))
    assert by_certificate([one], "AB:12") is one
    assert by_certificate([one], "ab13") is None
    assert by_certificate([one], "") is None


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"cf-cert-verified": "true", "cf-cert-revoked": "false"}, "ab12"),
        ({"cf-cert-verified": "TRUE"}, "ab12"),
        ({"cf-cert-verified": "true", "cf-cert-revoked": "true"}, None),
        ({"cf-cert-verified": "false"}, None),
        ({}, None),
    ],
)
def test_a_certificate_counts_only_where_the_zone_has_verified_it(
    headers: dict[str, str], expected: str | None
) -> None:
    arrival = came(headers=[*headers.items(), ("cf-cert-fingerprint-sha256", "ab12")])
    assert certificate_of(arrival) == expected


class Team:
    """A Cloudflare Access team with one key."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        numbers = self._key.public_key().public_numbers()
        self.keys = {"keys": [{"kid": "k1", "kty": "RSA", "n": self._number(numbers.n), "e": self._number(numbers.e)}]}

    def _number(self, value: int) -> str:
        return self.text(value.to_bytes((value.bit_length() + 7) // 8))

    @staticmethod
    def text(content: bytes) -> str:
        return base64.urlsafe_b64encode(content).rstrip(b"=").decode()

    def assertion(self, claims: dict[str, Any], **header: Any) -> str:
        parts = [self.text(json.dumps(part).encode()) for part in ({"alg": "RS256", "kid": "k1", **header}, claims)]
        signed = ".".join(parts).encode()
        return f"{signed.decode()}.{self.text(self._key.sign(signed, padding.PKCS1v15(), hashes.SHA256()))}"


TEAM = Team()
CLAIMS = {
    "iss": "https://acme.cloudflareaccess.com",
    "aud": ["aud-1"],
    "exp": 2_000,
    "nbf": 1_000,
    "email": "ops@acme.example",
}


def identified(assertion: str, now: float = 1_500, keys: Any = None) -> str | None:
    people = [Principal(name="ops", tenant="acme", access=("ops@acme.example",), classes=("*",))]
    found = by_access(
        people,
        assertion,
        keys=TEAM.keys if keys is None else keys,
        team="acme.cloudflareaccess.com",
        audience="aud-1",
        now=now,
    )
    return found.name if found is not None else None


def test_cloudflare_access_vouches_for_whom_it_signs() -> None:
    assert identified(TEAM.assertion(CLAIMS)) == "ops"
    assert identified(TEAM.assertion({**CLAIMS, "aud": "aud-1"})) == "ops"
    assert identified(TEAM.assertion(CLAIMS), now=2_050) == "ops"  # within a minute of skew


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://other.cloudflareaccess.com"},
        {"aud": ["aud-2"]},
        {"exp": 1_400},
        {"nbf": 1_600},
        {"exp": None},
        {"email": "else@acme.example"},
        {"email": None},
        {"email": ["ops@acme.example"]},
        {"email": {"a": 1}, "common_name": ["ops@acme.example"]},
    ],
)
def test_nor_for_anything_else(claims: dict[str, Any]) -> None:
    assert identified(TEAM.assertion({**CLAIMS, **claims})) is None


def test_a_forged_assertion_is_nobody_s() -> None:
    good = TEAM.assertion(CLAIMS)
    head, claims, signature = good.split(".")
    other = Team.text(json.dumps({**CLAIMS, "email": "ops@acme.example", "admin": True}).encode())
    flipped = ("A" if signature[0] != "A" else "B") + signature[1:]
    assert identified(f"{head}.{other}.{signature}") is None
    assert identified(f"{head}.{claims}.{flipped}") is None
    assert identified(f"{head}.{claims}.") is None
    assert identified(Team().assertion(CLAIMS)) is None
    assert identified(TEAM.assertion(CLAIMS, alg="none")) is None
    assert identified(TEAM.assertion(CLAIMS, kid="k2")) is None
    assert identified(good, keys={"keys": "none"}) is None
    for junk in ("", "a.b", "....", "é.é.é", "e30.e30.e30", f"{head}.{claims}.!!!"):
        assert identified(junk) is None


# --- Which class, which model ---


def test_a_class_by_header_path_or_inference() -> None:
    assert plan(headers=[("x-aig-route-class", "cheap")]).route_class == "cheap"
    assert plan(path="/c/cheap/openai/chat/completions").route_class == "cheap"
    assert plan().route_class == "balanced"
    assert plan(HELLO | {"model": "aig/summary"}).route_class == "summary"


@pytest.mark.parametrize(
    ("options", "status", "code"),
    [
        ({"headers": [("x-aig-route-class", "cheep")]}, 400, "unknown_class"),
        ({"headers": [("x-aig-route-class", "Ch\x00ap")]}, 400, "unknown_class"),
        ({"path": "/c/nothing/openai/chat/completions"}, 400, "unknown_class"),
        (
            {"path": "/c/cheap/openai/chat/completions", "headers": [("x-aig-route-class", "cached")]},
            400,
            "two_classes",
        ),
        ({"who": "narrow", "headers": [("x-aig-route-class", "high_performance")]}, 403, "forbidden_class"),
        ({"who": "narrow", "body": HELLO | {"model": "aig/research"}}, 403, "forbidden_class"),
        ({"who": "narrow", "body": HELLO | {"model": "gpt-5-nano"}}, 403, "forbidden_class"),  # inferred: balanced
        (
            {"who": "narrow", "body": HELLO | {"model": "gpt-5"}, "headers": [("x-aig-route-class", "cheap")]},
            403,
            "forbidden_model",
        ),
        (
            {"who": "narrow", "path": CHEAP, "body": HELLO | {"model": "gpt-5-nano", "models": ["gpt-5"]}},
            403,
            "forbidden_model",
        ),
        (
            {"who": "narrow", "path": "/groq/chat/completions", "body": HELLO | {"model": "x"}}
            | {"headers": [("x-aig-route-class", "cheap")]},
            403,
            "forbidden_provider",
        ),
        ({"body": HELLO | {"model": "aig/nothing"}}, 400, "unknown_class"),
        ({"body": HELLO | {"model": "aig/../x"}}, 400, "unknown_class"),
        (
            {"body": HELLO | {"model": "aig/cached"}, "headers": [("x-aig-route-class", "cheap")]},
            400,
            "two_classes",
        ),
        ({"headers": [("x-aig-tenant", "a b")]}, 400, "bad_tenant"),
        ({"headers": [("x-aig-tenant", "")]}, 400, "bad_tenant"),
        ({"headers": [("x-aig-cache", "gateway-default")]}, 403, "forbidden_cache"),
        ({"headers": [("x-aig-cache", "for ever")]}, 400, "bad_hint"),
        ({"method": "PATCH"}, 405, "method_not_allowed"),
        ({"headers": [("content-encoding", "gzip")]}, 415, "unsupported_encoding"),
        ({"body": b"plain", "content_type": "text/plain"}, 415, "unsupported_type"),
        ({"content_type": "text/plain"}, 415, "unsupported_type"),
        ({"path": "/c/cheap/anthropic/v1/messages", "content_type": None}, 415, "unsupported_type"),
        ({"path": "", "body": [], "content_type": "application/octet-stream"}, 415, "unsupported_type"),
        ({"body": b'{"model":"aig/cheap","model":"aig/cached"}'}, 400, "bad_body"),
        ({"body": b"{"}, 400, "bad_body"),
        ({"body": b'{"a":"\xff"}'}, 400, "bad_body"),
        ({"body": b'{"messages":' + b"[" * 5000 + b"]" * 5000 + b"}"}, 400, "bad_body"),
        ({"body": b" " * (25 * 1024 * 1024 + 1)}, 413, "too_large"),
    ],
)
def test_what_is_refused_says_why(options: dict[str, Any], status: int, code: str) -> None:
    error = refused(**options)
    assert (error.status, error.code) == (status, code)
    assert error.message


def test_a_narrow_principal_gets_what_is_theirs() -> None:
    decided = plan(who="narrow", path="/c/cheap/openai/chat/completions")
    assert decided.model == "gpt-5-nano"
    kept = plan(HELLO | {"model": "gpt-5-nano"}, "narrow", headers=[("x-aig-route-class", "cheap")])
    assert kept.model == "gpt-5-nano"
    assert restricted(builtin_policy(), WHO["narrow"]).classes.keys() == {"summary"}


def test_identity_stands_first_in_the_metadata() -> None:
    metadata = json.loads(sent(plan(path="/c/cheap/openai/chat/completions"))["cf-aig-metadata"])
    assert list(metadata.items()) == [("principal", "acme"), ("route_class", "cheap")]
    labelled = edge_from_text(document(classes={"cheap": {"metadata": {"a": "1", "b": "2", "c": "3"}}}).encode())
    edge = replace(EDGE, policy=labelled.policy)
    arrival = arrive(edge, path="/c/cheap/openai/chat/completions", query="", headers=[JSON])
    asked = asked_at(edge, arrival, WHO["acme"], method="POST", body=json.dumps(HELLO).encode(), today="2026-11-21")
    metadata = json.loads(sent(planned_at(edge, WHO["acme"], *asked)[1])["cf-aig-metadata"])
    assert list(metadata) == ["principal", "route_class", "a", "b", "c"]


@pytest.mark.parametrize(
    ("headers", "provider"), [((), "openai"), (((b"cf-aig-provider", b"anthropic"),), "anthropic")]
)
def test_an_event_says_who_answered_and_why(headers: Any, provider: str) -> None:
    decided = plan(HELLO | {"model": "openai/gpt-5"}, path="/compat/chat/completions")
    receipt = Receipt(decided, Head(200, headers, 1.0, 1.5), Meter(0, "complete", 1.5), None, "complete", 1)
    blobs: Any = event_of(receipt, WHO["acme"], decision_id="d", secret=b"s")["blobs"]
    assert blobs[3] == provider
    assert blobs[9] == "; ".join(decided.reasons)
    assert blobs[9]


# --- Caching and tenants ---

CACHED = "/c/cached/openai/chat/completions"


def test_the_class_caches_and_the_caller_may_only_say_no() -> None:
    assert plan(path=CACHED).ttl == 600
    assert plan(path=CACHED, headers=[("x-aig-cache", "response; ttl=999999")]).ttl == 600
    assert plan(path=CACHED, headers=[("x-aig-cache", "off")]).key is None
    assert plan(path="/c/cheap/openai/chat/completions", headers=[("x-aig-cache", "response; ttl=600")]).key is None


def test_no_two_tenants_share_a_key() -> None:
    def key(who: str = "acme", *below: str) -> str:
        decided = plan(who=who, path=CACHED, headers=[("x-aig-tenant", one) for one in below])
        assert decided.key is not None
        assert decided.key.sealed
        return decided.key.value

    keys = [key(), key("globex"), key("acme", "globex"), key("globex", "acme"), key("acme", "a/b"), key("acme", "a")]
    assert len(set(keys)) == len(keys)
    assert key() == keys[0]
    forged = plan(path=CACHED, headers=[("cf-aig-cache-key", keys[1]), ("x-aig-route-class", "cached")])
    assert forged.key is not None
    assert forged.key.value == keys[0]


def test_an_epoch_puts_everything_before_it_out_of_reach() -> None:
    def key(epoch: str) -> str:
        read = edge_from_text(document(epoch=epoch).encode())
        edge = Edge(
            account_id=ACCOUNT, gateway_id="prod", principals=read.principals, policy=read.policy, epoch=read.epoch
        )
        arrival = arrive(edge, path=CACHED, query="", headers=[JSON])
        who = read.principals[0]
        asked = asked_at(edge, arrival, who, method="POST", body=json.dumps(HELLO).encode(), today="2026-11-21")
        found = planned_at(edge, who, *asked)[1].key
        assert found is not None
        return found.value

    assert key("1") == key("1") != key("2")


# --- What is told ---


def test_an_answer_says_what_was_decided_and_nothing_more() -> None:
    decided = plan(path=CACHED, headers=[("x-aig-tenant", "t1")])
    pairs = dict(told(decided, None, decision_id="d1", asked="gpt\r\nx"))
    assert pairs == {"x-aig-decision-id": "d1", "x-aig-route-class": "cached", "x-aig-model": "gpt-5-mini"}
    shown = json.dumps(explained(decided))
    assert decided.key is not None
    for secret in ("cloudflare-token", decided.key.value, "Hello", "t1"):
        assert secret not in shown
    assert len(tenant_digest("acme", b"s")) == 12
    assert tenant_digest("acme", b"s") != tenant_digest("acme", b"t")


@pytest.mark.parametrize(
    ("kind", "pointer_to_message"),
    [("chat", ("error", "message")), ("messages", ("error", "message")), ("generate_content", ("error", "message"))],
)
def test_a_refusal_is_in_the_caller_s_dialect(kind: Any, pointer_to_message: tuple[str, str]) -> None:
    body: Any = refusal(kind, 403, "forbidden_class", "It is no class of yours.")
    assert "no class of yours" in body[pointer_to_message[0]][pointer_to_message[1]]
    marks = {"chat": body.get("error", {}).get("code"), "messages": body.get("type")}
    marks["generate_content"] = body.get("error", {}).get("status")
    assert (
        marks[kind] == {"chat": "forbidden_class", "messages": "error", "generate_content": "PERMISSION_DENIED"}[kind]
    )


# --- The document ---


def test_a_document_is_taken_only_whole_and_signed() -> None:
    text = document()
    good = json.loads(pointer(7, text))
    key = POLICY_KEY.encode()
    assert published(good, text.encode(), key).digest == good["digest"]
    bad: list[tuple[Any, str, bytes]] = [
        (good, text + " ", key),
        (good, text, b"another-key"),
        ({**good, "version": 8}, text, key),
        ({**good, "signature": "0" * 64}, text, key),
        ({**good, "signature": "\u00e9" * 64}, text, key),
        ({**good, "digest": "\ud800" * 64}, text, key),
        ({**good, "version": "7"}, text, key),
        ({}, text, key),
        ([], text, key),
    ]
    for wrong, content, by in bad:
        with pytest.raises(ConfigurationError):
            published(wrong, content.encode(), by)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"edge": "aig-edge/2"}, "/edge"),
        ({"policy": {}}, "/policy"),
        ({"else": 1}, "/else"),
        ({"principals": []}, "/principals"),
        ({"principals": {"p": {"tenant": 1, "classes": ["*"], "access": ["a"]}}}, "/principals/p/tenant"),
        (
            {"principals": {"p": {"tenant": "t", "classes": ["*"], "access": ["a"], "own_keys": "yes"}}},
            "/principals/p/own_keys",
        ),
        (
            {"principals": {"p": {"tenant": "t", "classes": ["*"], "access": ["a"], "limits": [{"what": "euros"}]}}},
            "/principals/p/limits/0/what",
        ),
        (
            {
                "principals": {
                    "p": {
                        "tenant": "t",
                        "classes": ["*"],
                        "access": ["a"],
                        "limits": [{"what": "requests", "limit": 1, "window": 60, "route_class": "nope"}],
                    }
                }
            },
            "/principals/p/limits/0/route_class",
        ),
        ({"principals": {"p": {}}}, "/principals/p/tenant"),
        ({"principals": {"p": {"tenant": "t", "classes": ["*"]}}}, "/principals/p/tokens"),
        ({"principals": {"p": {"tenant": "t", "classes": ["nope"], "access": ["a"]}}}, "/principals/p/classes/0"),
        ({"principals": {"p": {"tenant": "t", "classes": ["*"], "tokens": ["plain"]}}}, "/principals/p/tokens"),
        ({"principals": {"a/b": {"anonymous": True}}}, "/principals/a~1b/anonymous"),
        ({"access": {"team": 1}}, "/access/team"),
        (
            {"classes": {"c": {"metadata": {"a": "1", "b": "2", "c": "3", "d": "4"}}}},
            "/policy/classes/c/metadata",
        ),
        ({"classes": {"c": {"metadata": {"principal": "me"}}}}, "/policy/classes/c/metadata/principal"),
    ],
)
def test_what_is_wrong_in_a_document_is_pointed_at(change: dict[str, Any], field: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        edge_from_text(document(**change).encode())
    assert caught.value.field.startswith(field)


# --- Through the AI binding ---


def asking(
    body: Any = HELLO,
    path: str = "/openai/chat/completions",
    *,
    who: str = "acme",
    method: str = "POST",
    **headers: str,
) -> tuple[Plan, Request]:
    """The plan of a request, and the request as it was read."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    path, _, query = path.partition("?")
    named = [(name.replace("_", "-"), value) for name, value in headers.items()]
    pairs = named if "content_type" in headers else [JSON, *named]
    arrival = arrive(EDGE, path=path, query=query, headers=pairs)
    asked = asked_at(EDGE, arrival, WHO[who], method=method, body=content, today="2026-11-21")
    call, decided = planned_at(EDGE, WHO[who], *asked)
    return decided, call.request


def bound(*arguments: Any, **options: Any) -> tuple[Bound, list[dict[str, Any]]]:
    decided, request = asking(*arguments, **options)
    assert unbound(decided, request) is None
    made = bind(decided, request)
    return made, json.loads(made.entries)


GEMINI = "/google-ai-studio/v1beta/models/gemini-3-flash:streamGenerateContent?alt=sse&key=AIza"
KEY: dict[str, str] = {"cf_aig_authorization": f"Bearer {KEYED}", "authorization": "Bearer sk-own"}
ENTERED: dict[str, Any] = {"provider": "openai", "endpoint": "chat/completions", "query": {**HELLO, "model": "gpt-5"}}


@pytest.mark.parametrize(
    ("path", "provider", "endpoint"),
    [
        ("/openai/chat/completions", "openai", "chat/completions"),
        ("/openai/chat/completions/", "openai", "chat/completions"),
        ("/anthropic/v1/messages", "anthropic", "v1/messages"),
        ("/workers-ai/@cf/meta/llama-3.1-8b-instruct", "workers-ai", "@cf/meta/llama-3.1-8b-instruct"),
        (GEMINI, "google-ai-studio", "v1beta/models/gemini-3-flash:streamGenerateContent?alt=sse"),
        ("/custom-mine/v1/chat/completions", "custom-mine", "v1/chat/completions"),
    ],
)
def test_a_request_becomes_an_entry(path: str, provider: str, endpoint: str) -> None:
    made, (entry,) = bound({**HELLO, "model": "gpt-5"}, path, accept="text/event-stream")
    assert made.gateway == "prod"
    assert (entry["provider"], entry["endpoint"]) == (provider, endpoint)
    assert entry["query"]["messages"] == HELLO["messages"]
    assert entry["headers"] == {"content-type": "application/json", "accept": "text/event-stream"}
    assert set(entry) == {"provider", "endpoint", "headers", "query"}


def test_the_gateway_s_headers_go_beside_the_entry_and_the_token_nowhere() -> None:
    made, (entry,) = bound(path="/c/cached/openai/chat/completions")
    decided, _ = asking(path="/c/cached/openai/chat/completions")
    headers = sent(decided)
    assert headers.pop("cf-aig-authorization") == "Bearer cloudflare-token"
    assert made.headers == {name: value for name, value in headers.items() if name.startswith("cf-aig-")}
    assert {"cf-aig-cache-key", "cf-aig-cache-ttl", "cf-aig-metadata"} <= set(made.headers)
    assert not any(name.startswith("cf-aig-") for name in entry["headers"])
    assert entry["query"]["model"] == "gpt-5-mini"  # the class's: the body is ours by then
    assert "cloudflare-token" not in f"{made.entries!r}{made.headers}"
    assert "gpt-5-mini" not in repr(made)


def test_a_key_of_one_s_own_goes_into_the_entry() -> None:
    made, (entry,) = bound(who="keyed", **KEY)
    assert entry["headers"]["authorization"] == "Bearer sk-own"
    assert "sk-own" not in f"{made.headers}"
    assert KEYED not in f"{made.entries!r}{made.headers}"


def test_universal_entries_stay_but_for_what_run_needs() -> None:
    claude = {"provider": "anthropic", "endpoint": "v1/messages", "headers": {"accept": "x"}, "query": HELLO}
    entries = [ENTERED, {**ENTERED, "headers": None}, claude]
    made, found = bound(entries, "/")
    assert found == [{**ENTERED, "headers": {}}, {**ENTERED, "headers": {}}, claude]
    assert "cf-aig-skip-cache" in made.headers


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"path": "/compat/chat/completions", "body": {**HELLO, "model": "openai/gpt-5"}}, "own endpoints"),
        ({"method": "GET", "body": b"", "path": "/openai/models", "who": "keyed", **KEY}, "GET"),
        ({"body": b"--x--", "path": "/openai/audio/transcriptions", "content_type": "multipart/form-data"}, "object"),
        ({"body": b"", "path": "/openai/embeddings"}, "object"),
        ({"body": ENTERED, "path": "/"}, "list"),
        ({"body": [ENTERED], "path": "/", "who": "keyed", **KEY}, "key"),
        ({"body": {**HELLO, "seed": 2**53}}, "number"),
        ({"body": {**HELLO, "seed": -(2**53)}}, "number"),
        ({"body": {**HELLO, "x": [[{"y": 2**63}]]}}, "number"),
        ({"body": b'{"model":"gpt-5","messages":[],"x":1e999}'}, "number"),
        ({"body": b'{"model":"gpt-5","messages":[],"x" : -1.5E+400}'}, "number"),
        ({"body": [{**ENTERED, "query": {"seed": 2**60}}], "path": "/"}, "number"),
        ({"body": {**HELLO, "seed": 2**60}, "path": "/c/cheap/openai/chat/completions"}, "number"),
    ],
)
def test_what_does_not_go_through_the_binding_says_why(asked: dict[str, Any], why: str) -> None:
    said = unbound(*asking(**asked))
    assert said is not None
    assert why in said


def test_another_stored_key_than_the_default_does_not_go_through_the_binding() -> None:
    decided, request = asking()
    alias = replace(decided, headers=(*decided.headers, (b"cf-aig-byok-alias", b"second")))
    assert "'default'" in (unbound(alias, request) or "")
    assert unbound(replace(alias, headers=(*decided.headers, (b"cf-aig-byok-alias", b"default"))), request) is None


def test_numbers_that_javascript_holds_go_through() -> None:
    held = [2**53 - 1, -(2**53) + 1, 0.1 + 0.2, 1e22, 1.7976931348623157e308, 5e-324, 1.0, -0.0]
    spoken = "at 9007199254740993, or:9007199254740993 1e999"
    _, (entry,) = bound({"messages": [{"role": "user", "content": spoken}], "x": held})
    assert entry["query"]["x"] == held
    # Nor does one keep it back that a class has taken out with the tools.
    taken = {
        "messages": [{"role": "user", "content": spoken}],
        "tools": [{"type": "function", "function": {"n": 2**60}}],
    }
    assert "tools" not in bound(taken, "/c/cheap/openai/chat/completions")[1][0]["query"]


TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def _is_held(tree: Any) -> bool:
    """What the text of a tree says of each of its numbers, one by one."""
    lossy: list[bool] = []

    def whole(text: str) -> int:
        lossy.append(abs(int(text)) >= 2**53)
        return 0

    def real(text: str) -> float:
        lossy.append(float(text) in (float("inf"), float("-inf")))
        return 0.0

    json.loads(tree, parse_int=whole, parse_float=real)
    return not any(lossy)


@given(
    extra=TREES,
    numbers=st.lists(st.from_regex(r"\A-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,4})?([eE][+-]?[0-9]{1,4})?\Z"), max_size=3),
    indent=st.sampled_from([None, 0, 1]),
    ascii_only=st.booleans(),
)
def test_whatever_the_body_is_it_is_one_entry_s_query(
    extra: Any, numbers: list[str], indent: int | None, ascii_only: bool
) -> None:
    finite = json.loads(json.dumps(extra).replace("-Infinity", "-1e999").replace("Infinity", "1e999"))
    plain = json.dumps({**HELLO, "model": "gpt-5", "x": finite}, indent=indent, ensure_ascii=ascii_only)
    text = plain.replace("-Infinity", "-1e999").replace("Infinity", "1e999")[:-1] + f',"n":[{",".join(numbers)}]}}'
    decided, request = asking(text.encode())
    assert (unbound(decided, request) is None) == _is_held(text)
    found = json.loads(bind(decided, request).entries)
    assert len(found) == 1
    assert found[0]["query"] == json.loads(text)


def test_a_document_says_how_the_gateway_is_reached() -> None:
    assert edge_from_text(document().encode()).dispatch == "fetch"
    assert edge_from_text(document(dispatch="binding").encode()).dispatch == "binding"
    for wrong in ("Binding", "", None, True, ["fetch"]):
        with pytest.raises(ConfigurationError) as caught:
            edge_from_text(document(dispatch=wrong).encode())
        assert caught.value.field == "/dispatch"
