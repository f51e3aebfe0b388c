"""Whatever is raised ends as a sentence and a code."""

from __future__ import annotations

import json

import click
import pytest

from aig_client import ConfigurationError, Refused, Unreachable
from aig_client.apps.cli._guard import InputError, guarded, said_of

from .running import check

CASES = [
    (InputError("Write it so."), "input", 2, "Write it so."),
    (click.UsageError("Wrong"), "usage", 2, "Wrong. See 'aig --help'."),
    (click.ClickException("no"), "failed", 1, "no"),
    (ConfigurationError("token", "is bad", remedy="Change it", source="here"), "configuration", 2, None),
    (Refused("no tenant"), "refused", 2, "no tenant"),
    (Unreachable("gone", kind="connect"), "failed", 1, "gone"),
    (KeyboardInterrupt(), "interrupted", 130, "Stopped."),
    (click.Abort(), "interrupted", 130, "Stopped."),
    (PermissionError(13, "Permission denied", "f.json"), "failed", 1, "f.json: Permission denied."),
    (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"), "input", 2, "A text is not UTF-8: save it as UTF-8."),
    (json.JSONDecodeError("x", "y", 0), "input", 2, "A text is not JSON at line 1: correct it there."),
    (RecursionError(), "input", 2, "The input is nested too deeply: send something flatter."),
    (ZeroDivisionError("7/0"), "internal", 1, None),
]


@pytest.mark.parametrize(("error", "kind", "code", "sentence"), CASES, ids=lambda value: type(value).__name__)
def test_an_error_is_a_sentence(
    error: BaseException, kind: str, code: int, sentence: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise error

    assert guarded(fail, as_json=False) == code
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.count("\n") == 1
    if sentence is not None:
        assert shown.err == f"aig: {sentence}\n"
    assert guarded(fail, as_json=True) == code
    document = json.loads(capsys.readouterr().out)
    check(document)
    assert document["error"]["kind"] == kind == said_of(error).kind
    assert document["error"]["exit_code"] == code


def test_the_traceback_is_there_for_who_asks(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise ZeroDivisionError("seven")

    guarded(fail, as_json=False)
    assert "seven" not in capsys.readouterr().err
    monkeypatch.setenv("AIG_DEBUG", "1")
    assert guarded(fail, as_json=False) == 1
    assert "ZeroDivisionError: seven" in capsys.readouterr().err


def test_an_error_cannot_move_the_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise InputError("a\x1b[2Jb\u202ec\nd")

    guarded(fail, as_json=False)
    assert capsys.readouterr().err == "aig: a\\x1b[2Jb\\u202ec d\n"
