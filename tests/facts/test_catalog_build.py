"""The generator of the catalog, and when the catalog is loaded."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import date, time
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

TOOLS = Path(__file__).parent.parent.parent / "tools" / "catalog"


def tool(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"catalog_{name}", TOOLS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


BUILD, READ = tool("build"), tool("read")


def test_the_committed_rows_are_what_the_committed_inputs_say() -> None:
    script = [sys.executable, str(TOOLS / "build.py"), "--check"]
    done = subprocess.run(script, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_check_fails_where_a_row_was_changed_by_hand(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "_catalog_data.py"
    monkeypatch.setattr(BUILD, "DATA", copy)
    assert BUILD.main(["--check"]) == 1
    assert BUILD.main([]) == 0
    assert BUILD.main(["--check"]) == 0
    copy.write_text(copy.read_text("utf-8").replace("128000", "128001", 1), "utf-8")
    assert BUILD.main(["--check"]) == 1
    assert "run build.py" in capsys.readouterr().err


def test_a_source_that_is_not_listed_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    copy = tmp_path / "models.toml"
    copy.write_text(BUILD.MODELS.read_text("utf-8").replace('sources = ["xai-docs"', 'sources = ["x-docs"'), "utf-8")
    monkeypatch.setattr(BUILD, "MODELS", copy)
    with pytest.raises(SystemExit, match=r"unknown sources \['x-docs'\]"):
        BUILD.render()


def test_the_data_is_small() -> None:
    assert BUILD.DATA.stat().st_size < 60_000


@pytest.mark.parametrize("module", ["aig_client", "aig_client.core", "aig_client.core.facts._catalog_lookup"])
def test_nothing_is_loaded_before_it_is_asked_for(module: str) -> None:
    script = (
        f"import sys, {module}\n"
        "loaded = [name for name in sys.modules if name.endswith(('_catalog_data', '_catalog_rows'))]\n"
        "assert not loaded, loaded\n"
        "from aig_client.core.facts._catalog_lookup import capabilities\n"
        "assert capabilities('gpt-5.5').provider == 'openai'\n"
        "assert 'aig_client.core.facts._catalog_data' in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


# --- Reading, with the packages' shapes by hand ------------------------------------------------------


@dataclass
class Tier:
    start: int
    price: Decimal


@dataclass
class Tiered:
    base: Decimal
    tiers: list[Tier]


@dataclass
class From:
    start_date: date

    def active(self, when: Any) -> bool:
        return bool(when.date() >= self.start_date)


@dataclass
class Hours:
    start_time: time = time(1)

    def active(self, when: Any) -> bool:
        return bool(when.time() == self.start_time)


class Prices:
    def __init__(self, **prices: object) -> None:
        self.__dict__.update(prices)


@dataclass
class Entry:
    constraint: From | Hours | None
    prices: Prices


@dataclass
class Variant:
    when: dict[str, str]
    prices: Prices
    constraint: From | None = None


@dataclass
class Model:
    """As much of genai_prices.types.ModelInfo as is read."""

    prices: Prices | list[Entry]
    price_variants: list[Variant] = field(default_factory=list)
    id: str = "m"

    def get_prices(self, when: Any, context: Any) -> Prices:
        found = self.prices
        if isinstance(found, list):
            found = [one for one in found if one.constraint is None or one.constraint.active(when)][-1].prices
        overlaid = dict(found.__dict__)
        for one in self.price_variants:
            if one.when == context and (one.constraint is None or one.constraint.active(when)):
                overlaid |= one.prices.__dict__
        return Prices(**overlaid)


def test_a_price_is_whole_nano_dollars_or_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert READ.exact("m", "search", Decimal(14), 1000) == 14_000_000
    assert READ.exact("m", "audio_second", Decimal("0.36"), 3600) == 100_000
    assert capsys.readouterr().out == ""
    assert READ.exact("m", "audio_second", Decimal("0.04"), 3600) is None
    assert "no whole number" in capsys.readouterr().out
    assert READ.exact("m", "input", Decimal("0.0"), 1) is None


def test_a_long_context_price_is_a_row_of_its_own() -> None:
    model = Model(Prices(input_mtok=Tiered(Decimal(1), [Tier(100, Decimal(2))]), output_mtok=Decimal(5)))
    assert READ.genai_prices("m", model) == [
        {"input": 1_000_000_000, "output": 5_000_000_000},
        {"input": 2_000_000_000, "output": 5_000_000_000, "above": 100},
    ]


def test_a_change_is_dated_and_a_tier_follows_it() -> None:
    model = Model(
        [
            Entry(None, Prices(input_mtok=Decimal(4), output_mtok=Decimal(8))),
            Entry(From(date(2027, 1, 1)), Prices(input_mtok=Decimal(6), output_mtok=Decimal(8))),
        ],
        [Variant({"processing": "batch"}, Prices(input_mtok=Decimal(2)), From(date(2026, 10, 14)))],
    )
    rows = READ.genai_prices("m", model)
    assert [(row.get("tier"), row.get("since"), row["input"], row["output"]) for row in rows] == [
        (None, None, 4_000_000_000, 8_000_000_000),
        (None, "2027-01-01", 6_000_000_000, 8_000_000_000),
        ("batch", "2026-10-14", 2_000_000_000, 8_000_000_000),
        ("batch", "2027-01-01", 2_000_000_000, 8_000_000_000),
    ]


def test_of_prices_by_the_hour_the_dearest_is_taken() -> None:
    off, peak = Prices(input_mtok=Decimal(1)), Prices(input_mtok=Decimal(3))
    for entries in ([Entry(None, off), Entry(Hours(), peak)], [Entry(None, peak), Entry(Hours(), off)]):
        assert READ.prices_on(Model(entries), None, {}, newest=True)["input_mtok"] == 3
    assert READ.prices_on(Model([Entry(None, off), Entry(Hours(), peak)]), None, {}, newest=False)["input_mtok"] == 1


def test_litellm_fills_in_a_tier_only_for_as_long_as_its_price_can_hold() -> None:
    batch = READ.litellm_prices("m", {"input_cost_per_token_batches": Decimal("1.5e-06")}, "batch")
    assert batch == [{"input": 1_500_000_000, "tier": "batch"}]
    entry = [Entry(None, Prices()), Entry(From(date(2026, 6, 1)), Prices())]
    assert READ.dated(batch, None, "2026-11-21") == batch
    assert READ.dated(batch, Model(entry), "2026-11-21") == [{**batch[0], "since": "2026-06-01"}]
    assert READ.dated(batch, Model(entry), "2026-05-31") == []


@pytest.mark.parametrize(
    ("facts", "window", "expected"),
    [
        ({"max_input_tokens": 272, "max_output_tokens": 128}, 400, {"context_window": 400, "max_output_tokens": 128}),
        ({"max_input_tokens": 128, "max_output_tokens": 128}, 256, {"context_window": 128}),
        ({"max_input_tokens": 1048}, 1000, {"context_window": 1048}),
        ({}, 1000, {"context_window": 1000}),
        ({"supports_function_calling": True, "supports_vision": False}, None, {"tools": True}),
        ({"supports_none_reasoning_effort": True, "default_reasoning_effort": "none"}, None,
         {"reasoning": "optional", "reasoning_by_default": False}),
        ({"supports_none_reasoning_effort": False}, None, {"reasoning": "always"}),
        ({"reasoning_effort_levels": ["none", "high"]}, None, {"reasoning": "optional"}),
        ({"supports_reasoning": True}, None, {}),
        ({"deprecation_date": "2026-12-11"}, None, {"retired_on": "2026-12-11"}),
    ],
)  # fmt: skip
def test_what_litellm_does_not_say_stays_unknown(facts: Any, window: int | None, expected: dict[str, Any]) -> None:
    assert READ.capabilities("m", facts, window) == expected
