"""`aig bench FILE.jsonl`: replay requests, and say how often the cache answered and how fast."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import click

from ...core import AigError, CacheIntent, GatewayError, ProviderError, Receipt
from ...http import GatewayClient
from ._amounts import dollars
from ._bench_figures import Figures, Latency, Sample, figures_of
from ._bench_lines import BenchLine, check_lines, passes, read_lines
from ._clients import client_options, intent_of, open_client, tenant_of
from ._command import OutcomeCommand
from ._exchanges import milliseconds
from ._guard import GOOD, SAID_NO
from ._outcome import Block, Cell, Grid, Outcome, facts, line
from ._said_no import said_no

EXAMPLE: Final = """\b
Example:
  aig bench requests.jsonl --cache 300 --tenant acme --repeat 3 --concurrency 8

\b
Each line is the JSON body of a request, or
  {"provider": "anthropic", "endpoint": "/v1/messages", "tenant": "acme", "body": {...}}

Exit codes: 0 every request was answered, 1 some were not, 2 wrong usage or input (then nothing was sent).
"""


@dataclass(frozen=True, slots=True)
class BenchResult:
    """The figures of a run, see ``Figures``; ``slowest`` are samples with their line."""

    SCHEMA: ClassVar[str] = "aig.bench/1"

    file: str
    passes: int
    concurrency: int
    cache: int | None
    seconds: float
    figures: Figures


@click.command("bench", cls=OutcomeCommand, epilog=EXAMPLE, short_help="Replay a file of requests.")
@click.argument("file", metavar="FILE")
@click.option("--provider", metavar="SLUG", help="The provider of lines that name none.")
@click.option("--concurrency", type=click.IntRange(1, 64), default=4, show_default=True, help="Requests at a time.")
@click.option("--repeat", type=click.IntRange(1, 1000), default=1, show_default=True, help="Passes over the file.")
@client_options
def command(file: str, provider: str | None, concurrency: int, repeat: int, **options: Any) -> Outcome[BenchResult]:  # noqa: ANN401
    """Replay the requests in FILE, one JSON object on each line, and print hit rate, token-weighted hit rate, latency.

    The token-weighted hit rate is the input tokens of hits over all input tokens: what the cache saves, not how often.
    A pass over the file ends before the next begins.
    """
    intent = None if options["cache"] is None else intent_of(options["cache"])
    lines = read_lines(
        file,
        provider=provider,
        route_class=options["route_class"],
        tenant=tenant_of(options["tenant"], shared=options["shared"]),
    )
    with open_client(
        base_url=options["base_url"],
        http=options["http"],
        route_class=options["route_class"],
        policy=options["policy"],
        deadline=options["deadline"],
    ) as client:
        check_lines(client, lines, intent)
        started = time.monotonic()
        with _progress(len(lines) * repeat) as advance:
            samples = list(_samples(client, lines, intent, repeat=repeat, concurrency=concurrency, done=advance))
        seconds = time.monotonic() - started
    figures = figures_of(samples)
    result = BenchResult(file, repeat, concurrency, options["cache"], round(seconds, 3), figures)
    return Outcome(result, _render, SAID_NO if figures.errors else GOOD)


def _samples(
    client: GatewayClient,
    lines: list[BenchLine],
    intent: CacheIntent | None,
    *,
    repeat: int,
    concurrency: int,
    done: Callable[[], None],
) -> Iterator[Sample]:
    pool = ThreadPoolExecutor(concurrency, thread_name_prefix="aig-bench")
    try:
        for run, batch in passes(lines, repeat):
            waiting = [pool.submit(_sample, client, one, intent, run) for one in batch]
            for future in as_completed(waiting):
                done()
                yield future.result()
    finally:
        pool.shutdown(cancel_futures=True)  # on Ctrl-C what has not begun never begins


def _sample(client: GatewayClient, one: BenchLine, intent: CacheIntent | None, run: int) -> Sample:
    started = time.monotonic()
    try:
        answer = client.post(one.url, json=one.body, headers=one.headers, cache=intent, tenant=one.tenant)
    except AigError as error:
        status = error.status if isinstance(error, (GatewayError, ProviderError)) else None
        word = said_no(error, where="").meaning
        log_id = error.receipt.metadata.log_id if error.receipt is not None else None
        return Sample(one.number, run, time.monotonic() - started, None, None, None, word, status, log_id)
    return _answered(one, run, answer.receipt)


def _answered(one: BenchLine, run: int, receipt: Receipt) -> Sample:
    usage, status, cost = receipt.usage, receipt.cache_status, receipt.cost
    return Sample(
        line=one.number,
        run=run,
        latency=receipt.latency,
        cache_status=status.value if status is not None else None,
        input_tokens=usage.input_tokens if usage is not None else None,
        output_tokens=usage.output_tokens if usage is not None else None,
        error=None,
        status=receipt.status,
        log_id=receipt.metadata.log_id,
        model=receipt.model,
        nanodollars=cost.nanodollars if cost is not None else None,
        saved_nanodollars=cost.saved_nanodollars if cost is not None else None,
    )


@contextmanager
def _progress(total: int) -> Generator[Callable[[], None]]:
    """A bar on the standard error, where that is a terminal; nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("replaying", total=total)
        yield lambda: progress.advance(task)


def _render(result: BenchResult) -> Iterable[Block]:
    figures = result.figures
    cached = f"for {result.cache} s" if result.cache else "not, unless the class says so: --cache SECONDS turns it on"
    yield facts(
        [
            ("requests", f"{figures.requests} in {result.seconds:.2f} s, {result.concurrency} at a time"),
            ("cached", cached),
            ("errors", _errors(figures)),
            ("hits", f"{figures.hits}, {figures.misses} misses, {figures.unknown} unknown"),
            ("hit rate", _percent(figures.hit_rate)),
            ("token-weighted", f"{_percent(figures.token_hit_rate)} {_tokens(figures)}"),
            ("models", ", ".join(f"{model} {count}" for model, count in figures.answers_by_model.items()) or None),
            ("cost", f"{dollars(figures.nanodollars)}{_but(figures.unpriced, 'answer')}"),
            ("saved", f"{dollars(figures.saved_nanodollars)} by hits{_but(figures.unsaved, 'hit')}"),
        ]
    )
    yield line()
    yield Grid(
        [_latency("hits", figures.hit_latency), _latency("misses", figures.miss_latency)],
        ("latency", "p50", "p95", "p99", "requests"),
    )
    yield line()
    rows = [
        [
            f"line {one.line}, pass {one.run}",
            milliseconds(one.latency) or "-",
            one.cache_status or "-",
            one.error or "-",
        ]
        for one in figures.slowest
    ]
    yield Grid(
        [[*row[:-1], Cell(row[-1], "bad" if row[-1] != "-" else "")] for row in rows], ("slowest", "", "", "error")
    )


def _latency(name: str, latency: Latency) -> list[str]:
    times = [milliseconds(value) or "-" for value in (latency.p50, latency.p95, latency.p99)]
    return [name, *times, str(latency.count)]


def _percent(rate: float | None) -> str:
    return "unknown" if rate is None else f"{rate * 100:.1f} %"


def _tokens(figures: Figures) -> str:
    without = f"; {figures.unmetered} answers report none" if figures.unmetered else ""
    return f"({figures.input_tokens_of_hits} of {figures.input_tokens} input tokens came with hits{without})"


def _but(unknown: int, what: str) -> str:
    return f", without {unknown} {what}{'s' if unknown != 1 else ''} of unknown cost" if unknown else ""


def _errors(figures: Figures) -> str:
    if not figures.errors:
        return "0"
    return f"{figures.errors}: " + ", ".join(f"{count} {word}" for word, count in figures.errors_by_meaning.items())
