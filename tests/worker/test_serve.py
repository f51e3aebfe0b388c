"""``make worker`` and the Worker's part of ``make demo``, started as a person starts them."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import httpx
import pytest

from aig_client.apps import demo

from .workerd import ROOT, NoNpmError, Tools

TOOL = ROOT / "tools" / "serve_worker.py"


@contextmanager
def started(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """The tool; it ends with the block, and by itself after a minute whatever happens."""
    bound = () if "--exit-after" in arguments else ("--exit-after", "60")
    process = subprocess.Popen(
        [sys.executable, str(TOOL), *arguments, *bound],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=30)


def told(process: subprocess.Popen[str], last: str) -> list[str]:
    """What it prints, up to a line that begins so."""
    assert process.stdout is not None
    lines: list[str] = []
    while not lines or not lines[-1].startswith(last):
        line = process.stdout.readline()
        assert line, f"it ended: {lines} {process.communicate()[1]}"
        lines.append(line.rstrip("\n"))
    return lines


def row(lines: list[str], name: str) -> str:
    return next(line.removeprefix(f"  {name}").strip() for line in lines if line.startswith(f"  {name} "))


def asked_by_curl(lines: list[str]) -> httpx.Response:
    """Send what the printed command would."""
    at = next(number for number, line in enumerate(lines) if line.startswith("  curl "))
    words = shlex.split("\n".join(lines[at : at + 3]).replace("\\\n", ""))
    assert words[:3] == ["curl", "curl", "-i"], "the name of the row, then the command"
    options = list(zip(words[4::2], words[5::2], strict=True))
    headers = dict(value.split(": ", 1) for option, value in options if option == "-H")
    content = next(value for option, value in options if option == "-d")
    return httpx.post(words[3], content=content, headers=headers, trust_env=False, timeout=20)


def test_what_it_prints_works_until_ctrl_c(harness: Tools) -> None:
    with started() as process:
        lines = told(process, "Requests that reach the gateway")
        url = lines[1].split()[0]
        first, again = asked_by_curl(lines), asked_by_curl(lines)
        statuses = [(one.status_code, one.headers["x-aig-cache-status"]) for one in (first, again)]
        assert statuses == [(200, "MISS"), (200, "HIT")]
        exported = dict(word.split("=", 1) for word in shlex.split(row(lines, "openai"))[1:])
        assert exported == {"OPENAI_BASE_URL": f"{url}/openai", "OPENAI_API_KEY": row(lines, "token")}
        assert f"GatewayClient(edge={url!r}, token=" in row(lines, "aig-client")
        stranger = {"authorization": "Bearer a-guess"}
        refused = httpx.post(f"{url}/openai/chat/completions", json={}, headers=stranger, trust_env=False)
        assert refused.status_code == 401
        assert process.stdout is not None
        assert [word in process.stdout.readline() for word in ("MISS", "HIT")] == [True, True]
        os.kill(process.pid, signal.SIGINT)
        _, complaints = process.communicate(timeout=30)
    assert (process.returncode, "Traceback" in complaints) == (0, False)
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/healthz", trust_env=False)


def test_a_program_reads_where_it_is_and_it_ends_by_itself(harness: Tools) -> None:
    with started("--json", "--exit-after", "1") as process:
        ready = json.loads(told(process, "{")[0])
        assert set(ready) == {"event", "url", "token", "gateway"}
        assert httpx.get(f"{ready['url']}/healthz", trust_env=False).json()["policy"]["version"] == 1
        _, complaints = process.communicate(timeout=30)
    assert (process.returncode, complaints) == (0, "")
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{ready['url']}/healthz", trust_env=False)


def test_an_option_that_it_does_not_have_is_refused() -> None:
    ran = subprocess.run([sys.executable, str(TOOL), "--prot"], capture_output=True, text=True, timeout=30, check=False)
    assert (ran.returncode, "--prot" in ran.stderr, ran.stdout) == (2, True, "")


def test_a_machine_without_npm_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    spec = spec_from_file_location("serve_worker", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module: Any = module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "serve_worker", module)  # dataclasses look their module up
    spec.loader.exec_module(module)

    def none() -> Tools:
        raise NoNpmError("this needs npm")

    monkeypatch.setattr(module, "tools", none)
    monkeypatch.setattr(module.signal, "signal", lambda _number, _handler: None)
    assert module.main([]) == 1
    assert capsys.readouterr().err == "The Worker could not be started: this needs npm\n"


# --- The demo ---


def test_the_demo_shows_the_same_service_through_the_worker(harness: Tools) -> None:
    command = [sys.executable, "-m", "aig_client.apps.demo", "--edge"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout
    _, found, table = ran.stdout.partition("The same service through the Worker")
    assert found
    rows = [line.split() for line in table.splitlines() if " MISS " in line or " HIT " in line]
    assert [[word for word in line if word in ("no", "yes", "MISS", "HIT")] for line in rows] == [
        ["no", "MISS"],
        ["no", "HIT"],
        ["no", "MISS"],
        ["no", "MISS"],
    ]


def test_the_demo_says_why_the_worker_is_not_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    failing = tmp_path / "serve_worker.py"
    failing.write_text("import sys; sys.exit('The Worker could not be started: it is too old.')\n", "utf-8")
    monkeypatch.setattr(demo, "_SERVER", failing)
    assert demo.show_edge(asked_for=True) == 1
    assert demo.show_edge(asked_for=False) == 0
    assert capsys.readouterr().out == "\nThe Worker is not shown: it is too old.\n" * 2
    monkeypatch.setattr(demo, "_SERVER", tmp_path / "none.py")
    assert demo.show_edge(asked_for=True) == 1
    assert "in the repository, not in the installed package" in capsys.readouterr().out
    assert demo.main(["--egde"]) == 2
    assert capsys.readouterr().err == "--egde: there is --edge, and nothing else\n"
