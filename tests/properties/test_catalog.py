"""The catalog's laws: what is written comes back, more requirements never find more, order never matters."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, get_args

from hypothesis import given
from hypothesis import strategies as st

from aig_client.core.facts._catalog import Capabilities, Modality, PromptCache, Reasoning, StructuredOutput
from aig_client.core.facts._catalog_lookup import Catalog, builtin_catalog, price_of, why_not
from aig_client.core.facts._classes import Requirements
from aig_client.core.facts._prices import Price, Tier

COUNT = st.none() | st.integers(0, 2_000_000)
FLAG = st.none() | st.booleans()
DAY = st.none() | st.sampled_from(["2025-12-31", "2026-06-01", "2026-11-21", "2027-01-01"])
TEXT = st.text(min_size=1, max_size=6)
MODALITIES = st.frozensets(st.sampled_from(get_args(Modality)))
PRICE = st.builds(
    Price,
    input=COUNT,
    output=COUNT,
    cache_write_1h=COUNT,
    search=COUNT,
    tier=st.sampled_from(get_args(Tier)),
    above=st.sampled_from([0, 100, 200]),
    since=DAY,
)
ROW = st.builds(
    Capabilities,
    provider=TEXT,
    model=TEXT,
    aliases=st.lists(TEXT, max_size=2).map(tuple),
    context_window=COUNT,
    max_output_tokens=COUNT,
    input_modalities=MODALITIES,
    output_modalities=MODALITIES,
    tools=FLAG,
    parallel_tools=FLAG,
    streaming=FLAG,
    structured_output=st.none() | st.sampled_from(get_args(StructuredOutput)),
    reasoning=st.none() | st.sampled_from(get_args(Reasoning)),
    reasoning_by_default=FLAG,
    reasoning_traces=FLAG,
    prompt_cache=st.none() | st.sampled_from(get_args(PromptCache)),
    prompt_cache_min_tokens=COUNT,
    prompt_cache_ttls=st.lists(st.integers(0, 86400), max_size=2).map(tuple),
    builtin_tools=st.frozensets(st.sampled_from(["web_search", "code_execution"])),
    batch=FLAG,
    retired_on=DAY,
    billed_by=TEXT,
    speed=st.integers(1, 10),
    quality=st.integers(1, 10),
    prices=st.lists(PRICE, max_size=4).map(tuple),
    source=TEXT,
    as_of=st.sampled_from(["", "2026-11-21"]),
)
CATALOG = builtin_catalog()
REQUIREMENTS: dict[str, st.SearchStrategy[Any]] = {
    "tools": st.booleans(),
    "vision": st.booleans(),
    "audio": st.booleans(),
    "streaming": st.booleans(),
    "web_search": st.booleans(),
    "structured_output": st.sampled_from([None, "none", "prompt", "json_mode", "native"]),
    "context": st.sampled_from([0, 1, 100_000, 400_000, 2_000_000]),
    "reasoning": st.sampled_from(["allowed", "required", "forbidden"]),
    "reasoning_traces": st.sampled_from(["allowed", "forbidden"]),
}
# From the least to the most that can be asked for; reasoning has two ends.
STRICTER: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(("tools", "vision", "audio", "streaming", "web_search"), (False, True)),
    "structured_output": (None, "none", "prompt", "json_mode", "native"),
    "context": (0, 1, 100_000, 400_000, 2_000_000),
    "reasoning_traces": ("allowed", "forbidden"),
}
ASKED = st.builds(Requirements, **REQUIREMENTS)


@given(ROW)
def test_a_row_comes_back_from_json(row: Capabilities) -> None:
    assert Capabilities.from_dict(json.loads(json.dumps(row.as_dict()))) == row


@given(ASKED, st.sampled_from(sorted(STRICTER)), st.data())
def test_a_stricter_requirement_never_adds_a_model(asked: Requirements, name: str, data: st.DataObject) -> None:
    ladder = STRICTER[name]
    stricter = replace(
        asked, **{name: data.draw(st.sampled_from(ladder[ladder.index(getattr(asked, name)) :]), label="stricter")}
    )
    before = CATALOG.find_models(asked, today="2026-11-21")
    after = CATALOG.find_models(stricter, today="2026-11-21")
    assert set(after) <= set(before)


@given(ASKED, st.sampled_from(["required", "forbidden"]))
def test_no_model_reasons_by_rule_and_never(asked: Requirements, rule: Any) -> None:
    allowed = CATALOG.find_models(replace(asked, reasoning="allowed"))
    assert set(CATALOG.find_models(replace(asked, reasoning=rule))) <= set(allowed)


@given(ASKED, st.integers(0, 200_000), st.integers(0, 200_000))
def test_more_output_and_fewer_providers_never_add_a_model(asked: Requirements, less: int, more: int) -> None:
    few = CATALOG.find_models(asked, providers=["openai", "groq"], min_output_tokens=less + more)
    assert set(few) <= set(CATALOG.find_models(asked, min_output_tokens=less))


@given(st.randoms(use_true_random=False), ASKED)
def test_the_order_of_rows_does_not_matter(random: Any, asked: Requirements) -> None:
    rows = list(CATALOG.rows)
    random.shuffle(rows)
    shuffled = Catalog(tuple(rows))
    assert shuffled.find_models(asked) == CATALOG.find_models(asked)
    names = [row.name for row in shuffled.find_models(asked)]
    assert names == sorted(names)
    assert dict(shuffled.explain(asked)) == dict(CATALOG.explain(asked))


@given(ROW, ASKED, DAY)
def test_a_reason_is_a_sentence_or_nothing_and_never_raises(
    row: Capabilities, asked: Requirements, day: str | None
) -> None:
    reason = why_not(row, asked, day)
    assert reason is None or len(reason) > 5


@given(ROW, st.none() | st.integers(0, 300), st.sampled_from(get_args(Tier)), DAY, st.randoms(use_true_random=False))
def test_a_price_holds_for_what_was_asked(
    row: Capabilities, tokens: int | None, tier: Any, day: str | None, random: Any
) -> None:
    price = price_of(row, input_tokens=tokens, tier=tier, today=day)
    on = day or row.as_of or "9999-12-31"
    holding = [one for one in row.prices if one.tier == tier and (one.since or "") <= on]
    newest = [one for one in holding if (one.since or "") == max((one.since or "" for one in holding), default="")]
    fitting = [one for one in newest if one.above == 0 or one.above < (tokens or 0)]
    if not fitting:
        assert price is None
        return
    assert price is not None
    assert price in fitting
    assert price.above == max(one.above for one in fitting)
    once = {(one.tier, one.above, one.since): one for one in row.prices}
    prices = list(once.values())
    random.shuffle(prices)
    unique = [
        price_of(replace(row, prices=tuple(some)), input_tokens=tokens, tier=tier, today=day)
        for some in (prices, list(once.values()))
    ]
    assert unique[0] == unique[1]


@given(
    st.sampled_from(CATALOG.rows), st.sampled_from(["-2026-01-31", "-20260131", "@20260131", "@2026-01-31", "-latest"])
)
def test_a_snapshot_is_its_model_and_a_longer_name_is_not(row: Capabilities, suffix: str) -> None:
    assert CATALOG.get(row.provider, row.model) is row
    assert CATALOG.get(row.provider, f"{row.provider}/{row.model}") is row
    assert CATALOG.get(row.provider, row.model + suffix) in (
        row,
        *(one for one in CATALOG.rows if row.model + suffix in one.aliases),
    )
    assert CATALOG.get(row.provider, row.model + "-x" + suffix) is None
    assert CATALOG.get(row.provider, row.model[:-1]) is not row
