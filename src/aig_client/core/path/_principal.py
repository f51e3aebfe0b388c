"""Who calls at the edge: service tokens, Cloudflare Access, client certificates. Nobody is anonymous."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, cast

from .._depth import shallow
from .._errors import ConfigurationError

_LENGTH: Final = re.compile(r"\d+:")
_STORED: Final = re.compile(r"sha256:([0-9a-f]{16,128}):([0-9a-f]{64})")
_SHA256_INFO: Final = bytes.fromhex("3031300d060960864801650304020105000420")  # RFC 8017, 9.2, note 1
_SKEW: Final = 60  # seconds that two clocks may differ


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Somebody who may call, and what they may do.

    Attributes:
        name: for logs and counters.
        tenant: whose cached answers they share; what a caller names itself is below it.
        tokens: stored forms of service tokens, see ``stored_token``.
        access: Cloudflare Access identities: an e-mail address, or a service token's client id (``common_name``).
        certificates: SHA-256 fingerprints of client certificates, lower-case hex.
        classes: route classes that they may use; ``*`` alone is all of them.
        providers, models: what they may reach (slugs, ``provider/model``); empty is all that the policy has.
        own_keys: their own provider keys go on.
    """

    name: str
    tenant: str = field(repr=False)
    tokens: tuple[str, ...] = field(default=(), repr=False)
    access: tuple[str, ...] = field(default=(), repr=False)
    certificates: tuple[str, ...] = field(default=(), repr=False)
    classes: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    own_keys: bool = False

    def __post_init__(self) -> None:
        for token in self.tokens:
            if not _STORED.fullmatch(token):
                raise ConfigurationError(
                    "tokens", "holds something else than sha256:SALT:DIGEST", remedy="Make it with stored_token"
                )
        if not self.tenant or not self.classes:
            raise ConfigurationError("tenant" if not self.tenant else "classes", "is empty")
        if _LENGTH.match(self.tenant):
            raise ConfigurationError("tenant", "must not begin with digits and a colon: so begin tenants below others")
        if not (self.tokens or self.access or self.certificates):
            raise ConfigurationError("tokens", "are missing: nobody could ever be this principal")

    def may_use(self, route_class: str) -> bool:
        """Whether a route class is theirs."""
        return self.classes == ("*",) or route_class in self.classes


def stored_token(token: str, salt: str) -> str:
    """The form in which a service token stands in a policy: ``sha256:SALT:DIGEST``; nobody can call with it.

    ``salt`` is 16 or more hex digits of the shell's own chance.
    """
    return f"sha256:{salt}:{_digest(token, salt)}"


def _digest(token: str, salt: str) -> str:
    return hashlib.sha256(f"{salt}:{token}".encode()).hexdigest()


def by_token(principals: Iterable[Principal], token: str) -> Principal | None:
    """Whose service token this is. Every stored one is compared, in the same time, whoever it is."""
    found: Principal | None = None
    for principal in principals:
        for stored in principal.tokens:
            _, salt, digest = stored.split(":")
            if hmac.compare_digest(_digest(token, salt), digest):
                found = principal
    return found


def by_certificate(principals: Iterable[Principal], fingerprint: str) -> Principal | None:
    """Whose client certificate has this SHA-256 fingerprint, which the zone itself has verified."""
    plain = fingerprint.replace(":", "").lower()
    return next((one for one in principals if plain in one.certificates), None) if plain else None


def by_access(
    principals: Iterable[Principal],
    assertion: str,
    *,
    keys: Mapping[str, object],
    team: str,
    audience: str,
    now: float,
) -> Principal | None:
    """Who a Cloudflare Access assertion (``cf-access-jwt-assertion``) speaks of; None unless it holds in every point.

    Signature (RS256, by one of the team's keys), issuer, audience, and times are verified, with a minute of skew.
    ``keys`` is what ``https://TEAM/cdn-cgi/access/certs`` answers.
    """
    claims = _verified(assertion, keys)
    if claims is None or claims.get("iss") != f"https://{team}":
        return None
    audiences = claims.get("aud")
    if audience not in (audiences if isinstance(audiences, list) else [audiences]):
        return None
    expires, begins = claims.get("exp"), claims.get("nbf", 0)
    if not isinstance(expires, (int, float)) or not isinstance(begins, (int, float)):
        return None
    if now > expires + _SKEW or now < begins - _SKEW:
        return None
    names = {name for claim in ("email", "common_name") if isinstance(name := claims.get(claim), str) and name}
    return next((one for one in principals if names & set(one.access)), None)


def _verified(assertion: str, keys: Mapping[str, object]) -> dict[str, object] | None:
    parts = assertion.split(".")
    if len(parts) != 3:
        return None
    try:
        header, claims = (json.loads(shallow(_bytes(part).decode())) for part in parts[:2])
        signature = _bytes(parts[2])
    except (ValueError, RecursionError):
        return None
    if not isinstance(header, dict) or not isinstance(claims, dict) or header.get("alg") != "RS256":
        return None
    key = _key(keys, header.get("kid"))
    signed = f"{parts[0]}.{parts[1]}".encode()
    return cast("dict[str, object]", claims) if key is not None and _is_signed(signed, signature, *key) else None


def _key(keys: Mapping[str, object], kid: object) -> tuple[int, int] | None:
    listed = keys.get("keys")
    for one in listed if isinstance(listed, list) else ():
        if isinstance(one, dict) and one.get("kid") == kid and one.get("kty") == "RSA":
            try:
                modulus, exponent = (int.from_bytes(_bytes(str(one[name]))) for name in ("n", "e"))
            except (KeyError, ValueError):
                return None
            return (modulus, exponent) if modulus.bit_length() >= 2048 else None
    return None


def _is_signed(signed: bytes, signature: bytes, modulus: int, exponent: int) -> bool:
    """RSASSA-PKCS1-v1_5 with SHA-256: the whole encoded message is built and compared (RFC 8017, 8.2.2)."""
    size = (modulus.bit_length() + 7) // 8
    if len(signature) != size or int.from_bytes(signature) >= modulus:
        return False
    info = _SHA256_INFO + hashlib.sha256(signed).digest()
    expected = b"\x00\x01" + b"\xff" * (size - len(info) - 3) + b"\x00" + info
    return hmac.compare_digest(pow(int.from_bytes(signature), exponent, modulus).to_bytes(size), expected)


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("not base64url") from error
