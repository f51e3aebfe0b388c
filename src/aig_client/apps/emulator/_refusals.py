"""What the gateway answers when it declines a request: the rows of contract 4.2, and shape E3 of section 4.1.

Messages are those of the documentation or of a published report where there is one; a client must decide by the code.
"""

from __future__ import annotations

from collections.abc import Iterable

from ._errors import Fault
from ._json import JsonObject, write
from ._settings import SpendRule

UNDOCUMENTED = 0
"""Stands where a refusal surely has a code and nobody wrote down which: the body leaves it out."""

_LONGEST_NAME = 100

RATE_LIMITED = Fault(429, 2003, "Rate limited")
PROMPT_BLOCKED = Fault(424, 2016, "Prompt blocked due to security configurations")
RESPONSE_BLOCKED = Fault(424, 2017, "Response blocked due to security configurations")
DLP_REQUEST_BLOCKED = Fault(400, 2029, "Request content blocked due to DLP policy violations")
DLP_RESPONSE_BLOCKED = Fault(400, 2030, "Response content blocked due to DLP policy violations")
NO_CREDITS = Fault(402, 2021, "Insufficient wholesale credits")
# The page gives the status alone. Published reports have this code and text, and the same text with 402 and 2021.
UNIFIED_RATE_LIMITED = Fault(429, 2018, "Wholesale rate limit exceeded")


def spend_limited(rule: SpendRule) -> Fault:
    """A spend limit is reached. The message names the rule."""
    return Fault(429, 2045, f"Spend limit reached for rule '{rule.id[:_LONGEST_NAME]}'")


def unknown_alias(configured: Iterable[str], *, provider: str = "", alias: str = "") -> Fault:
    """`cf-aig-byok-alias` names no stored key. As seen live, the message lists the aliases that there are."""
    whose = f"Provider '{provider}'" if provider else "The provider"
    named = f"named '{alias[:_LONGEST_NAME]}'" if alias else "with this name"
    known = ", ".join(f"'{name}'" for name in configured) or "none"
    return Fault(400, 2040, f"{whose} has no BYOK credential {named}. Configured aliases: {known}")


def no_credential() -> Fault:
    """`byok_only` or `cf-aig-no-wholesale`, and neither a key on the request nor a stored one."""
    return Fault(400, UNDOCUMENTED, "Provider credentials are required, and none were found")


def rest_token_refused() -> Fault:
    """The REST API's token lacks *Workers AI Read*, or is none."""
    return Fault(401, 10000, "Authentication error", api=True)


def provider_refused_key(payer: str) -> Fault:
    """On `/ai/run` the provider refused its credential: the caller's stored one, or Cloudflare's own."""
    if payer == "unified":
        return Fault(503, 2009, "The provider is unavailable through Unified Billing", api=True)
    return Fault(401, 2009, "The provider refused the stored credential", api=True)


def policy_blocked(message: str = "Request blocked by policy") -> Fault:
    """A policy blocks, or none matches: shape E3."""
    return Fault(403, UNDOCUMENTED, message, body=_e3_body({"message": message}))


def policy_capped(bucket: str, spent: float, limit: float) -> Fault:
    """A policy's spend cap is reached, in US dollars: shape E3.

    Whether the three members stand in `error` or beside it is not said; here they stand in it.
    """
    message = "Spend cap reached"
    body = _e3_body({"message": message, "bucket": bucket, "spent": spent, "limit": limit})
    return Fault(429, UNDOCUMENTED, message, body=body)


def _e3_body(error: JsonObject) -> bytes:
    return write({"success": False, "error": error})
