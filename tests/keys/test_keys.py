"""``cache_key``, ``explain_key`` and ``diff_keys`` as a caller meets them."""

from __future__ import annotations

import itertools
import json
import random
import string
from enum import Enum, StrEnum
from typing import Any

import pytest

from aig_client.core import (
    SHARED,
    ConfigurationError,
    Encoder,
    KeyMaker,
    Leaves,
    Unkeyable,
    cache_key,
    diff_keys,
    explain_key,
)

from . import bodies
from .bodies import ENCODERS

ACCOUNT = "0123456789abcdef0123456789abcdef"
GATEWAY = f"https://gateway.ai.cloudflare.com/v1/{ACCOUNT}/prod"
CHAT = f"{GATEWAY}/openai/chat/completions"
MESSAGES = f"{GATEWAY}/anthropic/v1/messages"
SECRET = b"0123456789abcdef"
encoders = pytest.mark.parametrize("encode", ENCODERS.values(), ids=ENCODERS)


def chat(content: Any = "Hello", **more: Any) -> dict[str, Any]:
    return {"model": "gpt-4.1-mini", "messages": [{"role": "user", "content": content}], **more}


def key(url: str = CHAT, body: object = None, **more: Any) -> str:
    return cache_key(url, chat() if body is None else body, **{"tenant": "acme", **more}).value


# --- Form --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("secret", [None, SECRET])
def test_a_key_is_short_ascii_and_fit_for_a_header(secret: bytes | None) -> None:
    for tenant in ("acme", "東京", "x" * 10_000, SHARED):
        value = key(tenant=tenant, secret=secret)
        assert len(value) <= 64
        assert set(value) <= set(string.ascii_letters + string.digits + "-_.")


def test_a_key_shows_nothing_of_what_it_stands_for() -> None:
    words = ["the-tenant", "the-prompt", "the-namespace", "the-epoch", "the-model", "the-beta"]
    made = cache_key(
        MESSAGES,
        {"model": "the-model", "messages": [{"role": "user", "content": "the-prompt"}]},
        tenant="the-tenant",
        namespace="the-namespace",
        policy_epoch="the-epoch",
        headers={"anthropic-beta": "the-beta", "authorization": "Bearer the-token"},
        secret=b"the-secret-of-16-bytes-and-more",
    )
    shown = f"{made!r} {made} {made.value}"
    assert not [word for word in [*words, "the-token", "the-secret"] if word in shown]


def test_a_key_says_its_recipe_and_whether_it_is_sealed() -> None:
    assert key().startswith("aig1.")
    sealed = cache_key(CHAT, chat(), tenant="acme", secret=SECRET)
    assert sealed.value.startswith("aig1s.")
    assert sealed.sealed
    assert str(sealed) == sealed.value


def test_the_same_request_has_the_same_key_whoever_makes_it() -> None:
    makers = [KeyMaker(encode=encode, leaves=leaves) for encode in ENCODERS.values() for leaves in (None, Leaves(0))]
    body = chat("x" * 5000, tools=[{"function": {"parameters": {"maximum": 1e-7}}}])
    assert len({key(body=body, maker=maker) for maker in makers for _ in range(3)}) == 1


# --- Tenant ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tenant", ["", None, 0, 7, b"acme", ["acme"]])
def test_a_missing_tenant_is_an_error_and_never_a_default(tenant: Any) -> None:
    for call in (cache_key, explain_key):
        with pytest.raises(ConfigurationError) as caught:
            call(CHAT, chat(), tenant=tenant)
        assert caught.value.field == "tenant"
        assert "SHARED" in str(caught.value)


def test_the_tenant_is_a_keyword_that_must_be_given() -> None:
    with pytest.raises(TypeError, match="tenant"):
        cache_key(CHAT, chat())  # type: ignore[call-arg]


def test_no_tenant_can_call_itself_shared() -> None:
    shared = key(tenant=SHARED)
    for name in ("*", "=", "=*", "shared", "SHARED", "Shared.SHARED", repr(SHARED), str(SHARED), " ", "\x00"):
        assert key(tenant=name) != shared


# --- Every component counts --------------------------------------------------------------------------


def test_every_component_changes_the_key() -> None:
    base: dict[str, Any] = {"url": CHAT, "body": chat(), "tenant": "acme"}
    others: list[dict[str, Any]] = [
        {"url": f"{GATEWAY}/openrouter/chat/completions"},
        {"url": f"{GATEWAY}/openai/responses"},
        {"url": f"{GATEWAY}/compat/chat/completions"},
        {"url": f"https://api.cloudflare.com/client/v4/accounts/{ACCOUNT}/ai/v1/chat/completions"},
        {"url": f"{CHAT}?a=b"},
        {"body": chat() | {"model": "gpt-4.1"}},
        {"body": chat("Hello!")},
        {"tenant": "globex"},
        {"tenant": SHARED},
        {"credential": "request"},
        {"credential": "stored:team-b"},
        {"namespace": "staging"},
        {"policy_epoch": "2"},
        {"headers": {"OpenAI-Beta": "assistants=v2"}},
        {"secret": SECRET},
        {"secret": SECRET[::-1]},
    ]
    keys = [cache_key(**(base | other)).value for other in [{}, *others]]
    assert len(set(keys)) == len(keys)


def test_no_component_can_pass_for_its_neighbour() -> None:
    texts = ["", "a", "b", "ab", ",", "0:,", "1:a,", "a,0:", ":"]
    keys = [
        key(tenant=tenant, namespace=namespace, policy_epoch=epoch)
        for tenant, namespace, epoch in itertools.product(texts[1:], texts, texts)
    ]
    assert len(set(keys)) == len(keys)


def test_what_does_not_shape_the_answer_does_not_count() -> None:
    assert key(headers={"x-request-id": "1", "Authorization": "Bearer a", "cf-aig-metadata": "{}"}) == key()
    assert key(url="https://ai.example.com/openai/chat/completions", gateways=["https://ai.example.com"]) == key()
    assert key(headers={"ANTHROPIC-VERSION": " 1 "}) == key(headers={"anthropic-version": "1"}) != key()


class Model(str, Enum):  # noqa: UP042  (its f-string is its name, not its value)
    MINI = "gpt-4.1-mini"


class Name(StrEnum):
    ACME = "acme"


def test_an_enum_is_the_text_that_it_is() -> None:
    for _ in range(2):
        assert key(body=chat() | {"model": Model.MINI}, tenant=Name.ACME) == key()
        assert key(namespace=Model.MINI, policy_epoch=Model.MINI) == key(
            namespace="gpt-4.1-mini", policy_epoch="gpt-4.1-mini"
        )


# --- Secrets -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("secret", [b"", b"short", b"x" * 15])
def test_a_secret_that_is_too_short_is_an_error_that_does_not_show_it(secret: bytes) -> None:
    with pytest.raises(ConfigurationError) as caught:
        key(secret=secret)
    assert caught.value.field == "secret"
    assert "short" not in str(caught.value).replace("shorter", "")


def test_only_who_has_the_secret_can_guess_a_sealed_key() -> None:
    sealed = {key(secret=None), key(secret=SECRET), key(secret=SECRET + b"x")}
    assert len({value.rpartition(".")[2] for value in sealed}) == 3


# --- URLs --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url", ["https://api.openai.com/v1/chat/completions", "", "https://gateway.ai.cloudflare.com.evil.example/v1/a/b"]
)
def test_a_url_that_is_no_gateway_has_no_key(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        key(url)
    assert caught.value.field == "url"


# --- Bodies ------------------------------------------------------------------------------------------


@encoders
def test_ignored_fields_are_left_out_by_name_place_and_value(encode: Encoder) -> None:
    maker = KeyMaker(encode=encode)
    plain = key(maker=maker)
    assert key(body=chat(user="u1", prompt_cache_key="k"), maker=maker) == plain
    for keyed in (
        chat(user={"id": 1}),
        chat(user=["u1"]),
        chat(user=7),
        chat(store=True),
        chat(metadata={"a": "b"}),
        chat(brand_new=None),
        {"model": "gpt-4.1-mini", "messages": [{"role": "user", "content": "Hello", "user": "u1"}]},
    ):
        assert key(body=keyed, maker=maker) != plain
    claude = {"model": "m", "messages": []}
    assert key(MESSAGES, claude | {"metadata": {"user_id": "u1"}}, maker=maker) == key(MESSAGES, claude, maker=maker)
    assert key(MESSAGES, claude | {"metadata": {"team": "a"}}, maker=maker) != key(MESSAGES, claude, maker=maker)


def test_an_ignored_field_must_still_be_readable_only_when_it_is_keyed() -> None:
    assert key(body=chat(user="\ud800")) == key()  # it never leaves through the key
    with pytest.raises(Unkeyable):
        key(body=chat(user={"id": float("nan")}))


def test_a_custom_provider_or_a_dynamic_route_ignores_nothing() -> None:
    url = f"{GATEWAY}/custom-acme/chat/completions"
    assert key(url, chat(user="u1")) != key(url, chat())
    compat, route = f"{GATEWAY}/compat/chat/completions", {"model": "dynamic/support"}
    assert key(compat, chat(user="u1") | route) != key(compat, chat() | route)


def test_a_refusal_names_the_place_and_not_the_value() -> None:
    with pytest.raises(Unkeyable) as caught:
        key(body=chat(seed=12345678901234567890))
    assert caught.value.pointer == "/seed"
    assert str(caught.value).startswith("body/seed: ")
    assert "1234567" not in str(caught.value)


@pytest.mark.parametrize("body", [{}, [], "text", None, 1, True, b"{}", b"null", b'"text"', b"[1,2]"])
def test_any_json_has_a_key(body: object) -> None:
    assert cache_key(CHAT, body, tenant="acme").value.startswith("aig1.")


# --- explain_key and diff_keys -----------------------------------------------------------------------


def explain(body: object = None, **more: Any) -> Any:
    return explain_key(more.pop("url", CHAT), chat() if body is None else body, **{"tenant": "acme", **more})


def test_an_explanation_is_of_the_key_that_is_sent() -> None:
    with_tools = chat(user="u", tools=[{"function": {"parameters": {"b": 1, "a": 2}}}])
    given: list[Any] = [chat(), with_tools, b'{"model":"m"}', []]
    for body in given:
        for secret in (None, SECRET):
            assert explain(body, secret=secret).key == cache_key(CHAT, body, tenant="acme", secret=secret)


def test_an_explanation_shows_digests_reasons_and_no_content() -> None:
    found = explain(chat("the-prompt", user="the-user"), tenant="the-tenant", namespace="the-namespace")
    assert list(found.components) == [
        *("recipe", "namespace", "tenant", "policy_epoch", "surface", "provider", "model", "endpoint"),
        *("credential", "variant", "body"),
    ]
    assert set(found.fields) == {"/model", "/messages"}
    assert list(found.ignored) == ["user"]
    assert "abuse" in found.ignored["user"]
    digests = [*found.components.values(), *found.fields.values()]
    assert all(len(digest) == 16 and set(digest) <= set(string.hexdigits) for digest in digests)
    assert "the-" not in repr(found)
    with pytest.raises(TypeError):
        found.components["tenant"] = "x"


def test_the_digests_of_a_sealed_key_are_sealed() -> None:
    opened, sealed = explain(), explain(secret=SECRET)
    assert not set(opened.components.values()) & set(sealed.components.values())
    assert not set(opened.fields.values()) & set(sealed.fields.values())


def test_an_explanation_agrees_with_the_registry_about_a_value() -> None:
    found = explain(chat(user={"id": "u1"}))
    assert "/user" in found.fields
    assert not found.ignored


def test_equal_keys_do_not_differ() -> None:
    a = explain(chat(user="u1"))
    b = explain(json.dumps({name: chat()[name] for name in ("messages", "model")}).encode())
    assert a.key == b.key
    assert not diff_keys(a, b)


@pytest.mark.parametrize(
    ("other", "components", "pointers"),
    [
        ({"tenant": "globex"}, ("tenant",), ()),
        ({"namespace": "x", "policy_epoch": "2"}, ("namespace", "policy_epoch"), ()),
        ({"body": chat("Hi")}, (), ("/messages/0/content",)),
        ({"body": chat() | {"model": "m"}}, ("model",), ("/model",)),
        ({"body": chat(stop=["a"])}, (), ("/stop",)),
        ({"body": chat(user={"a/b": 1})}, (), ("/user",)),
        ({"body": {"model": "gpt-4.1-mini", "messages": []}}, (), ("/messages/0",)),
        ({"body": ["x"]}, ("model",), ("",)),
        ({"url": MESSAGES}, ("provider", "endpoint"), ()),
    ],
)
def test_a_difference_is_named_by_component_and_pointer(
    other: dict[str, Any], components: tuple[str, ...], pointers: tuple[str, ...]
) -> None:
    found = diff_keys(explain(), explain(**other))
    assert found
    assert (found.components, found.pointers) == (components, pointers)


def test_a_difference_in_the_order_of_a_schema_is_named() -> None:
    def tools(schema: object) -> Any:
        return explain(chat(tools=[{"function": {"parameters": {"type": "object", "properties": schema}}}]))

    found = diff_keys(tools({"a": {}, "b": {}}), tools({"b": {}, "a": {}}))
    assert found.pointers == ("/tools/0/function/parameters/properties",)
    assert not diff_keys(tools({"a": 1.0}), tools({"a": 1}))
    assert diff_keys(tools({"a": True}), tools({"a": 1}))


def test_two_requests_differ_exactly_when_their_keys_do() -> None:
    rng = random.Random(11)
    names = [*bodies.SCHEMA_NAMES, "tools", "user"]
    for _ in range(400):
        tree = bodies.container(rng, 4, names=names)
        a, b = explain(tree), explain(bodies.shuffled(rng, tree))
        assert bool(diff_keys(a, b)) == (a.key != b.key), tree


@pytest.mark.parametrize("part", ["tenant", "namespace", "policy_epoch"])
@pytest.mark.parametrize("model", ["gpt-4.1-mini", "模型"])
def test_a_part_that_utf8_cannot_carry_is_refused_and_never_left_out(part: str, model: str) -> None:
    url = "https://gateway.ai.cloudflare.com/v1/0123456789abcdef0123456789abcdef/prod/openai/chat/completions"
    options: dict[str, Any] = {"tenant": "acme", part: "a\ud800"}
    with pytest.raises(ConfigurationError, match="surrogate"):
        cache_key(url, {"model": model, "messages": []}, **options)
