"""Which credential a provider asks for, and where it looks for it (contract 3.2)."""

from __future__ import annotations

from urllib.parse import parse_qs

from .._messages import ProviderRequest

Way = tuple[str, str]
"""Where a key stands, and its scheme there: a header's name, or `?name` for the query; an empty scheme is none."""

BEARER: Way = ("authorization", "Bearer")
X_API_KEY: Way = ("x-api-key", "")
API_KEY: Way = ("api-key", "")
XI_API_KEY: Way = ("xi-api-key", "")
GOOGLE_HEADER: Way = ("x-goog-api-key", "")
GOOGLE_QUERY: Way = ("?key", "")

ANY = (BEARER, X_API_KEY, API_KEY, XI_API_KEY, GOOGLE_HEADER, GOOGLE_QUERY)

# AWS signs with the secret and names the access key; the signature itself is not checked.
SIGV4: Way = ("authorization", "AWS4-HMAC-SHA256")
_SIGV4_NAME = "Credential="


def presented_key(request: ProviderRequest, ways: tuple[Way, ...]) -> str | None:
    """The first key in one of these ways; `""` if only another scheme was used, `None` without any."""
    found = None
    for place, scheme in ways:
        value = _query(request, place[1:]) if place.startswith("?") else request.header(place)
        if value is None:
            continue
        if not scheme:
            return value
        named, _, token = value.partition(" ")
        if named.lower() == scheme.lower():
            return token.strip().removeprefix(_SIGV4_NAME)
        found = ""
    return found


def key_accepted(key: str, extra: frozenset[str]) -> bool:
    """Keys that start with `sk-test`, and those that were configured."""
    return key.startswith("sk-test") or key in extra


def _query(request: ProviderRequest, name: str) -> str | None:
    try:
        found = parse_qs(request.query, max_num_fields=100).get(name)
    except ValueError:
        return None
    return found[0] if found else None
