"""An edge for tests: who may call, signed and published as a deployment would have it."""

from __future__ import annotations

import json
from typing import Any, Final, Protocol

from aig_client.core.path._edge_document import digest_of_text, signature_of
from aig_client.core.path._principal import stored_token
from aig_client.schema import compile_policy

from .workerd import Running

POLICY_KEY: Final = "the-key-of-the-tests"
ADMIN: Final = "admin-of-the-tests"
GATEWAY_TOKEN: Final = "cloudflare-token-of-the-tests"
KEY_SECRET: Final = "0123456789abcdef0123456789abcdef"
ACME, GLOBEX, NARROW, KEYED = (f"aig_{name}_0123456789abcdef" for name in ("acme", "globex", "narrow", "keyed"))
CLASSES: Final = {
    "cached": {"strategy": "fixed", "targets": ["openai/gpt-5-mini"], "cache": {"strategy": "response", "ttl": 600}},
    "cheap": {"strategy": "cheapest", "tools": "strip", "fallbacks": 1, "limits": {"max_output_tokens": 64}},
}


def document(*, epoch: str = "", classes: dict[str, Any] | None = None, **members: Any) -> str:
    """The text of an edge document with four principals."""
    tables: dict[str, Any] = {"classes": {**CLASSES, **(classes or {})}}
    salt = "0123456789abcdef"

    def principal(tenant: str, token: str, **more: Any) -> dict[str, Any]:
        return {"tenant": tenant, "tokens": [stored_token(token, salt)], "classes": ["*"], **more}

    principals = {
        "acme": principal("acme", ACME),
        "globex": principal("globex", GLOBEX),
        "narrow": principal(
            "narrow", NARROW, classes=["summary", "cheap"], providers=["openai"], models=["openai/gpt-5-nano"]
        ),
        "keyed": principal("keyed", KEYED, own_keys=True),
    }
    whole = {"edge": "aig-edge/1", "policy": compile_policy(tables), "principals": principals, "epoch": epoch}
    return json.dumps({**whole, **members})


def pointer(version: int, text: str, *, key: str = POLICY_KEY, **members: Any) -> str:
    """What KV says is current."""
    digest = digest_of_text(text.encode())
    signed = signature_of(version, digest, key.encode())
    return json.dumps({"version": version, "digest": digest, "signature": signed, **members})


class Upstream(Protocol):
    """A gateway that a Worker is put in front of: the emulator, or what stands for one."""

    @property
    def account(self) -> str: ...
    @property
    def gateway(self) -> str: ...
    @property
    def origin(self) -> str: ...


def variables(upstream: Upstream, **more: object) -> dict[str, object]:
    """The variables and secrets of a deployment in front of it; one that is given as None is not set."""
    usual = {
        "ACCOUNT_ID": upstream.account,
        "GATEWAY_ID": upstream.gateway,
        "GATEWAY_ORIGIN": upstream.origin,
        "GATEWAY_TOKEN": GATEWAY_TOKEN,
        "KEY_SECRET": KEY_SECRET,
        "POLICY_KEY": POLICY_KEY,
        "ADMIN_TOKEN": ADMIN,
    }
    return {name: value for name, value in {**usual, **more}.items() if value is not None}


def publish(running: Running, version: int, text: str, **pointers: Any) -> None:
    """Put a document into the Worker's KV, and point to it."""
    running.put("POLICY", f"edge/{version}", text)
    running.put("POLICY", "current", pointer(version, text, **pointers))
