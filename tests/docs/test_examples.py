"""Every example of the pages is run, page by page and in order, against an emulator."""

from __future__ import annotations

import doctest
import gc
import os
import subprocess
import sys
from pathlib import Path

import pytest

from aig_client.apps.emulator import RunningEmulator

from .pages import Block, blocks, name_of, pages

PYTHON = "python"
OUTPUT = "text output"
"""Such a block shows what the Python block before it prints; ``...`` stands for anything."""

_FLAGS = doctest.ELLIPSIS | doctest.REPORT_NDIFF
_WITH_PYTHON = [page for page in pages() if any(block.info == PYTHON for block in blocks(page))]


def _is_pytest(block: Block) -> bool:
    return "\ndef test_" in block.text


@pytest.mark.usefixtures("gateway")
@pytest.mark.parametrize("page", _WITH_PYTHON, ids=name_of)
def test_the_examples_of_a_page_run(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    namespace: dict[str, object] = {"__name__": "__main__"}
    printed = ""
    for block in blocks(page):
        if block.info == PYTHON and not _is_pytest(block):
            # Empty lines before it, so that a traceback shows the page's own lines.
            source = "\n" * (block.line - 1) + block.text
            exec(compile(source, str(page), "exec"), namespace)  # noqa: S102  (our own pages)
            printed = capsys.readouterr().out
        elif block.info == OUTPUT:
            assert _same(block.text, printed), f"{block.where} shows\n{block.text}\nbut it prints\n{printed}"
    namespace.clear()
    gc.collect()  # what an example left open is its own fault, so it warns here


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
    for page in _WITH_PYTHON:
        kinds = [block.info for block in blocks(page)]
        for before, here in zip(["", *kinds], kinds, strict=False):
            assert here != OUTPUT or before == PYTHON, name_of(page)


def test_the_examples_are_not_skipped_by_a_typo() -> None:
    known = {PYTHON, OUTPUT, "console", "toml", "text", "http"}
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
