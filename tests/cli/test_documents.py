"""Anything as FILE: never a traceback, exit code 2, and a sentence that names the file and what to change."""

from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .running import Ran, run

BODY = {"model": "gpt-4.1-mini", "messages": [{"role": "user", "content": "Hello"}]}

BAD: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "bad.json is empty: it must hold the JSON body of a request."),
    "blank": (b" \n\t", "bad.json is empty: it must hold the JSON body of a request."),
    "bom": (
        b"\xef\xbb\xbf{}",
        "bad.json begins with a byte order mark, which JSON forbids: save it as UTF-8 without one.",
    ),
    "utf-16": (json.dumps(BODY).encode("utf-16"), "bad.json is not UTF-8 at byte 0: save it as UTF-8."),
    "no utf-8": (b'{"model": "\xff"}', "bad.json is not UTF-8 at byte 11: save it as UTF-8."),
    "no json": (b'{"model": }', "bad.json is not JSON at line 1, column 11: correct it there."),
    "two": (b"{}\n{}", "bad.json is not JSON at line 2, column 1: correct it there."),
    "nan": (
        b'{"messages": [NaN]}',
        "bad.json at /messages/0 is NaN, which is not JSON: write a value that JSON has a word for.",
    ),
    "infinity": (
        b'{"messages": [], "x": -Infinity}',
        "bad.json at /x is -Infinity, which is not JSON: write a value that JSON has a word for.",
    ),
    "duplicate": (
        b'{"messages": [], "a": {"b/c": 1, "b/c": 2}}',
        "bad.json at /a/b~1c is a duplicate member: keep one of the two.",
    ),
    "surrogate": (
        b'{"messages": ["\\ud800"]}',
        (
            "bad.json at /messages/0 holds a lone surrogate, which UTF-8 cannot carry: "
            "write a value that JSON has a word for."
        ),
    ),
    "large integer": (
        b'{"messages": [9007199254740993]}',
        "bad.json at /messages/0 holds an integer beyond 2^53 - 1: send it as a string.",
    ),
    "many digits": (
        b'{"messages": [%s]}' % (b"9" * 5000),
        "bad.json is not JSON (a number in it has too many digits): correct it there.",
    ),
    "deep": (
        b'{"messages": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        "bad.json is nested too deeply: flatten it, since no provider takes it either.",
    ),
    "rather deep": (
        b'{"messages": ' + b"[" * 200 + b"]" * 200 + b"}",
        "bad.json at " + "/messages" + "/0" * 55 + "… is nested deeper than 128 levels: "
        "flatten it, since no provider takes it either.",
    ),
    "text": (
        b'"hello"',
        "bad.json holds a text of 5 characters, not a request: give the JSON object that a provider is sent.",
    ),
    "text in a capture": (
        b'{"body": "hello"}',
        "bad.json (the text in /body) is not JSON at line 1, column 1: correct it there.",
    ),
    "number": (b"7", "bad.json holds a number, not a request: give the JSON object that a provider is sent."),
    "null": (b"null", "bad.json holds null, not a request: give the JSON object that a provider is sent."),
    "list": (b"[1]", "bad.json holds a list that is no Universal request: give one request."),
    "object": (
        b'{"a": 1}',
        "bad.json has the shape of no request that aig knows: give --provider and --endpoint, or --url.",
    ),
    "headers": (b'{"body": {}, "headers": []}', "bad.json: /headers must be an object of names and values."),
    "header": (b'{"body": {}, "headers": {"x": 1}}', "bad.json: /headers/x must be a string."),
    "bad header": (
        b'{"body": {}, "headers": {"x": "a\\nb"}}',
        "bad.json: /headers/x is no header that HTTP carries.",
    ),
    "url": (b'{"body": {}, "url": 1}', "bad.json: /url must be a string."),
    "no gateway": (
        b'{"body": {}, "url": "https://api.openai.com/v1/chat/completions"}',
        "The URL of bad.json is no AI Gateway URL, so no cache key is ever sent there: aig url says why.",
    ),
}


def key_of(name: str) -> Ran:
    return run("key", name, "--shared")


@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_is_told_in_one_sentence(case: str, folder: Path) -> None:
    raw, sentence = BAD[case]
    (folder / "bad.json").write_bytes(raw)
    ran = key_of("bad.json")
    assert (ran.code, ran.out) == (2, "")
    assert ran.sentence == sentence
    for words in (("key", "explain", "bad.json"), ("key", "diff", "bad.json", "bad.json")):
        assert run(*words, "--shared").sentence == sentence


def test_a_file_that_cannot_be_read(folder: Path) -> None:
    assert key_of("none.json").sentence == (
        "none.json: there is no such file. Check the name, or give - for the standard input."
    )
    assert key_of(".").sentence == ". is a folder: give the file that holds the request."
    assert key_of("a\0b").sentence == "a\\x00b: no file can have this name. Check it."
    assert key_of("").code == 2
    assert key_of("n" * 5000).code == 2


def test_a_file_without_permission(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Root reads everything, so the refusal is made up.
    def refuse(*_: object, **__: object) -> NoReturn:
        raise PermissionError(errno.EACCES, "Permission denied", "secret.json")

    (folder / "secret.json").write_text("{}")
    monkeypatch.setattr("builtins.open", refuse)
    monkeypatch.setattr(Path, "open", refuse)
    assert key_of("secret.json").sentence == (
        "secret.json cannot be read (Permission denied): make it readable, or pipe it in with -."
    )


def test_a_file_without_an_end() -> None:
    assert key_of("/dev/zero").sentence == "/dev/zero is larger than 64 MiB: give one request."


def test_the_standard_input() -> None:
    assert run("key", "-", "--shared", given=json.dumps(BODY)).code == 0
    assert run("key", "-", "--shared", given="").sentence.startswith("standard input is empty")
    ran = run("key", "diff", "-", "-", given=json.dumps(BODY))
    assert ran.sentence == "Only one of the two can be the standard input: give the other as a file."


def test_a_name_cannot_move_the_cursor() -> None:
    assert key_of("a\x1b[2Jb.json").err.startswith("aig: a\\x1b[2Jb.json: there is no such file.")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
MEMBERS = st.sampled_from(
    ["messages", "input", "model", "contents", "max_tokens", "body", "url", "headers", "provider"]
)


@settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary(max_size=40)
    | JSON.map(lambda value: json.dumps(value).encode())
    | st.dictionaries(MEMBERS, JSON, max_size=4).map(lambda value: json.dumps(value).encode())
)
def test_any_bytes_at_all(folder: Path, raw: bytes) -> None:
    (folder / "any.json").write_bytes(raw)
    one = run("key", "any.json", "--shared")
    assert one.code in (0, 2)
    assert one.code == 0 or "any.json" in one.sentence or "provider" in one.sentence or "model" in one.sentence
    two = run("key", "diff", "any.json", "any.json", "--json")
    assert two.code == one.code
    assert two.data["schema"] == ("aig.key.diff/1" if one.code == 0 else "aig.error/1")
