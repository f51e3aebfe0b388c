"""Stored provider keys of a gateway, and custom providers of an account (contract 3.4, 6.1). Kept without a secret."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from .._json import JsonObject, JsonValue, read_object, write
from .._messages import Reply
from .._routes import is_slug
from ._call import Call
from ._envelope import absent, granted, invalid
from ._fields import Fields
from ._moments import iso
from ._query import Page

_MASK = "********"
_LONGEST_NAME = 256
_LONGEST_HEADERS = 8192
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_TEXTS = ("description", "link", "curl_example", "js_example")
_FLAGS = ("enable", "beta")


def list_provider_configs(call: Call) -> Reply:
    gateway = call.gateway()
    page = Page.read(call.query)
    found = call.stores.documents.of(call.collection("provider-configs", gateway.id))
    return granted(list[JsonValue](page.cut(found)), page.info(found))


def create_provider_config(call: Call) -> Reply:
    """The key itself is not kept: no answer shows it, and the stored keys that work come from the configuration."""
    gateway = call.gateway()
    fields = call.fields()
    fields.require("alias", "default_config", "provider_slug")
    slug = fields.text("provider_slug", least=1, most=_LONGEST_NAME) or ""
    if slug and not is_slug(slug):
        fields.fail("provider_slug", "is not a provider")
    fields.text("secret", least=1)
    config: JsonObject = {
        "id": call.new_id(),
        "gateway_id": gateway.id,
        "provider_slug": slug,
        "alias": fields.text("alias", least=1, most=_LONGEST_NAME),
        "default_config": fields.flag("default_config"),
        "secret_id": fields.text("secret_id", most=_LONGEST_NAME) or call.new_id(),
        "secret_preview": _MASK,
        "rate_limit": fields.number("rate_limit", 0, 1e9),
        "rate_limit_period": fields.number("rate_limit_period", 0, 1e9),
        "modified_at": iso(call.now),
    }
    fields.done()
    collection = call.collection("provider-configs", gateway.id)
    for other in call.stores.documents.of(collection):
        if (other["provider_slug"], other["alias"]) == (config["provider_slug"], config["alias"]):
            raise invalid("a key of this provider with this alias already exists", "body", "alias")
    call.stores.documents.put(collection, str(config["id"]), config)
    return granted(config)


def drop_provider_configs(call: Call, gateway: str) -> None:
    """All that a gateway has."""
    collection = call.collection("provider-configs", gateway)
    for config in call.stores.documents.of(collection):
        call.stores.documents.drop(collection, str(config["id"]))


def list_custom_providers(call: Call) -> Reply:
    """By name (documented default order)."""
    page = Page.read(call.query)
    wanted = (call.query.text("search") or "").lower()
    flags = {name: call.query.flag(name) for name in _FLAGS}
    found = [
        provider
        for provider in call.stores.documents.of(call.collection("custom-providers"))
        if any(wanted in str(provider[name]).lower() for name in ("id", "name", "slug"))
        and all(flag is None or provider[name] == flag for name, flag in flags.items())
    ]
    found.sort(key=lambda provider: str(provider["name"]))
    info: JsonObject = {**page.info(found), "total_pages": -(-len(found) // page.size)}
    return granted(list[JsonValue](page.cut(found)), info)


def create_custom_provider(call: Call) -> Reply:
    fields = call.fields()
    fields.require("name", "slug", "base_url")
    changes = _custom_provider(fields)
    fields.done()
    _refuse_taken(call, changes["slug"])
    provider: JsonObject = {
        "id": call.new_id(),
        "account_id": call.account,
        "account_tag": call.account,
        **dict.fromkeys(_TEXTS),
        **dict.fromkeys(_FLAGS, False),
        **changes,
        "created_at": iso(call.now),
        "modified_at": iso(call.now),
    }
    call.stores.documents.put(call.collection("custom-providers"), str(provider["id"]), provider)
    return granted(provider)


def get_custom_provider(call: Call) -> Reply:
    return granted(_found(call))


def update_custom_provider(call: Call) -> Reply:
    """What is not sent stays."""
    provider = _found(call)
    fields = call.fields()
    changes = _custom_provider(fields)
    fields.done()
    if changes.get("slug", provider["slug"]) != provider["slug"]:
        _refuse_taken(call, changes["slug"])
    changed: JsonObject = {**provider, **changes, "modified_at": iso(call.now)}
    call.stores.documents.put(call.collection("custom-providers"), str(provider["id"]), changed)
    return granted(changed)


def delete_custom_provider(call: Call) -> Reply:
    provider = _found(call)
    call.stores.documents.drop(call.collection("custom-providers"), str(provider["id"]))
    return granted(provider)


def _found(call: Call) -> JsonObject:
    provider = call.stores.documents.get(call.collection("custom-providers"), call.args[0])
    if provider is None:
        raise absent("Custom provider")
    return provider


def _refuse_taken(call: Call, slug: JsonValue) -> None:
    if any(other["slug"] == slug for other in call.stores.documents.of(call.collection("custom-providers"))):
        raise invalid(f"a custom provider with the slug {slug} already exists", "body", "slug")


def _custom_provider(fields: Fields) -> JsonObject:
    """What was sent and is not null."""
    slug = fields.text("slug")
    if slug is not None and _SLUG.fullmatch(slug) is None:
        fields.fail("slug", "must be 1 to 64 lower-case letters, digits and hyphens")
    base_url = fields.text("base_url", most=2048)
    if base_url is not None and not _is_https(base_url):
        fields.fail("base_url", "must be an https URL with a host, and without user or password")
    sent: JsonObject = {
        "name": fields.text("name", least=1, most=_LONGEST_NAME),
        "slug": slug,
        "base_url": base_url,
        "headers": _masked_headers(fields),
        "position": fields.whole("position"),
    }
    sent |= {name: fields.text(name) for name in _TEXTS}
    sent |= {name: fields.flag(name) for name in _FLAGS}
    return {name: value for name, value in sent.items() if value is not None}


def _is_https(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme == "https" and bool(parts.hostname) and not (parts.username or parts.password)
    except ValueError:
        return False


def _masked_headers(fields: Fields) -> str | None:
    """JSON in a text. Its values can be credentials, and nothing here sends them: only the names are kept."""
    text = fields.text("headers", most=_LONGEST_HEADERS)
    if text is None:
        return None
    found = read_object(text.encode("utf-8", "replace"))
    if found is None or not all(isinstance(value, str) for value in found.values()):
        fields.fail("headers", "must be a JSON object of strings, as text")
        return None
    return write(dict.fromkeys(found, _MASK)).decode("ascii")
