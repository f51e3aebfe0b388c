"""The key recipe ``aig-key/1``: a protocol of its own, with its version inside. ADR 0003.

A custom ``cf-aig-cache-key`` replaces everything by which Cloudflare tells requests apart (contract 1.3.4), so
everything must be inside: who asks, of whom, through which surface, with whose credential, under which policy, and
what.
"""

from __future__ import annotations

import hmac
from binascii import b2a_base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from types import MappingProxyType
from typing import Final

from .._canon import Encoder, encode_stdlib
from .._errors import ConfigurationError, Unkeyable, pointer_token
from .._exact import plain, write_exactly
from .._leaves import Leaves
from .._parse import Decoder, decode_strictly
from .._reduce import Reducer
from .._values import CacheKey, Shared, Tenant
from ..facts._fields import ORDERED_MEMBERS, ignored_reason, ignores
from ..facts._providers import EndpointKind
from ..facts._queries import without_credentials
from ..facts._surfaces import Family, Surface, surface_of
from ..facts._variants import variant_of

RECIPE: Final = "aig-key/1"
SECRET_MIN: Final = 16
_BODY_DOMAIN: Final = b"aig-key/1 body\0"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyScope:
    """Everything in a key but the body. ``kind`` is no part of it: it says which body fields the registry ignores.

    Raises:
        ConfigurationError: at construction, for a tenant that is neither a non-empty string nor ``SHARED``.
    """

    tenant: Tenant = field(repr=False)
    family: Family
    provider: str
    model: str
    endpoint: str
    kind: EndpointKind
    credential: str = "stored"
    namespace: str = ""
    policy_epoch: str = ""
    variant: str = ""
    lead: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _check_tenant(self.tenant)
        # Netstrings (length in code points): no value can pass for its neighbour's. An f-string would ask an enum for
        # its name.
        text = "".join([f"{len(part)}:" + part + "," for _, part in self.parts()])
        try:
            object.__setattr__(self, "lead", text.encode())
        except UnicodeEncodeError:
            raise self._surrogate() from None

    def _surrogate(self) -> Unkeyable | ConfigurationError:
        what = "holds a lone surrogate, which UTF-8 cannot carry"
        if any("\ud800" <= char <= "\udfff" for char in self.model):  # the body's, then: a URL holds none
            return Unkeyable(what, pointer="/model")
        return ConfigurationError("tenant, namespace or policy_epoch", what)

    @classmethod
    def of(
        cls,
        surface: Surface,
        body: object,
        *,
        tenant: Tenant,
        credential: str,
        namespace: str,
        policy_epoch: str,
        variant: str,
    ) -> KeyScope:
        """The scope of a request to ``surface``; the model is the path's, else the body's."""
        _check_tenant(tenant)
        named = surface.model_in_path or (body.get("model") if isinstance(body, dict) else None)
        model = str.__str__(named) if isinstance(named, str) else ""
        return _scope_of(surface, model, tenant, credential, namespace, policy_epoch, variant)

    def parts(self) -> tuple[tuple[str, str], ...]:
        """The components in the order of the recipe, by name."""
        return (
            ("recipe", RECIPE),
            ("namespace", self.namespace),
            ("tenant", "*" if isinstance(self.tenant, Shared) else "=" + self.tenant),
            ("policy_epoch", self.policy_epoch),
            ("surface", self.family),
            ("provider", self.provider),
            ("model", self.model),
            ("endpoint", self.endpoint),
            ("credential", self.credential),
            ("variant", self.variant),
        )


def _check_tenant(tenant: object) -> None:
    if not tenant or not isinstance(tenant, (str, Shared)):
        raise ConfigurationError(
            "tenant", "is missing", remedy="Name the tenant, or say tenant=SHARED to share answers between all callers"
        )


@lru_cache(maxsize=512)
def _scope_of(  # noqa: PLR0917  (a memo takes its arguments by position)
    surface: Surface,
    model: str,
    tenant: Tenant,
    credential: str,
    namespace: str,
    policy_epoch: str,
    variant: str,
) -> KeyScope:
    provider = surface.provider or ""
    # A custom provider may give any field a meaning, a dynamic route may branch on it: nothing is ignored there.
    known = not provider.startswith("custom-") and not model.startswith(("dynamic/", "custom-"))
    return KeyScope(
        tenant=tenant,
        family=surface.family,
        provider=provider,
        model=model,
        endpoint=surface.endpoint + (without_credentials(surface.query) if surface.query else ""),
        kind=surface.kind if known else "other",
        credential=credential,
        namespace=namespace,
        policy_epoch=policy_epoch,
        variant=variant,
    )


class KeyMaker:
    """Makes keys with one encoder, one decoder and one memory of leaves. The key depends on none of the three."""

    __slots__ = ("_decode", "_reducer")

    def __init__(
        self, *, encode: Encoder = encode_stdlib, decode: Decoder = decode_strictly, leaves: Leaves | None = None
    ) -> None:
        self._decode = decode
        self._reducer = Reducer(encode, leaves if leaves is not None else Leaves())

    def tree(self, body: object) -> object:
        """``body`` as a tree: bytes are parsed strictly, anything else is taken as it is."""
        return self._decode(bytes(body)) if isinstance(body, (bytes, bytearray, memoryview)) else body

    def body_digest(self, body: object, kind: EndpointKind) -> bytes:
        """SHA-256 over the reduced canonical form of a tree, less the fields this endpoint's answer ignores."""
        digest = sha256(_BODY_DOMAIN)
        for part in self._reducer.parts(body, kind):
            digest.update(part)
        return digest.digest()

    def key(self, scope: KeyScope, body: object, *, secret: bytes | None = None) -> CacheKey:
        """The key of a tree within a scope; with ``secret`` (16 bytes or more) it is sealed."""
        digest = self.body_digest(body, scope.kind)
        material = scope.lead + digest
        if secret is None:
            return CacheKey("aig1." + _base64url(sha256(material).digest()), sealed=False)
        return CacheKey("aig1s." + _base64url(hmac.digest(check_secret(secret), material, "sha256")), sealed=True)


def check_secret(secret: bytes) -> bytes:
    """``secret`` if it is long enough to seal keys.

    Raises:
        ConfigurationError: shorter than 16 bytes.
    """
    if not isinstance(secret, bytes):
        raise ConfigurationError("secret", "must be bytes")
    if len(secret) < SECRET_MIN:
        raise ConfigurationError("secret", f"is shorter than {SECRET_MIN} bytes", remedy="Use 32 random bytes")
    return secret


def _base64url(digest: bytes) -> str:
    return b2a_base64(digest, newline=False).translate(_URL_SAFE, b"=").decode()


_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")


DEFAULT_MAKER: Final = KeyMaker()
"""The maker of callers that bring no encoder of their own."""


def gateway_surface(url: str, gateways: Iterable[str]) -> Surface:
    """The surface of a URL that must be a gateway's.

    Raises:
        ConfigurationError: it is none.
    """
    surface = surface_of(url, gateways=gateways)
    if surface is None:
        raise ConfigurationError(
            "url",
            "is no AI Gateway URL, so no cache key is ever sent there",
            remedy="Declare it in gateways= if it is one",
        )
    return surface


def cache_key(
    url: str,
    body: object,
    *,
    tenant: Tenant,
    credential: str = "stored",
    namespace: str = "",
    policy_epoch: str = "",
    secret: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    gateways: Iterable[str] = (),
    maker: KeyMaker = DEFAULT_MAKER,
) -> CacheKey:
    """The cache key of a request, from nothing but these arguments. The clients use the same function.

    Args:
        url: the full AI Gateway URL.
        body: the JSON body, as a tree or as the bytes on the wire.
        tenant: who may see the answer again: a name, or ``SHARED``.
        credential: ``"stored"`` (BYOK or Unified Billing), ``"stored:{alias}"`` or ``"request"`` (the caller's own
        key). namespace: separates applications or environments on one gateway.
        policy_epoch: raise it, and everything cached before is out of reach.
        secret: 16 bytes or more seal the key with HMAC-SHA256.
        headers: request headers; those that shape an answer (``anthropic-version``, ``anthropic-beta``, ...) count.
        gateways: declared custom domains, Workers, emulators.

    Raises:
        ConfigurationError: no tenant, no gateway URL, or too short a secret.
        Unkeyable: the body has no one canonical form; the error has the JSON pointer.
    """
    surface = gateway_surface(url, gateways)
    tree = maker.tree(body)
    scope = KeyScope.of(
        surface,
        tree,
        tenant=tenant,
        credential=credential,
        namespace=namespace,
        policy_epoch=policy_epoch,
        variant=variant_of([(name.encode(), value.encode()) for name, value in (headers or {}).items()]),
    )
    return maker.key(scope, tree, secret=secret)


@dataclass(frozen=True, slots=True)
class KeyExplanation:
    """Why a key is what it is, in digests only.

    Attributes:
        key: the key explained.
        components: each part of the recipe with a digest of its value, in order; ``body`` is the last.
        fields: each keyed top-level member of the body (a JSON pointer) with a digest.
        ignored: each top-level member left out, with the reason.
        body: the keyed members themselves, for ``diff_keys``; never shown.
    """

    key: CacheKey
    components: Mapping[str, str]
    fields: Mapping[str, str]
    ignored: Mapping[str, str]
    body: object = field(repr=False, compare=False)


def explain_key(
    url: str,
    body: object,
    *,
    tenant: Tenant,
    credential: str = "stored",
    namespace: str = "",
    policy_epoch: str = "",
    secret: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    gateways: Iterable[str] = (),
    maker: KeyMaker = DEFAULT_MAKER,
) -> KeyExplanation:
    """The parts of ``cache_key`` for the same arguments, each as a digest: what two services can compare by eye.

    With a ``secret`` the digests are sealed too, since a tenant's name alone could be guessed from its digest.

    Raises:
        ConfigurationError, Unkeyable: as ``cache_key``.
    """
    surface = gateway_surface(url, gateways)
    tree = plain(maker.tree(body))
    scope = KeyScope.of(
        surface,
        tree,
        tenant=tenant,
        credential=credential,
        namespace=namespace,
        policy_epoch=policy_epoch,
        variant=variant_of([(name.encode(), value.encode()) for name, value in (headers or {}).items()]),
    )

    def short(part: bytes) -> str:
        return (hmac.digest(secret, part, "sha256") if secret else sha256(part).digest()).hex()[:16]

    body_digest = maker.body_digest(tree, scope.kind)
    members = tree if isinstance(tree, dict) else {}
    keyed = {name: item for name, item in members.items() if not ignores(scope.kind, name, item)}
    components = {name: short(part.encode()) for name, part in scope.parts()}
    components["body"] = short(body_digest)
    return KeyExplanation(
        key=maker.key(scope, tree, secret=secret),
        components=MappingProxyType(components),
        fields=MappingProxyType(
            {pointer_token(name): short(maker.body_digest({name: item}, scope.kind)) for name, item in keyed.items()}
        ),
        ignored=MappingProxyType(
            {name: ignored_reason(scope.kind, name) or "" for name in members if name not in keyed}
        ),
        body=keyed if members else tree,
    )


@dataclass(frozen=True, slots=True)
class KeyDiff:
    """Where two requests part: ``components`` of the recipe other than the body, and JSON ``pointers`` into the
    body.
    """

    components: tuple[str, ...]
    pointers: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.components or self.pointers)


def diff_keys(a: KeyExplanation, b: KeyExplanation) -> KeyDiff:
    """The components and the JSON pointers at which two explained requests part; false when their keys are equal."""
    components = tuple(
        name for name, digest in a.components.items() if name != "body" and b.components.get(name) != digest
    )
    return KeyDiff(components, tuple(_differences(a.body, b.body, "", ordered=False)))


def _differences(a: object, b: object, pointer: str, *, ordered: bool) -> Iterable[str]:
    if isinstance(a, dict) and isinstance(b, dict):
        if ordered and list(a) != list(b) and set(a) == set(b):
            yield pointer
            return
        for name in [*a, *(name for name in b if name not in a)]:
            below = pointer + pointer_token(name)
            if name not in a or name not in b:
                yield below
            else:
                yield from _differences(a[name], b[name], below, ordered=ordered or name in ORDERED_MEMBERS)
    elif isinstance(a, list) and isinstance(b, list):
        for index in range(max(len(a), len(b))):
            below = f"{pointer}/{index}"
            if index >= len(a) or index >= len(b):
                yield below
            else:
                yield from _differences(a[index], b[index], below, ordered=ordered)
    elif write_exactly(a) != write_exactly(b):
        yield pointer
