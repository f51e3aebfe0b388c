"""Selection is deterministic, indifferent to the order of the catalog, monotone in what is required, and total."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, get_args

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from aig_client.core import Refused
from aig_client.core.facts._catalog import Capabilities, Modality, StructuredOutput
from aig_client.core.facts._catalog_lookup import why_not
from aig_client.core.facts._classes import Limits, Requirements, RouteClass, ScoreWeights, Strategy, Target
from aig_client.core.facts._prices import Price
from aig_client.core.facts._providers import EndpointKind
from aig_client.core.path._policy import Override
from aig_client.core.path._score import cost_term
from aig_client.core.path._select import Context, Selection, consider, select
from aig_client.core.path._work import Work, difficulty, infer_class, work_of

PROVIDERS = ("openai", "groq", "anthropic")
MAYBE = st.sampled_from([None, True, False])
STRATEGIES = st.sampled_from(get_args(Strategy))
STRUCTURED = st.sampled_from(get_args(StructuredOutput))
AMOUNT = st.one_of(st.none(), st.integers(0, 10**11))
PRICES = st.builds(
    Price, input=AMOUNT, output=AMOUNT, above=st.sampled_from([0, 0, 1000]), tier=st.sampled_from(["standard", "flex"])
)
ROWS = st.builds(
    Capabilities,
    provider=st.sampled_from(PROVIDERS),
    model=st.sampled_from("abcdefgh"),
    context_window=st.sampled_from([None, 4_000, 128_000]),
    max_output_tokens=st.sampled_from([None, 1_000, 64_000]),
    input_modalities=st.sampled_from([frozenset({"text"}), frozenset({"text", "image"})]),
    output_modalities=st.sampled_from([frozenset({"text"}), frozenset({"text"}), frozenset()]),
    tools=MAYBE,
    streaming=MAYBE,
    structured_output=st.none() | STRUCTURED,
    reasoning=st.sampled_from([None, "none", "optional", "always"]),
    reasoning_traces=MAYBE,
    builtin_tools=st.sampled_from([frozenset(), frozenset({"web_search"})]),
    deprecated_on=st.sampled_from([None, "2026-01-01"]),
    retired_on=st.sampled_from([None, None, "2026-02-01", "2027-01-01"]),
    billed_by=st.sampled_from(["", "openai"]),
    speed=st.integers(1, 10),
    quality=st.integers(1, 10),
    prices=st.lists(PRICES, max_size=2).map(tuple),
)
MODELS = st.lists(ROWS, max_size=10, unique_by=lambda row: row.name)
NAMES = st.builds("{}/{}".format, st.sampled_from(PROVIDERS), st.sampled_from("abcdefgh"))
TARGETS = st.lists(
    st.builds(
        Target,
        provider=st.sampled_from(PROVIDERS),
        model=st.sampled_from("abcdefgh"),
        weight=st.integers(0, 3),
    ),
    max_size=4,
    unique_by=lambda target: target.name,
).map(tuple)
REQUIREMENTS = st.builds(
    Requirements,
    tools=st.booleans(),
    vision=st.booleans(),
    streaming=st.booleans(),
    web_search=st.booleans(),
    structured_output=st.none() | STRUCTURED,
    context=st.sampled_from([0, 0, 100_000]),
    reasoning=st.sampled_from(["allowed", "allowed", "required", "forbidden"]),
    reasoning_traces=st.sampled_from(["allowed", "forbidden"]),
)
CLASSES = st.builds(
    RouteClass,
    name=st.just("test"),
    targets=TARGETS,
    strategy=STRATEGIES,
    weights=st.builds(ScoreWeights, cost=st.integers(0, 10), speed=st.integers(0, 10), quality=st.integers(0, 10)),
    requirements=st.just(Requirements()) | REQUIREMENTS,
    limits=st.builds(Limits, max_output_tokens=st.sampled_from([None, 500])),
    require_price=st.booleans(),
    external_billing=st.booleans(),
)
WORKS = st.builds(
    Work,
    kind=st.sampled_from(["chat", "chat", "embeddings"]),
    estimated_input_tokens=st.integers(0, 200_000) | st.integers(0, 2_000),
    max_output_tokens=st.sampled_from([None, 100, 2_000]),
    tools=st.booleans(),
    images=st.booleans(),
    structured_output=STRUCTURED,
    stream=st.booleans(),
    messages=st.integers(0, 30),
)
CONTEXTS = st.builds(
    Context,
    today=st.sampled_from([None, "2026-06-01"]),
    providers=st.permutations(PROVIDERS).map(tuple) | st.just(PROVIDERS[:2]),
    speaks=st.just(frozenset(PROVIDERS)),
    health=st.dictionaries(NAMES | st.sampled_from(PROVIDERS), st.floats(), max_size=2),
    remaining_nanodollars=st.none() | st.integers(-5, 10**9),
    warm=st.frozensets(NAMES, max_size=2),
    targeting_key=st.none() | st.text(max_size=3),
    overrides=st.dictionaries(
        st.sampled_from(PROVIDERS), st.builds(Override, st.sampled_from("abx"), st.booleans()), max_size=1
    ),
    excluded=st.dictionaries(NAMES, st.just("tried already"), max_size=2),
)


@settings(max_examples=120)
@given(CLASSES, WORKS, MODELS, CONTEXTS, st.randoms(use_true_random=False))
def test_the_order_of_the_catalog_means_nothing(
    route_class: RouteClass, work: Work, models: list[Capabilities], context: Context, chance: Any
) -> None:
    first = consider(route_class, work, models, context)
    shuffled = list(models)
    chance.shuffle(shuffled)
    assert consider(route_class, work, shuffled, context).as_dict() == first.as_dict()
    assert consider(route_class, work, tuple(models), context) == first


@settings(max_examples=120)
@given(CLASSES, WORKS, MODELS, CONTEXTS)
def test_every_candidate_is_ranked_or_rejected_with_a_reason(
    route_class: RouteClass, work: Work, models: list[Capabilities], context: Context
) -> None:
    selection = consider(route_class, work, models, context)
    names = [*selection.names, *(one.name for one in selection.rejected)]
    assert len(names) == len(set(names))
    forced = {f"{provider}/{one.model}" for provider, one in context.overrides.items()}
    expected = {target.name for target in route_class.targets} or {model.name for model in models}
    assert set(names) == expected | forced
    assert all(one.reason for one in selection.rejected)
    assert tuple(one.model.name for one in selection.ranking) == selection.names
    json.dumps(selection.as_dict())
    if selection.names:
        assert select(route_class, work, models, context) == selection
    else:
        with pytest.raises(Refused) as refused:
            select(route_class, work, models, context)
        assert 0 < len(refused.value.problem) < 700


@settings(max_examples=120)
@given(CLASSES, WORKS, MODELS, CONTEXTS)
def test_who_is_ranked_passes_the_filters(
    route_class: RouteClass, work: Work, models: list[Capabilities], context: Context
) -> None:
    selection = consider(route_class, work, models, context)
    for one in selection.ranking:
        assert one.model.provider in context.providers
        assert one.model.name not in context.excluded
        if one.forced:
            continue
        outputs: tuple[Modality, ...] = () if work.kind == "embeddings" else ("text",)
        assert why_not(one.model, route_class.requirements, context.today, outputs=outputs) is None
        assert one.model.tools or not work.tools
        assert one.model.streaming or not work.stream
        assert "image" in one.model.input_modalities or not work.images
        assert one.model.context_window is None or work.estimated_input_tokens <= one.model.context_window
        assert route_class.external_billing or one.model.billed_by in ("", one.model.provider)
        assert one.estimated_nanodollars is not None or not route_class.require_price


MORE: list[tuple[str, Any]] = [
    ("tools", True),
    ("vision", True),
    ("audio", True),
    ("streaming", True),
    ("web_search", True),
    ("context", 100_000),
    ("reasoning_traces", "forbidden"),
]


def passes(selection: Selection) -> set[str]:
    return set(selection.names)


@settings(max_examples=120)
@given(CLASSES, WORKS, MODELS, CONTEXTS, st.sampled_from(MORE))
def test_requiring_more_lets_nobody_in(
    route_class: RouteClass, work: Work, models: list[Capabilities], context: Context, more: tuple[str, Any]
) -> None:
    before = consider(route_class, work, models, context)
    name, value = more
    if name != "context" or route_class.requirements.context <= value:
        needier = replace(route_class, requirements=replace(route_class.requirements, **{name: value}))
        assert passes(consider(needier, work, models, context)) <= passes(before)
    if route_class.requirements.reasoning == "allowed":
        for reasoning in ("required", "forbidden"):
            strict = replace(route_class, requirements=replace(route_class.requirements, reasoning=reasoning))
            assert passes(consider(strict, work, models, context)) <= passes(before)
    dearer = replace(route_class, require_price=True)
    assert passes(consider(dearer, work, models, context)) <= passes(before)


@settings(max_examples=120)
@given(
    CLASSES,
    WORKS,
    MODELS,
    CONTEXTS,
    st.sampled_from(["tools", "images", "audio", "video", "files", "stream", "web_search", "reasoning"]),
)
def test_a_request_that_needs_more_lets_nobody_in(
    route_class: RouteClass, work: Work, models: list[Capabilities], context: Context, more: str
) -> None:
    before = passes(consider(route_class, work, models, context))
    needs: dict[str, Any] = {more: True}
    assert passes(consider(route_class, replace(work, **needs), models, context)) <= before
    native = replace(work, structured_output="native")
    assert passes(consider(route_class, native, models, context)) <= before
    if context.remaining_nanodollars is None:
        longer = replace(work, estimated_input_tokens=work.estimated_input_tokens * 2 + 1)
        # A price that steps may be unknown on one side of the step only.
        if not route_class.require_price:
            assert passes(consider(route_class, longer, models, context)) <= before


@settings(max_examples=80)
@given(CLASSES, WORKS, MODELS, CONTEXTS)
def test_without_one_candidate_the_others_keep_their_order(
    route_class: RouteClass, work: Work, models: list[Capabilities], context: Context
) -> None:
    """Of every strategy but difficulty, whose steps are made of whoever is there."""
    assume(route_class.strategy != "difficulty")
    selection = consider(route_class, work, models, context)
    for gone in selection.names:
        fewer = replace(context, excluded={**context.excluded, gone: "taken out"})
        assert consider(route_class, work, models, fewer).names == tuple(n for n in selection.names if n != gone)


@settings(max_examples=80)
@given(MODELS, WORKS, WORKS)
def test_harder_is_never_answered_by_less(models: list[Capabilities], one: Work, other: Work) -> None:
    """Between works that need the same, and so have the same candidates and costs."""
    able = [
        replace(
            row, tools=True, reasoning="optional", retired_on=None, output_modalities=frozenset({"text"}), billed_by=""
        )
        for row in models
    ]
    works = [
        Work(kind="chat", estimated_input_tokens=900, messages=work.messages, tools=work.tools, reasoning=work.stream)
        for work in (one, other)
    ]
    easy, hard = sorted(works, key=difficulty)
    route_class = RouteClass(name="test", strategy="difficulty")
    context = Context(providers=PROVIDERS, speaks=frozenset(PROVIDERS))
    first, second = (consider(route_class, work, able, context) for work in (easy, hard))
    assume(first.names and second.names)
    assert first.chosen.model.quality <= second.chosen.model.quality


ARMS = tuple(
    Capabilities(provider="openai", model=model, tools=True, context_window=9_000) for model in ("a", "b", "c", "d")
)


def assigned(keys: int, **weights: int) -> list[str]:
    targets = tuple(Target(provider="openai", model=model, weight=weight) for model, weight in weights.items())
    route_class = RouteClass(name="split", strategy="weighted", targets=targets)
    context = Context(providers=("openai",), speaks=frozenset({"openai"}))
    work = Work(kind="chat")
    return [
        select(route_class, work, ARMS, replace(context, targeting_key=f"user-{number}")).chosen.model.model
        for number in range(keys)
    ]


def test_shares_come_out_as_the_weights_say() -> None:
    keys = 4_000
    got = assigned(keys, a=1, b=10, c=29, d=60)
    for model, share in (("a", 0.01), ("b", 0.1), ("c", 0.29), ("d", 0.6)):
        deviation = (share * (1 - share) / keys) ** 0.5
        assert abs(got.count(model) / keys - share) < 4 * deviation


def test_a_canary_moves_its_own_share_and_nobody_else() -> None:
    keys = 2_000
    before = assigned(keys, a=50, b=50)
    after = assigned(keys, a=50, b=50, c=5)
    moved = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert {new for _, new in moved} == {"c"}
    assert 0.02 < len(moved) / keys < 0.08
    raised = assigned(keys, a=50, b=50, c=20)
    assert all(new == "c" for old, new in zip(after, raised, strict=True) if old != new)
    assert all(now == "c" for was, now in zip(after, raised, strict=True) if was == "c")
    assert assigned(keys, a=50, b=50, c=0) == before


@given(st.integers(0, 10**15), st.integers(0, 10**15))
def test_a_dearer_model_earns_no_more(one: int, other: int) -> None:
    low, high = sorted((one, other))
    assert 1000 >= cost_term(low) >= cost_term(high) >= cost_term(None) == 0


# --- Reading a request -----------------------------------------------------------------------------------------------

WORDS = st.sampled_from(
    [
        *("messages", "contents", "input", "system", "tools", "functions", "role", "content", "parts", "type", "text"),
        *("image_url", "source", "inlineData", "mimeType", "generationConfig", "maxOutputTokens", "max_tokens"),
        *("thinking", "reasoning", "response_format", "responseSchema", "stream", "query", "tool_calls", "args"),
    ]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | WORDS
TREES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS | st.text(max_size=2), inner, max_size=4),
    max_leaves=15,
)


@settings(max_examples=300)
@given(st.sampled_from(get_args(EndpointKind)), TREES)
def test_any_tree_is_read(kind: Any, tree: Any) -> None:
    before = repr(tree)
    work = work_of(kind, tree)
    assert repr(tree) == before
    assert work.estimated_input_tokens >= 0
    assert work.max_output_tokens is None or work.max_output_tokens > 0
    assert type(work.tools) is type(work.stream) is type(work.reasoning) is type(work.web_search) is bool
    assert work.tools or not work.tool_history
    assert 0 <= difficulty(work) <= 100
    assert infer_class(work)[0] in ("vision", "tool_loop", "long_context", "balanced")
    hash(work)


@given(st.lists(st.text(max_size=40), min_size=1, max_size=5))
def test_text_counts_by_its_characters_in_every_dialect(texts: list[str]) -> None:
    expected = -(-sum(map(len, texts)) // 4)
    said = [{"role": "user", "content": text} for text in texts]
    blocks = [{"role": "user", "content": [{"type": "text", "text": text}]} for text in texts]
    parts = [{"role": "user", "parts": [{"text": text}]} for text in texts]
    bodies: list[tuple[Any, Any]] = [
        ("chat", {"model": "some-model", "messages": said}),
        ("messages", {"model": "some-model", "system": texts[0], "messages": blocks[1:]}),
        ("responses", {"model": "some-model", "instructions": texts[0], "input": said[1:]}),
        ("generate_content", {"systemInstruction": parts[0], "contents": parts[1:]}),
        ("run", {"messages": said}),
        ("embeddings", {"model": "some-model", "input": texts}),
    ]
    assert [work_of(kind, body).estimated_input_tokens for kind, body in bodies] == [expected] * len(bodies)


@given(WORKS, st.integers(0, 10**6), st.integers(0, 50))
def test_more_is_never_easier(work: Work, tokens: int, turns: int) -> None:
    more = replace(work, estimated_input_tokens=work.estimated_input_tokens + tokens, messages=work.messages + turns)
    assert difficulty(work) <= difficulty(more) <= difficulty(replace(more, tools=True, reasoning=True))
