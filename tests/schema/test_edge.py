"""`compile_edge`: the tables of the edge, and the document that a Worker reads."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aig_client import ConfigurationError
from aig_client.core.path._edge_document import EdgeDocument, edge_from_text
from aig_client.core.path._principal import by_token, stored_token
from aig_client.schema import compile_policy, load_policy, load_settings
from aig_client.schema._edge import compile_edge, edge_text

TOKEN = "aig_acme_0123456789abcdef"
STORED = stored_token(TOKEN, "0123456789abcdef")
OTHER = stored_token("aig_other_0123456789abcdef", "0123456789abcdef")
POLICY = """
[policy]
providers = ["openai", "anthropic"]

[classes.mine]
strategy = "fixed"
targets = ["openai/gpt-5-mini"]
"""
EDGE = f"""
[edge]
namespace = "eu"
epoch = "7"
access = {{team = "acme.cloudflareaccess.com", audience = "f00"}}

[principals.zed]
tenant = "z"
access = ["zed@example.com"]
classes = ["mine"]

[principals.acme]
tenant = "acme"
tokens = ["{STORED}"]
certificates = ["{":".join(["AB"] * 32)}"]
classes = ["*"]
providers = ["openai"]
models = ["openai/gpt-5-mini"]
own_keys = true
limits = [
  {{what = "requests", limit = 100, window = 60}},
  {{what = "nanodollars", limit = 5_000_000_000, window = 86400, route_class = "mine"}},
]
"""


def tables(text: str) -> dict[str, object]:
    return tomllib.loads(text)


def read(text: str) -> EdgeDocument:
    return edge_from_text(edge_text(compile_edge(tables(text))).encode())


def with_one(**changes: Any) -> dict[str, object]:
    """Tables with one principal."""
    one = {"tenant": "acme", "tokens": [STORED], "classes": ["*"], **changes}
    found = {name: value for name, value in one.items() if value is not None}
    return {**tables(POLICY), "principals": {"acme": found}}


def test_the_worker_reads_what_the_file_says() -> None:
    found = read(POLICY + EDGE)
    assert (found.namespace, found.epoch) == ("eu", "7")
    assert (found.access_team, found.access_audience) == ("acme.cloudflareaccess.com", "f00")
    acme, zed = found.principals
    assert (acme.name, acme.tenant, acme.tokens, acme.classes) == ("acme", "acme", (STORED,), ("*",))
    assert (acme.providers, acme.models, acme.own_keys) == (("openai",), ("openai/gpt-5-mini",), True)
    assert acme.certificates == ("ab" * 32,)
    assert (zed.access, zed.classes, zed.own_keys) == (("zed@example.com",), ("mine",), False)
    assert by_token(found.principals, TOKEN) is acme
    assert found.limits == {
        "acme": [
            {"what": "requests", "limit": 100, "window": 60},
            {"what": "nanodollars", "limit": 5_000_000_000, "window": 86400, "route_class": "mine"},
        ],
        "zed": [],
    }
    assert found.policy.as_document() == compile_policy(tables(POLICY))


def test_the_same_tables_give_the_same_bytes_in_any_order() -> None:
    whole = tables(POLICY + EDGE)
    turned = {name: whole[name] for name in reversed(whole)}
    principals = whole["principals"]
    assert isinstance(principals, dict)
    turned["principals"] = {name: principals[name] for name in reversed(principals)}
    assert edge_text(compile_edge(whole)) == edge_text(compile_edge(turned))
    assert edge_text(compile_edge(whole)).isascii()


def test_what_is_left_out_is_not_in_it() -> None:
    document = compile_edge(with_one())
    assert set(document) == {"edge", "principals", "policy"}
    assert document["principals"] == {"acme": {"tenant": "acme", "tokens": [STORED], "classes": ["*"]}}


def test_overrides_of_an_environment_are_in_it_when_given() -> None:
    environ = {"AIG_MODEL__MINE__OPENAI": "gpt-5-nano"}
    plain, overridden = compile_edge(with_one()), compile_edge(with_one(), environ=environ)
    assert plain != overridden
    assert overridden["policy"] == compile_policy(tables(POLICY), environ=environ)


def test_clients_leave_the_tables_alone(tmp_path: Path) -> None:
    file = tmp_path / "aig.toml"
    gateway = '[gateway]\naccount_id = "0123456789abcdef0123456789abcdef"\ngateway_id = "prod"\n'
    file.write_text(gateway + POLICY + EDGE)
    assert load_settings({}, path=str(file), environ={}).gateway_id == "prod"
    with_edge = load_policy(str(file), environ={})
    file.write_text(gateway + POLICY)
    assert load_policy(str(file), environ={}) == with_edge
    file.write_text(EDGE)
    assert load_policy(str(file), environ={}) == load_policy(str(tmp_path / "aig.toml"), environ={})


@pytest.mark.parametrize("token", [TOKEN, "sha256:0123456789abcdef:short", f"{STORED} ", STORED.upper(), ""])
def test_a_plain_token_is_refused_and_not_repeated(token: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        compile_edge(with_one(tokens=[STORED, token]), source="x.toml")
    error = caught.value
    assert (error.field, error.source) == ("tokens[1]", "x.toml [principals.acme]")
    assert error.remedy == "Make one with: aig policy token"
    assert not token or token not in str(error)


@pytest.mark.parametrize(
    ("changes", "field", "problem"),
    [
        ({"tenant": None}, "tenant", "is missing"),
        ({"tenant": ""}, "tenant", "is empty"),
        ({"classes": None}, "classes", "is missing"),
        ({"classes": []}, "classes", "is empty"),
        ({"classes": ["*", "mine"]}, "classes", "has '*' beside others"),
        ({"classes": ["nope"]}, "classes[0]", "'nope' is no class of the policy"),
        ({"tokens": None}, "tokens", "are missing"),
        ({"token": "x"}, "token", "is no field that we know"),
        ({"tokens": "x"}, "tokens", "must be a list"),
        ({"own_keys": "yes"}, "own_keys", "must be true or false"),
        ({"access": ["a@example.com"]}, "access", "does nothing without a team"),
        ({"certificates": ["abc"]}, "certificates[0]", "is no SHA-256 fingerprint"),
        ({"providers": ["opnai"]}, "providers[0]", "'opnai' is no provider"),
        ({"providers": ["groq"]}, "providers", "of acme are none of the policy's"),
        ({"models": ["gpt-5"]}, "models[0]", "'gpt-5' is not provider/model"),
        ({"models": ["openai/nobody-knows"]}, "models", "of acme are none that the policy knows"),
        ({"limits": [{"what": "euros", "limit": 1, "window": 1}]}, "limits[0].what", "must be 'requests', "),
        ({"limits": [{"what": "tokens", "limit": -1, "window": 1}]}, "limits[0].limit", "must be an integer, zero"),
        ({"limits": [{"what": "tokens", "limit": 1, "window": 10**9}]}, "limits[0].window", "must be seconds, from"),
        ({"limits": [{"what": "tokens", "limit": 1, "window": 9}] * 2}, "limits[1]", "limits again"),
        ({"limits": [{"what": "tokens", "limit": 1}]}, "limits[0].window", "is missing"),
        (
            {"classes": ["summary"], "limits": [{"what": "tokens", "limit": 1, "window": 1, "route_class": "mine"}]},
            "limits[0].route_class",
            "'mine' is no class of theirs",
        ),
    ],
)
def test_a_principal_that_cannot_work(changes: dict[str, Any], field: str, problem: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        compile_edge(with_one(**changes))
    assert caught.value.source == "aig.toml [principals.acme]"
    assert caught.value.field.startswith(field)
    assert problem in caught.value.problem


def test_a_misspelt_limit_is_told_what_there_is() -> None:
    with pytest.raises(ConfigurationError) as caught:
        compile_edge(with_one(limits=[{"what": "tokens", "limit": 1, "window": 1, "windw": 1}]))
    assert caught.value.field == "limits[0].windw"
    assert caught.value.remedy == "Did you mean 'window'? There are: limit, route_class, what, window"


@pytest.mark.parametrize(
    ("edge", "field", "problem"),
    [
        ({"access": {"team": "acme", "audience": "x"}}, "access.team", "is no host"),
        ({"access": {"team": "https://acme.cloudflareaccess.com", "audience": "x"}}, "access.team", "is no host"),
        ({"access": {"team": "acme.cloudflareaccess.com", "audience": ""}}, "access.audience", "is empty"),
        ({"access": {"team": "acme.cloudflareaccess.com"}}, "access.audience", "is missing"),
        ({"epoch": 7}, "epoch", "must be a string"),
        ({"epoc": "7"}, "epoc", "is no field that we know"),
    ],
)
def test_an_edge_that_cannot_work(edge: dict[str, object], field: str, problem: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        compile_edge({**with_one(), "edge": edge})
    assert (caught.value.field, caught.value.source) == (field, "aig.toml [edge]")
    assert problem in caught.value.problem


@pytest.mark.parametrize("name", ["Acme", "a b", "", "-a", "a" * 65, "a/b"])
def test_a_name_that_is_none(name: str) -> None:
    one = with_one()["principals"]
    assert isinstance(one, dict)
    with pytest.raises(ConfigurationError, match="is no name"):
        compile_edge({"principals": {name: one["acme"]}})


@pytest.mark.parametrize(
    ("field", "one", "same"),
    [
        ("tokens", [OTHER, STORED], [STORED]),
        ("access", ["x@example.com"], ["x@example.com"]),
        ("certificates", ["ab" * 32], [":".join(["AB"] * 32)]),
    ],
)
def test_one_identity_is_one_principal(field: str, one: list[str], same: list[str]) -> None:
    access = {"team": "acme.cloudflareaccess.com", "audience": "x"}
    principals = {
        name: {"tenant": name, "classes": ["*"], field: values} for name, values in (("one", one), ("two", same))
    }
    with pytest.raises(ConfigurationError) as caught:
        compile_edge({"edge": {"access": access}, "principals": principals})
    assert (caught.value.field, caught.value.source) == (f"{field}[0]", "aig.toml [principals.two]")
    assert "is that of one already" in caught.value.problem


def test_nobody_who_may_call_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match=r"principals \(aig.toml \[principals\]\): are none"):
        compile_edge(tables(POLICY))


NAMES = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=12)
TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
LIMITS = st.fixed_dictionaries(
    {
        "what": st.sampled_from(["requests", "tokens", "nanodollars"]),
        "limit": st.integers(0, 10**15),
        "window": st.integers(1, 86_400),
    },
    optional={"route_class": st.sampled_from(["summary", "planning"])},
)


def _named(one: dict[str, Any]) -> tuple[object, ...]:
    return one["what"], one["window"], one.get("route_class")


@settings(max_examples=25)
@given(
    principals=st.dictionaries(
        NAMES, st.tuples(TEXTS, st.lists(LIMITS, max_size=3, unique_by=_named), st.booleans()), min_size=1
    ),
    epoch=TEXTS,
)
def test_whatever_is_compiled_is_read_back(principals: dict[str, tuple[str, list[Any], bool]], epoch: str) -> None:
    written: dict[str, Any] = {
        name: {
            "tenant": tenant,
            "tokens": [stored_token(f"aig_{name}", "0123456789abcdef")],
            "classes": ["*"],
            "limits": limits,
            "own_keys": own_keys,
        }
        for name, (tenant, limits, own_keys) in principals.items()
    }
    text = edge_text(compile_edge({"principals": written, "edge": {"epoch": epoch}}))
    found = edge_from_text(text.encode())
    assert found.epoch == epoch
    assert [one.name for one in found.principals] == sorted(principals)
    for one in found.principals:
        tenant, limits, own_keys = principals[one.name]
        assert (one.tenant, found.limits[one.name], one.own_keys) == (tenant, limits, own_keys)
        assert by_token(found.principals, f"aig_{one.name}") is one
    assert json.loads(text) == compile_edge({"principals": written, "edge": {"epoch": epoch}})


def test_the_way_to_the_gateway_is_said_where_it_is_not_the_usual_one() -> None:
    assert read(POLICY + EDGE).dispatch == "fetch"
    through = EDGE.replace("[edge]", '[edge]\ndispatch = "binding"')
    assert read(POLICY + through).dispatch == "binding"
    usual = EDGE.replace("[edge]", '[edge]\ndispatch = "fetch"')
    assert compile_edge(tables(POLICY + usual)) == compile_edge(tables(POLICY + EDGE))
    assert "dispatch" not in compile_edge(tables(POLICY + usual))
    with pytest.raises(ConfigurationError, match="dispatch"):
        compile_edge(tables(POLICY + EDGE.replace("[edge]", '[edge]\ndispatch = "Binding"')))
