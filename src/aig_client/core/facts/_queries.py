"""What stands in the query of a URL, and in which of it a provider takes a key, an account or a mode."""

from __future__ import annotations

import re
from typing import Final

_CREDENTIAL_PARAMETERS: Final = frozenset(
    {"key", "access_token", "oauth_token", "token", "api-key", "api_key", "apikey", "subscription-key"}
)


def without_credentials(query: str) -> str:
    """A query (with its ``?``) less the parameters in which providers take a key: a cache key outlives its rotation.

    Google takes ``key`` and ``access_token``; the others are Azure's, Deepgram's and what further ones may take.
    """
    if not query:
        return query
    kept = [one for one in query[1:].split("&") if one and _parameter(one) not in _CREDENTIAL_PARAMETERS]
    return f"?{'&'.join(kept)}" if kept else ""


_SYSTEM: Final = frozenset({"$alt", "$fields", "$prettyprint"})
_WHOSE: Final = frozenset({"quotauser", "userproject", "user_project"})


def without_account(query: str) -> str:
    """A query (with its ``?``) less Google's system parameters, which choose a project or set headers; three do not."""
    if not query:
        return query
    kept = [one for one in query[1:].split("&") if not _chooses(_parameter(one))]
    return f"?{'&'.join(kept)}" if kept else ""


def _chooses(name: str) -> bool:
    return name in _WHOSE or (name.startswith("$") and name not in _SYSTEM)


def parameters_of(query: str) -> list[tuple[str, str]]:
    """The parameters of a query (with its ``?``), decoded; names in lower case."""
    from urllib.parse import parse_qsl  # noqa: PLC0415  (few queries are looked into)

    return [(name.lower(), value) for name, value in parse_qsl(query[1:], keep_blank_values=True)]


def _parameter(assignment: str) -> str:
    name = assignment.partition("=")[0]
    if "%" in name:
        from urllib.parse import unquote  # noqa: PLC0415  (nobody writes these names so, but to hide them)

        name = unquote(name)
    return name.lower()


_BATCHED: Final = re.compile(r"(?:/ai)?(?:/run)?/@(?:cf|hf)/.*")


def is_batch(path: str, query: str, body: object) -> bool:
    """Whether a request asks Workers AI to keep many questions for later, or for answers that it has kept."""
    if _BATCHED.fullmatch(path) is None:
        return False
    named = {name for name, _ in parameters_of(query)} if query else set()
    return "queuerequest" in named or (isinstance(body, dict) and bool({"requests", "request_id"} & set(body)))
