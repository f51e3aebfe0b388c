"""Gateways: create, read, replace, delete; and the URL of each (contract 6.1, 6.2)."""

from __future__ import annotations

import re
from dataclasses import replace

from .._credentials import authenticates
from .._json import JsonObject
from .._messages import Reply
from .._registry import MOST_GATEWAYS, GatewayRecord
from .._routes import provider_of
from ._call import Call
from ._codec import settings_of, write_gateway
from ._domains import drop_domains
from ._dynamic_routes import drop_routes
from ._envelope import absent, granted, invalid
from ._providers import drop_provider_configs
from ._query import Page

# Undocumented: which characters. These, for they stand in a URL as they are.
_ID = re.compile(r"[A-Za-z0-9._~-]{1,64}")
_DOTS = (".", "..")
_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}(?::[0-9]{1,5})?|\[[0-9a-fA-F:.]{2,45}\](?::[0-9]{1,5})?")

_CLOUDFLARE = "https://gateway.ai.cloudflare.com"
_CLOUDFLARE_API = "api.cloudflare.com"
UNIVERSAL = "universal"


def list_gateways(call: Call) -> Reply:
    page = Page.read(call.query)
    wanted = (call.query.text("search") or "").lower()
    found = [record for record in call.stores.gateways.of(call.account) if wanted in record.id.lower()]
    return granted([_row(call, record) for record in page.cut(found)], page.info(found))


def create_gateway(call: Call) -> Reply:
    fields = call.fields()
    fields.require("id")
    name = fields.text("id", least=1, most=64) or ""
    if name and (_ID.fullmatch(name) is None or name in _DOTS):
        fields.fail("id", "must be letters, digits, '-', '_', '.' or '~'")
    settings = settings_of(fields)
    made = call.stores.gateways.of(call.account)
    if any(record.id == name for record in made):
        raise invalid(f"gateway {name} already exists", "body", "id")
    if len(made) >= MOST_GATEWAYS:
        raise invalid(f"the account has {MOST_GATEWAYS} gateways, which is the most")
    generation = call.stores.generations.next(call.now)
    record = GatewayRecord(call.account, name, settings, call.now, call.now, generation)
    call.stores.gateways.put(record)
    return granted(_row(call, record))


def get_gateway(call: Call) -> Reply:
    return granted(_row(call, _made(call)))


def update_gateway(call: Call) -> Reply:
    """A full PUT: what is not sent goes back to its default, and what is required must be sent again."""
    record = _made(call)
    settings = settings_of(call.fields())
    generation = record.generation
    if settings.cache_invalidate_on_update:
        generation = max(generation + 1, call.stores.generations.next(call.now))
    changed = replace(record, settings=settings, modified_at=call.now, generation=generation)
    call.stores.gateways.put(changed)
    return granted(_row(call, changed))


def delete_gateway(call: Call) -> Reply:
    """Its logs and whatever stood beside it go with it (choice), so that its successor begins empty."""
    record = _made(call)
    row = _row(call, record)
    stores = call.stores
    stores.gateways.drop(call.account, record.id)
    for entry in stores.log.snapshot():
        if (entry.account, entry.gateway) == (call.account, record.id):
            stores.log.drop(entry.log_id)
    for drop in (drop_routes, drop_provider_configs, drop_domains):
        drop(call, record.id)
    return granted(row)


def get_url(call: Call) -> Reply:
    """The base URL of a provider at this gateway; `universal` gives the gateway's own, with a slash (contract 3.7).

    On the host that was asked, so that who follows the URL stays in the emulator; asked as Cloudflare's API
    (in-process), it is the real one.
    """
    record = call.gateway()
    slug = call.args[1]
    if slug not in (UNIVERSAL, "compat") and provider_of(slug) is None:
        raise invalid(f"unknown provider {slug[:64]}", "params", "provider")
    base = f"{_origin(call)}/v1/{call.account}/{record.id}/"
    return granted(base if slug == UNIVERSAL else base + slug)


def _origin(call: Call) -> str:
    host = call.request.headers.get("host", _CLOUDFLARE_API)
    if host == _CLOUDFLARE_API or _HOST.fullmatch(host) is None:
        return _CLOUDFLARE
    scheme = "https" if call.request.headers.get("x-forwarded-proto") == "https" else "http"
    return f"{scheme}://{host}"


def _made(call: Call) -> GatewayRecord:
    """Only gateways that were made are managed; those that the emulator serves to anybody are not there."""
    for record in call.stores.gateways.of(call.account):
        if record.id == call.args[0]:
            return record
    raise absent("Gateway")


def _row(call: Call, record: GatewayRecord) -> JsonObject:
    return write_gateway(record, authentication=authenticates(record, call.stores.config))
