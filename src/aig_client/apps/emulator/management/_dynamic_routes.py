"""Dynamic routes: kept, versioned and deployed in the API's shapes; the emulator does not walk them (contract 5, 6.1).

A route is one document; so is each of its versions and each of its deployments. What serves is the version of the
newest deployment. Making a route makes and deploys its first version.
"""

from __future__ import annotations

from .._json import JsonObject, JsonValue, array_of, text_of, write
from .._messages import Reply
from ._call import Call
from ._envelope import absent, granted, granted_beside, invalid
from ._fields import Fields
from ._moments import iso
from ._query import Page

_LONGEST_NAME = 64
_MOST_ELEMENTS = 200
_TYPES = ("start", "conditional", "percentage", "rate", "model", "end")
_WITH_PROPERTIES = ("conditional", "rate", "model")


def list_routes(call: Call) -> Reply:
    gateway = call.gateway().id
    page = Page.read(call.query)
    routes = call.stores.documents.of(_routes(call, gateway))
    rows: list[JsonValue] = [_row(call, gateway, route) for route in page.cut(routes)]
    return granted_beside({"data": {**_order(page), "routes": rows}})


def create_route(call: Call) -> Reply:
    gateway = call.gateway().id
    fields = call.fields()
    fields.require("name", "elements")
    name = fields.text("name", least=1, most=_LONGEST_NAME) or ""
    elements = _elements(fields)
    fields.done()
    _refuse_taken(call, gateway, name)
    route: JsonObject = {
        "id": call.new_id(),
        "account_tag": call.account,
        "gateway_id": gateway,
        "name": name,
        "created_at": iso(call.now),
        "modified_at": iso(call.now),
    }
    try:
        version = _add_version(call, gateway, _id(route), elements)
        deployed = _add_deployment(call, gateway, route, version)
    except OverflowError:
        # All of it or nothing: parts of a route that is not there could not be deleted.
        _drop_route(call, gateway, _id(route))
        raise
    return granted(_row(call, gateway, deployed))


def get_route(call: Call) -> Reply:
    gateway, route = _route(call)
    return granted(_row(call, gateway, route))


def rename_route(call: Call) -> Reply:
    gateway, route = _route(call)
    fields = call.fields()
    fields.require("name")
    name = fields.text("name", least=1, most=_LONGEST_NAME) or ""
    fields.done()
    if name != route["name"]:
        _refuse_taken(call, gateway, name)
    _put(call, gateway, {**route, "name": name, "modified_at": iso(call.now)})
    return granted_beside({"route": _row(call, *_route(call))})


def delete_route(call: Call) -> Reply:
    gateway, route = _route(call)
    row = _plain_row(call, gateway, route)
    _drop_route(call, gateway, _id(route))
    return granted(row)


def list_versions(call: Call) -> Reply:
    gateway, route = _route(call)
    page = Page.read(call.query)
    versions = call.stores.documents.of(_versions(call, gateway, _id(route)))
    rows: list[JsonValue] = [_version_row(route, version) for version in page.cut(versions)]
    return granted_beside({"data": {**_order(page), "versions": rows}})


def create_version(call: Call) -> Reply:
    """It serves only once it is deployed (contract 5)."""
    gateway, route = _route(call)
    fields = call.fields()
    fields.require("elements")
    elements = _elements(fields)
    fields.done()
    version = _add_version(call, gateway, _id(route), elements)
    # The SDK's model has the route alone; the new version's id is needed to deploy it.
    row = _plain_row(call, gateway, route)
    return granted({**row, "elements": version["elements"], "version_id": version["version_id"]})


def get_version(call: Call) -> Reply:
    gateway, route = _route(call)
    version = call.stores.documents.get(_versions(call, gateway, _id(route)), call.args[2])
    if version is None:
        raise absent("Version")
    row = _plain_row(call, gateway, route)
    return granted({**row, **_version_row(route, version), "elements": version["elements"]})


def list_deployments(call: Call) -> Reply:
    gateway, route = _route(call)
    page = Page.read(call.query)
    deployments = call.stores.documents.of(_deployments(call, gateway, _id(route)))
    rows: list[JsonValue] = list(page.cut(deployments))
    return granted_beside({"data": {**_order(page), "deployments": rows}})


def create_deployment(call: Call) -> Reply:
    gateway, route = _route(call)
    fields = call.fields()
    fields.require("version_id")
    wanted = fields.text("version_id") or ""
    fields.done()
    version = call.stores.documents.get(_versions(call, gateway, _id(route)), wanted)
    if version is None:
        raise absent("Version")
    deployed = _add_deployment(call, gateway, {**route, "modified_at": iso(call.now)}, version)
    return granted({**_plain_row(call, gateway, deployed), "deployment": deployed["deployment"]})


def drop_routes(call: Call, gateway: str) -> None:
    """All that a gateway has."""
    for route in call.stores.documents.of(_routes(call, gateway)):
        _drop_route(call, gateway, _id(route))


def _route(call: Call) -> tuple[str, JsonObject]:
    gateway = call.gateway().id
    route = call.stores.documents.get(_routes(call, gateway), call.args[1])
    if route is None:
        raise absent("Dynamic route")
    return gateway, route


def _refuse_taken(call: Call, gateway: str, name: str) -> None:
    if any(route["name"] == name for route in call.stores.documents.of(_routes(call, gateway))):
        raise invalid(f"a dynamic route named {name} already exists", "body", "name")


def _add_version(call: Call, gateway: str, route: str, elements: list[JsonObject]) -> JsonObject:
    plain: list[JsonValue] = list(elements)
    version: JsonObject = {
        "version_id": call.new_id(),
        "created_at": iso(call.now),
        "elements": plain,
        "is_valid": _is_whole(elements),
    }
    call.stores.documents.put(_versions(call, gateway, route), str(version["version_id"]), version)
    return version


def _add_deployment(call: Call, gateway: str, route: JsonObject, version: JsonObject) -> JsonObject:
    deployment: JsonObject = {
        "deployment_id": call.new_id(),
        "version_id": version["version_id"],
        "created_at": iso(call.now),
    }
    collection = _deployments(call, gateway, _id(route))
    call.stores.documents.put(collection, str(deployment["deployment_id"]), deployment)
    deployed: JsonObject = {**route, "deployment": deployment}
    _put(call, gateway, deployed)
    return deployed


def _put(call: Call, gateway: str, route: JsonObject) -> None:
    call.stores.documents.put(_routes(call, gateway), _id(route), route)


def _drop_route(call: Call, gateway: str, route: str) -> None:
    documents = call.stores.documents
    for collection, name in (
        (_versions(call, gateway, route), "version_id"),
        (_deployments(call, gateway, route), "deployment_id"),
    ):
        for document in documents.of(collection):
            documents.drop(collection, str(document[name]))
    documents.drop(_routes(call, gateway), route)


def _elements(fields: Fields) -> list[JsonObject]:
    """The graph: its form is checked here, its meaning in `_is_whole`. What a type has of its own is kept as sent."""
    sent = array_of(fields.raw("elements"))
    items = fields.each("elements")
    if len(items) > _MOST_ELEMENTS:
        fields.fail("elements", f"holds {len(items)}; at most {_MOST_ELEMENTS}")
        return []
    seen: set[str] = set()
    for item in items:
        item.require("id", "type", "outputs")
        name, kind = item.text("id", least=1), item.choice("type", _TYPES)
        if name in seen:
            item.fail("id", "is there twice")
        seen.add(name or "")
        _check_outputs(item.inside("outputs"))
        if kind in _WITH_PROPERTIES:
            item.require("properties")
            item.inside("properties")
    return [element for element in sent if isinstance(element, dict)]


def _check_outputs(outputs: Fields | None) -> None:
    if outputs is None:
        return
    for name in outputs.names():
        outputs.require(name)
        target = outputs.inside(name)
        if target is not None:
            target.require("elementId")
            target.text("elementId", least=1)


def _is_whole(elements: list[JsonObject]) -> bool:
    """It begins once, it ends, and every output leads somewhere."""
    kinds = [element.get("type") for element in elements]
    names = {text_of(element.get("id")) for element in elements}
    targets = [
        target.get("elementId")
        for element in elements
        if isinstance(outputs := element.get("outputs"), dict)
        for target in outputs.values()
        if isinstance(target, dict)
    ]
    return kinds.count("start") == 1 and "end" in kinds and all(text_of(target) in names for target in targets)


def _row(call: Call, gateway: str, route: JsonObject) -> JsonObject:
    version = _active(call, gateway, route)
    row = _plain_row(call, gateway, route)
    return {**row, "deployment": _deployment(route), "version": _version_row(route, version)}


def _plain_row(call: Call, gateway: str, route: JsonObject) -> JsonObject:
    elements = _active(call, gateway, route).get("elements", [])
    names = ("id", "account_tag", "gateway_id", "name", "created_at", "modified_at")
    return {**{name: route.get(name) for name in names}, "elements": elements}


def _version_row(route: JsonObject, version: JsonObject) -> JsonObject:
    """`active` is a text and `data` is JSON in a text, as the SDK's models have them."""
    active = version.get("version_id") == _deployment(route).get("version_id")
    return {
        "version_id": version.get("version_id"),
        "active": "true" if active else "false",
        "created_at": version.get("created_at"),
        "data": write({"elements": version.get("elements")}).decode("ascii"),
        "is_valid": version.get("is_valid"),
    }


def _active(call: Call, gateway: str, route: JsonObject) -> JsonObject:
    name = str(_deployment(route).get("version_id"))
    return call.stores.documents.get(_versions(call, gateway, _id(route)), name) or {}


def _deployment(route: JsonObject) -> JsonObject:
    found = route.get("deployment")
    return found if isinstance(found, dict) else {}


def _order(page: Page) -> JsonObject:
    return {"order_by": "created_at", "order_by_direction": "asc", "page": page.number, "per_page": page.size}


def _id(route: JsonObject) -> str:
    return str(route["id"])


def _routes(call: Call, gateway: str) -> str:
    return call.collection("routes", gateway)


def _versions(call: Call, gateway: str, route: str) -> str:
    return call.collection("route-versions", gateway, route)


def _deployments(call: Call, gateway: str, route: str) -> str:
    return call.collection("route-deployments", gateway, route)
