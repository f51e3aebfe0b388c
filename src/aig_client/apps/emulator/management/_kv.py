"""Workers KV, as far as publishing a policy needs it: namespaces, keys and values, without expiration or metadata.

Cloudflare's API reference and SDK say what it takes and gives; its limits are those of
https://developers.cloudflare.com/kv/platform/limits/.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from hashlib import sha256

from .._forms import read_form
from .._json import JsonObject, JsonValue
from .._messages import Reply
from ._call import Call
from ._envelope import ApiError, Problem, granted, invalid
from ._query import Page

_NO_KEY = 10009
_NO_NAMESPACE = 10013
_SAME_TITLE = 10014
_ID = re.compile(r"[0-9a-f]{32}")
_KEY_MAX = 512
_VALUE_MAX = 25 * 1024 * 1024
_ALL_MAX = 64 * 1024 * 1024
"""Of one namespace here; Cloudflare's has no limit. Past it the emulator is full."""
_KEYS = 1000


def list_namespaces(call: Call) -> Reply:
    found = call.stores.documents.of(call.collection("kv"))
    page = Page.read(call.query)
    return granted(list[JsonValue](page.cut(found)), page.info(found))


def create_namespace(call: Call) -> Reply:
    fields = call.fields()
    fields.require("title")
    title = fields.text("title", least=1, most=_KEY_MAX)
    fields.done()
    if any(one["title"] == title for one in call.stores.documents.of(call.collection("kv"))):
        raise ApiError(400, _SAME_TITLE, Problem("a namespace with this account ID and title already exists"))
    made = sha256(call.new_id().encode()).hexdigest()[:32]
    namespace: JsonObject = {"id": made, "title": title, "supports_url_encoding": True}
    call.stores.documents.put(call.collection("kv"), made, namespace)
    return granted(namespace)


def get_namespace(call: Call) -> Reply:
    return granted(_namespace(call))


def delete_namespace(call: Call) -> Reply:
    """With all that is in it."""
    namespace = str(_namespace(call)["id"])
    for value in call.stores.documents.of(_values(call)):
        call.stores.documents.drop(_values(call), str(value["key"]))
    call.stores.documents.drop(call.collection("kv"), namespace)
    return granted({})


def list_keys(call: Call) -> Reply:
    """In order of their names; ``cursor`` is where the next page begins, and empty on the last."""
    _namespace(call)
    prefix, after = call.query.text("prefix") or "", call.query.text("cursor") or ""
    most = call.query.whole("limit", 10, _KEYS) or _KEYS
    names = sorted(str(value["key"]) for value in call.stores.documents.of(_values(call)))
    names = [name for name in names if name.startswith(prefix) and name > after]
    keys: list[JsonValue] = [{"name": name} for name in names[:most]]
    return granted(keys, {"count": len(keys), "cursor": names[most - 1] if len(names) > most else ""})


def get_value(call: Call) -> Reply:
    """The bytes themselves."""
    _namespace(call)
    found = call.stores.documents.get(_values(call), _key(call))
    if found is None:
        raise ApiError(404, _NO_KEY, Problem("get: 'key not found'"))
    return Reply(200, (("content-type", "application/octet-stream"),), b64decode(str(found["value"])))


def put_value(call: Call) -> Reply:
    """As the body, or as part ``value`` of a form."""
    _namespace(call)
    key = _key(call)
    for name in ("expiration", "expiration_ttl"):
        if call.query.text(name) is not None:
            raise invalid(f"{name}: the emulator lets no key expire", "query", name)
    value = _sent(call)
    if len(value) > _VALUE_MAX:
        raise ApiError(413, 10147, Problem(f"value length of {len(value)} exceeds limit of {_VALUE_MAX}"))
    kept = sum(len(str(one["value"])) * 3 // 4 for one in call.stores.documents.of(_values(call)) if one["key"] != key)
    if kept + len(value) > _ALL_MAX:
        raise OverflowError("the emulator keeps 64 MiB of a namespace")
    call.stores.documents.put(_values(call), key, {"key": key, "value": b64encode(value).decode("ascii")})
    return granted({})


def delete_value(call: Call) -> Reply:
    """Also of a key that is not there."""
    _namespace(call)
    call.stores.documents.drop(_values(call), _key(call))
    return granted({})


def _namespace(call: Call) -> JsonObject:
    """The one in the path; also one that nobody made, where the emulator serves any gateway."""
    found = call.stores.documents.get(call.collection("kv"), call.args[0])
    if found is not None:
        return found
    if call.stores.config.gateways is None and _ID.fullmatch(call.args[0]):
        return {"id": call.args[0], "title": call.args[0], "supports_url_encoding": True}
    raise ApiError(404, _NO_NAMESPACE, Problem("namespace not found"))


def _values(call: Call) -> str:
    return call.collection("kv-values", call.args[0])


def _key(call: Call) -> str:
    key = call.args[1]
    if key in (".", "..") or len(key.encode("utf-8", "replace")) > _KEY_MAX or not key.isprintable():
        raise invalid("a key is 1 to 512 printable bytes, and neither '.' nor '..'", "params", "key_name")
    return key


def _sent(call: Call) -> bytes:
    kind = call.request.headers.get("content-type") or ""
    if not kind.lower().startswith("multipart/"):
        return call.request.body
    form = read_form(kind, call.request.body)
    if form is None or "value" not in form.parts:
        raise invalid("value: required", "body", "value")
    if "metadata" in form.parts:
        raise invalid("metadata: the emulator keeps none", "body", "metadata")
    return form.parts["value"]
