"""The last gate of `aig doctor`: no secret of the environment or of a file gets past it, nor eight characters of one.

The checks show no secret by themselves. This is for the check of tomorrow, and for error texts of other libraries.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import unquote, urlsplit

from ._doctor_situation import Situation

_PIECE: Final = 8
_SECRET_NAME: Final = re.compile(
    r"token|secret|passw|passphrase|api_?key|apikey|_key$|^key$|credential|private|authorization|cookie|dsn|headers",
    re.IGNORECASE,
)
_SECRET_SHAPE: Final = re.compile(
    r"\b(?:sk|pk|rk|gsk|xai|hf|r8|pplx|ghp|cf[kua]t?)[-_][A-Za-z0-9_-]{6,}|\bAIza[\w-]{8,}"
)
_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s\"']+")
_ASSIGNED: Final = re.compile(r"^\s*[\"']?([\w.-]+)[\"']?\s*[=:]\s*(.+)$", re.MULTILINE)
MASK: Final = "[hidden]"


def secrets_of(situation: Situation) -> frozenset[str]:
    """Every text of a situation that may be a secret."""
    found: set[str] = set()
    for name, value in situation.environ.items():
        found.update(_in(name, value))
    for name, value in _ASSIGNED.findall(situation.file or ""):
        found.update(_in(name, value.strip().strip("\"'")))
    if situation.settings is not None:
        found.update(_in("token", situation.settings.token or ""))
        found.update(_in("base_url", situation.settings.base_url))
    return frozenset(secret for secret in found if len(secret) >= 4)


def _in(name: str, value: str) -> Iterator[str]:
    if _SECRET_NAME.search(name):
        yield value
        yield from re.split(r"[\s:,;]+", value)
    yield from _SECRET_SHAPE.findall(value)
    for url in _URL.findall(value):
        yield from _in_url(url)


def _in_url(url: str) -> Iterator[str]:
    """User, password, query and fragment of a URL."""
    try:
        parts = urlsplit(url)
    except ValueError:
        yield url
        return
    userinfo = parts.netloc.rpartition("@")[0]
    for text in (userinfo, *userinfo.split(":", 1), parts.query, parts.fragment):
        if text:
            yield text
            yield unquote(text)
    for pair in parts.query.split("&"):
        yield pair.partition("=")[2]


def scrub(text: str, secrets: Iterable[str]) -> str:
    """``text`` without any secret, and without any eight characters of one in a row."""
    covered = bytearray(len(text))
    for secret in secrets:
        size = min(_PIECE, len(secret))
        pieces = {secret[start : start + size] for start in range(len(secret) - size + 1)}
        for start in range(len(text) - size + 1):
            if text[start : start + size] in pieces:
                covered[start : start + size] = b"\1" * size
    if not any(covered):
        return text
    parts: list[str] = []
    for char, hidden in zip(text, covered, strict=True):
        if not hidden:
            parts.append(char)
        elif not parts or parts[-1] != MASK:
            parts.append(MASK)
    return "".join(parts)
