"""What genai-prices and litellm say about the models of models.toml, as `snapshot.json`.

    python tools/catalog/read.py GENAI LITELLM YYYY-MM-DD

The two folders are unpacked wheels, or where the packages are installed; the day is that of the reading. It tells
where the packages disagree. Prices are genai-prices' where it has any; litellm fills in service tiers that it has
not. Every price becomes whole nano-dollars; one that does not (an hour of sound for $0.04) is told and left out.
Neither package is a dependency of this project, not even of its tests: `build.py` reads the snapshot alone.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import tomllib
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, get_args

from aig_client.core.facts._catalog import Capabilities
from aig_client.core.facts._prices import NANO, Price, Tier

HERE = Path(__file__).resolve().parent
MODELS = HERE / "models.toml"
SNAPSHOT = HERE / "snapshot.json"

Facts = dict[str, Any]
GenaiModel = Any  # genai_prices.types.ModelInfo
GenaiPrice = Any  # a Decimal or genai_prices.types.TieredPrices


def listed(models: Facts) -> Iterator[tuple[str, str, Facts, Facts]]:
    """Every model of models.toml: provider slug, model, its own table and its provider's. As in `build.py`."""
    for slug, provider in models["providers"].items():
        for model, own in provider["models"].items():
            yield slug, model, own, provider


# --- Prices ------------------------------------------------------------------------------------------

# genai-prices' units -> our field, and how many of its units one of ours is.
UNITS: Mapping[str, tuple[str, int]] = {
    "input_mtok": ("input", 1),
    "output_mtok": ("output", 1),
    "cache_read_mtok": ("cache_read", 1),
    "cache_write_mtok": ("cache_write_5m", 1),
    "cache_write_1h_mtok": ("cache_write_1h", 1),
    "output_reasoning_mtok": ("reasoning", 1),
    "input_audio_mtok": ("input_audio", 1),
    "output_audio_mtok": ("output_audio", 1),
    "input_image_mtok": ("input_image", 1),
    "output_image_mtok": ("output_image", 1),
    "web_searches_kcount": ("search", 1000),
    "requests_kcount": ("request", 1000),
    "audio_hours": ("audio_second", 3600),
    "input_mchars": ("character", 1),
}
TIERS: Final[tuple[Tier, ...]] = get_args(Tier)
CONTEXTS: Final[Mapping[Tier, Mapping[str, str]]] = {
    "standard": {},
    "batch": {"processing": "batch"},
    "flex": {"service_tier": "flex"},
    "priority": {"service_tier": "priority"},
}
LITELLM_PRICES = {
    "input_cost_per_token": "input",
    "output_cost_per_token": "output",
    "cache_read_input_token_cost": "cache_read",
    "cache_creation_input_token_cost": "cache_write_5m",
    "cache_creation_input_token_cost_above_1hr": "cache_write_1h",
}
SUFFIXES: Final[Mapping[str, str]] = {"batch": "_batches", "flex": "_flex", "priority": "_priority"}


def told(name: str, text: str) -> None:
    print(f"{name}: {text}")


def exact(name: str, field: str, dollars: Decimal, units: int) -> int | None:
    """Nano-dollars, or None where the price is not a whole number of them."""
    whole, rest = divmod(dollars * NANO, units)
    if rest:
        told(name, f"${dollars} / {units} for {field} is no whole number of nano-dollars; left out")
    if rest or not whole:  # a price of zero is how both packages write "none", and ours is None
        return None
    return int(whole)


def starts_of(model: GenaiModel, context: Mapping[str, str]) -> list[date | None]:
    """The days on which a price of this tier begins; None is "always"."""
    entries = model.prices if isinstance(model.prices, list) else []
    days = {getattr(entry.constraint, "start_date", None) for entry in entries} or {None}
    if context:
        variants = [one for one in model.price_variants or () if one.when == context]
        mine = {getattr(one.constraint, "start_date", None) for one in variants}
        if not mine:
            return []
        first = min(mine, key=order)
        days = {day for day in (*days, *mine) if order(day) >= order(first)}
    return sorted(days, key=order)


def order(day: date | None) -> date:
    return day or date.min


def prices_on(model: GenaiModel, day: date | None, context: Mapping[str, str], *, newest: bool) -> Facts:
    """What genai-prices says for a day. Where it depends on the hour, the dearest: an estimate is never too low."""
    when = datetime.combine(day or date(1990, 1, 1), time(12), UTC)
    choices = [model.get_prices(when, context).__dict__]
    if isinstance(model.prices, list):
        by_hour = [entry for entry in model.prices if hasattr(entry.constraint, "start_time")]
        whole_days = [entry for entry in model.prices if entry not in by_hour]
        active = [entry for entry in whole_days if entry.constraint is None or entry.constraint.active(when)]
        if by_hour:
            if context:
                raise SystemExit(f"{model.id}: a price by the hour and by the tier is not foreseen")
            choices = [entry.prices.__dict__ for entry in ([*by_hour, *active[-1:]] if newest else active[-1:])]
    return max(choices, key=lambda prices: base_of(prices.get("input_mtok")) or 0)


def base_of(price: GenaiPrice) -> Decimal | None:
    return getattr(price, "base", price)


def at(price: GenaiPrice, above: int) -> Decimal | None:
    tiers = [tier.price for tier in getattr(price, "tiers", ()) if tier.start <= above]
    return tiers[-1] if tiers else base_of(price)


def genai_prices(name: str, model: GenaiModel) -> list[Facts]:
    rows: list[Facts] = []
    for tier, context in CONTEXTS.items():
        days = starts_of(model, context)
        for day in days:
            prices = prices_on(model, day, context, newest=day == days[-1])
            aboves = {0, *(one.start for price in prices.values() for one in getattr(price, "tiers", ()))}
            for above in sorted(aboves):
                found = {
                    field: exact(name, field, amount, units)
                    for unit, (field, units) in UNITS.items()
                    if (amount := at(prices.get(unit), above)) is not None
                }
                since = day.isoformat() if day else None
                rows.append(plain_price(Price(**found, tier=tier, above=above, since=since)))
    return [row for row in rows if row.keys() - {"tier", "above", "since"}]


def litellm_prices(name: str, facts: Facts, tier: Tier) -> list[Facts]:
    rows: dict[int, Facts] = {}
    suffix = SUFFIXES.get(tier, "")
    for thousands in (0, 100, 128, 200, 256, 272, 512):
        above = f"_above_{thousands}k_tokens" if thousands else ""
        for key, field in LITELLM_PRICES.items():
            amount = facts.get(f"{key}{above}{suffix}")
            if amount and (whole := exact(name, field, Decimal(amount) * 1_000_000, 1)) is not None:
                rows.setdefault(thousands * 1000, {})[field] = whole
    second = facts.get("input_cost_per_second")
    if second and not suffix and (whole := exact(name, "audio_second", Decimal(second), 1)) is not None:
        rows.setdefault(0, {})["audio_second"] = whole
    return [plain_price(Price(**row, tier=tier, above=above)) for above, row in rows.items()]


def dated(rows: list[Facts], model: GenaiModel | None, read_on: str) -> list[Facts]:
    """What litellm says holds today: from the day of today's standard price, and unknown where that one will change."""
    days = [day.isoformat() for day in (starts_of(model, {}) if model else []) if day]
    if any(day > read_on for day in days):
        return []
    return [row | {"since": days[-1]} for row in rows] if days else rows


def plain_price(price: Price) -> Facts:
    row: Any = Capabilities(provider="-", model="-", prices=(price,)).as_dict()["prices"]
    return dict(row[0])


def disagreements(name: str, ours: list[Facts], theirs: list[Facts], today: str) -> None:
    current: dict[int, Facts] = {}
    for row in ours:
        if row.get("tier", "standard") == "standard" and row.get("since", "") <= today:
            current[row.get("above", 0)] = row
    for row in theirs:
        mine = current.get(row.get("above", 0), {})
        for field, amount in row.items():
            if field != "above" and field in mine and mine[field] != amount:
                told(name, f"{field} above {row.get('above', 0)}: genai-prices {mine[field]} wins, litellm {amount}")


# --- Capabilities ------------------------------------------------------------------------------------

CAN = {"supports_function_calling": "tools", "supports_parallel_function_calling": "parallel_tools"}
INPUTS = {
    "supports_vision": "image",
    "supports_audio_input": "audio",
    "supports_video_input": "video",
    "supports_pdf_input": "file",
}
THINKING = {True: "optional", False: "always"}


def capabilities(name: str, facts: Facts, window: int | None) -> Facts:
    """What litellm says, in our words. What it says nothing about stays out."""
    found: Facts = {field: True for key, field in CAN.items() if facts.get(key)}
    inside, outside = facts.get("max_input_tokens"), facts.get("max_output_tokens")
    # Its window is the input's; OpenAI's and genai-prices' is input and output together.
    both = inside + outside if inside and outside and inside != outside else None
    if window and inside and window not in (inside, both):
        told(name, f"context window: litellm {inside} wins, genai-prices {window}")
    found["context_window"] = window if window == both and window else inside or window
    if outside and outside != inside:  # the same number twice stands for "no limit of its own"
        found["max_output_tokens"] = outside
    if facts.get("mode") in ("chat", "responses", "embedding"):
        found["input_modalities"] = sorted({"text", *(word for key, word in INPUTS.items() if facts.get(key))})
    if facts.get("supports_response_schema"):
        found["structured_output"] = "native"
    if facts.get("thinking_always_on"):
        found["reasoning"] = "always"
    elif levels := facts.get("reasoning_effort_levels"):
        found["reasoning"] = THINKING["none" in levels]
    elif facts.get("supports_none_reasoning_effort") is not None:
        found["reasoning"] = THINKING[facts["supports_none_reasoning_effort"]]
        if facts.get("default_reasoning_effort") == "none":
            found["reasoning_by_default"] = False
    if facts.get("supports_web_search"):
        found["builtin_tools"] = ["web_search"]
    if minimum := facts.get("prompt_cache_min_tokens"):
        found["prompt_cache_min_tokens"] = int(minimum)
    if retired := facts.get("deprecation_date"):
        found["retired_on"] = retired
    return {field: value for field, value in found.items() if value is not None}


# --- Reading -----------------------------------------------------------------------------------------


def version_of(folder: Path, package: str) -> str:
    return next(folder.glob(f"{package}-*.dist-info")).name.removesuffix(".dist-info").rpartition("-")[2]


def read(genai: Path, litellm: Path, read_on: str) -> None:
    sys.path.insert(0, str(genai))
    data = importlib.import_module("genai_prices.data")
    priced = {provider.id: {model.id: model for model in provider.models} for provider in data.providers}
    text = (litellm / "litellm" / "model_prices_and_context_window_backup.json").read_text("utf-8")
    able: Facts = json.loads(text, parse_float=Decimal)
    facts: dict[str, Facts] = {}
    for slug, model, own, provider in listed(tomllib.loads(MODELS.read_text("utf-8"))):
        name = f"{slug}/{model}"
        key, prefix = own.get("prices", model), provider["capabilities"]
        entry = priced[provider["prices"]][key] if key else None
        mine = own.get("capabilities", False if prefix is False else prefix + model)
        theirs = able[mine] if mine else {}
        prices = genai_prices(name, entry) if entry else []
        disagreements(name, prices, litellm_prices(name, theirs, "standard"), read_on)
        if entry and entry.deprecated and "retired_on" not in {**provider.get("defaults", {}), **own, **theirs}:
            told(name, "genai-prices calls it deprecated, and no date is known")
        for tier in TIERS[1 if entry else 0 :]:  # what genai-prices left out for not being exact stays out
            if not any(row.get("tier", "standard") == tier for row in prices):
                prices += dated(litellm_prices(name, theirs, tier), entry, read_on)
        facts[name] = capabilities(name, theirs, entry.context_window if entry else None) | {"prices": prices}
        if any(row.get("tier") == "batch" for row in prices):
            facts[name]["batch"] = True
    packages = {"genai-prices": version_of(genai, "genai_prices"), "litellm": version_of(litellm, "litellm")}
    snapshot = {"packages": packages, "read_on": read_on, "facts": facts}
    SNAPSHOT.write_text(json.dumps(snapshot, indent=1, sort_keys=True) + "\n", "utf-8")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("genai", type=Path, help="the folder that holds genai_prices/")
    parser.add_argument("litellm", type=Path, help="the folder that holds litellm/")
    parser.add_argument("read_on", type=lambda text: date.fromisoformat(text).isoformat(), help="YYYY-MM-DD")
    options = parser.parse_args(arguments)
    read(options.genai, options.litellm, options.read_on)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
