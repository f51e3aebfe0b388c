"""`aig dev` as a user meets it."""

from __future__ import annotations

import json
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

from ..cli.running import check
from .driver import KEY, chat

SOURCE = str(Path(aig_client.__file__).parents[1])
COMMAND = [sys.executable, "-W", "error", "-m", "aig_client.apps.cli", "dev"]
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
    url = process.stdout.readline().strip()
    for _ in range(4):
        assert " export " in process.stdout.readline()
    return process, url


def test_help_has_an_example() -> None:
    done = run("--help")
    assert done.returncode == 0
    assert "Example:" in done.stdout
    assert "--auth-token local-token" in done.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_one_url_serves_and_stops_on_a_signal(number: signal.Signals) -> None:
    process, url = start("--auth-token", "local-token", "--stored-key", "openai", "--cache", "300")
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
    assert (process.returncode, err) == (0, "")
    lines = out.splitlines()
    assert [line.split()[1:3] for line in lines[:2]] == [["200", "MISS"], ["200", "HIT"]]
    assert "401 code 2009" in lines[2]
    assert not any(word in out for word in ("Hello", "local-token", "sk-test"))


def test_it_stops_by_itself() -> None:
    began = time.monotonic()
    done = run("--port", "0", "--exit-after", "0.2")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 5
    assert time.monotonic() - began < 15


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--host", "0.0.0.0"], "loopback"),  # noqa: S104 (it is refused)
        (["--host", "192.168.1.1"], "loopback"),
        (["--host", "example.com"], "loopback"),
        (["--port", "70000"], "--port"),
        (["--port", "x"], "--port"),
        (["--cache", "5"], "cache_ttl"),
        (["--account", "short"], "account"),
        (["--stored-key", "openai"], "auth_tokens"),
        (["--upstream", "openai"], "provider=URL"),
        (["--upstream", "nobody=http://127.0.0.1:1"], "nobody"),
        (["--scenario", "/nowhere/scenario.toml"], "/nowhere/scenario.toml"),
    ],
)
def test_a_wrong_option_is_one_sentence_and_exit_2(arguments: list[str], word: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert word in done.stderr
    assert "Traceback" not in done.stderr


def test_every_line_can_be_json() -> None:
    process, first = start_json()
    with process:
        assert process.stdout
        ready = json.loads(first)
        httpx.post(f"{ready['url']}/openai/chat/completions", content=chat(), headers=KEY)
        line = json.loads(process.stdout.readline())
        process.terminate()
        process.communicate(timeout=15)
    check(ready)
    check(line)
    assert (ready["schema"], ready["event"]) == ("aig.dev/1", "ready")
    assert (line["event"], line["status"], line["provider"], line["cache_status"]) == ("request", 200, "openai", "MISS")


def start_json() -> tuple[subprocess.Popen[str], str]:
    process = subprocess.Popen(
        [*COMMAND, "--port", "0", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    )
    assert process.stdout
    return process, process.stdout.readline()


def test_a_scenario_and_a_file_for_the_state(tmp_path: Path) -> None:
    scenario = tmp_path / "scenario.toml"
    scenario.write_text('[emulator]\nstored_keys = ["openai"]\n[[rule]]\nsay = "Paris."\n')
    arguments = ("--scenario", str(scenario), "--db", str(tmp_path / "state.db"), "--auth-token", "local-token")
    for cache in ("MISS", "HIT"):
        process, url = start(*arguments)
        with process:
            headers = {"cf-aig-authorization": "Bearer local-token", "cf-aig-cache-key": "k"}
            answer = httpx.post(f"{url}/openai/chat/completions", content=chat(), headers=headers)
            process.terminate()
            process.communicate(timeout=15)
        assert (answer.headers["cf-aig-cache-status"], process.returncode) == (cache, 0)
        assert answer.json()["choices"][0]["message"]["content"] == "Paris."


def test_a_taken_port_is_one_sentence_and_exit_1() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = run("--port", str(taken.getsockname()[1]))
    assert done.returncode == 1
    assert "Choose another with --port" in done.stderr
    assert "Traceback" not in done.stderr
