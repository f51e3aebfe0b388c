"""The demo: a service, its gateway, and one call that goes elsewhere. Real sockets, nothing outside this machine.

python -m aig_client.apps.demo           the client decides
python -m aig_client.apps.demo --edge    then the same service, with the Worker deciding in front of the gateway
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from .. import CacheIntent, GatewayClient, GatewayResponse, Receipt
from .emulator import EmulatorConfig, serve_in_thread

TOKEN = "demo-token"  # noqa: S105  (the emulator's, made up here)
_COLUMNS = ("request", "tenant", "intent", "key", "cache", "latency", "tokens in/out")
_EDGE_COLUMNS = ("request", "tenant", "route class", "model chosen", "key made here", "cache", "latency")
_CLASS_COLUMNS = ("route class", "model chosen", "tools sent", "cache", "tokens in/out", "cost", "saved")


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    request: str
    tenant: str
    receipt: Receipt

    def cells(self) -> tuple[str, ...]:
        """The line as text."""
        receipt = self.receipt
        key = receipt.plan.key
        usage = receipt.usage
        return (
            self.request,
            self.tenant,
            "none: no gateway" if receipt.plan.surface is None else receipt.plan.intent.mode,
            key.value[:14] + "…" if key else "-",
            receipt.cache_status or "-",
            f"{(receipt.latency or 0) * 1000:7.1f} ms",
            f"{usage.input_tokens}/{usage.output_tokens}" if usage else "-",
        )


def class_cells(receipt: Receipt, tools_sent: int) -> tuple[str, ...]:
    """One line of the second table: what a class chose, and what that cost."""
    usage, cost = receipt.usage, receipt.cost
    return (
        receipt.plan.route_class or "-",
        receipt.model or "-",
        str(tools_sent),
        receipt.cache_status or "-",
        f"{usage.input_tokens}/{usage.output_tokens}" if usage else "-",
        str(cost) if cost else "-",
        f"${cost.saved_nanodollars / 1e9:.7f}" if cost and cost.saved_nanodollars else "-",
    )


class SummaryService:
    """What a service looks like: it asks for summaries, per tenant, and lets identical questions share an answer."""

    def __init__(self, gateway: GatewayClient) -> None:
        self._gateway = gateway

    def summarize(self, text: str, tenant: str, cache: CacheIntent) -> GatewayResponse:
        """One summary."""
        body = {
            "model": "gpt-4.1-mini",
            "messages": [
                {"role": "system", "content": "Summarize in one sentence."},
                {"role": "user", "content": text},
            ],
        }
        return self._gateway.chat(body, tenant=tenant, cache=cache, route_class="summary")


@contextmanager
def stranger() -> Generator[tuple[str, list[list[str]]]]:
    """A host that is no gateway; it notes the names of the headers it receives."""
    seen: list[list[str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            seen.append([name.lower() for name in self.headers])
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base class's name)
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1/chat/completions", seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


# --- The same service through the Worker --------------------------------------------------------------------------

_CHECKOUT = Path(__file__).resolve().parents[3]
_SERVER = _CHECKOUT / "tools" / "serve_worker.py"
_INSTALLED = _CHECKOUT / "tests" / "worker" / "harness" / "node_modules" / ".lock.sha256"
_LONGEST = 120


@contextmanager
def worker() -> Generator[tuple[str, str]]:
    """The Worker in workerd, in front of an emulator of its own: its URL, and the token that opens it.

    Raises:
        RuntimeError: it could not be started; its first argument says why.
    """
    if not _SERVER.is_file():
        raise RuntimeError("the Worker is in the repository, not in the installed package")
    command = [sys.executable, str(_SERVER), "--json", "--exit-after", str(_LONGEST)]
    # Not a shell, and nothing of a user's in it.
    process = subprocess.Popen(  # noqa: S603
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        if not line:
            said = process.communicate()[1].strip().rpartition("\n")[2]
            reason = said.removeprefix("The Worker could not be started: ").rstrip(".")
            raise RuntimeError(reason or "it ended before it was ready")
        ready = json.loads(line)
        yield ready["url"], ready["token"]
    finally:
        process.terminate()
        process.communicate(timeout=30)


def through_the_worker() -> list[Row]:
    """The service's calls once more. Its client has no gateway's token and no policy: both are the Worker's."""
    article, cached = "Caches are where the money is, and where the wrong answers come from.", CacheIntent.response(300)
    with worker() as (url, token), GatewayClient(edge=url, token=token) as gateway:
        body = {"messages": [{"role": "user", "content": article}]}
        asked = (
            ("first question", "acme", cached),
            ("the same again", "acme", cached),
            ("the same, cache skipped", "acme", CacheIntent.off),
            ("the same, another tenant", "globex", cached),
        )
        return [
            Row(name, tenant, gateway.chat(body, tenant=tenant, cache=cache, route_class="cached").receipt)
            for name, tenant, cache in asked
        ]


def edge_cells(row: Row) -> tuple[str, ...]:
    """One line of the third table."""
    receipt = row.receipt
    return (
        row.request,
        row.tenant,
        receipt.plan.route_class or "-",
        receipt.model or "-",
        "yes" if receipt.plan.key else "no",
        receipt.cache_status or "-",
        f"{(receipt.latency or 0) * 1000:7.1f} ms",
    )


def show_edge(*, asked_for: bool) -> int:
    """Print the third table, or why there is none; exit 1 if that was asked for, or anything is not as it should be."""
    try:
        rows = through_the_worker()
    except RuntimeError as error:
        print(f"\nThe Worker is not shown: {error}.")
        return 1 if asked_for else 0
    print("\nThe same service through the Worker, which decides in front of the gateway:\n")
    table([_EDGE_COLUMNS, *(edge_cells(row) for row in rows)])
    expected, statuses = ["MISS", "HIT", "MISS", "MISS"], [row.receipt.cache_status for row in rows]
    if statuses != expected or any(row.receipt.plan.key for row in rows):
        print(f"Not as it should be: expected {expected}, saw {statuses}")
        return 1
    return 0


_TOOLS = [{"type": "function", "function": {"name": "search", "parameters": {"type": "object"}}}]


def classes(gateway: GatewayClient, article: str) -> list[tuple[Receipt, int]]:
    """The same question as two kinds of work, with a tool and without a model; the cheap one twice."""
    body = {"messages": [{"role": "user", "content": article}], "tools": _TOOLS}
    cached = CacheIntent.response(300)
    receipts = [
        gateway.chat(body, route_class="code_draft").receipt,
        gateway.chat(body, route_class="summary", cache=cached, tenant="acme").receipt,
        gateway.chat(body, route_class="summary", cache=cached, tenant="acme").receipt,
    ]
    return [(receipt, len(json.loads(receipt.plan.body or b"{}").get("tools", ()))) for receipt in receipts]


@dataclass(frozen=True)
class Shown:
    """What the demo saw: the table, the headers that reached the stranger, the classes, and where the gateway was."""

    rows: list[Row]
    seen: list[str]
    classes: list[tuple[Receipt, int]]
    base: str


def run() -> Shown:
    """Make the calls."""
    config = EmulatorConfig(auth_tokens=frozenset({TOKEN}), stored_keys=frozenset({"openai"}), latency_ms=150)
    cached, off = CacheIntent.response(300), CacheIntent.off
    article = "Caches are where the money is, and where the wrong answers come from."
    with serve_in_thread(config) as emulator, stranger() as (elsewhere, seen):
        base = emulator.gateway_url
        with GatewayClient(base_url=base, token=TOKEN) as gateway:
            service = SummaryService(gateway)
            rows = [
                Row(name, tenant, service.summarize(text, tenant, cache).receipt)
                for name, tenant, text, cache in (
                    ("first question", "acme", article, cached),
                    ("the same again", "acme", article, cached),
                    ("changed question", "acme", article + " Why?", cached),
                    ("the same, cache skipped", "acme", article, off),
                    ("the same, another tenant", "globex", article, cached),
                )
            ]
            answer = gateway.post(elsewhere, json={"model": "x"}, cache=cached, tenant="acme")
            rows.append(Row("a host that is no gateway", "acme", answer.receipt))
            chosen = classes(gateway, article)
        return Shown(rows, seen[0], chosen, base)


def table(lines: list[tuple[str, ...]]) -> None:
    """Print lines in columns, the first as the head."""
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    for number, line in enumerate(lines):
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
        if number == 0:
            print("  ".join("─" * width for width in widths))


def main(arguments: Sequence[str] = ()) -> int:
    """Print what happened; exit 1 if anything is not as it should be. ``--edge`` adds the Worker."""
    if unknown := [one for one in arguments if one != "--edge"]:
        print(f"{unknown[0]}: there is --edge, and nothing else", file=sys.stderr)
        return 2
    shown = run()
    print(f"AI Gateway (local): {shown.base}\n")
    table([_COLUMNS, *(row.cells() for row in shown.rows)])
    leaked = [name for name in shown.seen if name.startswith(("cf-", "x-aig-"))]
    print(f"\nThe host that is no gateway received {len(shown.seen)} headers, {len(leaked)} of them Cloudflare's.\n")
    table([_CLASS_COLUMNS, *(class_cells(*line) for line in shown.classes)])
    expected = ["MISS", "HIT", "MISS", "MISS", "MISS", None]
    statuses = [row.receipt.cache_status for row in shown.rows]
    (draft, drafted), (cheap, stripped), (again, _) = shown.classes
    chosen = [draft.model != cheap.model == again.model, drafted == 1, stripped == 0, again.metadata.hit]
    if statuses != expected or leaked or not all(chosen):
        print(f"Not as it should be: expected {expected}, saw {statuses}; leaked {leaked}; classes {chosen}")
        return 1
    return show_edge(asked_for=True) if "--edge" in arguments else 0


def from_the_command_line(arguments: Sequence[str]) -> int:
    """As ``main``, and with the Worker too where its runtime is installed: nobody waits for 400 MB unasked."""
    done = main(arguments)
    if done or arguments or not _SERVER.is_file():
        return done
    if _INSTALLED.is_file():
        return show_edge(asked_for=False)
    print("\nThe Worker is not shown: it needs Node, npm and 400 MB. 'python -m aig_client.apps.demo --edge' shows it.")
    return 0


if __name__ == "__main__":
    raise SystemExit(from_the_command_line(sys.argv[1:]))
