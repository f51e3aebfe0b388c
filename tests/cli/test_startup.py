"""What starting the command loads, and that it can be started in every way."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from .running import write

HEAVY = {"rich", "httpx", "httpx2", "pydantic", "starlette", "uvicorn", "openai", "anthropic", "google", "cloudflare"}


def loaded_after(*words: str) -> set[str]:
    """The modules that a fresh interpreter has after a command."""
    script = f"""
import json, sys
from aig_client.apps.cli import main
code = main({list(words)!r})
print(json.dumps([code, sorted(sys.modules)]), file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    code, modules = json.loads(done.stderr.splitlines()[-1])
    assert code == 0, done.stderr
    return {name.partition(".")[0] for name in modules} | set(modules)


@pytest.mark.parametrize("words", [("--help",), ("--version",), ("key", "--help")])
def test_help_loads_nothing_heavy(words: tuple[str, ...]) -> None:
    loaded = loaded_after(*words)
    assert not loaded & HEAVY
    assert not {name for name in loaded if name.startswith("aig_client.core")}


def test_the_sdk_of_cloudflare_waits_for_a_push() -> None:
    assert not loaded_after("policy", "push", "--help") & HEAVY


def test_help_of_the_top_imports_no_command() -> None:
    loaded = {name for name in loaded_after("--help") if name.startswith("aig_client.apps.cli._")}
    assert loaded == {f"aig_client.apps.cli.{name}" for name in ("_app", "_groups", "_guard", "_printable")}


def test_a_key_is_printed_without_rich_and_without_an_http_library(folder: Path) -> None:
    name = write(folder, "body.json", {"model": "gpt-4.1-mini", "messages": []})
    assert not loaded_after("key", name, "--shared") & HEAVY


def test_it_is_a_script_and_a_module(folder: Path) -> None:
    script = Path(sys.executable).parent / "aig"
    for command in ([str(script)], [sys.executable, "-m", "aig_client.apps.cli"]):
        done = subprocess.run([*command, "url", "nonsense"], capture_output=True, text=True, check=False, cwd=folder)
        assert (done.returncode, done.stderr) == (1, "")
        assert done.stdout.startswith("no AI Gateway URL\n")


def test_without_click_it_says_what_to_install() -> None:
    script = """
import sys
sys.modules["click"] = None
from aig_client.apps.cli import main
sys.exit(main(["--help"]))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "aig needs click: pip install 'aig-client[cli]'\n")


@pytest.mark.parametrize("command", [["key", "print"], ["key", "explain"]])
def test_a_closed_pipe_is_silent(folder: Path, command: list[str]) -> None:
    write(folder, "body.json", {"model": "m", "messages": []})
    words = [sys.executable, "-m", "aig_client.apps.cli", *command, "body.json", "--shared", "--endpoint", "chat"]
    words += ["--provider", "openai"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()
    assert (process.returncode, said) == (1, "")
