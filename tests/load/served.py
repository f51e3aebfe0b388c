"""`aig dev` as a process, and what it takes of memory."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import aig_client

from .wire import Peer, request

SOURCE = str(Path(aig_client.__file__).parents[1])
PREFIX = "/v1/0123456789abcdef0123456789abcdef/demo"
CHAT = f"{PREFIX}/openai/chat/completions"
MEBIBYTE = 1024 * 1024
_DESCRIPTORS = 8192


class Served:
    """One that is running. Memory is in bytes."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self._process = process
        self.port = port

    def memory(self) -> int:
        return self._status("VmRSS")

    def most_memory(self) -> int:
        """The most it had since `watch_memory`."""
        return self._status("VmHWM")

    def watch_memory(self) -> None:
        Path(f"/proc/{self._process.pid}/clear_refs").write_text("5", "ascii")

    def _status(self, what: str) -> int:
        lines = Path(f"/proc/{self._process.pid}/status").read_text("ascii").splitlines()
        return int(next(line for line in lines if line.startswith(f"{what}:")).split()[1]) * 1024

    def connections(self) -> int:
        """Descriptors that it holds open, its own few among them."""
        return len(list(Path(f"/proc/{self._process.pid}/fd").iterdir()))

    async def is_well(self) -> bool:
        """It runs, and answers the next one who asks."""
        async with Peer.opened(self.port) as peer:
            peer.send(request(CHAT))
            return self._process.poll() is None and (await peer.answer()).status == 200


@contextmanager
def served(*options: str) -> Generator[Served]:
    """Start it; at the end it must stop on a signal, and must never have complained."""
    _raise_descriptors()
    command = [sys.executable, "-W", "error", "-m", "aig_client.apps.cli", "dev", "--port", "0", "--quiet", *options]
    environment = {**os.environ, "PYTHONPATH": SOURCE}
    with tempfile.TemporaryFile("w+") as complaints:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=complaints, text=True, env=environment, bufsize=1
        )
        try:
            assert process.stdout is not None
            url = process.stdout.readline()
            yield Served(process, urlsplit(url).port or 0)
        finally:
            process.terminate()
            process.communicate(timeout=15)
        complaints.seek(0)
        assert (process.returncode, complaints.read()) == (0, "")


def _raise_descriptors() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(_DESCRIPTORS, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
