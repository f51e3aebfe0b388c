"""The ratios, side by side from one run: ``python benchmarks/run.py [--quick] [--only keys,client,...] [--write]``.

Never a test: nothing here fails because a machine was busy. Every section runs in a process of its own, contestants
take turns in random order, ratios are taken inside a round, and medians over rounds are reported (see ``_rounds.py``).
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import perf_counter

from _rows import Row, run_section

RESULTS = Path(__file__).parent / "RESULTS.md"
STDLIB = "--without-orjson"
SECTIONS: dict[str, tuple[tuple[str, ...], ...]] = {
    "keys": (("_keys.py",), ("_keys.py", STDLIB)),
    "client": (("_client.py",), ("_client.py", STDLIB)),
    "streams": (("_streams.py",), ("_streams.py", STDLIB)),
    "select": (("_select.py",), ("_decisions.py",)),
    "import": (("_imports.py",),),
    "concurrency": (("_concurrency.py",),),
    "emulator": (("_emulator.py",),),
    "worker": (("_worker.py",),),
}
PACKAGES = (
    *("httpx", "httpcore", "httpx2", "httpcore2", "h11", "anyio", "openai", "pydantic", "orjson", "rfc8785"),
    *("starlette", "uvicorn", "httptools", "click"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the sections asked for, print their tables, and with ``--write`` keep them in ``RESULTS.md``."""
    parser = argparse.ArgumentParser(prog="python benchmarks/run.py", description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer rounds; good for a look, not for a claim")
    parser.add_argument("--only", default=",".join(SECTIONS), help=f"some of {','.join(SECTIONS)}")
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS.name}")
    parser.add_argument("--date", default="", help="a date to note in the report")
    options = parser.parse_args(arguments)
    wanted = options.only.split(",")
    unknown = sorted(set(wanted) - set(SECTIONS))
    if unknown:
        parser.error(f"no section {', '.join(unknown)}; there are {', '.join(SECTIONS)}")
    rows: list[Row] = []
    for section in wanted:
        for script, *flags in SECTIONS[section]:
            start = perf_counter()
            rows += run_section(script, *flags, *(["--quick"] if options.quick else []))
            print(f"{section} {' '.join(flags)}: {perf_counter() - start:.0f} s", file=sys.stderr, flush=True)
    report = "\n".join(_report(rows, quick=options.quick, date=options.date))
    print(report)
    if options.write:
        RESULTS.write_text(report + "\n", "utf-8")
    return 0


def _report(rows: list[Row], *, quick: bool, date: str) -> Iterator[str]:
    yield "# Benchmark results"
    yield ""
    yield f"{_machine()}{f' {date}.' if date else ''}{' A quick run: few rounds, wide error.' if quick else ''}"
    yield f"{_versions()}."
    yield ""
    yield "Ratios are medians over interleaved rounds of one run, with the middle half of the rounds beside them."
    yield "Absolute times are of this machine, which was not idle: quote the ratios."
    yield "`close`: the target lies within the middle half, so another run may say otherwise."
    prints = {row.value for row in rows if row.group == "fingerprint"}
    if prints:
        agree = "the same with orjson and without" if len(prints) == 1 else "DIFFERENT with orjson and without"
        yield f"Keys of all benchmark bodies, from dicts and from bytes: {agree}."
    rows = [row for row in rows if row.group != "fingerprint"]
    claims = [row for row in rows if row.kept is not None]
    short = sum(not row.kept for row in claims)
    yield ""
    yield f"## Targets: {len(claims) - short} of {len(claims)} kept"
    yield ""
    yield from _table(
        ("where", "what", "measured", "target", "", "against", "middle half", "here"),
        [_claim(row) for row in sorted(claims, key=lambda row: bool(row.kept))],
    )
    yield ""
    yield (Path(__file__).parent / "WHY.md").read_text("utf-8").rstrip()
    for group in dict.fromkeys(row.group for row in rows):
        mine = [row for row in rows if row.group == group]
        if all(row.kept is not None for row in mine):
            continue
        yield ""
        yield f"## {group}"
        yield ""
        yield from _pivot(mine) if mine[0].column else _list(mine)


def _claim(row: Row) -> tuple[str, ...]:
    verdict = ("pass" if row.kept else "**short**") + (", close" if row.close else "")
    return row.group, row.name, row.value, row.target, verdict, row.base, row.spread, row.here


def _list(rows: list[Row]) -> Iterator[str]:
    cells = [(row.name, row.value, row.base, row.spread, row.here, row.target) for row in rows]
    yield from _table(("what", "measured", "against", "middle half", "here", "target"), cells)


def _pivot(rows: list[Row]) -> Iterator[str]:
    columns = list(dict.fromkeys(row.column for row in rows))
    cells = {(row.name, row.column): f"{row.value}, {row.here}" for row in rows}
    names = dict.fromkeys(row.name for row in rows)
    base = next(row.name for row in rows if row.base == "itself")
    lines = [(name, *(cells.get((name, column), "") for column in columns)) for name in names]
    yield from _table((f"ratio to {base}", *columns), lines)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(row[index]) for row in (head, *rows)) for index in range(len(head))]
    for index, row in enumerate((head, ["-" * width for width in widths], *rows)):
        fill = "-" if index == 1 else " "
        yield "| " + " | ".join(cell.ljust(width, fill) for cell, width in zip(row, widths, strict=True)) + " |"


def _machine() -> str:
    return f"{os.cpu_count()} cores, {platform.python_implementation()} {platform.python_version()}."


def _versions() -> str:
    found = []
    for name in PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(f"{name} not installed")
    return ", ".join(found)


if __name__ == "__main__":
    sys.exit(main())
