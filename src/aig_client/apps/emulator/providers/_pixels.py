"""A picture: eight by eight, one colour, a valid PNG."""

from __future__ import annotations

import hashlib
import struct
import zlib

_SIDE = 8
_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def png(seed: bytes) -> bytes:
    """A tiny PNG whose colour is a function of the seed. Sizes that are asked for are reported, not drawn."""
    colour = hashlib.sha256(seed).digest()[:3]
    rows = (b"\x00" + colour * _SIDE) * _SIDE
    # Width, height, 8 bits a channel, true colour.
    header = struct.pack(">IIBBBBB", _SIDE, _SIDE, 8, 2, 0, 0, 0)
    # Stored, not compressed: the bytes must not depend on the zlib that is installed.
    parts = (_chunk(b"IHDR", header), _chunk(b"IDAT", zlib.compress(rows, 0)), _chunk(b"IEND", b""))
    return _SIGNATURE + b"".join(parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
