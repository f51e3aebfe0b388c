"""Non-realtime WebSocket messages: Universal entries in, typed messages out (contract 3.9)."""

from __future__ import annotations

import json

from starlette.types import Receive, Send

from ._credentials import may_run
from ._errors import NO_SUCH_GATEWAY, UNAUTHORIZED, Fault, bad_universal, e1_body
from ._json import JsonObject, JsonValue, object_of, read_object, text_of, write
from ._messages import GatewayRequest, Headers
from ._routes import parse_route
from ._shell import Shell

_TOKEN_PROTOCOL = "cf-aig-authorization."  # noqa: S105 (the name of a subprotocol, contract 3.3)
_POLICY_VIOLATION = 1008
# Fields of a message's metadata, and the response headers that they are over HTTP (contract 3.9).
_METADATA = (
    ("cacheStatus", "cf-aig-cache-status"),
    ("eventId", "cf-aig-event-id"),
    ("logId", "cf-aig-log-id"),
    ("step", "cf-aig-step"),
    ("contentType", "content-type"),
)


async def serve_websocket(shell: Shell, handshake: GatewayRequest, receive: Receive, send: Send) -> None:
    """One connection: its requests are answered one after the other."""
    await receive()
    handshake, protocol = _with_protocol_token(handshake)
    refusal = _refused(shell, handshake)
    if refusal is not None:
        # Before it is accepted, a closed WebSocket is an HTTP 403: nothing better is known.
        await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": refusal.message})
        return
    await send({"type": "websocket.accept", "subprotocol": protocol})
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            return
        raw: bytes = message.get("bytes") or (message.get("text") or "").encode("utf-8", "replace")
        sink = _MessageSink(send)
        request = _request_of(raw, handshake)
        if isinstance(request, Fault):
            await sink.whole(request.status, (("content-type", "application/json"),), e1_body(request))
        else:
            await shell.serve(request, sink)


def _with_protocol_token(handshake: GatewayRequest) -> tuple[GatewayRequest, str | None]:
    """Where headers cannot be set, the token is a subprotocol (contract 3.3)."""
    offered = [name.strip() for name in handshake.headers.get("sec-websocket-protocol", "").split(",")]
    for name in offered:
        if name.startswith(_TOKEN_PROTOCOL):
            token = name.removeprefix(_TOKEN_PROTOCOL)
            headers = {**handshake.headers, "cf-aig-authorization": f"Bearer {token}"}
            return _replaced(handshake, headers, b""), name
    return handshake, None


def _refused(shell: Shell, handshake: GatewayRequest) -> Fault | None:
    route = parse_route(handshake.path)
    # Realtime connections (a provider in the path) go to real providers only.
    record = shell.gateway.gateways.find(route.account, route.gateway) if route and route.kind == "universal" else None
    if record is None:
        return NO_SUCH_GATEWAY
    return None if may_run(handshake, record, shell.gateway.config) else UNAUTHORIZED


def _request_of(raw: bytes, handshake: GatewayRequest) -> GatewayRequest | Fault:
    """The HTTP request that a message stands for: a Universal body with one entry."""
    message = read_object(raw)
    entry = object_of(message.get("request")) if message else {}
    if message is None or message.get("type") != "universal.create" or not entry:
        return bad_universal("messages of type universal.create with a request")
    kept = {name: value for name, value in handshake.headers.items() if not name.startswith("sec-websocket-")}
    headers = {name: value for name, value in kept.items() if name not in ("connection", "upgrade")}
    event_id = text_of(entry.get("eventId"))
    if event_id:
        headers["cf-aig-event-id"] = event_id
    try:
        body = write([entry])
    except (RecursionError, ValueError):
        return bad_universal("a query that JSON can carry")
    return _replaced(handshake, headers, body)


def _replaced(handshake: GatewayRequest, headers: dict[str, str], body: bytes) -> GatewayRequest:
    return GatewayRequest("POST", handshake.path, "", headers, body)


class _MessageSink:
    """Answers become messages; response headers become `metadata`."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._metadata: JsonObject = {}
        self._streams = True
        self._rest = b""

    async def whole(self, status: int, headers: Headers, body: bytes) -> None:
        self._metadata = _metadata(status, headers)
        if _is_stream(headers):
            await self.head(status, headers)
            await self.part(body)
            await self.end()
        else:
            await self._say("universal.created", self._metadata, _response(body))

    async def head(self, status: int, headers: Headers) -> None:
        self._metadata = _metadata(status, headers)
        self._streams = _is_stream(headers)
        if self._streams:
            await self._say("universal.created", self._metadata)

    async def part(self, chunk: bytes) -> None:
        if not self._streams:
            self._rest += chunk
            return
        *events, self._rest = (self._rest + chunk).split(b"\n\n")
        event_id = self._metadata.get("eventId")
        for event in events:
            data = b"\n".join(line[5:].strip() for line in event.split(b"\n") if line.startswith(b"data:"))
            if data and data != b"[DONE]":
                await self._say("universal.stream", {"eventId": event_id}, _response(data))

    async def end(self) -> None:
        if self._streams:
            await self._say("universal.done", self._metadata)
        else:
            await self._say("universal.created", self._metadata, _response(self._rest))

    async def abort(self) -> None:
        await self._send({"type": "websocket.close", "code": 1011, "reason": "the provider's answer was cut"})

    async def _say(self, kind: str, metadata: JsonObject, response: JsonValue = None) -> None:
        message: dict[str, object] = {"type": kind, "metadata": metadata}
        if response is not None:
            message["response"] = response
        await self._send({"type": "websocket.send", "text": write(message).decode("ascii")})


def _metadata(status: int, headers: Headers) -> JsonObject:
    found = dict(headers)
    known: JsonObject = {name: found[header] for name, header in _METADATA if header in found}
    # Undocumented: how a message tells a failure. Only then is the status added, so that it is seen.
    return known if status < 400 else {**known, "status": status}


def _is_stream(headers: Headers) -> bool:
    return dict(headers).get("content-type", "").startswith("text/event-stream")


def _response(body: bytes) -> JsonValue:
    try:
        value: JsonValue = json.loads(body)
    except (ValueError, RecursionError):
        return body.decode("utf-8", "replace")
    return value
