"""The edge's document, ``aig-edge/1``: who may call, and the policy, as one plain JSON object that can be signed."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, cast

from .._errors import ConfigurationError, Unkeyable, pointer_token
from .._parse import decode_strictly
from ._edge import Dispatch
from ._ledger import limits_from_plain
from ._policy import Policy, policy_from_document
from ._principal import Principal

FORMAT: Final = "aig-edge/1"
_MEMBERS: Final = frozenset({"edge", "policy", "principals", "access", "epoch", "namespace", "dispatch"})
_PRINCIPAL: Final = frozenset(
    {"tenant", "tokens", "access", "certificates", "classes", "providers", "models", "own_keys", "limits"}
)
_LISTS: Final = ("tokens", "access", "certificates", "classes", "providers", "models")
_METADATA_MAX: Final = 3
_NAME: Final = re.compile(r"[!-~](?:[ -~]{0,94}[!-~])?")
"""It stands in a metadata header, and is the index of an event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeDocument:
    """What an edge document says; see ``Edge`` for what becomes of it.

    Attributes:
        limits: by principal, as ``limits_from_plain`` reads them.
        access_team, access_audience: of Cloudflare Access; None where nobody comes through it.
        dispatch: how the gateway is reached, see ``Edge``.
        digest: ``sha256:`` and the digest of the text it was read from.
    """

    principals: tuple[Principal, ...] = field(repr=False)
    policy: Policy
    limits: Mapping[str, list[object]]
    access_team: str | None = None
    access_audience: str | None = None
    namespace: str = ""
    epoch: str = ""
    dispatch: Dispatch = "fetch"
    digest: str = ""


def digest_of_text(text: bytes) -> str:
    """``sha256:`` and the SHA-256 of an edge document's text."""
    return f"sha256:{hashlib.sha256(text).hexdigest()}"


def signature_of(version: int, digest: str, key: bytes) -> str:
    """What proves that whoever holds ``key`` has published this document under this version."""
    return hmac.new(key, f"aig-edge/1\n{version}\n{digest}".encode(), hashlib.sha256).hexdigest()


def published(pointer: object, text: bytes, key: bytes) -> EdgeDocument:
    """The document that a pointer (``{"version": 7, "digest": "sha256:...", "signature": "..."}``) stands for.

    Raises:
        ConfigurationError: the pointer is none, the text is another one, or the signature is not by ``key``.
    """
    if not isinstance(pointer, dict):
        raise ConfigurationError("/", "the pointer is no object")
    version, digest, signature = (pointer.get(name) for name in ("version", "digest", "signature"))
    if type(version) is not int or not isinstance(digest, str) or not isinstance(signature, str):
        raise ConfigurationError("/", "the pointer needs version, digest and signature")
    if not hmac.compare_digest(digest_of_text(text).encode(), digest.encode(errors="replace")):
        raise ConfigurationError("/digest", "is not that of the document")
    if not hmac.compare_digest(signature_of(version, digest, key).encode(), signature.encode(errors="replace")):
        raise ConfigurationError("/signature", "is not by the key of this Worker")
    return edge_from_text(text)


def edge_from_text(text: bytes) -> EdgeDocument:
    """Read an edge document.

    Raises:
        ConfigurationError: with the JSON pointer of what is wrong.
    """
    try:
        document = decode_strictly(text)
    except Unkeyable as error:
        raise ConfigurationError(error.pointer or "/", error.problem) from None
    if not isinstance(document, dict) or document.get("edge") != FORMAT:
        raise ConfigurationError("/edge", f"must be {FORMAT!r}")
    for name in document:
        if name not in _MEMBERS:
            raise ConfigurationError(pointer_token(name), "is no member of an edge document")
    policy = document.get("policy")
    if not isinstance(policy, dict):
        raise ConfigurationError("/policy", "is missing")
    try:
        read = policy_from_document(policy)
    except ConfigurationError as error:
        raise ConfigurationError(f"/policy{error.field}", error.problem, remedy=error.remedy) from None
    _check_metadata(read)
    principals, limits = _principals(document.get("principals", {}), read)
    access = document.get("access", {})
    if not isinstance(access, dict) or not set(access) <= {"team", "audience"}:
        raise ConfigurationError("/access", "must hold team and audience")
    return EdgeDocument(
        principals=principals,
        policy=read,
        limits=limits,
        access_team=_text(access, "team", "/access"),
        access_audience=_text(access, "audience", "/access"),
        namespace=_text(document, "namespace", "") or "",
        epoch=_text(document, "epoch", "") or "",
        dispatch=_dispatch(document),
        digest=digest_of_text(text),
    )


def _dispatch(document: Mapping[str, object]) -> Dispatch:
    match document.get("dispatch", "fetch"):
        case "fetch":
            return "fetch"
        case "binding":
            return "binding"
        case _:
            raise ConfigurationError("/dispatch", "must be 'fetch' or 'binding'")


def _check_metadata(policy: Policy) -> None:
    """Cloudflare keeps five entries: the principal, the class, and three of the class's own."""
    for name, route_class in policy.classes.items():
        where = f"/policy/classes{pointer_token(name)}/metadata"
        if len(route_class.metadata) > _METADATA_MAX:
            raise ConfigurationError(where, f"at the edge, at most {_METADATA_MAX} entries are a class's own")
        if "principal" in route_class.metadata:
            raise ConfigurationError(f"{where}/principal", "is who asks: the edge writes it")


def _text(holder: Mapping[str, object], name: str, where: str) -> str | None:
    value = holder.get(name)
    if value is not None and not isinstance(value, str):
        raise ConfigurationError(f"{where}/{name}", "must be a string")
    return value


def _principals(plain: object, policy: Policy) -> tuple[tuple[Principal, ...], dict[str, list[object]]]:
    if not isinstance(plain, dict):
        raise ConfigurationError("/principals", "must be an object of principals by name")
    found: list[Principal] = []
    limits: dict[str, list[object]] = {}
    for name, one in plain.items():
        where = f"/principals{pointer_token(name)}"
        principal, limited = _principal(name, one, where)
        for index, route_class in enumerate(principal.classes):
            if route_class != "*" and route_class not in policy.classes:
                raise ConfigurationError(f"{where}/classes/{index}", f"{route_class!r} is no class of the policy")
        for index, limit in enumerate(limits_from_plain(limited, f"{where}/limits")):
            if limit.route_class is not None and limit.route_class not in policy.classes:
                problem = f"{limit.route_class!r} is no class of the policy"
                raise ConfigurationError(f"{where}/limits/{index}/route_class", problem)
        found.append(principal)
        limits[name] = limited
    return tuple(found), limits


def _principal(name: str, plain: object, where: str) -> tuple[Principal, list[object]]:
    if not isinstance(plain, dict):
        raise ConfigurationError(where, "must be an object")
    if not _NAME.fullmatch(name):
        raise ConfigurationError(where, "must have a name of 1 to 96 printable ASCII characters")
    for member in plain:
        if member not in _PRINCIPAL:
            raise ConfigurationError(where + pointer_token(member), "is no member of a principal")
    lists = {member: _texts(plain, member, where) for member in _LISTS}
    limits, own_keys, tenant = plain.get("limits", []), plain.get("own_keys", False), _text(plain, "tenant", where)
    if not isinstance(limits, list):
        raise ConfigurationError(f"{where}/limits", "must be a list")
    if not isinstance(own_keys, bool):
        raise ConfigurationError(f"{where}/own_keys", "must be true or false")
    try:
        principal = Principal(
            name=name,
            tenant=tenant or "",
            own_keys=own_keys,
            tokens=lists["tokens"],
            access=lists["access"],
            certificates=lists["certificates"],
            classes=lists["classes"],
            providers=lists["providers"],
            models=lists["models"],
        )
    except ConfigurationError as error:
        raise ConfigurationError(f"{where}/{error.field}", error.problem, remedy=error.remedy) from None
    return principal, limits


def _texts(holder: Mapping[str, object], name: str, where: str) -> tuple[str, ...]:
    values = holder.get(name, [])
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise ConfigurationError(f"{where}/{name}", "must be a list of strings")
    return tuple(cast("list[str]", values))
