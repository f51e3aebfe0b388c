"""The policy's tables in ``aig.toml`` as pydantic models: the shape only. What a policy may say, the core judges.

A field that is None was not written; what is written lies over the class that this one starts from.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationError
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import ErrorDetails

from ..core.facts._catalog import StructuredOutput
from ..core.facts._classes import AskedModel, CacheStrategy, Strategy, ToolRule
from ..core.path._policy_check import PathTo, PolicyError, nearest
from ._settings import EDGE_TABLES

_STRICT: Final = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)


class _Table(BaseModel):
    model_config = _STRICT


def _is_text(value: object) -> str:
    return "<text>" if isinstance(value, str) else "<table>"


_TEXT: Final = Tag("<text>")
_TABLE: Final = Tag("<table>")
_EITHER: Final = Discriminator(_is_text)


class TargetTable(_Table):
    """A model that a class prefers."""

    provider: str = Field(description="the provider's slug in AI Gateway")
    model: str = Field(description="the model as the provider spells it")
    weight: int = Field(default=1, description="its share where the strategy is 'weighted'")


class RequirementsTable(_Table):
    """What every model of a class must be able to do."""

    tools: bool | None = None
    vision: bool | None = None
    audio: bool | None = None
    streaming: bool | None = None
    web_search: bool | None = None
    structured_output: StructuredOutput | None = Field(default=None, description="at least so reliable")
    context: int | None = Field(default=None, description="tokens of context window, at least")
    reasoning: Literal["allowed", "required", "forbidden"] | None = None
    reasoning_traces: Literal["allowed", "forbidden"] | None = None


class CacheTable(_Table):
    """What may be cached, and where."""

    strategy: CacheStrategy
    ttl: int | None = Field(default=None, description="seconds that a response may live, 60 to 2592000")
    scope: Literal["tenant", "shared"] | None = Field(default=None, description="who may see a cached response again")
    prefix_ttl: Literal[300, 3600] | None = Field(default=None, description="seconds that a marked prefix may live")


class LimitsTable(_Table):
    """Bounds of a request."""

    max_output_tokens: int | None = None
    min_temperature: float | None = None
    max_temperature: float | None = None
    request_timeout: float | None = Field(default=None, description="seconds until the gateway gives up waiting")
    deadline: float | None = Field(default=None, description="seconds for the whole call")


class RetriesTable(_Table):
    """What the gateway tries again."""

    max_attempts: int = Field(description="1 to 5")
    delay: int | None = Field(default=None, description="milliseconds, 0 to 60000")
    backoff: Literal["constant", "linear", "exponential"] | None = None


class WeightsTable(_Table):
    """How much each term of the score counts, 0 to 10."""

    cost: int | None = None
    speed: int | None = None
    quality: int | None = None
    context: int | None = None


class ClassTable(_Table):
    """One route class: what it says itself."""

    extends: str | None = Field(default=None, description="the class that this one starts from")
    description: str | None = None
    targets: list[Annotated[Annotated[str, _TEXT] | Annotated[TargetTable, _TABLE], _EITHER]] | None = Field(
        default=None, description="models in order of preference, as 'provider/model' or as a table"
    )
    strategy: Strategy | None = None
    weights: WeightsTable | None = None
    requirements: RequirementsTable | None = None
    cache: Annotated[Annotated[CacheStrategy, _TEXT] | Annotated[CacheTable, _TABLE], _EITHER] | None = Field(
        default=None, description="a strategy, or a table with one"
    )
    tools: ToolRule | None = None
    limits: LimitsTable | None = None
    retries: RetriesTable | None = None
    fallbacks: int | None = Field(default=None, description="further models that may be tried, 0 to 4")
    log_payload: bool | None = None
    metadata: dict[str, str | int | float | bool] | None = Field(default=None, description="at most 4 entries")
    asked_model: AskedModel | None = None
    require_price: bool | None = None
    external_billing: bool | None = None
    side_effects: bool | None = None


class OverrideTable(_Table):
    """The model that a class takes at one provider."""

    model: str
    forced: bool = Field(default=False, description="not held against the catalog")


OverrideValue: TypeAlias = Annotated[Annotated[str, _TEXT] | Annotated[OverrideTable, _TABLE], _EITHER]


class PolicyTable(_Table):
    """What holds for all classes."""

    providers: list[str] = Field(
        default=[], description="the slugs that may be used, in order; empty: only the one that a request addresses"
    )
    default_class: str | None = Field(default=None, description="holds for requests that name none")
    infer: bool = Field(default=False, description="infer a class for requests that name none")
    epoch: str = Field(default="", description="a name for this policy")


class PolicyTables(_Table):
    """Every table of the policy."""

    policy: PolicyTable = PolicyTable()
    classes: dict[str, ClassTable] = Field(default={}, description="route classes by name")
    overrides: dict[str, dict[str, OverrideValue]] = Field(
        default={}, description="by class and provider: the model to take there"
    )
    models: dict[str, dict[str, object]] = Field(
        default={}, description="by provider/model: what differs from the catalog, or a row of its own"
    )


class GatewayTable(_Table):
    """The client's settings; read by `load_settings`."""

    account_id: str | None = None
    gateway_id: str | None = None
    base_url: str | None = None
    edge: str | None = None
    namespace: str | None = None
    policy_epoch: str | None = None


class AccessTable(_Table):
    """The Cloudflare Access application in front of the Worker."""

    team: str = Field(description="its host: NAME.cloudflareaccess.com")
    audience: str = Field(description="the application's AUD tag")


class EdgeTable(_Table):
    """What holds for the whole Worker."""

    namespace: str = Field(default="", description="separates the cached answers of Workers on one gateway")
    epoch: str = Field(default="", description="change it, and everything cached before is out of reach")
    dispatch: Literal["fetch", "binding"] = Field(
        default="fetch", description="how the gateway is reached: by fetch and its token, or through the AI binding"
    )
    access: AccessTable | None = None


class PrincipalLimitTable(_Table):
    """How much a principal may use in a window of time."""

    what: Literal["requests", "tokens", "nanodollars"]
    limit: int = Field(description="in one window; 0 is none at all")
    window: int = Field(description="seconds, at most a year")
    route_class: str | None = Field(default=None, description="of this class alone; else of all together")


class PrincipalTable(_Table):
    """Somebody who may call, and what they may do."""

    tenant: str = Field(description="whose cached answers they share")
    tokens: list[str] = Field(default=[], description="stored service tokens, as `aig policy token` makes them")
    access: list[str] = Field(default=[], description="Cloudflare Access: e-mail addresses, or client ids")
    certificates: list[str] = Field(default=[], description="SHA-256 fingerprints of client certificates")
    classes: list[str] = Field(description="route classes that they may use; '*' alone is all")
    providers: list[str] = Field(default=[], description="slugs that they may reach; empty: all of the policy")
    models: list[str] = Field(default=[], description="provider/model that they may reach; empty: all")
    own_keys: bool = Field(default=False, description="their own provider keys go on")
    limits: list[PrincipalLimitTable] = []


class EdgeTables(_Table):
    """Every table of the edge."""

    edge: EdgeTable = EdgeTable()
    principals: dict[str, PrincipalTable] = Field(default={}, description="who may call the Worker, by name")


class ConfigurationFile(PolicyTables, EdgeTables):
    """Settings, policy and edge of aig-client, as they stand in aig.toml."""

    gateway: GatewayTable = GatewayTable()


TABLES: Final = frozenset(PolicyTables.model_fields)


def read_tables(tables: Mapping[str, object]) -> PolicyTables:
    """Check the shape of the policy's tables; others are passed over.

    Raises:
        ConfigurationError: the first thing wrong, by its path.
    """
    try:
        return PolicyTables.model_validate({name: value for name, value in tables.items() if name in TABLES})
    except ValidationError as error:
        raise _as_ours(error.errors(include_url=False, include_context=True, include_input=False)) from None


def read_edge_tables(tables: Mapping[str, object]) -> EdgeTables:
    """Check the shape of the edge's tables; others are passed over.

    Raises:
        ConfigurationError: the first thing wrong, by its path.
    """
    try:
        return EdgeTables.model_validate({name: value for name, value in tables.items() if name in EDGE_TABLES})
    except ValidationError as error:
        raise _as_ours(error.errors(include_url=False, include_context=True, include_input=False)) from None


def json_schema() -> dict[str, object]:
    """The JSON Schema (2020-12) of ``aig.toml``, for editors that check and complete it.

    It describes the shape; what contradicts itself is only found by loading the file.
    """
    schema = ConfigurationFile.model_json_schema()
    return {"$schema": GenerateJsonSchema.schema_dialect, **_plainer(schema)}


def _plainer(schema: dict[str, object]) -> dict[str, object]:
    """Without null, which TOML does not have, and without titles, which repeat the names."""
    return {name: _without_null(value) for name, value in schema.items() if name != "title"}


def _without_null(value: object) -> object:
    if isinstance(value, list):
        return [_without_null(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
    if not isinstance(value, dict):
        return value
    found: dict[str, object] = {}
    for name, item in value.items():  # pyright: ignore[reportUnknownVariableType]
        if isinstance(item, str) and name == "title":
            continue
        if name == "default" and (item is None or isinstance(item, (dict, list))):
            continue  # an empty table says nothing
        if name == "anyOf" and isinstance(item, list) and {"type": "null"} in item:
            kept = [_without_null(one) for one in item if one != {"type": "null"}]  # pyright: ignore[reportUnknownVariableType]
            found |= kept[0] if len(kept) == 1 and isinstance(kept[0], dict) else {"anyOf": kept}
            continue
        found[str(name)] = _without_null(item)  # pyright: ignore[reportUnknownArgumentType]
    return found


# --- pydantic's errors, in our words -----------------------------------------------------------------

_KINDS: Final[Mapping[str, str]] = {
    "string_type": "must be a string",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "model_attributes_type": "must be a table",
    "missing": "is missing",
}
_KNOWN: Final[Mapping[str, type[BaseModel]]] = {
    "policy": PolicyTable,
    "requirements": RequirementsTable,
    "cache": CacheTable,
    "limits": LimitsTable,
    "retries": RetriesTable,
    "weights": WeightsTable,
    "targets": TargetTable,
    "overrides": OverrideTable,
    "edge": EdgeTable,
    "principals": PrincipalTable,
}
_WITHIN: Final[Mapping[tuple[str, str], type[BaseModel]]] = {
    ("edge", "access"): AccessTable,
    ("principals", "limits"): PrincipalLimitTable,
}
"""What is called alike elsewhere."""
_TAG: Final = re.compile(r"<.*>")
_SCALAR: Final = frozenset({"str", "int", "float", "bool"})


def _as_ours(errors: list[ErrorDetails]) -> PolicyError:
    first = errors[0]
    path: PathTo = tuple(part for part in first["loc"] if not (isinstance(part, str) and _TAG.fullmatch(part)))
    kind = first["type"]
    if path[:1] == ("classes",) and "metadata" in path and path[-1] in _SCALAR:
        return PolicyError(path[:-1], "must be a string, a number, true or false")
    if kind == "extra_forbidden":
        fields = _fields_around(path[:-1])
        return PolicyError(path, "is no field that we know", remedy=nearest(str(path[-1]), fields))
    if first["loc"][-1:] == ("<table>",):
        return PolicyError(path, "must be a string or a table")
    problem = _KINDS.get(kind) or "must be " + first["msg"].removeprefix("Input should be ")
    return PolicyError(path, problem)


def _fields_around(path: PathTo) -> list[str]:
    for (table, part), model in _WITHIN.items():
        if path[:1] == (table,) and part in path:
            return sorted(model.model_fields)
    names = [str(part) for part in path[:1] + path[2:]]  # without the class's own name
    return sorted(next((_KNOWN[name] for name in reversed(names) if name in _KNOWN), ClassTable).model_fields)
