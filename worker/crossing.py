"""What crosses between Python and JavaScript on every request: as one text each way, not item by item.

The SDK's own ways are item by item; measured in workerd, they take two to five times as long.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

import js
from pyodide.ffi import JsException, create_proxy, to_js
from workers import Response

Pairs = Iterable[tuple[str, str]]


def pairs_of(headers: Any) -> list[tuple[str, str]]:
    """Name and value of JavaScript's ``Headers``; a repeated header is one, but for set-cookie."""
    return [(name, value) for name, value in json.loads(js.JSON.stringify(js.Array.from_(headers)))]


async def ask(url: str, *, method: str, headers: Pairs, body: bytes | None, signal: Any) -> Any:
    """JavaScript's ``fetch``, following no redirect, and its ``Response``.

    Raises:
        OSError: nobody answered, or not in time.
    """
    options = js.JSON.parse(json.dumps({"method": method, "headers": list(headers), "redirect": "manual"}))
    if body is not None:
        options.body = to_js(body)
    if signal is not None:
        options.signal = signal
    try:
        return await js.fetch(url, options)
    except JsException as error:
        raise ConnectionError(str(getattr(error, "name", "Error"))) from None


def answer(body: Any, *, status: int, headers: Pairs) -> Response:
    """A response with a body that is JavaScript's already."""
    return Response(js.Response.new(body, js.JSON.parse(json.dumps({"status": status, "headers": list(headers)}))))


async def collected(stream: Any, most: int) -> bytes:
    """The bytes of a stream of unknown length, or of none.

    Raises:
        OverflowError: they are more than ``most``; what is left is not read.
        OSError: the stream broke off.
    """
    if not stream:
        return b""
    chunks: list[bytes] = []
    size = 0
    reader = stream.getReader()
    while not (read := await reader.read()).done:
        chunks.append(read.value.to_bytes())
        size += len(chunks[-1])
        if size > most:
            await reader.cancel()
            raise OverflowError
    return b"".join(chunks)


async def drain(stream: Any, take: Callable[[bytes], None]) -> None:
    """Give every chunk of a ``ReadableStream`` to ``take``; Python's event loop turns once for all of them.

    Raises:
        OSError: the stream broke off.
    """
    write = create_proxy(lambda chunk, _controller: take(chunk.to_bytes()))
    sink = js.Object.new()
    sink.write = write
    try:
        await stream.pipeTo(js.WritableStream.new(sink))
    except JsException as error:
        raise ConnectionError(str(getattr(error, "name", "Error"))) from None
    finally:
        write.destroy()
