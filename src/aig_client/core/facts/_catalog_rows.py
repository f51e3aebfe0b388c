"""The generated table (`_catalog_data`) as `Capabilities`. Loaded when the built-in catalog is first asked for."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from ._catalog import Capabilities
from ._catalog_data import AS_OF, PACKAGES, ROWS, SOURCES
from ._prices import NANO, Price

_COLUMNS: Final = ("input", "output", "cache_read", "cache_write_5m", "cache_write_1h")
_DIGITS: Final = len(str(NANO)) - 1

Row = tuple[Any, ...]  # a row of the table has columns of several kinds; the build has checked each of them


def rows() -> tuple[Capabilities, ...]:
    """Every row of the table. The build has checked them all as `Capabilities.from_dict` does."""
    return tuple(_row(provider, pages, row) for provider, (pages, table) in ROWS.items() for row in table)


def _row(provider: str, pages: str, row: Row) -> Capabilities:
    (model, aliases, window, most, inputs, outputs, able, structured, reasoning, cached) = row[:10]
    builtin, days, speed, quality, more, *prices = row[10:]
    kind, fewest, *ttls = cached.split() or (None, "-")
    deprecated, retired = days.split() or ("-", "-")
    return Capabilities(
        provider=provider,
        model=model,
        aliases=tuple(aliases.split()),
        context_window=window,
        max_output_tokens=most,
        input_modalities=_words(inputs),
        output_modalities=_words(outputs),
        structured_output=structured,
        reasoning=reasoning,
        prompt_cache=kind,
        prompt_cache_min_tokens=None if fewest == "-" else int(fewest),
        prompt_cache_ttls=tuple(map(int, ttls)),
        builtin_tools=_words(builtin),
        deprecated_on=None if deprecated == "-" else deprecated,
        retired_on=None if retired == "-" else retired,
        billed_by=provider,
        speed=speed,
        quality=quality,
        prices=tuple(map(_price, prices)),
        source=_source(f"{pages} {more}"),
        as_of=AS_OF,
        **{name.removeprefix("-"): not name.startswith("-") for name in able.split()},
    )


@cache
def _words(text: str) -> frozenset[Any]:
    return frozenset(text.split())


@cache
def _source(pages: str) -> str:
    return "; ".join((PACKAGES, *(SOURCES[page] for page in pages.split())))


@cache
def _nano(dollars: str) -> int:
    whole, _, rest = dollars.partition(".")
    return int(whole + rest.ljust(_DIGITS, "0"))


@cache
def _price(text: str) -> Price:
    found: dict[str, Any] = {}
    for word in text.split():
        if word[0] == ">":
            found["above"] = int(word[1:])
        elif word[0] == "@":
            found["since"] = word[1:]
        elif word[0].isalpha():
            name, given, amount = word.partition("=")
            found |= {name: _nano(amount)} if given else {"tier": name}
        else:
            found |= {name: _nano(one) for name, one in zip(_COLUMNS, word.split("/"), strict=False) if one}
    return Price(**found)
