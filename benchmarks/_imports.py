"""What starting costs: import, a client that is ready, memory, and the second client of a process."""

from __future__ import annotations

import json
import random
import ssl
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any, Self

from _clients import FAMILIES, TOKEN, Family, HttpClient
from _rounds import SEED, middle_half
from _rows import Flags, Row, clean_environment, main_of_section, pin, ratio_text, time_text
from _upstream import upstream

if TYPE_CHECKING:
    from aig_client import GatewayClient

BARE = "bare interpreter"
IMPORT = "import aig_client"
FLOORS = {family: f"import {family} and pydantic's BaseModel" for family in FAMILIES}
READY = {family: f"GatewayClient constructed, {family}" for family in FAMILIES}
ANSWERED = {family: f"GatewayClient constructed and its first call answered, {family}" for family in FAMILIES}
HTTPX_ANSWERED = {family: f"{family}.Client constructed and its first call answered" for family in FAMILIES}

# What a program leaves behind: resident kilobytes, its modules, and the third-party packages among them.
_BEFORE = "import sys\nbefore = set(sys.modules)\n"
_AFTER = """
import json
status = open('/proc/self/status').read() if sys.platform == 'linux' else ''
rss = int(status.split('VmRSS:')[1].split()[0]) if 'VmRSS:' in status else 0
loaded = set(sys.modules) - before - {'json', 'json.decoder', 'json.encoder', 'json.scanner', '_json'}
def is_third(name):
    path = getattr(sys.modules[name], '__file__', None) or ''
    return 'site-packages' in path or 'dist-packages' in path
third = {name.split('.')[0] for name in loaded if is_third(name)} - {'aig_client'}
print(json.dumps([rss, len(loaded), sorted(third)]))
"""


def _programs(base_url: str) -> dict[str, str]:
    body = "{'model': 'gpt-4.1-mini', 'messages': [{'role': 'user', 'content': 'Hello'}]}"
    url = f"{base_url}/openai"
    programs = {BARE: "", IMPORT: "import aig_client\n"}
    for family in FAMILIES:
        arguments = f"base_url={base_url!r}, token={TOKEN!r}, http={family!r}"
        ready = f"from aig_client import GatewayClient\ngateway = GatewayClient({arguments})\n"
        programs |= {
            f"import {family}": f"import {family}\n",
            FLOORS[family]: f"import {family}\nfrom pydantic import BaseModel\n",
            READY[family]: ready,
            HTTPX_ANSWERED[family]: f"import {family}\nclient = {family}.Client()\n"
            f"client.post({url + '/chat/completions'!r}, json={body}).json()\n",
            ANSWERED[family]: f"{ready}gateway.chat({body}).data\n",
        }
    programs["openai.OpenAI constructed"] = f"import openai\nopenai.OpenAI(api_key='sk-test', base_url={url!r})\n"
    return programs


def _run(program: str, more: str = "") -> tuple[float, str]:
    """Seconds of a whole interpreter that sees no environment and no user's site, and what it printed."""
    spec = find_spec("aig_client")
    assert spec is not None
    assert spec.origin is not None
    source = f"import sys\nsys.path.insert(0, {str(Path(spec.origin).parents[1])!r})\n"
    command = [sys.executable, "-I", "-c", source + program + more]
    start = perf_counter()
    done = subprocess.run(command, env=clean_environment(), stdout=subprocess.PIPE, text=True, check=True, timeout=60)
    return perf_counter() - start, done.stdout


def _starts(flags: Flags) -> list[Row]:
    with upstream() as base_url:
        programs = _programs(base_url)
        taken: dict[str, list[float]] = {name: [] for name in programs}
        left = {name: json.loads(_run(_BEFORE + program, _AFTER)[1]) for name, program in programs.items()}
        chance, order = random.Random(SEED), list(programs)
        for _ in range(3 if flags.quick else 15):
            chance.shuffle(order)
            for name in order:
                taken[name].append(_run(programs[name])[0])
    over = {name: [mine - bare for mine, bare in zip(taken[name], taken[BARE], strict=True)] for name in programs}
    group, bare_rss = "Start: whole interpreters, less the bare one", left[BARE][0]
    rows = [Row(group, BARE, time_text(median(taken[BARE])), here=f"{bare_rss / 1024:.1f} MB")]
    for name in programs:
        if name == BARE:
            continue
        low, high = middle_half(over[name])
        rss, modules, third = left[name]
        milliseconds = median(over[name]) * 1e3
        here = f"+{(rss - bare_rss) / 1024:.1f} MB, {modules} modules, {len(third)} third-party packages"
        target, kept = ("<= 15 ms", milliseconds <= 15) if name == IMPORT else ("", None)
        spread = f"{low * 1e3:.0f}-{high * 1e3:.0f}"
        rows.append(Row(group, name, f"{milliseconds:.1f} ms", BARE, spread, here, target, kept))
    third = left[IMPORT][2]
    what = f"third-party modules of {IMPORT}"
    rows.append(Row(group, what, ", ".join(third) or "none", target="none", kept=not third))
    for family in FAMILIES:
        rows.append(_against(READY[family], FLOORS[family], taken, over, most=1.1))
        rows.append(_against(ANSWERED[family], HTTPX_ANSWERED[family], taken, over))
    return rows


def _against(
    name: str, floor: str, taken: dict[str, list[float]], over: dict[str, list[float]], *, most: float | None = None
) -> Row:
    """Whole processes against each other, and the same less the bare interpreter, which is the stricter figure."""
    whole = [mine / its for mine, its in zip(taken[name], taken[floor], strict=True)]
    net = [mine / its for mine, its in zip(over[name], over[floor], strict=True)]
    low, high = middle_half(net)
    return Row(
        "Start: against a floor, less the bare interpreter",
        name,
        ratio_text(median(net)),
        floor,
        f"{low:.3f}-{high:.3f}",
        f"whole processes {ratio_text(median(whole))}",
        "" if most is None else f"<= {most:g}x",
        None if most is None else median(net) <= most,
    )


# --- The second client of a process ----------------------------------------------------------------------------------


class _Contexts:
    """Counts the SSL contexts that are made while it is entered."""

    def __init__(self) -> None:
        self.made = 0

    def __enter__(self) -> Self:
        self._create = create = ssl.SSLContext.__new__

        def counted(kind: type[ssl.SSLContext], *arguments: int) -> ssl.SSLContext:
            self.made += 1
            return create(kind, *arguments)

        ssl.SSLContext.__new__ = counted  # type: ignore[assignment, method-assign]
        return self

    def __exit__(self, *_: object) -> None:
        ssl.SSLContext.__new__ = self._create  # type: ignore[method-assign]


def _seconds(make: Callable[[], HttpClient], times: int) -> float:
    taken = []
    for _ in range(times):
        start = perf_counter()
        made = make()
        taken.append(perf_counter() - start)
        made.close()
    return median(taken)


def _second_clients(flags: Flags) -> list[Row]:
    """Constructed, and constructed with one call made, since pools open on first use."""
    rows: list[Row] = []
    group, times = "Start: the second client of a process", 10 if flags.quick else 100
    message: dict[str, Any] = {"model": "gpt-4.1-mini", "messages": [{"role": "user", "content": "Hello"}]}
    with upstream() as base_url:
        for family in FAMILIES:
            rows += _second_client(group, base_url, family, message, times)
        import httpx

        def bare(context: ssl.SSLContext | bool) -> httpx.Client:
            client = httpx.Client(verify=context)
            client.post(f"{base_url}/openai/chat/completions", json=message).json()
            return client

        shared = httpx.create_ssl_context()
        own, lent = _seconds(lambda: bare(True), 5), _seconds(lambda: bare(shared), times)
    here = f"lent an SSL context {time_text(lent)}"
    return [*rows, Row(group, "httpx.Client constructed again, with its first call", time_text(own), here=here)]


def _second_client(group: str, base_url: str, family: Family, message: dict[str, Any], times: int) -> list[Row]:
    from aig_client import GatewayClient

    def make() -> GatewayClient:
        return GatewayClient(base_url=base_url, token=TOKEN, http=family)

    def used() -> GatewayClient:
        gateway = make()
        gateway.chat(message)
        return gateway

    with _Contexts() as contexts:
        first = _seconds(used, 1)
        later, later_used = _seconds(make, times), _seconds(used, times)
    name = f"GatewayClient constructed again, {family}"
    here = f"with its first call {time_text(later_used)}; the process's first {time_text(first)}"
    shared = f"SSL contexts made by {2 * times + 1} clients, {family}"
    return [
        Row(group, name, f"{later * 1e3:.3f} ms", here=here, target="<= 0.3 ms", kept=later <= 3e-4),
        Row(group, shared, str(contexts.made), target="<= 1", kept=contexts.made <= 1),
    ]


def measure(flags: Flags) -> list[Row]:
    """Starts, then second clients."""
    pin(0)
    return [*_starts(flags), *_second_clients(flags)]


if __name__ == "__main__":
    main_of_section(measure)
