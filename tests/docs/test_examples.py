"""Every example of the pages is run, page by page and in order, against an emulator."""

from __future__ import annotations

import doctest
import gc
import os
import shlex
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from aig_client.apps.emulator import RunningEmulator

from .pages import Block, blocks, name_of, pages

PYTHON = "python"
CONSOLE = "console"
OUTPUT = "text output"
"""Such a block shows what the Python or `aig` block before it prints; ``...`` stands for anything."""

_FLAGS = doctest.ELLIPSIS | doctest.REPORT_NDIFF


def _aig(block: Block) -> list[list[str]]:
    """The commands of a console block that are ours, and end by themselves."""
    if block.info != CONSOLE:
        return []
    lines = [shlex.split(line[2:], comments=True) for line in block.text.splitlines() if line.startswith("$ aig ")]
    return [words[1:] for words in lines if words[1] != "dev"]


_WITH_EXAMPLES = [page for page in pages() if any(block.info == PYTHON or _aig(block) for block in blocks(page))]


def _is_pytest(block: Block) -> bool:
    return "\ndef test_" in block.text


@pytest.mark.usefixtures("gateway")
@pytest.mark.parametrize("page", _WITH_EXAMPLES, ids=name_of)
def test_the_examples_of_a_page_run(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    namespace: dict[str, object] = {"__name__": "__main__"}
    printed = ""
    for block in blocks(page):
        if block.info == PYTHON and not _is_pytest(block):
            # Empty lines before it, so that a traceback shows the page's own lines.
            source = "\n" * (block.line - 1) + block.text
            exec(compile(source, str(page), "exec"), namespace)  # noqa: S102  (our own pages)
            printed = capsys.readouterr().out
        elif block.info == "toml":
            Path("aig.toml").write_text(block.text, "utf-8")  # in the page's own empty folder
        elif _aig(block):
            printed = "".join(_run(words) for words in _aig(block))
        elif block.info == OUTPUT:
            assert _same(block.text, printed), f"{block.where} shows\n{block.text}\nbut it prints\n{printed}"
    namespace.clear()
    gc.collect()  # what an example left open is its own fault, so it warns here


def _run(words: list[str]) -> str:
    """What a command prints. 1 says that it found something, and 2 that the doctor found an error."""
    ran = subprocess.run(
        [sys.executable, "-m", "aig_client.apps.cli", *words],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"COLUMNS": "120", "NO_COLOR": "1"},
    )
    found = (0, 1, 2) if words[0] == "doctor" else (0, 1)
    assert ran.returncode in found, f"aig {shlex.join(words)}\n{ran.stdout}{ran.stderr}"
    return ran.stdout


@pytest.mark.parametrize(
    "block",
    [block for page in pages() for block in blocks(page) if block.info == PYTHON and _is_pytest(block)],
    ids=lambda block: block.where,
)
def test_the_tests_in_a_page_pass(block: Block, nowhere: Path) -> None:
    (nowhere / "test_example.py").write_text(block.text)
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_example.py"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert ran.returncode == 0, f"{block.where}\n{ran.stdout}{ran.stderr}"


def test_every_shown_output_belongs_to_an_example() -> None:
    for page in pages():
        found = blocks(page)
        for before, here in pairwise(found):
            assert here.info != OUTPUT or before.info == PYTHON or _aig(before), here.where
        assert not found or found[0].info != OUTPUT, name_of(page)


def test_the_examples_are_not_skipped_by_a_typo() -> None:
    known = {PYTHON, OUTPUT, CONSOLE, "toml", "toml scenario", "text", "http", "json"}
    for page in pages():
        for block in blocks(page):
            assert block.info in known, block.where


def test_the_comparison_can_fail() -> None:
    assert _same("a ... c\n", "a b c\n")
    assert not _same("a ... d\n", "a b c\n")
    assert not _same("\n", "a\n")


def _same(shown: str, printed: str) -> bool:
    return doctest.OutputChecker().check_output(shown, printed, _FLAGS)


def test_the_emulator_is_what_the_pages_say(gateway: RunningEmulator) -> None:
    assert os.environ["AIG_BASE_URL"].startswith(gateway.origin)
