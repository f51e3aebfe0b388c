"""Custom domains of a gateway (contract 3.6), which the SDK has no resource for.

One that is made here stays pending, for nobody validates a DNS record: the emulator serves the hosts of its own
configuration, and those are shown as active.
"""

from __future__ import annotations

import re

from .._json import JsonObject, JsonValue
from .._messages import Reply
from ._call import Call
from ._envelope import absent, granted, invalid
from ._moments import milliseconds
from ._query import Page

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOSTNAME = re.compile(rf"(?:{_LABEL}\.)+{_LABEL}")
_LONGEST_HOSTNAME = 253
_KIND = "custom-domains"


def list_domains(call: Call) -> Reply:
    page = Page.read(call.query)
    found = _domains(call, call.gateway().id)
    return granted(list[JsonValue](page.cut(found)), page.info(found))


def create_domain(call: Call) -> Reply:
    """It binds a host to this gateway. Moments are integers here: Unix milliseconds."""
    gateway = call.gateway()
    fields = call.fields()
    fields.require("domain", "zone_id")
    fields.text("zone_id", least=1, most=64)
    hostname = (fields.text("domain", most=_LONGEST_HOSTNAME) or "").lower()
    if hostname and _HOSTNAME.fullmatch(hostname) is None:
        fields.fail("domain", "must be a host name")
    fields.done()
    if not hostname:
        raise invalid("domain: required", "body", "domain")
    taken = call.stores.documents.get(call.collection(_KIND), hostname) is not None
    if taken or hostname in call.stores.config.custom_domains:
        raise invalid(f"{hostname} is bound to a gateway already", "body", "domain")
    domain = _domain(call, hostname, gateway.id, "pending_dcv")
    call.stores.documents.put(call.collection(_KIND), hostname, domain)
    return granted(domain)


def get_domain(call: Call) -> Reply:
    return granted(_found(call))


def delete_domain(call: Call) -> Reply:
    domain = _found(call)
    if domain["hostname"] in call.stores.config.custom_domains:
        raise invalid("this domain belongs to the emulator's configuration", "params", "hostname")
    call.stores.documents.drop(call.collection(_KIND), str(domain["hostname"]))
    return granted(domain)


def drop_domains(call: Call, gateway: str) -> None:
    """All that a gateway was given."""
    for domain in call.stores.documents.of(call.collection(_KIND)):
        if domain["gateway_id"] == gateway:
            call.stores.documents.drop(call.collection(_KIND), str(domain["hostname"]))


def _found(call: Call) -> JsonObject:
    wanted = call.args[1].lower()
    for domain in _domains(call, call.gateway().id):
        if domain["hostname"] == wanted:
            return domain
    raise absent("Custom domain")


def _domains(call: Call, gateway: str) -> list[JsonObject]:
    config = call.stores.config
    configured = [
        {**_domain(call, host, gateway, "active"), "created_at": 0, "modified_at": 0}
        for host, name in config.custom_domains.items()
        if name == gateway and call.account == config.account
    ]
    made = call.stores.documents.of(call.collection(_KIND))
    return configured + [domain for domain in made if domain["gateway_id"] == gateway]


def _domain(call: Call, hostname: str, gateway: str, status: str) -> JsonObject:
    return {
        "hostname": hostname,
        "gateway_id": gateway,
        "status": status,
        # `.invalid` never resolves: a record made from this leads nowhere.
        "cname_target": f"{gateway}.{call.account}.invalid",
        "created_at": milliseconds(call.now),
        "modified_at": milliseconds(call.now),
    }
