"""JSON in and out of the wire: orjson where it is installed, the standard library where not. Keys depend on neither."""

from __future__ import annotations

import json
import json.scanner
from collections.abc import Callable
from importlib.util import find_spec
from typing import Final

from ..core import KeyMaker, Leaves, decode_strictly

_DUMPS: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


def _stdlib_dumps(value: object) -> bytes:
    return _DUMPS(value).encode()


_SCAN: Final[Callable[[str, int], tuple[object, int]]] = json.scanner.make_scanner(
    json.JSONDecoder()  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  (so json itself calls it)
)


def _stdlib_loads(text: bytes | str) -> object:
    # json.loads guesses the encoding of bytes and looks for white space around; ours is UTF-8, and rarely has any.
    whole = text.decode() if isinstance(text, bytes) else text
    try:
        value, end = _SCAN(whole, 0)
    except StopIteration:
        return json.loads(whole)
    return value if end == len(whole) else json.loads(whole)


loads: Callable[[bytes | str], object] = _stdlib_loads
dumps: Callable[[object], bytes] = _stdlib_dumps
"""A body's bytes, members in the caller's order (a cached prompt prefix needs the same bytes again)."""

LEAVES: Final = Leaves()
"""One memory of leaf digests per process: prompts are shared between clients, digests say nothing of them."""

maker = KeyMaker(leaves=LEAVES)
"""Makes this process's keys; with the fast encoder where there is one."""

if find_spec("orjson") is not None:
    import orjson

    _STRICT = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME
    _SORTED = orjson.OPT_SORT_KEYS

    def _encode(value: object, sort: bool) -> bytes:
        return orjson.dumps(value, option=_SORTED if sort else None)

    def _orjson_dumps(value: object) -> bytes:
        try:
            raw = orjson.dumps(value, option=_STRICT)
        except TypeError:  # an integer beyond 64 bits, a member name that is no string: json has the last word
            return _stdlib_dumps(value)
        # orjson writes NaN and infinities as null, without a word: a null that is none is json's to refuse.
        return raw if b"null" not in raw or orjson.loads(raw) == value else _stdlib_dumps(value)

    def _decode(raw: bytes) -> object:
        # orjson takes duplicate members and rounds long integers without a word. Writing the tree again and finding the
        # same bytes proves that neither was there; whatever is written differently goes the strict way.
        try:
            tree: object = orjson.loads(raw)
        except orjson.JSONDecodeError:
            return decode_strictly(raw)
        return tree if orjson.dumps(tree) == raw else decode_strictly(raw)

    loads = orjson.loads
    dumps = _orjson_dumps
    maker = KeyMaker(encode=_encode, decode=_decode, leaves=LEAVES)
