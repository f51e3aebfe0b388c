"""Rows of the report, and the few lines by which a section runs in a process of its own."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from _rounds import Race, middle_half

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table.

    Attributes:
        group: the table it belongs to.
        name: what was measured.
        value: the figure that the target is about, as a person reads it: ``1.05x``, ``812 /s``.
        base: what a ratio is against.
        spread: the middle half over rounds.
        here: what it means on this machine.
        target: the figure to keep, or ``""``.
        kept: whether it was kept; None without a target.
        column: makes the row one cell of a table, under this heading.
        close: the target lies within the middle half, so another run may say otherwise.
    """

    group: str
    name: str
    value: str
    base: str = ""
    spread: str = ""
    here: str = ""
    target: str = ""
    kept: bool | None = None
    column: str = ""
    close: bool = False


def ratio_row(
    group: str, race: Race, name: str, base: str, *, most: float | None = None, cpu: bool = False, column: str = ""
) -> Row:
    """A contestant against a base, with the largest ratio it may have."""
    ratios = race.ratios(name, base, cpu=cpu)
    value = median(ratios)
    low, high = middle_half(ratios)
    here = time_text(race.seconds(name, cpu=cpu))
    if not cpu and name != base:
        here += f", CPU {median(race.ratios(name, base, cpu=True)):.3f}x"
    return Row(
        group,
        name,
        ratio_text(value),
        "itself" if name == base else base,
        "" if name == base else f"{ratio_text(low)[:-1]}-{ratio_text(high)[:-1]}",
        here,
        "" if most is None else f"<= {most:g}x",
        None if most is None else round(value, 3) <= most,
        column,
        most is not None and low <= most <= high,
    )


def ratio_text(value: float) -> str:
    """Three digits that mean something."""
    return f"{value:.0f}x" if value >= 100 else f"{value:.1f}x" if value >= 10 else f"{value:.3f}x"


def time_text(seconds: float) -> str:
    """A duration in its unit."""
    if seconds < 1e-3:
        return f"{seconds * 1e6:.1f} µs" if seconds < 1e-4 else f"{seconds * 1e6:.0f} µs"
    return f"{seconds * 1e3:.2f} ms" if seconds < 0.1 else f"{seconds * 1e3:.0f} ms"


# --- Processes -------------------------------------------------------------------------------------------------------

_OURS = ("AIG_", "CF_AIG_", "CLOUDFLARE_", "CF_ACCOUNT", "OPENAI_", "ANTHROPIC_", "GOOGLE_", "GEMINI_")


def clean_environment() -> dict[str, str]:
    """The environment without proxies and without anything that configures a client."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.lower().endswith("_proxy") and not name.startswith(_OURS)
    }


def run_section(script: str, *flags: str, timeout: float = 300.0) -> list[Row]:
    """Run a section in a process of its own and take its rows."""
    done = subprocess.run(
        [sys.executable, str(HERE / script), *flags],
        env=clean_environment(),
        cwd=HERE,
        stdout=subprocess.PIPE,
        text=True,
        timeout=timeout,
        check=True,
    )
    return [Row(**row) for row in json.loads(done.stdout.splitlines()[-1])]


@dataclass(frozen=True, slots=True)
class Flags:
    """How a section was called."""

    quick: bool
    orjson: bool

    @property
    def encoder(self) -> str:
        """The JSON encoder our side has in this process."""
        return "orjson" if self.orjson else "stdlib json"


def hide_orjson() -> None:
    """Make orjson look not installed. Call it before aig_client is imported; who holds it already keeps it."""
    sys.modules["orjson"] = None  # type: ignore[assignment]


def main_of_section(measure: Callable[[Flags], list[Row]]) -> None:
    """Parse the flags of a section, measure, and print the rows as one line of JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--without-orjson", action="store_true")
    arguments = parser.parse_args()
    if arguments.without_orjson:
        hide_orjson()
    rows = measure(Flags(quick=arguments.quick, orjson=not arguments.without_orjson))
    print(json.dumps([asdict(row) for row in rows]))


def pin(which: int) -> None:
    """Keep this process on one of its CPUs (0 the client's, 1 the upstream's), where there are two."""
    if hasattr(os, "sched_setaffinity"):
        cpus = sorted(os.sched_getaffinity(0))
        if len(cpus) > 1:
            os.sched_setaffinity(0, {cpus[which]})
