"""The compiled policy is read strictly, and a policy cannot say what must not be."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import rfc8785

import aig_client
from aig_client.core import ConfigurationError
from aig_client.core.facts._builtin_classes import BUILTIN_CLASSES, LONG_CONTEXT
from aig_client.core.facts._catalog import Capabilities
from aig_client.core.facts._catalog_lookup import builtin_catalog
from aig_client.core.facts._classes import CacheHints, Limits, Requirements, RouteClass, Target
from aig_client.core.path._policy import (
    Override,
    Policy,
    builtin_policy,
    check_class,
    check_override,
    check_targets,
    digest_of,
    policy_from_document,
    resolve_class,
)

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[1] / "vectors" / "v1" / "policy.json").read_text("utf-8"))
SRC = Path(aig_client.__file__).parent.parent
ROW = Capabilities(provider="groq", model="fast", aliases=("fast-1",), tools=True, retired_on="2026-06-01")
OLD = Capabilities(provider="groq", model="old", tools=True, retired_on="2026-01-01", as_of="2025-01-01")
DUMB = Capabilities(provider="groq", model="dumb", tools=False)
EMBEDS = Capabilities(provider="openai", model="embeds", output_modalities=frozenset())
MODELS = {row.name: row for row in (ROW, OLD, DUMB, EMBEDS)}


def stamped(document: dict[str, Any]) -> dict[str, Any]:
    return {**document, "digest": digest_of(document)}


def policy(*classes: RouteClass, **fields: Any) -> Policy:
    return Policy(classes={one.name: one for one in classes}, models=MODELS, **fields)


def named(cases: list[dict[str, Any]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", cases, ids=[case["name"] for case in cases])


@named(VECTORS["read"])
def test_a_good_document_is_read(case: dict[str, Any]) -> None:
    document = {**case["document"], "digest": case["digest"]}
    assert case["digest"] == "sha256:" + hashlib.sha256(rfc8785.dumps(case["document"])).hexdigest()
    read, expect = policy_from_document(document), case["expect"]
    one = read.classes[expect["class"]]
    assert read.digest == case["digest"]
    cache, limits = one.cache, one.limits
    assert expect.get("cache", ["off", None, "tenant", 300]) == [
        cache.strategy,
        cache.ttl,
        cache.scope,
        cache.prefix_ttl,
    ]
    assert expect.get("targets", []) == [[target.name, target.weight] for target in one.targets]
    assert expect.get("limits", [None] * 5) == [
        limits.max_output_tokens,
        limits.min_temperature,
        limits.max_temperature,
        limits.request_timeout,
        limits.deadline,
    ]
    if "override" in expect:
        name, provider, model, forced = expect["override"]
        found = read.overrides[name, provider]
        assert (found.model, found.forced) == (model, forced)
        assert read.models[f"{provider}/{model}"].context_window == 1000
    # What comes out again says everything, and is read alike.
    assert policy_from_document(json.loads(json.dumps(read.as_document()))) == read


@named(VECTORS["refused"])
def test_a_bad_document_is_refused_where_it_is_bad(case: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        policy_from_document(stamped(case["document"]))
    assert caught.value.field == case["pointer"]
    assert caught.value.problem


@named(VECTORS["stamped"])
def test_a_digest_must_be_that_of_the_content(case: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        policy_from_document(case["document"])
    assert caught.value.field == case["pointer"]


@pytest.mark.parametrize("document", [None, [], "policy", 3])
def test_what_is_no_object_is_no_policy(document: object) -> None:
    with pytest.raises(ConfigurationError, match="must be an object"):
        policy_from_document(document)


def test_what_json_cannot_carry_is_refused_with_its_pointer() -> None:
    with pytest.raises(ConfigurationError) as caught:
        digest_of({"classes": {"own": {"description": "\ud800"}}})
    assert caught.value.field == "/classes/own/description"


def test_a_models_row_is_read_when_it_is_needed_and_then_strictly() -> None:
    row = {"provider": "groq", "model": "x", "toolz": True}
    read = policy_from_document(stamped({"policy": "aig-policy/1", "classes": {"own": {}}, "models": {"groq/x": row}}))
    with pytest.raises(ConfigurationError) as caught:
        _ = read.models["groq/x"]
    assert caught.value.field == "/models/groq~1x/toolz"
    with pytest.raises(KeyError):
        _ = read.models["groq/y"]


def test_a_class_of_side_effects_is_never_cached_however_it_is_made() -> None:
    cached = CacheHints(strategy="response", ttl=300)
    for one in (
        RouteClass(name="own", side_effects=True, cache=cached),
        RouteClass(name="own", requirements=Requirements(tools=True), cache=cached),
        RouteClass(name="tool_loop", cache=cached),
        replace(BUILTIN_CLASSES["tool_loop"], cache=replace(cached, strategy="both")),
    ):
        with pytest.raises(ConfigurationError, match=r"^classes.*cache.strategy: .*is refused: the class (has|req|is)"):
            Policy(classes={one.name: one})
        with pytest.raises(ConfigurationError) as caught:
            check_class(one)
        assert caught.value.field == "cache.strategy"
    check_class(RouteClass(name="own", cache=cached))


def test_a_class_must_stand_under_its_own_name() -> None:
    with pytest.raises(ConfigurationError, match="holds the class 'a'"):
        Policy(classes={"b": RouteClass(name="a")})


def test_what_a_policy_was_made_of_may_change_afterwards() -> None:
    classes = {"own": RouteClass(name="own")}
    made = Policy(classes=classes)
    classes.clear()
    assert list(made.classes) == ["own"]


def test_an_unknown_class_is_an_error_with_the_nearest_name() -> None:
    with pytest.raises(ConfigurationError) as caught:
        builtin_policy().route_class("Sumary")
    assert caught.value.field == "route_class"
    assert caught.value.remedy is not None
    assert caught.value.remedy.startswith("Did you mean 'summary'? There are: balanced, code_draft, ")
    with pytest.raises(ConfigurationError, match="There are: balanced"):
        builtin_policy().route_class("x" * 10_000)


def test_one_policy_has_one_text_however_it_was_written_down() -> None:
    def made(names: str, deadline: float) -> Policy:
        one = RouteClass(name="own", limits=Limits(deadline=deadline), metadata={name: name for name in names})
        return policy(*(replace(one, name=name) for name in names))

    one, two = made("ab", 30), made("ba", 30.0)
    assert json.dumps(one.as_document()) == json.dumps(two.as_document())
    assert one.digest == two.digest
    backwards = {"policy": "aig-policy/1", "classes": {"own": {"metadata": {"b": 1, "a": 2}}}}
    assert list(policy_from_document(stamped(backwards)).classes["own"].metadata) == ["a", "b"]


# --- Built in ----------------------------------------------------------------------------------------


def test_the_built_in_classes_hold_no_model_no_response_cache_and_no_limit() -> None:
    names = (
        "balanced code_draft cost_effective high_performance long_context planning research summary tool_loop vision"
    )
    assert list(BUILTIN_CLASSES) == names.split()
    for one in BUILTIN_CLASSES.values():
        check_class(one)
        assert one.description
        assert one.cache.strategy in ("off", "provider-prefix")
        assert (one.targets, one.strategy, one.fallbacks, one.retries) == ((), "score", 0, None)
        assert one.limits == RouteClass(name="x").limits
    assert builtin_policy() is builtin_policy()
    assert not builtin_policy().infer
    assert builtin_policy().default_class is None


def test_what_makes_each_built_in_class_special() -> None:
    assert BUILTIN_CLASSES["summary"].tools == "strip"
    assert BUILTIN_CLASSES["summary"].requirements.reasoning_traces == "forbidden"
    assert BUILTIN_CLASSES["tool_loop"].requirements.tools
    assert [name for name, one in BUILTIN_CLASSES.items() if one.side_effects] == ["tool_loop"]
    assert BUILTIN_CLASSES["vision"].requirements.vision
    assert BUILTIN_CLASSES["long_context"].requirements.context == LONG_CONTEXT
    prefixed = [name for name, one in BUILTIN_CLASSES.items() if one.cache.strategy == "provider-prefix"]
    assert prefixed == ["code_draft", "long_context", "research", "tool_loop"]


def test_some_model_does_for_every_built_in_class() -> None:
    for one in BUILTIN_CLASSES.values():
        assert builtin_catalog().find_models(one.requirements), one.name


def test_the_built_in_policy_goes_through_its_document() -> None:
    assert policy_from_document(json.loads(json.dumps(builtin_policy().as_document()))) == builtin_policy()


# --- Models ------------------------------------------------------------------------------------------


def test_a_policy_that_holds_models_decides_by_these_alone() -> None:
    assert policy(RouteClass(name="own")).catalog.rows == tuple(MODELS[name] for name in sorted(MODELS))
    assert builtin_policy().catalog is builtin_catalog()


def test_candidates_are_the_catalog_and_names_that_are_spelled_otherwise() -> None:
    names = ("fast", "fast-1", "dumb-2026-01-31", "who")
    one = RouteClass(name="own", targets=tuple(Target(provider="groq", model=name) for name in names))
    held = policy(one, RouteClass(name="any"), overrides={("any", "openai"): Override("openai/embeds")})
    assert held.candidates(RouteClass(name="other")) is held.catalog.rows
    assert held.candidates(one)[:4] == held.catalog.rows
    assert held.candidates(one)[4:] == (
        replace(ROW, model="fast-1", aliases=()),
        replace(DUMB, model="dumb-2026-01-31"),
    )
    assert held.candidates(held.classes["any"])[4:] == (replace(EMBEDS, model="openai/embeds"),)
    assert held.candidates(one) is held.candidates(replace(one, fallbacks=2))


def test_what_is_remembered_of_candidates_is_bounded_and_touches_nothing_else() -> None:
    document = {"policy": "aig-policy/1", "classes": {"own": {}}}
    held = policy_from_document(stamped(document))
    for index in range(300):
        held.candidates(RouteClass(name="own", targets=(Target(provider="groq", model=f"m{index}"),)))
    assert held.digest == digest_of(document)
    assert len(held._spelled) <= 256


@pytest.mark.parametrize(
    ("model", "today", "said"),
    [
        ("fsat", None, "the catalog has no model 'fsat' at groq"),
        ("old", "2026-01-01", "groq/old does not do for class own: retired on 2026-01-01"),
        ("fast", "2026-06-01", "groq/fast does not do for class own: retired on 2026-06-01"),
        ("dumb", None, "groq/dumb does not do for class own: has no tools"),
    ],
)
def test_an_override_is_held_against_the_catalog_unless_it_is_forced(model: str, today: str | None, said: str) -> None:
    one = RouteClass(name="own", requirements=Requirements(tools=True))
    held = policy(one)
    with pytest.raises(ConfigurationError) as caught:
        check_override(held, one, "groq", model, forced=False, today=today)
    assert caught.value.problem == said
    assert (caught.value.remedy or "").endswith("or mark it as forced")
    check_override(held, one, "groq", model, forced=True, today=today)
    with pytest.raises(ConfigurationError) as caught:
        held.with_overrides({("own", "groq"): Override(model, source="environment X")}, today)
    assert caught.value.source == "environment X"
    assert held.with_overrides({("own", "groq"): Override(model, forced=True)}, today).overrides


def test_an_override_may_pass() -> None:
    one = RouteClass(name="own", requirements=Requirements(tools=True))
    check_override(policy(one), one, "groq", "fast-1", forced=False, today="2026-05-31")
    check_override(policy(one), one, "groq", "old", forced=False, today="2025-12-31")
    check_override(policy(RouteClass(name="e")), RouteClass(name="e"), "openai", "embeds", forced=False, today=None)


@pytest.mark.parametrize(
    ("provider", "model"), [("grok2", "fast"), ("openai", "embeds"), ("groq", "a b"), ("groq", "")]
)
def test_force_does_not_reach_a_provider_that_cannot_be_used(provider: str, model: str) -> None:
    one = RouteClass(name="own")
    with pytest.raises(ConfigurationError):
        check_override(policy(one, providers=("groq",)), one, provider, model, forced=True, today=None)


def test_overrides_lie_over_those_before_and_change_the_digest() -> None:
    one = RouteClass(name="own")
    first = policy(one, overrides={("own", "groq"): Override("dumb"), ("own", "openai"): Override("embeds")})
    second = first.with_overrides({("own", "groq"): Override("fast")})
    assert {key: override.model for key, override in second.overrides.items()} == {
        ("own", "groq"): "fast",
        ("own", "openai"): "embeds",
    }
    assert second.digest != first.digest
    assert first.with_overrides({}) is first


def test_a_retired_target_is_an_error_only_where_it_is_the_last() -> None:
    old, fast, dumb = (Target(provider="groq", model=name) for name in ("old", "fast", "dumb"))
    check_targets(policy(RouteClass(name="own", targets=(old, fast))), "2026-05-01")
    with pytest.raises(ConfigurationError, match="are all retired"):
        check_targets(policy(RouteClass(name="own", targets=(old, fast))), "2026-06-01")
    one = RouteClass(name="own", targets=(fast, dumb), requirements=Requirements(tools=True))
    with pytest.raises(ConfigurationError, match=r"classes\.own\.targets\.1: .*has no tools"):
        check_targets(policy(one), "2026-05-01")


# --- Which class -------------------------------------------------------------------------------------


def test_the_call_beats_the_client_beats_the_policy_beats_the_request() -> None:
    a, b, c, d = (RouteClass(name=name) for name in "abcd")
    held = policy(a, b, c, d, default_class="c")
    assert resolve_class(held, explicit="a", default="b", inferred="d") == (a, "named by the call")
    assert resolve_class(held, explicit=None, default="b", inferred="d") == (b, "the client's default")
    assert resolve_class(held, explicit=None, default=None, inferred="d") == (c, "the policy's default")
    without = replace(held, default_class=None)
    assert resolve_class(without, explicit=None, default=None, inferred="d") == (d, "inferred from the request")
    with pytest.raises(ConfigurationError, match="is not named"):
        resolve_class(without)
    with pytest.raises(ConfigurationError, match="no class 'e'"):
        resolve_class(held, explicit="e", default="a")


def test_a_compiled_policy_loads_with_the_standard_library_alone() -> None:
    document = json.dumps(builtin_policy().as_document())
    script = f"""
import json, sys
sys.path.insert(0, {str(SRC)!r})
from aig_client.core.path._policy import policy_from_document
read = policy_from_document(json.loads(sys.stdin.read()))
assert "pydantic" not in sys.modules and "aig_client.schema" not in sys.modules
print(read.digest)
"""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script], input=document, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == builtin_policy().digest
