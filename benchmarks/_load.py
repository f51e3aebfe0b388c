"""A load generator that is not the bottleneck: raw keep-alive sockets, requests built before, in a process of its own.

It sits on the upstream's CPU, never on the server's. Jobs come as lines of JSON on its standard input.
"""

from __future__ import annotations

import json
import selectors
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from statistics import quantiles
from time import perf_counter, process_time

NUMBER = "00000000"
"""Stands in a request for the number that it gets: 00000001 and so on. One that has it must have it once."""


@dataclass(frozen=True, slots=True)
class Job:
    """What to ask whom, over how many connections, for how long: `seconds`, or so many `answers`.

    expect: what every answer must contain beside the status 200.
    """

    port: int
    request: str
    connections: int
    expect: str = ""
    seconds: float = 600.0
    answers: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """Answers per second, latencies in seconds, and the share of its CPU that the generator itself used."""

    answered: int
    wrong: int
    per_second: float
    p50: float
    p99: float
    busy: float


class _Peer:
    """One connection, with at most one request under way."""

    __slots__ = ("asked", "connection", "seen")

    def __init__(self, port: int) -> None:
        self.connection = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.seen = b""
        self.asked = 0.0

    def ask(self, request: bytes) -> None:
        self.asked = perf_counter()
        self.connection.sendall(request)

    def answer(self) -> bytes | None:
        """What has arrived, once it is a whole answer."""
        chunk = self.connection.recv(262_144)
        if not chunk:
            raise ConnectionError("the server hung up on the load generator")
        self.seen = seen = self.seen + chunk if self.seen else chunk
        if not is_whole(seen):
            return None
        self.seen = b""
        return seen


def is_whole(answer: bytes) -> bool:
    """An answer has its end. One request is under way at a time, so nothing follows it."""
    end = answer.find(b"\r\n\r\n")
    if end < 0:
        return False
    head = answer[:end].lower()
    at = head.find(b"content-length:")
    if at >= 0:
        return len(answer) >= end + 4 + int(head[at + 15 :].split(b"\r\n", 1)[0])
    return answer.endswith(b"0\r\n\r\n")


def drive(job: Job) -> Outcome:
    """Do a job. The first answer of every connection opens it and is not counted."""
    before, _, after = job.request.encode("latin-1").partition(NUMBER.encode())
    numbers, expected = count(1), job.expect.encode("latin-1")
    peers = [_Peer(job.port) for _ in range(job.connections)]
    selector = selectors.DefaultSelector()
    taken: list[float] = []
    opening, wrong, waiting = len(peers), 0, len(peers)
    start = end = cpu = 0.0

    def request() -> bytes:
        return b"%b%08d%b" % (before, next(numbers), after) if after else before

    for peer in peers:
        selector.register(peer.connection, selectors.EVENT_READ, peer)
        peer.ask(request())
    while waiting:
        for key, _ in selector.select():
            peer = key.data
            answer = peer.answer()
            if answer is None:
                continue
            now = perf_counter()
            wrong += not answer.startswith(b"HTTP/1.1 200") or expected not in answer
            if opening:
                opening -= 1
                if not opening:
                    start, cpu = now, process_time()
                    end = start + job.seconds
            else:
                taken.append(now - peer.asked)
            if end and (now > end or (job.answers and len(taken) + waiting > job.answers)):
                waiting -= 1
            else:
                peer.ask(request())
    lasted, used = perf_counter() - start, process_time() - cpu
    for peer in peers:
        peer.connection.close()
    selector.close()
    p50, p99 = _percentiles(taken)
    return Outcome(len(taken), wrong, len(taken) / lasted, p50, p99, used / lasted)


def _percentiles(taken: list[float]) -> tuple[float, float]:
    cuts = quantiles(taken, n=100, method="inclusive")
    return cuts[49], cuts[98]


class LoadGenerator:
    """The generator's process, as seen from outside."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def run(self, job: Job) -> Outcome:
        """Raises `AssertionError` if an answer was wrong: then its speed means nothing."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(asdict(job)), file=self._process.stdin, flush=True)
        outcome = Outcome(**json.loads(self._process.stdout.readline()))
        assert not outcome.wrong, f"{outcome.wrong} of {outcome.answered} answers were wrong"
        return outcome


@contextmanager
def load_generator() -> Iterator[LoadGenerator]:
    """A generator in a process of its own. It ends when its standard input does."""
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__))], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield LoadGenerator(process)
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait(10)


@contextmanager
def held_open(port: int, request: bytes, number: int) -> Iterator[int]:
    """So many requests under way at once, each with the first bytes of its answer read. Gives the number."""
    peers: list[socket.socket] = []
    try:
        for _ in range(number):
            peer = socket.create_connection(("127.0.0.1", port), timeout=30)
            peers.append(peer)
            peer.sendall(request)
        yield sum(_has_begun(peer) for peer in peers)
    finally:
        for peer in peers:
            peer.close()


def _has_begun(peer: socket.socket) -> bool:
    seen = b""
    while b"data: " not in seen:
        chunk = peer.recv(65_536)
        if not chunk:
            return False
        seen += chunk
    return seen.startswith(b"HTTP/1.1 200")


if __name__ == "__main__":
    from _rows import pin

    pin(1)
    for line in sys.stdin:
        print(json.dumps(asdict(drive(Job(**json.loads(line))))), flush=True)
