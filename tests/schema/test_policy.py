"""From tables and environment to a policy: what is written counts, what cannot count is refused by its place."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import aig_client
from aig_client.core import ConfigurationError
from aig_client.core.facts._builtin_classes import BUILTIN_CLASSES
from aig_client.core.facts._catalog import Capabilities
from aig_client.core.facts._catalog_lookup import Catalog, builtin_catalog
from aig_client.core.facts._classes import CacheHints, Limits, Retries, RouteClass, Target
from aig_client.core.path._policy import Policy, builtin_policy, policy_from_document
from aig_client.schema import ENVIRONMENT, compile_policy, json_schema, load_policy, load_settings

SRC = Path(aig_client.__file__).parent.parent


def row(name: str, **facts: Any) -> Capabilities:
    provider, _, model = name.partition("/")
    able: dict[str, Any] = {
        "context_window": 300_000,
        "tools": True,
        "reasoning": "none",
        "as_of": "2026-01-01",
        "billed_by": provider,
    }
    return Capabilities(provider=provider, model=model, **(able | facts))


CATALOG = Catalog(
    (
        row("openai/big", aliases=("big-1",)),
        row("openai/small", context_window=8_000),
        row("groq/fast"),
        row("groq/toolless", tools=False),
        row("groq/gone", retired_on="2026-06-01"),
        row("anthropic/kind", tools=None),
    )
)


def document(text: str = "", **arguments: Any) -> dict[str, Any]:
    return compile_policy(tomllib.loads(text), catalog=CATALOG, **arguments)


def compiled(text: str = "", **arguments: Any) -> Policy:
    return policy_from_document(document(text, **arguments))


def refusal(text: str, **arguments: Any) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        document(text, **arguments)
    return caught.value


# --- Classes -----------------------------------------------------------------------------------------


def test_nothing_gives_the_built_in_classes_and_the_catalog() -> None:
    found = compiled()
    assert dict(found.classes) == dict(BUILTIN_CLASSES)
    assert found.catalog == CATALOG
    assert (found.providers, found.default_class, found.infer, found.epoch) == ((), None, False, "")


def test_every_field_of_a_class_can_be_written() -> None:
    text = """
    [classes.own]
    description = "Ours."
    targets = ["openai/big", { provider = "groq", model = "fast", weight = 3 }]
    strategy = "weighted"
    requirements = { tools = false, context = 1000, reasoning = "forbidden", structured_output = "none" }
    cache = { strategy = "both", ttl = 300, scope = "shared", prefix_ttl = 3600 }
    tools = "deny"
    limits = { max_output_tokens = 500, min_temperature = 0, max_temperature = 1.5, request_timeout = 5, deadline = 30 }
    retries = { max_attempts = 3, delay = 200, backoff = "linear" }
    fallbacks = 2
    log_payload = false
    metadata = { team = "search", cost_centre = 7, share = 0.5, paid = true }
    asked_model = "check"
    require_price = true
    external_billing = true
    side_effects = false
    """
    one = compiled(text).classes["own"]
    assert one == RouteClass(
        name="own",
        description="Ours.",
        targets=(Target(provider="openai", model="big"), Target(provider="groq", model="fast", weight=3)),
        strategy="weighted",
        requirements=replace(one.requirements, context=1000, reasoning="forbidden", structured_output="none"),
        cache=CacheHints(strategy="both", ttl=300, scope="shared", prefix_ttl=3600),
        tools="deny",
        limits=Limits(max_output_tokens=500, min_temperature=0, max_temperature=1.5, request_timeout=5, deadline=30),
        retries=Retries(max_attempts=3, delay=200, backoff="linear"),
        fallbacks=2,
        log_payload=False,
        metadata={"team": "search", "cost_centre": 7, "share": 0.5, "paid": True},
        asked_model="check",
        require_price=True,
        external_billing=True,
    )


def test_a_class_with_a_built_in_name_starts_from_the_built_in() -> None:
    found = compiled("[classes.long_context]\nfallbacks = 1\nrequirements.tools = true\nweights.cost = 9\n")
    base = BUILTIN_CLASSES["long_context"]
    assert found.classes["long_context"] == replace(
        base,
        fallbacks=1,
        requirements=replace(base.requirements, tools=True),
        weights=replace(base.weights, cost=9),
    )


def test_a_class_starts_from_what_it_extends_as_the_file_has_it() -> None:
    text = """
    [classes.minutes]
    extends = "digest"
    fallbacks = 2
    [classes.digest]
    extends = "summary"
    limits.deadline = 30
    [classes.summary]
    cache = { strategy = "response", ttl = 600 }
    limits.max_output_tokens = 300
    [classes.plain]
    """
    found = compiled(text).classes
    assert found["minutes"] == replace(found["digest"], name="minutes", fallbacks=2)
    assert found["digest"].limits == Limits(max_output_tokens=300, deadline=30)
    assert found["digest"].cache.ttl == 600
    assert found["digest"].tools == "strip"
    assert found["plain"] == RouteClass(name="plain")


def test_a_cache_rule_replaces_the_one_before_as_a_whole() -> None:
    text = '[classes.a]\ncache = {strategy = "both", ttl = 60}\n[classes.b]\nextends = "a"\ncache = "off"\n'
    assert compiled(text).classes["b"].cache == CacheHints()


@pytest.mark.parametrize(
    ("text", "field", "table", "said"),
    [
        ('[classes.summary]\ncache = "response"', "cache.ttl", "classes.summary", "is needed by 'response'"),
        ("[classes.summary.cache]\nttl = 300", "cache.strategy", "classes.summary", "is missing"),
        ('[classes.summary]\ncache = {strategy = "response", ttl = "300"}', "cache.ttl", "classes.summary", "whole"),
        ('[classes.summary]\ncache = {strategy = "response", ttl = 5}', "cache.ttl", "classes.summary", "from 60 to"),
        ("[classes.summary]\ncache = 300", "cache", "classes.summary", "must be a string or a table"),
        ('[classes.summary]\ncach = "off"', "cach", "classes.summary", "Did you mean 'cache'?"),
        ("[classes.summary.limits]\nmax_tokens = 1", "limits.max_tokens", "classes.summary", "'max_output_tokens'?"),
        (
            '[classes.tool_loop]\ncache = {strategy = "response", ttl = 300}',
            "cache.strategy",
            "classes.tool_loop",
            "has side",
        ),
        (
            """[classes.tool_loop]
            side_effects = false
            requirements.tools = false
            cache = {strategy = "response", ttl = 300}""",
            "cache.strategy",
            "classes.tool_loop",
            "by its name",
        ),
        (
            '[classes.x]\nextends = "tool_loop"\ncache = {strategy = "both", ttl = 300}',
            "cache.strategy",
            "classes.x",
            "side",
        ),
        ('[classes.x]\ntargets = ["big"]', "targets[0]", "classes.x", "'big' is not provider/model"),
        ("[classes.x]\ntargets = [3]", "targets[0]", "classes.x", "must be a string or a table"),
        ('[classes.x]\ntargets = ["groq/fast", {provider = "groq"}]', "targets[1].model", "classes.x", "is missing"),
        ('[classes.x]\ntargets = ["groq/fats"]', "targets[0]", "classes.x", "Did you mean 'groq/fast'?"),
        ('[classes.x]\nextends = "tool_loop"\ntargets = ["groq/toolless"]', "targets[0]", "classes.x", "has no tools"),
        ('[classes.x]\nextends = "tool_loop"\ntargets = ["anthropic/kind"]', "targets[0]", "classes.x", "is unknown"),
        ('[classes.x]\ntargets = ["opnai/big"]', "targets[0].provider", "classes.x", "Did you mean 'openai'?"),
        ('[classes.x]\ntargets = ["groq/gone"]', "targets", "classes.x", "are all retired"),
        ('[classes.x]\nstrategy = "cheapest"\nweights.cost = 1', "weights", "classes.x", "do nothing"),
        ("[classes.x]\nmetadata.a = [1]", "metadata.a", "classes.x", "must be a string, a number"),
        ('[classes.x]\nmetadata."cf.a" = 1', 'metadata."cf.a"', "classes.x", "Cloudflare's own"),
        ('[classes.x]\ntools = "kep"', "tools", "classes.x", "must be 'keep', 'strip' or 'deny'"),
        ("[classes.x]\nside_effects = 1", "side_effects", "classes.x", "must be true or false"),
        ("[classes.X]\n", "name", "classes.X", "lower case"),
        ("[classes.auto]\n", "name", "classes.auto", "so it can name none"),
        ('[classes.x]\nextends = "sumary"', "extends", "classes.x", "Did you mean 'summary'?"),
        ('[classes.a]\nextends = "b"\n[classes.b]\nextends = "a"', "extends", "classes.b", "a -> b -> a"),
        ('[classes.summary]\nextends = "summary"', "extends", "classes.summary", "starts from the built-in anyway"),
        ('[policy]\nproviders = ["opnai"]', "providers[0]", "policy", "Did you mean 'openai'?"),
        ('[policy]\nproviders = "openai"', "providers", "policy", "must be a list"),
        ('[policy]\nprovider = ["openai"]', "provider", "policy", "Did you mean 'providers'?"),
        ('[policy]\ndefault_class = "sumary"', "default_class", "policy", "Did you mean 'summary'?"),
        ('[policy]\ndefault_class = "summary"\ninfer = true', "infer", "policy", "does nothing beside default_class"),
        (
            '[policy]\nproviders = ["openai"]\n[overrides.summary]\ngroq = "fast"',
            "groq",
            "overrides.summary",
            "not among",
        ),
        ('[overrides.sumary]\ngroq = "fast"', "overrides.sumary", "overrides.sumary", "Did you mean 'summary'?"),
        ('[overrides.summary]\ngrok2 = "fast"', "grok2", "overrides.summary", "Did you mean 'grok'?"),
        ('[overrides.summary]\ngroq = "fats"', "groq", "overrides.summary", "Did you mean 'groq/fast'?"),
        ('[overrides.tool_loop]\ngroq = "toolless"', "groq", "overrides.tool_loop", "or mark it as forced"),
        ('[overrides.summary]\ngroq = "gone"', "groq", "overrides.summary", "retired on 2026-06-01"),
        ("[overrides.summary]\ngroq = {forced = true}", "groq.model", "overrides.summary", "is missing"),
        ('[models."groq/x"]\ntoolz = true', "toolz", 'models."groq/x"', "is unknown"),
        ('[models."groq/x"]\nprices = [{input = "1"}]', "prices.0.input", 'models."groq/x"', "whole number"),
        ("[models.groq]\ntools = true", "models.groq", "models.groq", "is not provider/model"),
        ("classes = 3", "classes", "classes", "must be a table"),
        ("policy = 3", "policy", "policy", "must be a table"),
    ],
)
def test_what_cannot_be_is_refused_by_its_place(text: str, field: str, table: str, said: str) -> None:
    error = refusal(text, source="conf/aig.toml", today="2026-06-01")
    assert (error.field, error.source) == (field, f"conf/aig.toml [{table}]")
    assert said in str(error)


def test_values_are_not_shown() -> None:
    assert "s3cret" not in str(refusal('[classes.summary]\nfallbacks = "s3cret"'))


# --- Models and overrides ----------------------------------------------------------------------------


def test_a_row_of_the_file_replaces_or_adds_to_the_catalog() -> None:
    text = """
    [models."groq/toolless"]
    tools = true
    retired_on = 2030-01-31
    [models."groq/mine"]
    tools = true
    context_window = 1000
    [classes.x]
    extends = "tool_loop"
    targets = ["groq/toolless", "groq/mine"]
    """
    found = compiled(text)
    assert (found.models["groq/toolless"].tools, found.models["groq/toolless"].retired_on) == (True, "2030-01-31")
    assert found.models["groq/toolless"].context_window == 300_000
    assert found.models["groq/mine"].context_window == 1000


def test_only_what_can_be_reached_is_embedded() -> None:
    text = '[policy]\nproviders = ["groq"]\n[models."openai/own"]\ntools = true\n'
    assert set(compiled(text).models) == {"groq/fast", "groq/toolless", "groq/gone", "openai/own"}


def test_a_forced_override_may_be_unknown() -> None:
    found = compiled('[overrides.summary]\ngroq = "forced:new"\nopenai = {model = "newer", forced = true}\n')
    assert {key: (one.model, one.forced) for key, one in found.overrides.items()} == {
        ("summary", "groq"): ("new", True),
        ("summary", "openai"): ("newer", True),
    }


def test_the_environment_beats_the_file() -> None:
    text = '[overrides.summary]\ngroq = "fast"\nopenai = "small"\n[classes.code_review]\n'
    environ = {
        "AIG_MODEL__SUMMARY__OPENAI": "big-1",
        "AIG_MODEL__CODE_REVIEW__GOOGLE_AI_STUDIO": "forced:gemini-next",
        "AIG_MODEL__PLANNING__GROQ": "",
        "AIG_MODELS": "x",
    }
    found = compiled(text, environ=environ).overrides
    assert {key: (one.model, one.forced, one.source) for key, one in found.items()} == {
        ("summary", "groq"): ("fast", False, "aig.toml [overrides.summary]"),
        ("summary", "openai"): ("big-1", False, "environment AIG_MODEL__SUMMARY__OPENAI"),
        ("code_review", "google-ai-studio"): (
            "gemini-next",
            True,
            "environment AIG_MODEL__CODE_REVIEW__GOOGLE_AI_STUDIO",
        ),
    }


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("AIG_MODEL__SUMARY__GROQ", "fast", "Did you mean 'summary'?"),
        ("AIG_MODEL__SUMMARY__GROQQ", "fast", "Did you mean 'groq'?"),
        ("AIG_MODEL__SUMMARY__GROQ", "fats", "Did you mean 'groq/fast'?"),
        ("AIG_MODEL__SUMMARY__GROQ", "gone", "retired on 2026-06-01"),
        ("AIG_MODEL__TOOL_LOOP__GROQ", "toolless", "has no tools"),
        ("AIG_MODEL__SUMMARY__ANTHROPIC", "kind", "not among the policy's providers"),
        ("AIG_MODEL__SUMMARY__GROQ", "forced:", "1 to 256 visible ASCII characters"),
        ("AIG_MODEL__SUMMARY", "fast", "Write it as AIG_MODEL__SUMMARY__GROQ"),
        ("AIG_MODEL____GROQ", "fast", "Write it as AIG_MODEL__SUMMARY__GROQ"),
    ],
)
def test_a_wrong_variable_is_named(variable: str, value: str, said: str) -> None:
    text = '[policy]\nproviders = ["openai", "groq"]'
    error = refusal(text, environ={variable: value}, today="2026-06-01", source="x.toml")
    assert error.source == f"environment {variable}"
    assert said in str(error)


def test_two_variables_for_one_override_are_a_conflict() -> None:
    environ = {"AIG_MODEL__SUMMARY__GROQ": "fast", "AIG_MODEL__summary__groq": "toolless"}
    assert "is said twice" in str(refusal("", environ=environ))


# --- Loading -----------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_without_a_policy_the_built_in_one_is_it(folder: Path) -> None:
    assert load_policy(environ={}) is builtin_policy()
    (folder / "aig.toml").write_text('[gateway]\nnamespace = "x"\n')
    assert load_policy(environ={}) is builtin_policy()
    assert load_policy(environ={}, catalog=CATALOG).catalog == CATALOG


def test_the_environment_alone_is_enough(folder: Path) -> None:
    found = load_policy(environ={"AIG_MODEL__SUMMARY__GROQ": "forced:x"})
    assert found == replace(builtin_policy(), overrides=found.overrides)
    assert found.overrides["summary", "groq"].model == "x"
    with pytest.raises(ConfigurationError, match="AIG_MODEL__SUMARY__GROQ"):
        load_policy(environ={"AIG_MODEL__SUMARY__GROQ": "x"})


def test_a_file_is_loaded_as_it_is_compiled(folder: Path) -> None:
    text = '[gateway]\nnamespace = "x"\n[policy]\nepoch = "7"\n[classes.own]\ntargets = ["openai/big"]\n'
    (folder / "aig.toml").write_text(text)
    environ = {"AIG_MODEL__OWN__GROQ": "fast"}
    found = load_policy(environ=environ, today="2026-01-01", catalog=CATALOG)
    written = document(text, environ=environ, today="2026-01-01")
    assert found == policy_from_document(written)
    assert (found.digest, found.epoch) == (written["digest"], "7")
    assert load_settings({"account_id": "0" * 32, "gateway_id": "g"}, environ={}).namespace == "x"
    (folder / "policy.json").write_text(json.dumps(written))
    assert load_policy("policy.json", environ={}, today="2026-01-01") == found


def test_the_environment_lies_over_a_compiled_policy(folder: Path) -> None:
    (folder / "policy.json").write_text(json.dumps(document()))
    found = load_policy("policy.json", environ={"AIG_MODEL__SUMMARY__GROQ": "fast"})
    assert found.overrides["summary", "groq"].model == "fast"
    with pytest.raises(ConfigurationError, match="no model 'fats' at groq"):
        load_policy("policy.json", environ={"AIG_MODEL__SUMMARY__GROQ": "fats"})


def test_the_day_it_is_counts(folder: Path) -> None:
    (folder / "aig.toml").write_text('[overrides.summary]\ngroq = "gone"\n')
    assert load_policy(environ={}, today="2026-05-31", catalog=CATALOG).overrides
    with pytest.raises(ConfigurationError) as caught:
        load_policy("aig.toml", environ={}, today="2026-06-01", catalog=CATALOG)
    assert caught.value.source == "aig.toml [overrides.summary]"
    ancient = Catalog((row("groq/gone", retired_on="2020-01-01", as_of="2019-01-01"),))
    with pytest.raises(ConfigurationError, match="retired on 2020-01-01"):
        load_policy(environ={}, catalog=ancient)


@pytest.mark.parametrize(
    ("name", "content", "field"),
    [
        ("none.json", None, "policy"),
        ("x.json", "{", "policy"),
        ("x.json", '{"policy": "aig-policy/1", "policy": "aig-policy/1"}', "/policy"),
        ("x.json", "[]", "policy"),
        ("x.json", '{"policy": "aig-policy/1", "clases": {}}', "/clases"),
        ("none.toml", None, "config"),
        ("x.toml", "[classes", "config"),
        ("x.toml", "[clases.x]", "clases"),
    ],
)
def test_a_bad_file_is_named(folder: Path, name: str, content: str | None, field: str) -> None:
    if content is not None:
        (folder / name).write_text(content)
    with pytest.raises(ConfigurationError) as caught:
        load_policy(name, environ={})
    assert (caught.value.field, caught.value.source) == (field, name)


def test_pydantic_waits_until_there_is_something_to_check(folder: Path) -> None:
    (folder / "policy.json").write_text(json.dumps(document()))
    script = f"""
import sys
sys.path.insert(0, {str(SRC)!r})
from aig_client.schema import load_policy
load_policy(environ={{}})
load_policy(environ={{"AIG_MODEL__SUMMARY__GROQ": "forced:x"}})
load_policy("policy.json", environ={{}})
assert "pydantic" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


# --- JSON Schema -------------------------------------------------------------------------------------


def test_the_schema_in_the_package_is_the_one_of_the_code() -> None:
    file = SRC / "aig_client" / "schema" / "aig-toml.schema.json"
    assert json.loads(file.read_text("utf-8")) == json_schema()


def test_the_schema_knows_every_setting_but_the_token() -> None:
    definitions: Any = json_schema()["$defs"]
    assert set(definitions["GatewayTable"]["properties"]) == set(ENVIRONMENT) - {"token"}


# --- Any valid table ---------------------------------------------------------------------------------

_MODELS = st.sampled_from(["openai/big", "openai/small", "groq/fast", "anthropic/kind"])
_CACHES = st.one_of(
    st.sampled_from(["off", "provider-prefix"]),
    st.fixed_dictionaries(
        {"strategy": st.sampled_from(["response", "both"]), "ttl": st.integers(60, 2_592_000)},
        optional={"scope": st.sampled_from(["tenant", "shared"])},
    ),
)
_CLASSES = st.fixed_dictionaries(
    {},
    optional={
        "description": st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
        "targets": st.lists(_MODELS, unique=True, max_size=3),
        "strategy": st.sampled_from(["score", "cheapest", "fastest", "quality"]),
        "cache": _CACHES,
        "tools": st.sampled_from(["keep", "strip", "deny"]),
        "limits": st.fixed_dictionaries(
            {},
            optional={
                "max_output_tokens": st.integers(1, 2**40),
                "max_temperature": st.floats(0, 2),
                "deadline": st.floats(0.001, 3600),
            },
        ),
        "fallbacks": st.integers(0, 4),
        "metadata": st.dictionaries(
            st.from_regex(r"[a-z]{1,8}", fullmatch=True), st.integers() | st.booleans() | st.just("x"), max_size=4
        ).map(lambda found: {key: value % 2**53 if type(value) is int else value for key, value in found.items()}),
        "log_payload": st.booleans(),
        "require_price": st.booleans(),
    },
)
_TABLES = st.fixed_dictionaries(
    {"classes": st.dictionaries(st.from_regex(r"own_[a-z0-9_]{0,8}", fullmatch=True), _CLASSES, max_size=3)},
    optional={"policy": st.fixed_dictionaries({"epoch": st.text("ab7", max_size=3), "infer": st.booleans()})},
)


def _leaves(value: Any, *path: Any) -> list[tuple[Any, ...]]:
    if isinstance(value, dict) and value:
        return [leaf for key, item in value.items() for leaf in _leaves(item, *path, key)]
    return [path]


def _changed(value: Any) -> Any:
    return not value if isinstance(value, bool) else [value]


@settings(max_examples=60, deadline=None)
@given(_TABLES, st.randoms(use_true_random=False))
def test_any_valid_table_compiles_comes_back_and_any_change_shows(tables: dict[str, Any], chance: Any) -> None:
    made = compile_policy(tables, catalog=CATALOG)
    text = json.dumps(made)
    read = policy_from_document(json.loads(text))
    assert read.as_document() == made
    assert json.dumps(compile_policy(dict(reversed(tables.items())), catalog=CATALOG)) == text
    for name, table in tables["classes"].items():
        assert read.classes[name].fallbacks == table.get("fallbacks", 0)
        assert [one.name for one in read.classes[name].targets] == table.get("targets", [])
    path = chance.choice([leaf for leaf in _leaves(made) if leaf != ("digest",)])
    at = json.loads(text)
    inner = at
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = _changed(inner[path[-1]])
    with pytest.raises(ConfigurationError) as caught:
        policy_from_document(at)
    assert caught.value.field == ("/digest" if path != ("policy",) else "/policy")


def test_the_whole_catalog_goes_through_a_document() -> None:
    found = policy_from_document(json.loads(json.dumps(compile_policy({}))))
    assert found.catalog == builtin_catalog()
