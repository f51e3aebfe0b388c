"""What a Worker's KV namespace holds: ``edge/{version}`` documents, and ``current``, the signed pointer to one."""

from __future__ import annotations

import hmac
import json
import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

import click

from ...core import ConfigurationError, surface_of
from ...core.path._edge_document import EdgeDocument, published, signature_of
from ...schema import ENVIRONMENT
from ...schema._settings import read_file
from ._guard import InputError

if TYPE_CHECKING:
    from cloudflare import Cloudflare

_NO_SUCH_NAMESPACE: Final = 10013
"""Cloudflare's code for it; a key that is not there is a 404 too."""


@dataclass(frozen=True, slots=True)
class Pointer:
    """What ``current`` says. ``previous`` is the pointer that it replaced, signed too, so that it can come back."""

    version: int
    digest: str
    signature: str
    previous: Pointer | None = None

    @property
    def previous_version(self) -> int | None:
        return self.previous.version if self.previous is not None else None

    @property
    def last_version(self) -> int:
        """The highest version ever written: after a rollback it is that of ``previous``, and is not written over."""
        return max(self.version, self.previous_version or 0)

    def is_by(self, key: bytes) -> bool:
        """Whether ``key`` has signed it."""
        return hmac.compare_digest(signature_of(self.version, self.digest, key), self.signature)

    def plain(self) -> dict[str, object]:
        """As JSON values, without what was before."""
        return {"version": self.version, "digest": self.digest, "signature": self.signature}

    def text(self) -> bytes:
        """As it stands in KV."""
        before = {} if self.previous is None else {"previous": self.previous.plain()}
        return json.dumps({**self.plain(), **before}).encode()


def signed(version: int, digest: str, key: bytes, *, previous: Pointer | None) -> Pointer:
    """A pointer by ``key``."""
    return Pointer(version, digest, signature_of(version, digest, key), previous)


def current_of(store: Store) -> Pointer | None:
    """What is published; None where nothing ever was.

    Raises:
        ClickException: there is something else.
    """
    raw = store.read("current")
    if raw is None:
        return None
    try:
        plain = json.loads(raw)
    except (ValueError, RecursionError):
        plain = None
    found = _pointer(plain)
    if found is None:
        raise click.ClickException("The key 'current' holds no pointer: delete it in KV, and push again.")
    return found


def _pointer(plain: object) -> Pointer | None:
    if not isinstance(plain, dict):
        return None
    version, digest, signature = (plain.get(name) for name in ("version", "digest", "signature"))
    if type(version) is not int or version < 1 or not isinstance(digest, str) or not isinstance(signature, str):
        return None
    return Pointer(version, digest, signature, _pointer(plain.get("previous")))


def document_of(pointer: Pointer, text: bytes | None, key: bytes) -> EdgeDocument:
    """The document that a pointer stands for, held against ``key``: nothing that others wrote is signed again.

    Raises:
        ClickException: it is gone, is another one, or is not signed by ``key``.
    """
    if text is None:
        raise click.ClickException(f"edge/{pointer.version} is not in KV any more: push the file that you want.")
    try:
        return published(pointer.plain(), text, key)
    except ConfigurationError as error:
        raise click.ClickException(
            f"Version {pointer.version} is not what AIG_POLICY_KEY has signed ({error.field.strip('/') or 'pointer'}): "
            "push the file that you want."
        ) from None


# --- Workers KV --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Store:
    """One KV namespace, through Cloudflare's own SDK."""

    client: Cloudflare
    account_id: str
    namespace_id: str

    def read(self, key: str) -> bytes | None:
        """A value; None where there is none."""
        from cloudflare import NotFoundError

        try:
            found = self.client.kv.namespaces.values.get(
                key, account_id=self.account_id, namespace_id=self.namespace_id
            )
        except NotFoundError as error:
            if _NO_SUCH_NAMESPACE in _codes(error.body):
                raise
            return None
        return found.read()

    def write(self, key: str, value: bytes) -> None:
        """Write a value whole. As bytes: version 5 of the SDK takes no text."""
        self.client.kv.namespaces.values.update(
            key, account_id=self.account_id, namespace_id=self.namespace_id, value=value
        )


@contextmanager
def open_store(token: str, account_id: str | None, namespace_id: str, file: str | None) -> Generator[Store]:
    """A namespace; what Cloudflare answers no to becomes one sentence.

    Raises:
        InputError: the SDK is not installed, or no account is known.
        ClickException: Cloudflare said no, or nobody answered.
    """
    account = account_id or _account(file)
    try:
        from cloudflare import APIConnectionError, APIStatusError, Cloudflare
    except ImportError:
        raise InputError("aig policy push needs Cloudflare's SDK: pip install 'aig-client[push]'.") from None
    try:
        with Cloudflare(api_token=token) as client:
            yield Store(client, account, namespace_id)
    except APIStatusError as error:
        codes = "".join(f" (code {code})" for code in _codes(error.body)[:1])
        status = error.status_code
        raise click.ClickException(f"Cloudflare answered {status}{codes}: {_advice(status)}.") from None
    except APIConnectionError:
        raise click.ClickException("Cloudflare's API could not be reached: check network and proxy.") from None


def _advice(status: int) -> str:
    match status:
        case 401 | 403 | 400:
            return "check that CLOUDFLARE_API_TOKEN may edit Workers KV Storage of this account"
        case 404:
            return "check account and namespace id"
        case _:
            return "try again; if 'current' was not written, the Worker has noticed nothing"


def _codes(body: object) -> list[int]:
    errors = cast("Mapping[str, object]", body).get("errors") if isinstance(body, dict) else None
    found = [one.get("code") for one in errors if isinstance(one, dict)] if isinstance(errors, list) else []
    return [code for code in found if isinstance(code, int)]


def _account(file: str | None) -> str:
    """The account as clients find theirs: the environment, then [gateway] of the file, then the gateway's URL."""
    table = read_file(file)[0].get("gateway", {})
    settings = cast("Mapping[str, object]", table) if isinstance(table, dict) else {}

    def said(name: str) -> str | None:
        value = next((os.environ[one] for one in ENVIRONMENT[name] if os.environ.get(one)), settings.get(name))
        return value if isinstance(value, str) else None

    if (account := said("account_id")) is not None:
        return account
    surface = surface_of(said("base_url") or "")
    if surface is None or surface.account is None:
        raise InputError("No account is known: give --account-id, set CLOUDFLARE_ACCOUNT_ID, or write [gateway].")
    return surface.account
