"""An upstream that costs next to nothing: a raw asyncio server with canned answers and realistic AI Gateway headers.

It looks for three words in a request and parses nothing else. It ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ACCOUNT = "0123456789abcdef0123456789abcdef"
CHUNKS = 1_000
FIRST_BYTE = "first-byte"
"""The model whose stream pauses after its first chunk, so that the first byte is not hidden in the rest."""
_PAUSE = 0.004

_HEADERS = (
    "Date: Mon, 01 Jan 2024 00:00:00 GMT",
    "Connection: keep-alive",
    "CF-RAY: 8a1b2c3d4e5f6a7b-FRA",
    "CF-Cache-Status: DYNAMIC",
    "Server: cloudflare",
    "Strict-Transport-Security: max-age=31536000; includeSubDomains; preload",
    "X-Content-Type-Options: nosniff",
    "openai-organization: org-0123456789abcdef",
    "openai-processing-ms: 412",
    "openai-version: 2020-10-01",
    "x-ratelimit-limit-requests: 10000",
    "x-ratelimit-remaining-requests: 9999",
    "x-request-id: req_0123456789abcdef0123456789abcdef",
    "cf-aig-cache-status: MISS",
    "cf-aig-log-id: 01JADMCQQQBWH3NXZ5GCRN98DP",
    "cf-aig-event-id: 01JADMCQQQBWH3NXZ5GCRN98DQ",
    "cf-aig-step: 0",
    "cf-aig-model: gpt-4.1-mini",
    "cf-aig-provider: openai",
)

_TEXT = (
    "Keep what is stable at the start of a prompt and what changes at its end, and the provider's own prompt cache "
    "will serve the start again. Ask the gateway to cache whole answers only where the same question comes twice."
)


def _completion() -> bytes:
    answer = {
        "id": "chatcmpl-B0123456789abcdefghijklmnop",
        "object": "chat.completion",
        "created": 1704067200,
        "model": "gpt-4.1-mini-2025-04-14",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": _TEXT, "refusal": None, "annotations": []},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {
            "prompt_tokens": 934,
            "completion_tokens": 44,
            "total_tokens": 978,
            "prompt_tokens_details": {"cached_tokens": 512, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
        },
        "service_tier": "default",
        "system_fingerprint": "fp_0123456789",
    }
    return json.dumps(answer).encode()


def _event(number: int) -> bytes:
    last = number == CHUNKS - 2
    chunk = {
        "id": "chatcmpl-B0123456789abcdefghijklmnop",
        "object": "chat.completion.chunk",
        "created": 1704067200,
        "model": "gpt-4.1-mini-2025-04-14",
        "service_tier": "default",
        "system_fingerprint": "fp_0123456789",
        "choices": [
            {
                "index": 0,
                "delta": {"content": f" word{number}"},
                "logprobs": None,
                "finish_reason": "stop" if last else None,
            }
        ],
        "usage": {"prompt_tokens": 934, "completion_tokens": 999, "total_tokens": 1933} if last else None,
        "obfuscation": "aBcDeF012",
    }
    return b"data: " + json.dumps(chunk, separators=(",", ":")).encode() + b"\n\n"


def _head(*more: str) -> bytes:
    return "\r\n".join(["HTTP/1.1 200 OK", *_HEADERS, *more, "", ""]).encode()


def _framed(events: list[bytes]) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(event), event) for event in events)


_ANSWER = _completion()
WHOLE = _head("Content-Type: application/json", f"Content-Length: {len(_ANSWER)}") + _ANSWER
_STREAM_HEAD = _head("Content-Type: text/event-stream; charset=utf-8", "Transfer-Encoding: chunked")
_EVENTS = [*(_event(number) for number in range(CHUNKS - 1)), b"data: [DONE]\n\n"]
_FIRST = _STREAM_HEAD + _framed(_EVENTS[:1])
_REST = _framed(_EVENTS[1:]) + b"0\r\n\r\n"
_SHORT_REST = _framed(_EVENTS[-3:]) + b"0\r\n\r\n"
_WANTS_FIRST = FIRST_BYTE.encode()


class _Connection(asyncio.Protocol):
    def __init__(self) -> None:
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer + data if self._buffer else data
        while True:
            end = buffer.find(b"\r\n\r\n")
            if end < 0:
                break
            head = buffer[:end].lower()
            at = head.find(b"content-length:")
            size = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(buffer) < end + 4 + size:
                break
            self._answer(buffer[end + 4 : end + 4 + size])
            buffer = buffer[end + 4 + size :]
        self._buffer = buffer

    def _answer(self, body: bytes) -> None:
        if b'"stream":true' not in body and b'"stream": true' not in body:
            self._transport.write(WHOLE)
        elif _WANTS_FIRST in body:
            self._transport.write(_FIRST)
            asyncio.get_running_loop().call_later(_PAUSE, self._transport.write, _SHORT_REST)
        else:
            self._transport.write(_FIRST + _REST)


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(_Connection, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    over = asyncio.Event()
    loop.add_reader(sys.stdin, over.set)
    await over.wait()


@contextmanager
def upstream() -> Iterator[str]:
    """An upstream in a process of its own: the base URL of a gateway, ``http://127.0.0.1:{port}/v1/{account}/bench``."""
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__))], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/v1/{ACCOUNT}/bench"
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait(10)


if __name__ == "__main__":
    from _rows import pin

    pin(1)
    asyncio.run(_serve())
