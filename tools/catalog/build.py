"""The capability catalog: from our own list and what two packages say to `core/facts/_catalog_data.py`.

    python tools/catalog/build.py             render _catalog_data.py from models.toml and snapshot.json
    python tools/catalog/build.py --check     fail if the rendered file is another than the committed one

`models.toml` says which models there are and what neither package knows; `snapshot.json` holds what the packages say
about just these, and `read.py` makes it. So a hand-kept fact is changed, and all of it checked, without the packages.
"""

from __future__ import annotations

import argparse
import json
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aig_client.core.facts._catalog import Capabilities
from aig_client.core.facts._prices import NANO, Price

HERE = Path(__file__).resolve().parent
MODELS = HERE / "models.toml"
SNAPSHOT = HERE / "snapshot.json"
DATA = HERE.parent.parent / "src" / "aig_client" / "core" / "facts" / "_catalog_data.py"

Facts = dict[str, Any]

# --- Models ------------------------------------------------------------------------------------------


def listed(models: Facts) -> Iterator[tuple[str, str, Facts, Facts]]:
    """Every model of models.toml: provider slug, model, its own table and its provider's. As in `read.py`."""
    for slug, provider in models["providers"].items():
        for model, own in provider["models"].items():
            yield slug, model, own, provider


# --- Rendering ---------------------------------------------------------------------------------------

ABILITIES = ("tools", "parallel_tools", "streaming", "batch", "reasoning_by_default", "reasoning_traces")
PRICE_COLUMNS = ("input", "output", "cache_read", "cache_write_5m", "cache_write_1h")
META = {"prices", "capabilities", "defaults", "sources"}


def row_of(slug: str, model: str, own: Facts, provider: Facts, facts: Facts) -> Capabilities:
    """The facts of the packages, the provider's defaults over them, the model's own over both."""
    defaults = provider.get("defaults", {}) if own.get("defaults", True) else {}
    merged = {**facts, **defaults, **{field: value for field, value in own.items() if field not in META}}
    return Capabilities.from_dict({**merged, "provider": slug, "model": model}, where=f"/{slug}~1{model}")


def dollars(nano: int | None) -> str:
    if nano is None:
        return ""
    return f"{nano // NANO or ''}.{nano % NANO:09d}".rstrip("0").removesuffix(".") or "0"


def price_text(row: Price) -> str:
    words: list[str] = [] if row.tier == "standard" else [row.tier]
    words += [f">{row.above}"] if row.above else []
    words += [f"@{row.since}"] if row.since else []
    columns = "/".join(dollars(getattr(row, column)) for column in PRICE_COLUMNS).rstrip("/")
    words += [columns] if columns else []
    others = {*Price.__dataclass_fields__} - {*PRICE_COLUMNS, "tier", "above", "since"}
    words += [f"{name}={dollars(getattr(row, name))}" for name in sorted(others) if getattr(row, name) is not None]
    return " ".join(words)


def abilities(row: Capabilities) -> str:
    known = [(name, getattr(row, name)) for name in ABILITIES]
    return " ".join(name if value else f"-{name}" for name, value in known if value is not None)


def cells(row: Capabilities, own_sources: list[str]) -> list[str]:
    cache = [row.prompt_cache or "-", row.prompt_cache_min_tokens or "-", *row.prompt_cache_ttls]
    days = "" if row.deprecated_on is row.retired_on is None else f"{row.deprecated_on or '-'} {row.retired_on or '-'}"
    texts: list[object] = [
        row.model,
        " ".join(row.aliases),
        row.context_window,
        row.max_output_tokens,
        " ".join(sorted(row.input_modalities)),
        " ".join(sorted(row.output_modalities)),
        abilities(row),
        row.structured_output,
        row.reasoning,
        " ".join(map(str, cache)) if cache != ["-", "-"] else "",
        " ".join(sorted(row.builtin_tools)),
        days,
        row.speed,
        row.quality,
        " ".join(own_sources),
        *(price_text(price) for price in row.prices),
    ]
    return [quoted(text) if isinstance(text, str) else repr(text) for text in texts]


def quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def wrapped(parts: list[str]) -> Iterator[str]:
    """A row, in lines of at most 120 columns."""
    line = "        ("
    for part in parts:
        if len(line) + len(part) > 118:
            yield line.rstrip()
            line = "         "
        line += f"{part}, "
    yield line.rstrip(", ") + "),"


def render() -> str:
    models = tomllib.loads(MODELS.read_text("utf-8"))
    snapshot = json.loads(SNAPSHOT.read_text("utf-8"))
    packages = ", ".join(f"{name} {version}" for name, version in snapshot["packages"].items())
    lines = [HEAD, f"AS_OF: Final = {quoted(snapshot['read_on'])}", f"PACKAGES: Final = {quoted(packages)}"]
    lines += ["SOURCES: Final = {", *(f"    {quoted(key)}: {quoted(url)}," for key, url in models["sources"].items())]
    lines += ["}", "# Per provider: pages that hold for all its rows, and the rows.", "ROWS: Final = {"]
    previous = ""
    for slug, model, own, provider in listed(models):
        if slug != previous:
            lines += ["    )),"] if previous else []
            lines += [f"    {quoted(slug)}: ({quoted(' '.join(provider['sources']))}, ("]
            previous = slug
        unknown = {*provider["sources"], *own.get("sources", [])} - models["sources"].keys()
        if unknown:
            raise SystemExit(f"{slug}/{model}: unknown sources {sorted(unknown)}")
        row = row_of(slug, model, own, provider, snapshot["facts"][f"{slug}/{model}"])
        lines += wrapped(cells(row, own.get("sources", [])))
    return "\n".join([*lines, "    )),", "}", "# fmt: on", ""])


HEAD = '''"""The capability catalog's rows. Generated by ``tools/catalog/build.py``; `_catalog_rows` reads them.

A row: model, aliases, context window, most output tokens, inputs, outputs, abilities ("-" before one is "cannot"),
structured output, reasoning, prompt cache (kind, fewest tokens, seconds to live), built-in tools, deprecated and
retired on, speed, quality, further sources, and its prices. A price: tier, ``>`` above so many tokens, ``@`` since,
US dollars for a million tokens as input/output/cache read/cache write 5 m/cache write 1 h, then others by name.
"""

from __future__ import annotations

from typing import Final

# fmt: off'''


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="fail if _catalog_data.py is not what the inputs say")
    options = parser.parse_args(arguments)
    rendered = render()
    if options.check:
        if not DATA.exists() or DATA.read_text("utf-8") != rendered:
            print(f"{DATA.name} is not what models.toml and snapshot.json say; run build.py", file=sys.stderr)
            return 1
        return 0
    DATA.write_text(rendered, "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
