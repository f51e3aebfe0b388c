"""From ``aig.toml`` to the edge's document: who may call a Worker, and the policy, checked as the Worker reads it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

from ..core import ConfigurationError
from ..core.facts._providers import PROVIDERS
from ..core.path._edge import restricted
from ..core.path._edge_document import FORMAT, edge_from_text
from ..core.path._ledger import limits_from_plain
from ..core.path._policy_check import PathTo, PolicyError, nearest
from ._compile import compile_policy
from ._settings import FILE

if TYPE_CHECKING:
    from ._policy import EdgeTables, PrincipalTable

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_STORED: Final = re.compile(r"sha256:[0-9a-f]{16,128}:[0-9a-f]{64}")
_FINGERPRINT: Final = re.compile(r"[0-9a-f]{64}")
_HOST: Final = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")
_LISTS: Final = ("tokens", "access", "certificates", "classes", "providers", "models")
_MAKE_ONE: Final = "Make one with: aig policy token"


def compile_edge(
    tables: Mapping[str, object],
    *,
    environ: Mapping[str, str] | None = None,
    today: str | None = None,
    source: str = FILE,
) -> dict[str, object]:
    """The plain document (``aig-edge/1``) of a file's tables; the same for the same input, to the byte.

    It holds the whole policy, ``[edge]`` and ``[principals.*]``; what a principal leaves out is not in it. It is read
    back as a Worker reads it before it is given.

    Args:
        tables: of ``aig.toml``.
        environ: where ``AIG_MODEL__CLASS__PROVIDER`` is looked for; None: nowhere.
        today: the day (``YYYY-MM-DD``) by which models are retired; None: the day of the catalog's rows.
        source: what errors call the tables.

    Raises:
        ConfigurationError: with the table, the field's path in it, and the source. A service token that stands in the
            file itself is one, and is not repeated in the message.
    """
    from ._policy import read_edge_tables  # noqa: PLC0415  # pydantic waits until there is something to check

    policy = compile_policy(tables, environ=environ, today=today, source=source)
    try:
        read = read_edge_tables(tables)
        _check(read)
        document = _document(read, policy)
        _as_the_worker(document)
    except PolicyError as error:
        raise _located(error, source) from None
    return document


def edge_text(document: Mapping[str, object]) -> str:
    """The text of an edge document as it is published: its digest is that of these bytes, in UTF-8."""
    return json.dumps(document, allow_nan=False, separators=(",", ":")) + "\n"


def _document(read: EdgeTables, policy: dict[str, object]) -> dict[str, object]:
    document: dict[str, object] = {"edge": FORMAT}
    document |= {name: value for name in ("namespace", "epoch") if (value := getattr(read.edge, name))}
    if read.edge.dispatch != "fetch":  # the usual way is not written: a Worker of before reads the document too
        document["dispatch"] = read.edge.dispatch
    if read.edge.access is not None:
        document["access"] = {"team": read.edge.access.team, "audience": read.edge.access.audience}
    document["principals"] = {name: _principal(read.principals[name]) for name in sorted(read.principals)}
    document["policy"] = policy
    return document


def _principal(table: PrincipalTable) -> dict[str, object]:
    plain: dict[str, object] = {"tenant": table.tenant}
    plain |= {name: list(values) for name in _LISTS if (values := getattr(table, name))}
    if table.certificates:
        plain["certificates"] = [_fingerprint(one) for one in table.certificates]
    if table.own_keys:
        plain["own_keys"] = True
    if table.limits:
        plain["limits"] = [one.model_dump(exclude_none=True) for one in table.limits]
    return plain


def _fingerprint(text: str) -> str:
    """As the zone gives it: openssl writes colons and capitals."""
    return text.replace(":", "").lower()


# --- What a table may say ----------------------------------------------------------------------------


def _check(read: EdgeTables) -> None:
    """Raise PolicyError for the first thing that could not work, or would say nothing."""
    access = read.edge.access
    if access is not None and not _HOST.fullmatch(access.team):
        remedy = "Write the host alone, as in example.cloudflareaccess.com"
        raise PolicyError(("edge", "access", "team"), "is no host", remedy=remedy)
    if access is not None and not access.audience:
        raise PolicyError(("edge", "access", "audience"), "is empty")
    if not read.principals:
        remedy = "Write a table [principals.NAME]; aig policy token makes its token"
        raise PolicyError(("principals",), "are none: nobody could call", remedy=remedy)
    owners: dict[tuple[str, str], str] = {}
    for name, table in sorted(read.principals.items()):
        at: PathTo = ("principals", name)
        if not _NAME.fullmatch(name):
            raise PolicyError(at, "is no name: use a to z, 0 to 9, - and _, at most 64")
        if table.access and access is None:
            raise PolicyError((*at, "access"), "does nothing without a team", remedy="Write [edge.access]")
        for path, problem, advice in _wrong(table):
            raise PolicyError((*at, *path), problem, remedy=advice)
        for path, identity in _identities(table):
            owner = owners.setdefault((f"{path[0]}", identity), name)
            if owner != name:
                raise PolicyError((*at, *path), f"is that of {owner} already: one identity is one principal")


def _wrong(table: PrincipalTable) -> Iterator[tuple[PathTo, str, str | None]]:
    if not table.tenant:
        yield ("tenant",), "is empty", None
    if not (table.tokens or table.access or table.certificates):
        yield ("tokens",), "are missing: nobody could ever be this principal", _MAKE_ONE
    if not table.classes:
        yield ("classes",), "is empty", "Name classes, or write ['*'] for all"
    if "*" in table.classes and len(table.classes) > 1:
        yield ("classes",), "has '*' beside others, which then says nothing", "Write '*' alone, or the classes"
    for name, judge in _VALUES.items():
        for index, value in enumerate(getattr(table, name)):
            if (said := judge(value)) is not None:
                yield (name, index), *said


def _token(text: str) -> tuple[str, str | None] | None:
    if _STORED.fullmatch(text):
        return None
    return "is no stored token: a plain one does not belong in a file", _MAKE_ONE


def _certificate(text: str) -> tuple[str, str | None] | None:
    if _FINGERPRINT.fullmatch(_fingerprint(text)):
        return None
    return "is no SHA-256 fingerprint: 64 hexadecimal digits", None


def _provider(slug: str) -> tuple[str, str | None] | None:
    if slug in PROVIDERS or slug.startswith("custom-"):
        return None
    return f"{slug[:64]!r} is no provider", nearest(slug, PROVIDERS)


def _model(text: str) -> tuple[str, str | None] | None:
    return None if all(text.partition("/")) else (f"{text[:64]!r} is not provider/model", None)


_VALUES: Final[Mapping[str, Callable[[str], tuple[str, str | None] | None]]] = {
    "tokens": _token,
    "certificates": _certificate,
    "providers": _provider,
    "models": _model,
}


def _identities(table: PrincipalTable) -> Iterator[tuple[PathTo, str]]:
    for name in ("tokens", "access", "certificates"):
        for index, value in enumerate(getattr(table, name)):
            yield (name, index), _fingerprint(value) if name == "certificates" else value


def _as_the_worker(document: Mapping[str, object]) -> None:
    """Read it back, and take from the policy what each principal may use: what fails there must fail here."""
    try:
        read = edge_from_text(edge_text(document).encode())
        limits = {name: limits_from_plain(plain, f"/principals/{name}/limits") for name, plain in read.limits.items()}
    except ConfigurationError as error:
        raise PolicyError(_path(error.field), error.problem, remedy=error.remedy) from None
    for principal in read.principals:
        try:
            restricted(read.policy, principal)
        except ConfigurationError as error:
            raise PolicyError(("principals", principal.name, error.field), error.problem) from None
        for index, limit in enumerate(limits[principal.name]):
            name = limit.route_class
            if name is not None and not (name in read.policy.classes and principal.may_use(name)):
                at = ("principals", principal.name, "limits", index, "route_class")
                raise PolicyError(at, f"{name!r} is no class of theirs")


def _path(pointer: str) -> PathTo:
    parts = [part.replace("~1", "/").replace("~0", "~") for part in pointer.lstrip("/").split("/")]
    return tuple(int(part) if part.isdigit() else part for part in parts)


def _located(error: PolicyError, source: str) -> ConfigurationError:
    """The error with its table and the path in it, as a file's reader sees them."""
    cut = 2 if error.path[:1] == ("principals",) and len(error.path) > 2 else 1
    table, rest = error.path[:cut], error.path[cut:]
    field = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in rest).lstrip(".")
    names = ".".join(str(part) for part in table)
    return ConfigurationError(field or names, error.problem, remedy=error.remedy, source=f"{source} [{names}]")
