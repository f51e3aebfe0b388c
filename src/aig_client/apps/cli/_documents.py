"""Files that hold a request: a JSON body, or a capture of a whole request. Strict, bounded, and never a traceback."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import click

from ...core import Unkeyable, decode_strictly
from ._guard import InputError
from ._printable import cut, one_line

MOST_BYTES: Final = 64 * 1024 * 1024
"""More than the gateway caches (25 MB) and takes; a device file has no end."""

_BOM: Final = b"\xef\xbb\xbf"
_TEXTS: Final = ("url", "provider", "endpoint", "tenant", "method")
_CAPTURE: Final = frozenset({*_TEXTS, "headers", "body"})


@dataclass(frozen=True, slots=True)
class Document:
    """A request out of a file: its body, and what a capture says around it."""

    name: str
    body: object = field(repr=False)
    url: str | None = field(default=None, repr=False)
    provider: str | None = None
    endpoint: str | None = None
    tenant: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)

    def header(self, name: str) -> str | None:
        """A header by its lower-case name."""
        return next((value for key, value in self.headers.items() if key.lower() == name), None)


def read_document(path: str) -> Document:
    """The request in a file; ``-`` is the standard input.

    Raises:
        InputError: it cannot be read, is not JSON with exactly one meaning, or is no request.
    """
    name = "standard input" if path == "-" else path
    return document_of(name, parse(name, read_bytes(path, name)))


def read_bytes(path: str, name: str) -> bytes:
    """A file's bytes.

    Raises:
        InputError: naming the file and what to change.
    """
    try:
        with click.open_file(path, "rb") as file:
            raw: bytes = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise InputError(f"{name}: there is no such file. Check the name, or give - for the standard input.") from None
    except IsADirectoryError:
        raise InputError(f"{name} is a folder: give the file that holds the request.") from None
    except OSError as error:
        raise InputError(f"{name} cannot be read ({error.strerror}): make it readable, or pipe it in with -.") from None
    except ValueError:  # a NUL in the name
        raise InputError(f"{name}: no file can have this name. Check it.") from None
    if len(raw) > MOST_BYTES:
        raise InputError(f"{name} is larger than {MOST_BYTES // 2**20} MiB: give one request.")
    return raw


def parse(name: str, raw: bytes) -> object:
    """The JSON of some bytes.

    Raises:
        InputError: naming where they come from and what to change.
    """
    if not raw.strip():
        raise InputError(f"{name} is empty: it must hold the JSON body of a request.")
    if raw.startswith(_BOM):
        raise InputError(f"{name} begins with a byte order mark, which JSON forbids: save it as UTF-8 without one.")
    try:
        return decode_strictly(raw)
    except Unkeyable as error:
        raise InputError(unkeyable(name, error, raw)) from None


def unkeyable(name: str, error: Unkeyable, raw: bytes = b"") -> str:
    """The sentence for a body that has no one meaning."""
    where = f" at {cut(one_line(error.pointer), 120)}" if error.pointer else ""
    problem = error.problem
    if problem.startswith("is not JSON"):
        return f"{name} is not JSON{_place(raw)}: correct it there."
    if "duplicate" in problem:
        return f"{name}{where} {problem}: keep one of the two."
    if "deep" in problem:
        return f"{name}{where} {problem}: flatten it, since no provider takes it either."
    remedy = error.remedy or _remedy(problem)
    return f"{name}{where} {problem}: {remedy[0].lower()}{remedy[1:]}."


def _remedy(problem: str) -> str:
    return "save it as UTF-8" if "UTF-8 at byte" in problem else "write a value that JSON has a word for"


def _place(raw: bytes) -> str:
    try:
        json.loads(raw)
    except json.JSONDecodeError as error:
        return f" at line {error.lineno}, column {error.colno}"
    except ValueError:
        return " (a number in it has too many digits)"
    return ""


def document_of(name: str, tree: object) -> Document:
    """A body, or a capture with a ``body`` and some of ``url``, ``headers``, ``provider``, ``endpoint``, ``tenant``.

    Raises:
        InputError: it is neither.
    """
    if isinstance(tree, dict) and "body" in tree and set(tree) <= _CAPTURE:
        texts: dict[str, str] = {}
        for member in _TEXTS:
            value = tree.get(member)
            if value is not None and not isinstance(value, str):
                raise InputError(f"{name}: /{member} must be a string.")
            if value:
                texts[member] = value
        texts.pop("method", None)  # every keyed request is a POST
        body = tree["body"]
        if isinstance(body, str):  # as it went over the wire
            body = parse(f"{name} (the text in /body)", body.encode("utf-8", "surrogatepass"))
        return Document(name, _body(name, body), headers=_headers(name, tree.get("headers")), **texts)
    return Document(name, _body(name, tree))


def _body(name: str, body: object) -> object:
    if not isinstance(body, (dict, list)):
        raise InputError(f"{name} holds {kind_of(body)}, not a request: give the JSON object that a provider is sent.")
    return body


def _headers(name: str, headers: object) -> dict[str, str]:
    if headers is None:
        return {}
    if not isinstance(headers, dict):
        raise InputError(f"{name}: /headers must be an object of names and values.")
    for key, value in headers.items():
        if not isinstance(value, str):
            raise InputError(f"{name}: /headers/{cut(one_line(key), 60)} must be a string.")
        if not (key.isascii() and value.isprintable() and all(ord(char) < 0x100 for char in value)):
            raise InputError(f"{name}: /headers/{cut(one_line(key), 60)} is no header that HTTP carries.")
    return dict(headers)


def kind_of(value: object) -> str:
    """What a JSON value is, in words."""
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case str():
            return f"a text of {len(value)} characters"
        case int() | float():
            return "a number"
        case list():
            return f"a list of {len(value)}"
        case dict():
            return f"an object of {len(value)}"
        case _:
            return "no JSON"
