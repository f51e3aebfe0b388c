"""The options that every `aig key` command takes, and what they make of a document."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import click

from ... import explain_key
from ...core import SHARED, KeyExplanation, Tenant, Unkeyable
from ...schema import load_settings
from ._documents import Document, read_bytes, unkeyable
from ._guard import InputError
from ._targets import Target, needed_headers, target_of

F = TypeVar("F", bound=Callable[..., object])

_NO_TENANT: Final = (
    "A cache key belongs to a tenant: give --tenant NAME, or --shared to share answers between all callers."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyOptions:
    """What was given beside the files."""

    url: str | None = field(default=None, repr=False)
    provider: str | None = None
    endpoint: str | None = None
    gateways: tuple[str, ...] = ()
    tenant: str | None = field(default=None, repr=False)
    shared: bool = False
    credential: str = "stored"
    namespace: str | None = None
    policy_epoch: str | None = None
    secret_env: str | None = None
    secret_file: str | None = None


@dataclass(frozen=True, slots=True)
class Explained:
    """A request with its key taken apart."""

    document: Document
    target: Target
    explanation: KeyExplanation
    namespace: str
    policy_epoch: str
    credential: str
    gateways: tuple[str, ...]


def key_options(function: F) -> F:
    """Add the options; the function gets them as keyword arguments of ``KeyOptions``."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


_OPTIONS: Final[tuple[Callable[[Any], Any], ...]] = (
    click.option("--url", metavar="URL", help="The request's full AI Gateway URL."),
    click.option("--provider", metavar="SLUG", help="The provider, as it stands in the gateway's URL."),
    click.option("--endpoint", metavar="PATH|KIND", help="/chat/completions, say; or chat, responses, messages, ..."),
    click.option("--gateway", "gateways", multiple=True, metavar="URL", help="This base URL is a gateway. Repeatable."),
    click.option("--tenant", metavar="NAME", help="Who may see a cached answer again."),
    click.option("--shared", is_flag=True, help="Answers are shared between all callers."),
    click.option(
        "--credential",
        type=click.Choice(["stored", "request"]),
        default="stored",
        show_default=True,
        help="Whose provider key pays: the gateway's, or one on the request.",
    ),
    click.option("--namespace", metavar="TEXT", help="Else AIG_NAMESPACE, else aig.toml."),
    click.option("--policy-epoch", metavar="TEXT", help="Else AIG_POLICY_EPOCH, else aig.toml."),
    click.option("--secret-env", metavar="NAME", help="The environment variable with the secret that seals keys."),
    click.option("--secret-file", metavar="FILE", help="The file with that secret; one newline at its end is dropped."),
)


def explained(document: Document, options: KeyOptions, *, without_tenant: Tenant | None = None) -> Explained:
    """Take a document's key apart. ``without_tenant`` stands in where nobody names one.

    Raises:
        InputError: no tenant, no place to go, or a body that has no key.
        ConfigurationError: a value that can never work.
    """
    target = target_of(
        document, url=options.url, provider=options.provider, endpoint=options.endpoint, gateways=options.gateways
    )
    tenant = tenant_of(document, options) or without_tenant
    if tenant is None:
        raise InputError(_NO_TENANT)
    # A base URL is given so that none is asked for: of the settings only these two are in a key.
    settings = load_settings(
        {"base_url": "unused", "namespace": options.namespace, "policy_epoch": options.policy_epoch}
    )
    credential = _credential(document, options)
    try:
        explanation = explain_key(
            target.url,
            document.body,
            tenant=tenant,
            credential=credential,
            namespace=settings.namespace,
            policy_epoch=settings.policy_epoch,
            secret=_secret(options),
            headers=needed_headers(target.kind, document.headers),
            gateways=options.gateways,
        )
    except Unkeyable as error:
        raise InputError(unkeyable(document.name, error)) from None
    return Explained(
        document, target, explanation, settings.namespace, settings.policy_epoch, credential, options.gateways
    )


def tenant_of(document: Document, options: KeyOptions) -> Tenant | None:
    """Whose the request is: the option's word, else the capture's."""
    if options.shared and options.tenant is not None:
        raise InputError("--tenant and --shared say two things: give one of them.")
    if options.shared:
        return SHARED
    return options.tenant or document.tenant or document.header("x-aig-tenant") or None


def _credential(document: Document, options: KeyOptions) -> str:
    alias = document.header("cf-aig-byok-alias")
    return f"stored:{alias}" if alias and options.credential == "stored" else options.credential


def _secret(options: KeyOptions) -> bytes | None:
    if options.secret_env is not None and options.secret_file is not None:
        raise InputError("--secret-env and --secret-file say two things: give one of them.")
    if options.secret_env is not None:
        value = os.environ.get(options.secret_env)
        if not value:
            raise InputError(f"The environment variable {options.secret_env} is not set: export the secret in it.")
        return os.fsencode(value)
    if options.secret_file is None:
        return None
    raw = read_bytes(options.secret_file, options.secret_file)
    return raw.removesuffix(b"\n").removesuffix(b"\r")


def checked(options: dict[str, Any]) -> KeyOptions:
    """The options as one value.

    Raises:
        InputError: one is empty.
    """
    for name in ("tenant", "url", "provider", "endpoint"):
        if options[name] == "":
            raise InputError(f"--{name} is empty: give it a value, or leave it out.")
    return KeyOptions(**options)


def assumption(target: Target) -> str | None:
    """What is said where nobody said where the request goes."""
    if not target.assumed:
        return None
    where = f"{target.provider} {target.endpoint}".strip()
    return f"assumed from the body's shape: {where} (--provider, --endpoint or --url say otherwise)"
