"""Outcomes on a terminal, in a pipe, and as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

import pytest

from aig_client.apps.cli._outcome import Block, Cell, Grid, Line, Outcome, Prose, facts, line
from aig_client.apps.cli._printable import cut, flat, one_line, printable
from aig_client.apps.cli._render import show

WORDS = "word " * 40


@dataclass(frozen=True)
class Found:
    SCHEMA: ClassVar[str] = "aig.test/1"

    name: str
    numbers: tuple[int, ...] = (1, 2)
    nothing: None = None


def blocks(result: Found) -> Iterable[Block]:
    yield line(result.name, "good")
    yield Grid([("a", Cell("b", "bad"), WORDS)], ("one", "two", "three"))
    yield Prose(WORDS)
    yield facts([("x", 1), ("left out", None)])
    yield Line((Cell("a\tb\nc"),), raw=True)


def printed(capsys: pytest.CaptureFixture[str], result: Found, *, as_json: bool = False) -> str:
    show(Outcome(result, blocks), as_json=as_json)
    return capsys.readouterr().out


def test_json_is_one_ascii_object_with_the_schema_first(capsys: pytest.CaptureFixture[str]) -> None:
    out = printed(capsys, Found("\u00e9\ud800\x1b"), as_json=True)
    assert out.isascii()
    assert out.count("\n") == 1
    assert next(iter(json.loads(out).items())) == ("schema", "aig.test/1")
    assert json.loads(out) == {"schema": "aig.test/1", "name": "\u00e9\ud800\x1b", "numbers": [1, 2], "nothing": None}


def test_into_a_pipe_there_is_no_colour_and_the_width_is_fixed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    out = printed(capsys, Found("x"))
    assert "\x1b" not in out
    assert 90 < max(len(text) for text in out.splitlines()) <= 100
    assert not [text for text in out.splitlines() if text != text.rstrip()]
    monkeypatch.setenv("COLUMNS", "300")
    assert printed(capsys, Found("x")) == out


@pytest.mark.parametrize("width", [30, 60, 200])
def test_on_a_terminal_nothing_is_wider_than_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    out = printed(capsys, Found("\u6771" * 5))
    assert max(len(text) for text in _plain(out)) <= width


def test_on_a_terminal_meaning_has_a_colour(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    assert "\x1b[32mx\x1b[0m" in printed(capsys, Found("x"))
    monkeypatch.setenv("NO_COLOR", "1")
    assert "[32m" not in printed(capsys, Found("x"))


def test_markup_is_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert "[bold]:smile:[/bold] 12" in printed(capsys, Found("[bold]:smile:[/bold] 12"))


def test_plain_lines_need_no_rich(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aig_client.apps.cli._render._console", None)

    def plain(result: Found) -> Iterator[Block]:
        yield line(result.name)
        yield line("said", error=True)

    show(Outcome(Found("a\nb"), plain), as_json=False)
    assert capsys.readouterr() == ("a b\n", "said\n")


def _plain(out: str) -> list[str]:
    return [re.sub(r"\x1b\[[0-9;]*m", "", text) for text in out.splitlines()]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain \u00e9 \u6771 \U0001f600", "plain \u00e9 \u6771 \U0001f600"),
        ("a\tb\n", "a\tb\n"),
        ("\x1b[2J\x08\r\x7f\x9b", "\\x1b[2J\\x08\\x0d\\x7f\\x9b"),
        ("\u202egnp\u2066\ufeff", "\\u202egnp\\u2066\\ufeff"),
        ("\ud800", "\\ud800"),
    ],
)
def test_printable(text: str, shown: str) -> None:
    assert printable(text) == shown
    assert flat(text) == shown.replace("\t", " ").replace("\n", " ")
    assert one_line(text) == " ".join(shown.split())


def test_cut() -> None:
    assert cut("abc", 3) == "abc"
    assert cut("abcd", 3) == "ab…"
