"""Servers to put a load on: `aig dev`, a bare Starlette answer, a raw asyncio server. Each is a process on one CPU."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, sleep
from urllib.parse import urlsplit

from _rows import clean_environment

HERE = Path(__file__).parent
DEV = ("-m", "aig_client.apps.cli", "dev", "--port", "0")
BARE = (str(HERE / "_servers.py"),)
RAW = (str(HERE / "_upstream.py"),)
_PATIENCE = 20.0


@dataclass(frozen=True, slots=True)
class Server:
    """One that listens on a port of 127.0.0.1. `ready`: seconds from its start to the line that says so."""

    pid: int
    port: int
    ready: float

    def megabytes(self, what: str = "VmRSS") -> float | None:
        """Its resident memory; `VmHWM` for the most it ever was. `None` where there is no /proc."""
        status = Path(f"/proc/{self.pid}/status")
        if not status.exists():
            return None
        line = next(line for line in status.read_text("ascii").splitlines() if line.startswith(what + ":"))
        return int(line.split()[1]) / 1024

    def cpu_seconds(self) -> float:
        """CPU that it has used; 0 where there is no /proc."""
        used = Path(f"/proc/{self.pid}/schedstat")
        return int(used.read_text("ascii").split()[0]) / 1e9 if used.exists() else 0.0

    def connections(self) -> int:
        """Its open descriptors; 0 where there is no /proc."""
        held = Path(f"/proc/{self.pid}/fd")
        return len(list(held.iterdir())) if held.exists() else 0


def environment() -> dict[str, str]:
    """As on a machine where nobody has set up Python: byte code is written and kept, output is buffered."""
    return {name: value for name, value in clean_environment().items() if not name.startswith("PYTHON")}


def pinned(pid: int, which: int) -> None:
    """Move a process to one of our CPUs, where there are two."""
    if hasattr(os, "sched_setaffinity"):
        cpus = sorted(os.sched_getaffinity(0))
        if len(cpus) > 1:
            os.sched_setaffinity(pid, {cpus[which]})


@contextmanager
def serving(*command: str, cpu: int = 0) -> Iterator[Server]:
    """Start one. Its output goes to a file, as that of a server does; the first line names its URL or its port."""
    with tempfile.NamedTemporaryFile() as output:
        start = perf_counter()
        process = subprocess.Popen(
            [sys.executable, *command], env=environment(), stdin=subprocess.PIPE, stdout=output, text=True
        )
        try:
            pinned(process.pid, cpu)
            line = _first_line(Path(output.name), process, start)
            ready = perf_counter() - start
            # The raw server has pinned itself meanwhile.
            pinned(process.pid, cpu)
            yield Server(process.pid, urlsplit(line).port or int(line), ready)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.terminate()
            process.wait(10)


def _first_line(output: Path, process: subprocess.Popen[str], start: float) -> str:
    while perf_counter() - start < _PATIENCE and process.poll() is None:
        text = output.read_text("utf-8")
        if "\n" in text:
            return text.partition("\n")[0]
        sleep(0.002)
    raise RuntimeError(f"{process.args!r} did not start")


def serve_bare() -> None:
    """A bare Starlette answer of the emulator's size, under the very settings of uvicorn that the emulator has."""
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from aig_client.apps.emulator._serving import Server as Uvicorn
    from aig_client.apps.emulator._serving import loopback_socket, origin_of

    body = b"x" * 800
    headers = {"content-type": "application/json"} | {f"cf-aig-{number}": "0" * 36 for number in range(5)}

    async def answer(request: Request) -> Response:
        await request.body()
        return Response(body, headers=headers)

    app = Starlette(routes=[Route("/{path:path}", answer, methods=["POST"])])
    listener = loopback_socket("127.0.0.1", 0)
    Uvicorn(app, lambda: print(origin_of(listener), flush=True)).run([listener])


if __name__ == "__main__":
    serve_bare()
