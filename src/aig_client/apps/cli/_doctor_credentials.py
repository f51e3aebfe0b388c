"""Checks of credentials, by their shape: what is no Cloudflare token must not be sent as one, nor one as a key."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from ._doctor_configuration import is_local
from ._doctor_findings import Finding
from ._doctor_situation import Situation

# A prefix that only this vendor gives its keys.
_PROVIDER_KEYS: Final[tuple[tuple[str, str], ...]] = (
    ("sk-ant-", "Anthropic"),
    ("sk-or-", "OpenRouter"),
    ("sk-", "OpenAI"),
    ("AIza", "Google"),
    ("gsk_", "Groq"),
    ("xai-", "xAI"),
    ("hf_", "Hugging Face"),
    ("r8_", "Replicate"),
    ("pplx-", "Perplexity"),
    ("csk-", "Cerebras"),
    ("fw_", "Fireworks"),
)
# Cloudflare, page Token formats: cfut_ and cfat_ are API tokens, cfk_ is the Global API Key; older ones have no prefix.
_CLOUDFLARE: Final = re.compile(r"cf[ua]t_[A-Za-z0-9_-]{40,}|[A-Za-z0-9_-]{40}")
_GLOBAL_KEY: Final = re.compile(r"cfk_.*|[0-9a-f]{37}")
_PLACEHOLDER: Final = re.compile(
    r"(?i)(?:your|my|the)?[-_ ]?(?:api[-_ ]?)?(?:token|key|secret)|change[-_ ]?me|x{3,}|todo|\.\.\.|<.*>"
)

_RUN: Final = "a Cloudflare API token with AI Gateway Run"
# Provider variables that the SDKs read by themselves.
_SDK_KEYS: Final = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "GEMINI_API_KEY", "GOOGLE_API_KEY")


def token(situation: Situation) -> Iterator[Finding]:
    """Whether the token can be one."""
    text, source = situation.token
    local = is_local(situation)
    if text is None:
        if local:
            yield Finding("token", "ok", "no token is set; a local gateway needs none unless it says so")
        else:
            what = "no token is set: a gateway with authentication answers 401, and stored keys need authentication"
            yield Finding("token", "warning", what, f"set CF_AIG_TOKEN to {_RUN}")
        return
    wrong = _wrong(text)
    if wrong is not None:
        yield Finding("token", "error", f"the token {wrong}", f"set it to {_RUN}", source)
    elif local or _CLOUDFLARE.fullmatch(text):
        yield Finding(
            "token", "ok", f"the token has a possible shape; it goes into cf-aig-authorization ({_RUN})", where=source
        )
    else:
        what = f"the token has no shape that Cloudflare's have ({len(text)} characters)"
        yield Finding(
            "token", "warning", what, f"make sure that it is {_RUN}; aig doctor --live asks the gateway", source
        )


def _wrong(text: str) -> str | None:
    """Why a text can be no token, without a character of it."""
    if text != text.strip() or any(char.isspace() for char in text):
        if text[:7].lower() == "bearer ":
            return "begins with 'Bearer', which is added when it is sent"
        return "holds white space, which no token has"
    vendor = next((vendor for prefix, vendor in _PROVIDER_KEYS if text.startswith(prefix)), None)
    if vendor is not None:
        return f"has the shape of a key of {vendor}'s, not of a Cloudflare token"
    if _GLOBAL_KEY.fullmatch(text):
        return "has the shape of a Global API Key, which no gateway takes and which may do everything"
    if _PLACEHOLDER.fullmatch(text):
        return "is a placeholder"
    return None if text.isascii() else "holds a character that no HTTP header carries"


def provider_keys(situation: Situation) -> Iterator[Finding]:
    """Keys that SDKs find by themselves: any one on a request switches stored keys off (contract 3.4)."""
    given = [name for name in _SDK_KEYS if situation.environ.get(name)]
    for name in given:
        value = situation.environ[name]
        if _CLOUDFLARE.fullmatch(value) and value.startswith("cf"):
            what = f"{name} holds a Cloudflare token, which would be sent on to the provider"
            yield Finding(
                "provider keys", "error", what, f"put it into CF_AIG_TOKEN and unset {name}", f"environment {name}"
            )
    for name in given:
        if situation.environ[name] == situation.token[0]:
            what = f"{name} and the Cloudflare token are the same value, so one of them goes to a stranger"
            yield Finding("provider keys", "error", what, "give each its own value", f"environment {name}")
    if given:
        what = (
            f"{', '.join(given)} set: an SDK without our plug sends it, and any provider credential on a request "
            "switches the gateway's stored keys off"
        )
        fix = "make SDK clients with **gateway.openai() and its like, or unset what the gateway stores"
        yield Finding("provider keys", "info", what, fix, "environment")
