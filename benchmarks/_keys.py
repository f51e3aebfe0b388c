"""Keys: what a cache key costs, from a dict and from bytes, against what people do instead."""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import sha256
from itertools import count
from random import Random
from statistics import median

import _bodies
from _bodies import Body
from _rounds import Call, race
from _rows import Flags, Row, main_of_section, pin, ratio_row
from _upstream import ACCOUNT

URL = f"https://gateway.ai.cloudflare.com/v1/{ACCOUNT}/bench/openai/chat/completions"
WIRE = "sha256 of the wire bytes"
ORJSON = "sorted orjson + sha256"
JSON = "json.dumps(sort_keys=True) + sha256"
RFC8785 = "rfc8785 + sha256"
FROM_BYTES_ORJSON = "orjson.loads, sorted orjson + sha256"
FROM_BYTES_JSON = "json.loads, json.dumps(sort_keys=True) + sha256"
COLD, WARM = "ours, dict, cold", "ours, dict, warm"
COLD_BYTES, WARM_BYTES = "ours, bytes, cold", "ours, bytes, warm"

try:
    import orjson  # held on to here, before it is hidden from aig_client
except ImportError:  # pragma: no cover
    orjson = None  # type: ignore[assignment]


def _others(body: Body, raw: bytes) -> dict[str, Call]:
    import rfc8785

    contestants: dict[str, Call] = {
        WIRE: lambda: sha256(raw).hexdigest(),
        JSON: lambda: sha256(json.dumps(body, sort_keys=True).encode()).hexdigest(),
        FROM_BYTES_JSON: lambda: sha256(json.dumps(json.loads(raw), sort_keys=True).encode()).hexdigest(),
        RFC8785: lambda: sha256(rfc8785.dumps(body)).hexdigest(),
    }
    if orjson is not None:
        dumps, loads, ordered = orjson.dumps, orjson.loads, orjson.OPT_SORT_KEYS
        contestants[ORJSON] = lambda: sha256(dumps(body, option=ordered)).hexdigest()
        contestants[FROM_BYTES_ORJSON] = lambda: sha256(dumps(loads(raw), option=ordered)).hexdigest()
    return contestants


def _ours(request: object, *, cold: bool) -> Call:
    """The public function with this process's own encoder and memory; a cold call begins by forgetting everything."""
    from aig_client import cache_key
    from aig_client.http._codec import LEAVES

    def after_forgetting() -> object:
        LEAVES.forget()
        return cache_key(URL, request, tenant="acme")

    return after_forgetting if cold else lambda: cache_key(URL, request, tenant="acme")


def _cell(shape: str, size: str, flags: Flags) -> list[Row]:
    body = _bodies.SHAPES[shape](_bodies.SIZES[size])
    raw = _bodies.wire(body)
    contestants = _others(body, raw) | {
        COLD: _ours(body, cold=True),
        WARM: _ours(body, cold=False),
        COLD_BYTES: _ours(raw, cold=True),
        WARM_BYTES: _ours(raw, cold=False),
    }
    result = race(
        contestants,
        rounds=5 if flags.quick else 21,
        turn_seconds=0.0005 if flags.quick else 0.002,
        warm=1,
        prepare=(WARM, WARM_BYTES),
    )
    group, sized = f"Keys: {shape}, {flags.encoder}", f"Keys: {shape}, {size}, {flags.encoder}"
    rows = [ratio_row(group, result, name, WIRE, cpu=True, column=size) for name in contestants]
    large = size != "1 KB"
    rival, most = (ORJSON, 2.0) if flags.orjson else (JSON, 1.3)
    rows.append(ratio_row(sized, result, COLD, rival, most=most if large else None, cpu=True))
    faster = median(result.ratios(RFC8785, COLD, cpu=True))
    target, kept = (">= 5x faster", faster >= 5) if large else ("", None)
    rows.append(Row(sized, COLD, f"{faster:.1f}x faster", RFC8785, target=target, kept=kept))
    return rows


PREFIX = "1 MB stable prefix + 1 KB of new text, warm"
PREFIX_COLD = "1 MB stable prefix + 1 KB of new text, cold"
PREFIX_COPY = "the same, the prefix a new str object each time (its hash is not cached)"
MANY = "250 messages of 4 KB, one of them new, warm"
MANY_COLD = "250 messages of 4 KB, one of them new, cold"
MANY_COPY = "the same, every message a new str object each time"


def _stable(flags: Flags) -> list[Row]:
    from aig_client import cache_key
    from aig_client.http._codec import LEAVES

    numbers = count(1_000_000)
    prefix, question = _bodies.prose(Random(5), 1_000_000), _bodies.prose(Random(6), 1_000)
    message = _bodies.prose(Random(7), 3_990)
    old = [f"{number} {message}" for number in range(249)]
    long_bytes = _bodies.wire(_chat([prefix, question]))
    many_bytes = _bodies.wire(_chat([*old, message]))

    def timed(texts: Callable[[], list[str]]) -> Call:
        return lambda: cache_key(URL, _chat(texts()), tenant="acme")

    def forgetting(call: Call) -> Call:
        def forget_and_call() -> object:
            LEAVES.forget()
            return call()

        return forget_and_call

    one = timed(lambda: [prefix, f"{next(numbers)} {question}"])
    many = timed(lambda: [*old, f"{next(numbers)} {message}"])
    long_wire, many_wire = "sha256 of the prefixed body", "sha256 of the 250 messages"
    contestants: dict[str, Call] = {
        long_wire: lambda: sha256(long_bytes).hexdigest(),
        PREFIX: one,
        PREFIX_COLD: forgetting(one),
        PREFIX_COPY: timed(lambda: [_copy(prefix), f"{next(numbers)} {question}"]),
        many_wire: lambda: sha256(many_bytes).hexdigest(),
        MANY: many,
        MANY_COLD: forgetting(many),
        MANY_COPY: timed(lambda: [*map(_copy, old), f"{next(numbers)} {message}"]),
    }
    prepare = (PREFIX, PREFIX_COPY, MANY, MANY_COPY)
    turn = 0.001 if flags.quick else 0.003
    result = race(contestants, rounds=9 if flags.quick else 31, turn_seconds=turn, warm=2, prepare=prepare)
    group = f"Keys: what changed, not what is sent, {flags.encoder}"
    return [
        ratio_row(group, result, PREFIX, long_wire, most=0.05, cpu=True),
        ratio_row(group, result, PREFIX_COLD, long_wire, cpu=True),
        ratio_row(group, result, PREFIX_COPY, long_wire, cpu=True),
        ratio_row(group, result, MANY, many_wire, most=0.25, cpu=True),
        ratio_row(group, result, MANY_COLD, many_wire, cpu=True),
        ratio_row(group, result, MANY_COPY, many_wire, cpu=True),
    ]


def _chat(texts: list[str]) -> Body:
    return {"model": "gpt-4.1-mini", "messages": [{"role": "user", "content": text} for text in texts]}


def _copy(text: str) -> str:
    return text[:1] + text[1:]


def _fingerprint() -> str:
    """One digest over the keys of all bodies, dicts and bytes: the two encoders must agree on it."""
    from aig_client import cache_key

    keys = sha256()
    for shape in _bodies.SHAPES.values():
        for size in _bodies.SIZES.values():
            body = shape(size)
            for request in (body, _bodies.wire(body)):
                keys.update(cache_key(URL, request, tenant="acme").value.encode())
    return keys.hexdigest()[:16]


def measure(flags: Flags) -> list[Row]:
    """All cells; with ``--quick`` the 1 MB bodies of one shape only."""
    pin(0)
    rows = [Row("fingerprint", "keys", _fingerprint())]
    rows += _stable(flags)
    for shape in _bodies.SHAPES:
        for size in _bodies.SIZES:
            if not flags.quick or size == "10 KB" or shape == "mixed":
                rows += _cell(shape, size, flags)
    return rows


if __name__ == "__main__":
    main_of_section(measure)
