"""Checks of what is configured: where each setting comes from, what shadows what, what fits the gateway's URL."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from ...core import REST_HOST, ConfigurationError, declare
from ...schema import ENVIRONMENT
from ._doctor_findings import Finding
from ._doctor_situation import FILE, Situation
from ._url_reasons import why_not

_NEVER: Final = frozenset({"look_alike", "provider_host", "dashboard", "binding"})
"""Reasons against a URL that no declaration outweighs."""

_EITHER: Final = "set AIG_BASE_URL, or CLOUDFLARE_ACCOUNT_ID and AIG_GATEWAY_ID"


def sources(situation: Situation) -> Iterator[Finding]:
    """Where each setting comes from, or why there is none."""
    problem = situation.problem
    if problem is not None:
        missing = problem.field in ("account_id", "gateway_id") and problem.problem == "is not set"
        what = (
            f"{problem.field} is not set, so no gateway is configured"
            if missing
            else f"{problem.field} {problem.problem}"
        )
        fix = _EITHER if missing else problem.remedy or f"correct it in {problem.source}"
        yield Finding("configuration", "error", what, fix, problem.source)
    if situation.settings is not None:
        for name, source in situation.settings.sources.items():
            yield Finding("configuration", "ok", f"{name} comes from {source}", where=source)
    if situation.file is None and situation.file_above is not None:
        what = f"an {FILE} lies in a folder above, and only the working directory's is read"
        yield Finding("configuration", "info", what, "start the service there, or copy the file", situation.file_above)


def shadows(situation: Situation) -> Iterator[Finding]:
    """Values that are set and do not count, or that count against expectation."""
    for name, variables in ENVIRONMENT.items():
        given = [variable for variable in variables if situation.environ.get(variable)]
        if len({situation.environ[variable] for variable in given}) > 1:
            what = f"{' and '.join(given)} hold two values for {name}; {given[0]} counts"
            yield Finding("configuration", "warning", what, f"unset {given[1]}", "environment")
    settings = situation.settings
    if settings is not None and "base_url" in settings.sources:
        named = [name for name in ("account_id", "gateway_id") if name in settings.sources]
        if len(named) == 2 and settings.sources["base_url"] != settings.sources["account_id"]:
            what = f"a base URL ({settings.source_of('base_url')}) beats account_id and gateway_id, which do not count"
            yield Finding("configuration", "info", what, "keep one of the two", settings.source_of("base_url"))


def cloudflare_sdk(situation: Situation) -> Iterator[Finding]:
    """The two variables that make the Cloudflare SDK leave an API token out (contract 6.4.2)."""
    for variable in ("CLOUDFLARE_API_KEY", "CLOUDFLARE_EMAIL"):
        if situation.environ.get(variable):
            there = "cloudflare" in situation.installed
            what = f"{variable} is set: the cloudflare SDK then sends the old key or e-mail instead of an API token"
            fix = f"unset {variable}; a scoped API token replaces both"
            yield Finding("cloudflare SDK", "warning" if there else "info", what, fix, f"environment {variable}")


def surface(situation: Situation) -> Iterator[Finding]:
    """What the configured base URL is."""
    settings = situation.settings
    if settings is None:
        return
    found, source = situation.surface, settings.source_of("base_url")
    if found is None:
        yield _no_gateway(settings.base_url, source)
        return
    if found.family == "rest":
        fix = "configure account and gateway id; /ai/run and /ai/v1 are not below a base URL"
        yield Finding(
            "surface", "error", "the base URL is the REST API's, which the client does not stand on", fix, source
        )
        return
    where = f"gateway {found.gateway}" if found.gateway else f"{found.origin}, its path shows no gateway id"
    if not found.declared:
        yield Finding("surface", "ok", f"an AI Gateway URL of Cloudflare's, {where}", where=source)
    elif _is_loopback(found.origin):
        yield Finding("surface", "ok", f"a local gateway at {found.origin}, {where}", where=source)
    elif (reason := why_not(settings.base_url)).word in _NEVER:
        what = f"the base URL is no gateway's, and gets the token because it is configured. {reason.sentence}"
        yield Finding("surface", "error", what, _EITHER, source)
    else:
        what = f"{found.origin} counts as a gateway because it is configured; nothing in the URL shows that it is one"
        fix = "make sure that it is your custom domain or your Worker: it gets the token"
        yield Finding("surface", "info", what, fix, source)


def _no_gateway(base_url: str, source: str) -> Finding:
    try:
        declare((base_url,))
    except ConfigurationError as error:
        if REST_HOST not in base_url and error.remedy:
            reason = why_not(base_url)
            return Finding("surface", "error", f"the base URL is no gateway's. {reason.sentence}", error.remedy, source)
    reason = why_not(f"{base_url.rstrip('/')}/openai")
    return Finding("surface", "error", "the base URL is no gateway's", reason.sentence, source)


def _is_loopback(origin: str) -> bool:
    return re.fullmatch(r"https?://(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?", origin) is not None


def is_local(situation: Situation) -> bool:
    """Whether the configured gateway is on this machine."""
    found = situation.surface
    return found is not None and _is_loopback(found.origin)
