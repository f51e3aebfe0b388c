"""`python -m aig_client.apps.emulator` as a user meets it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

import aig_client

from .driver import KEY, chat

SOURCE = str(Path(aig_client.__file__).parents[1])
COMMAND = [sys.executable, "-W", "error", "-m", "aig_client.apps.emulator"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": SOURCE}


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, env=ENVIRONMENT, timeout=30, check=False
    )


def start(*arguments: str) -> tuple[subprocess.Popen[str], str]:
    process = subprocess.Popen(
        [*COMMAND, "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    )
    assert process.stdout
    return process, process.stdout.readline().strip()


def test_help_has_an_example() -> None:
    done = run("--help")
    assert done.returncode == 0
    assert "example:" in done.stdout
    assert "--auth-token local-token" in done.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_one_url_serves_and_stops_on_a_signal(number: signal.Signals) -> None:
    process, url = start("--auth-token", "local-token", "--stored-key", "openai", "--cache")
    with process:
        headers = {"cf-aig-authorization": "Bearer local-token"}
        caches = [
            httpx.post(f"{url}/openai/chat/completions", content=chat(), headers=headers).headers["cf-aig-cache-status"]
            for _ in range(2)
        ]
        refused = httpx.post(f"{url}/openai/chat/completions", content=chat(), headers=KEY)
        process.send_signal(number)
        out, err = process.communicate(timeout=15)
    assert caches == ["MISS", "HIT"]
    assert refused.status_code == 401
    assert (process.returncode, out, err) == (0, "", "")


def test_it_stops_by_itself() -> None:
    began = time.monotonic()
    done = run("--port", "0", "--exit-after", "0.2")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 1
    assert time.monotonic() - began < 15


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--host", "0.0.0.0"], "loopback"),  # noqa: S104 (it is refused)
        (["--host", "192.168.1.1"], "loopback"),
        (["--host", "example.com"], "loopback"),
        (["--port", "70000"], "--port"),
        (["--port", "x"], "--port"),
        (["--cache-ttl", "5"], "cache_ttl"),
        (["--account", "short"], "account"),
        (["--stored-key", "openai"], "auth_tokens"),
        (["--upstream", "openai"], "provider=URL"),
        (["--upstream", "nobody=http://127.0.0.1:1"], "nobody"),
    ],
)
def test_a_wrong_option_is_one_sentence_and_exit_2(arguments: list[str], word: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert word in done.stderr
    assert "Traceback" not in done.stderr


def test_a_taken_port_is_one_sentence_and_exit_1() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = run("--port", str(taken.getsockname()[1]))
    assert done.returncode == 1
    assert "choose another with --port" in done.stderr
    assert "Traceback" not in done.stderr
