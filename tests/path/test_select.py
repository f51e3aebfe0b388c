"""The cases of `tests/vectors/v1/select.json`, and what a vector cannot say."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest

from aig_client.core import Refused
from aig_client.core.facts._builtin_classes import BUILTIN_CLASSES
from aig_client.core.facts._catalog import Capabilities
from aig_client.core.facts._catalog_lookup import builtin_catalog
from aig_client.core.facts._classes import Limits, Requirements, RouteClass, ScoreWeights, Target
from aig_client.core.facts._cost import blended_price
from aig_client.core.facts._prices import Price
from aig_client.core.path._policy import Override
from aig_client.core.path._score import context_term, cost_term, lot, permille, rank_term
from aig_client.core.path._select import Context, consider, select
from aig_client.core.path._standing import rounded
from aig_client.core.path._work import Work, work_of

from ..facts.vectors import cases, document

MODELS = {name: Capabilities.from_dict(row) for name, row in document("select.json")["models"].items()}
HELLO = Work(kind="chat", estimated_input_tokens=100, messages=1)


def class_of(said: dict[str, Any]) -> RouteClass:
    parts: dict[str, Any] = dict(said)
    for name, kind in (("requirements", Requirements), ("weights", ScoreWeights), ("limits", Limits)):
        if name in parts:
            parts[name] = kind(**parts[name])
    targets = parts.pop("targets", [])
    made = tuple(Target(provider=one[0], model=one[1], weight=one[2] if len(one) > 2 else 1) for one in targets)
    return RouteClass(name="test", targets=made, **parts)


def context_of(said: dict[str, Any], models: Sequence[Capabilities]) -> Context:
    parts: dict[str, Any] = {"today": "2026-06-01", **said}
    everyone = tuple(sorted({model.provider for model in models}))
    parts["providers"] = tuple(said.get("providers", everyone))
    parts["speaks"] = frozenset(said.get("speaks", everyone))
    parts["warm"] = frozenset(said.get("warm", ()))
    parts["overrides"] = {provider: Override(*one) for provider, one in said.get("overrides", {}).items()}
    return Context(**parts)


@cases("select.json")
def test_the_vectors(case: dict[str, Any]) -> None:
    models = [MODELS[name] for name in case["models"]]
    route_class, context = class_of(case.get("class", {})), context_of(case.get("context", {}), models)
    work = work_of(case["kind"], case["body"])
    for order in (models, models[::-1]):
        if "refused" in case:
            with pytest.raises(Refused) as refused:
                select(route_class, work, order, context)
            assert refused.value.where == "route_class"
            assert case["refused"] in refused.value.problem
            continue
        selection = select(route_class, work, order, context)
        assert list(selection.names) == case["ranking"]
        assert {one.name: one.reason for one in selection.rejected} == case["rejected"]
        assert selection.chosen is selection.ranking[0]
        assert selection.chosen.model.name == case["ranking"][0]


def chosen(route_class: RouteClass, *names: str, work: Work = HELLO, **said: Any) -> Any:
    models = [MODELS[name] for name in names]
    return select(route_class, work, models, context_of(said, models))


def test_the_score_is_what_the_page_says() -> None:
    """Worked by hand: 100 tokens in (rounded to 112), 500 out (rounded to 512)."""
    mid = chosen(RouteClass(name="test", weights=ScoreWeights(cost=2, speed=3, quality=4, context=1)), "mid").chosen
    each = (112 * 1_000_000_000 + 512 * 4_000_000_000) // 624
    assert mid.terms == {
        "cost": cost_term(each),
        "speed": 5 * 1000 // 9,
        "quality": 6 * 1000 // 9,
        "context": 140 * 4,
        "health": 1000,
    }
    assert mid.score == (2 * cost_term(each) + 3 * 555 + 4 * 666 + 560) // 10
    assert mid.estimated_nanodollars == 100 * 1_000 + 500 * 4_000


def test_the_terms_of_the_score_have_ends_and_steps() -> None:
    assert [cost_term(n) for n in (None, 0, 50_000_000, 100_000_000, 200_000_000, 10**15)] == [
        0,
        1000,
        1000,
        910,
        820,
        0,
    ]
    assert [context_term(n) for n in (None, 1, 8_000, 16_000, 32_000, 10**7)] == [0, 0, 0, 140, 280, 1000]
    assert [rank_term(n) for n in (1, 10, 0, 99)] == [0, 1000, 0, 1000]
    assert [permille(n) for n in (0, 1, 0.5, -1, 7, 1e-9, float("nan"))] == [0, 1000, 500, 0, 1000, 1, 0]
    assert [rounded(n) for n in (0, 1, 7, 8, 9, 100, 1000)] == [0, 1, 7, 8, 10, 112, 1024]


def test_health_budget_and_warmth_move_the_score() -> None:
    route_class = RouteClass(name="test", strategy="score")
    plain = chosen(route_class, "mid").chosen
    assert chosen(route_class, "mid", health={"openai": 0.5}).chosen.score == plain.score // 2
    assert chosen(route_class, "mid", warm=["openai/mid"]).chosen.score == plain.score + 150
    spent = chosen(route_class, "mid", work=replace(HELLO, max_output_tokens=500), remaining_nanodollars=2_200_000)
    # 112 tokens in and 512 out, the rounded request, cost 2 160 000 of 2 200 000 nano-dollars.
    assert spent.chosen.score == plain.score - 250 * 2_160_000 // 2_200_000
    fading = chosen(route_class, "fading").chosen
    assert (fading.score, fading.terms["deprecated"]) == (plain.score - 200, -200)


def test_a_refusal_names_the_class_and_the_most_frequent_reasons_and_stays_short() -> None:
    many = [Capabilities(provider="openai", model=f"m{n}", context_window=n + 1) for n in range(200)]
    many += [Capabilities(provider="openai", model=f"t{n}", retired_on="2020-01-01") for n in range(5)]
    with pytest.raises(Refused) as refused:
        select(RouteClass(name="summary"), replace(HELLO, estimated_input_tokens=10_000), many, context_of({}, many))
    problem = refused.value.problem
    assert problem.startswith("no model is left for summary, of 205 that were considered: retired on 2020-01-01 (5)")
    assert "further reasons" in problem
    assert len(problem) < 600
    assert refused.value.remedy


def test_consider_says_why_where_select_refuses() -> None:
    models = [MODELS["plain"]]
    nobody = consider(RouteClass(name="test"), replace(HELLO, images=True), models, context_of({}, models))
    assert nobody.ranking == ()
    assert [(one.name, one.reason) for one in nobody.rejected] == [("groq/plain", "takes no image")]
    assert nobody.as_dict()["chosen"] is None


def test_a_selection_is_a_value_and_shows_no_targeting_key() -> None:
    route_class = RouteClass(name="test", strategy="weighted")
    one = chosen(route_class, "mid", "small", targeting_key="person@company.example")
    same = chosen(route_class, "small", "mid", targeting_key="person@company.example")
    assert one == same
    assert hash(one) == hash(same)
    assert one != chosen(route_class, "mid", targeting_key="person@company.example")
    assert one != "something else"
    told = f"{one!r} {json.dumps(one.as_dict())} {one.chosen!r}"
    assert "person" not in told
    assert one.chosen.why.startswith("weight 1 of 2, by targeting key; 1 of 2")
    assert repr(one).startswith("Selection(route_class='test', strategy='weighted', ranking=('openai/")


@pytest.mark.parametrize(
    ("strategy", "why"),
    [
        ("score", "score "),
        ("fixed", "in order of preference; 1 of 2"),
        ("cheapest", "by cost, about $0.000210000; 1 of 2"),
        ("fastest", "by speed, 9 of 10; 1 of 2"),
        ("quality", "by quality, 7 of 10; 1 of 2"),
        ("weighted", "weight 1 of 2, the heaviest first, for want of a targeting key; 1 of 2"),
        ("difficulty", "difficulty 0, step 1 of 2; 1 of 2"),
    ],
)
def test_every_strategy_says_why(strategy: Any, why: str) -> None:
    assert chosen(RouteClass(name="test", strategy=strategy), "mid", "small").chosen.why.startswith(why)


def test_an_override_says_who_put_it_there() -> None:
    override = {"openai": ["small", False, "environment AIG_MODEL"]}
    one = chosen(RouteClass(name="test", strategy="fixed"), "mid", "small", overrides=override).chosen
    assert (one.forced, one.why) == (False, "put here by environment AIG_MODEL; in order of preference; 1 of 1")
    forced = {"openai": ["mystery", True, ""]}
    one = chosen(RouteClass(name="test", strategy="fixed"), "mid", overrides=forced).chosen
    assert (one.forced, one.why) == (True, "forced by an override; in order of preference; 1 of 1")
    assert one.estimated_nanodollars is None


def test_an_override_takes_the_place_and_the_weight_of_what_it_replaces() -> None:
    targets = (
        Target(provider="groq", model="thinker", weight=10),
        Target(provider="openai", model="big", weight=30),
        Target(provider="openai", model="mid", weight=60),
    )
    route_class = RouteClass(name="test", strategy="weighted", targets=targets)
    override = {"openai": ["small", False, "here"]}
    names = ("thinker", "big", "mid", "small")
    assert chosen(route_class, *names, overrides=override).chosen.why.startswith("put here by here; weight 90 of 100")
    fixed = replace(route_class, strategy="fixed", targets=targets[::-1])
    assert chosen(fixed, *names, overrides=override).names == ("openai/small", "groq/thinker")


def test_a_target_by_an_alias_stays_as_it_was_spelled() -> None:
    model = replace(MODELS["mid"], aliases=("mid-2026-01-01",))
    route_class = RouteClass(name="test", targets=(Target(provider="openai", model="mid-2026-01-01"),))
    selection = select(route_class, HELLO, [model], context_of({}, [model]))
    assert selection.names == ("openai/mid-2026-01-01",)
    assert selection.chosen.model.context_window == 128_000


def test_two_rows_of_one_name_are_one_candidate_whichever_comes_first() -> None:
    twins = [MODELS["mid"], replace(MODELS["mid"], quality=1)]
    for order in (twins, twins[::-1]):
        selection = select(RouteClass(name="test"), HELLO, order, context_of({}, order))
        assert selection.names == ("openai/mid",)
        assert selection.chosen.model.quality == 1


def test_the_budget_holds_against_the_most_that_a_request_may_cost() -> None:
    """With no bound of the request's own, the whole output of the model counts, or what its window leaves."""
    price = Price(input=1_000_000_000, output=2_000_000_000)
    bounded = Capabilities(provider="openai", model="a", prices=(price,), max_output_tokens=1_000, context_window=9_000)
    by_window = replace(bounded, max_output_tokens=None)
    unbounded = replace(by_window, context_window=None)
    for model, output in ((bounded, 1_000), (by_window, 8_900)):
        most = blended_price(price, input_tokens=100, output_tokens=output)
        assert most is not None
        for left, passes in ((most, True), (most - 1, False)):
            context = context_of({"remaining_nanodollars": left}, [model])
            assert bool(consider(RouteClass(name="test"), HELLO, [model], context).names) is passes
    context = context_of({"remaining_nanodollars": 10**15}, [unbounded])
    assert not consider(RouteClass(name="test"), HELLO, [unbounded], context).names
    with_bound = replace(HELLO, max_output_tokens=10)
    assert consider(RouteClass(name="test"), with_bound, [unbounded], context).names


def test_what_was_remembered_is_not_told_of_something_else() -> None:
    """The same models, asked in ways that differ in one thing each."""
    old, unpriced = replace(MODELS["old"], quality=10), replace(MODELS["unpriced"], quality=8)
    models = (old, MODELS["mid"], MODELS["resold"], unpriced)
    route_class = RouteClass(name="test", strategy="quality")
    base = context_of({}, models)
    first = select(route_class, HELLO, models, base)
    assert first.chosen.model.name == "cerebras/unpriced"
    assert select(route_class, HELLO, models, replace(base, today="2025-01-01")).chosen.model.name == "openai/old"
    opened = replace(route_class, external_billing=True)
    assert select(opened, HELLO, models, base).chosen.model.name == "workers-ai/resold"
    priced = replace(route_class, require_price=True)
    assert select(priced, HELLO, models, base).chosen.model.name == "openai/mid"
    weighed = replace(route_class, strategy="score", weights=ScoreWeights(cost=9, speed=0, quality=0))
    assert select(weighed, HELLO, models, base).chosen.model.name == "openai/mid"
    renamed = tuple(replace(model, provider="groq", billed_by="") for model in models)
    assert select(route_class, HELLO, renamed, context_of({}, renamed)).chosen.model.provider == "groq"
    assert select(route_class, HELLO, models, base) == first


def test_every_built_in_class_finds_a_model_in_the_built_in_catalog() -> None:
    rows = builtin_catalog().rows
    context = context_of({"today": None}, rows)
    work = work_of("chat", {"messages": [{"role": "user", "content": "Hi"}]})
    for name, route_class in BUILTIN_CLASSES.items():
        selection = select(route_class, work, rows, context)
        assert selection.route_class == name
        assert len(selection.names) + len(selection.rejected) == len(rows)
        assert selection.chosen.model.output_modalities


@pytest.mark.parametrize(
    ("key", "expected"), [("", 31065406), ("a", 9665495), ("\xe4", 97290311), ("user-7", 2258359), ("\ud800", None)]
)
def test_the_lot_is_a_logarithm_in_integers_and_its_recipe_is_pinned(key: str, expected: int | None) -> None:
    text = f"aig-weighted/1\0test\0{key}\0openai/mid".encode("utf-8", "surrogatepass")
    uniform = (int.from_bytes(sha256(text).digest()[:8], "big") + 1) / 2**64
    drawn = lot("test", key, "openai/mid")
    assert drawn == pytest.approx(-math.log2(uniform) * 2**24, abs=2)
    assert expected in (drawn, None)


def with_price(name: str, quality: int, *prices: Price, **more: Any) -> Capabilities:
    return Capabilities(provider="openai", model=name, quality=quality, prices=prices, **more)


def names_of(route_class: RouteClass, models: Sequence[Capabilities], work: Work = HELLO) -> tuple[str, ...]:
    return tuple(name.partition("/")[2] for name in select(route_class, work, models, context_of({}, models)).names)


def test_of_two_that_cost_the_same_the_better_one_comes_first() -> None:
    price = Price(input=10**9, output=10**9)
    models = [with_price("a", 3, price), with_price("b", 7, price)]
    assert names_of(RouteClass(name="test", strategy="cheapest"), models) == ("b", "a")


@pytest.mark.parametrize("tokens", [(950, 1010), (1010, 950), (1000, 1001)])
def test_requests_of_one_rounded_size_pay_by_their_own(tokens: tuple[int, int]) -> None:
    """Sizes from 897 to 1 024 share a comparison, unless a price steps between them."""
    steps = with_price("a", 5, Price(input=10**8, output=10**8), Price(input=10**10, output=10**10, above=1_000))
    models = (steps, with_price("b", 5, Price(input=10**9, output=10**9)))
    route_class = RouteClass(name="test", strategy="cheapest")
    for size in tokens:
        cheaper = "a" if size <= 1_000 else "b"
        assert names_of(route_class, models, replace(HELLO, estimated_input_tokens=size))[0] == cheaper


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"tools": True}, "has no tools"),
        ({"vision": True}, "takes no image"),
        ({"audio": True}, "takes no audio"),
        ({"streaming": True}, "has no streaming"),
        ({"web_search": True}, "has no web search of its own"),
        ({"structured_output": "json_mode"}, "structured output is prompt, json_mode is required"),
        ({"context": 10_001}, "context window is 10000 tokens, 10001 are required"),
        ({"reasoning": "required"}, "does not reason, which is required"),
    ],
)
def test_what_the_class_requires_holds_for_a_request_that_needs_nothing(said: dict[str, Any], reason: str) -> None:
    able = {"tools": False, "streaming": False, "structured_output": "prompt", "reasoning": "none"}
    models = [with_price("a", 5, context_window=10_000, **able)]
    route_class = RouteClass(name="test", requirements=Requirements(**said))
    assert [one.reason for one in consider(route_class, HELLO, models, context_of({}, models)).rejected] == [reason]


def test_the_steps_of_difficulty_are_climbed_one_by_one() -> None:
    prices = [Price(input=10**8 * (n + 1), output=10**8 * (n + 1)) for n in range(5)]
    qualities = (2, 2, 5, 4, 9)
    models = [with_price("abcde"[n], qualities[n], prices[n]) for n in range(5)]
    route_class = RouteClass(name="test", strategy="difficulty")
    # Steps are a, c and e: b and d are no better than what is cheaper.
    easy, middling = HELLO, replace(HELLO, estimated_input_tokens=20_000)
    hard = replace(middling, reasoning=True, messages=16)
    able = [replace(model, reasoning="optional") for model in models]
    assert names_of(route_class, able, easy) == ("a", "c", "e", "b", "d")
    assert names_of(route_class, able, middling) == ("c", "e", "a", "b", "d")
    assert names_of(route_class, able, hard) == ("e", "c", "a", "b", "d")
